import { execFile } from 'node:child_process';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mock } from 'node:test';
import { promisify } from 'node:util';
import t from 'tap';
import { type Observed, openMetrics } from '../../../pipeline/metrics/metrics.js';
import type { RunRecord } from '../../../pipeline/state/record.js';
import { parseMetrics } from '../../fixtures/prometheus.js';
import { recordOf } from '../../fixtures/records.js';

const running = recordOf({ status: 'running', exitCode: null, endedAt: null });
const none = { textfile: undefined, listen: undefined };
const free = { host: '127.0.0.1', port: 0 };

function observed(record: () => RunRecord, lastSuccess?: number) {
  const notes: string[] = [];
  const observed: Observed = {
    record,
    stats: () => new Map(),
    lastSuccess,
    note: (text) => notes.push(text),
  };
  return { observed, notes };
}

async function value(file: string, name: string): Promise<number | undefined> {
  return [
    ...(parseMetrics(await readFile(file, 'utf8'))
      .get(name)
      ?.samples.values() ?? []),
  ][0];
}

t.test('the file is there at once, fresh now and then, and at the end', async (t) => {
  const textfile = join(t.testdir(), 'nag.prom');
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  let record = running;
  const { observed: of, notes } = observed(() => record);
  const metrics = await openMetrics({ ...none, textfile }, of);
  t.equal(metrics.url, undefined);
  t.equal(await value(textfile, 'nag_run_duration_seconds'), 3900);
  t.equal((await stat(textfile)).mode & 0o777, 0o644);
  record = { ...running, seconds: 3915 };
  mock.timers.tick(15_000);
  while ((await value(textfile, 'nag_run_duration_seconds')) !== 3915) await new Promise(setImmediate);
  record = recordOf({ seconds: 4000 });
  await metrics.close();
  t.equal(await value(textfile, 'nag_run_duration_seconds'), 4000);
  t.equal(await value(textfile, 'nag_run_exit_code'), 0);
  t.equal(
    await value(textfile, 'nag_run_last_success_timestamp_seconds'),
    Date.UTC(2026, 10, 24, 3, 5) / 1000,
  );
  t.strictSame(await readdir(join(textfile, '..')), ['nag.prom'], 'nothing beside it');
  t.strictSame(notes, []);
});

t.test('a failed run keeps the time of the last success', async (t) => {
  const textfile = join(t.testdir(), 'nag.prom');
  const name = 'nag_run_last_success_timestamp_seconds';
  const once = async (record: RunRecord, lastSuccess?: number) => {
    const metrics = await openMetrics({ ...none, textfile }, observed(() => record, lastSuccess).observed);
    await metrics.close();
    return await value(textfile, name);
  };
  const failed = recordOf({ status: 'failed', exitCode: 1 });
  t.equal(await once(failed), undefined, 'there was none');
  const success = Date.UTC(2026, 10, 24, 3, 5) / 1000;
  t.equal(await once(recordOf()), success);
  t.equal(await once(failed), success, 'from the file');
  t.equal(await once(failed, success + 10), success + 10, 'the records may know a later one');
  t.equal(await once(failed, 5), success + 10, 'and need not');
  await rm(textfile);
  t.equal(await once(failed, success), success, 'from the records alone');
  t.equal(await once({ ...failed, name: 'another' }), undefined, 'of this pipeline');
});

t.test('a file that cannot be written is an error at first, and later one note', async (t) => {
  const folder = join(t.testdir({ sub: {} }), 'sub');
  const textfile = join(folder, 'nag.prom');
  mock.timers.enable({ apis: ['setInterval'] });
  t.teardown(() => mock.timers.reset());
  await t.rejects(
    openMetrics({ listen: free, textfile: join(folder, 'no/nag.prom') }, observed(() => running).observed),
    /no\/nag\.prom: metrics cannot be written: ENOENT/,
  );
  const { observed: of, notes } = observed(() => running);
  const metrics = await openMetrics({ ...none, textfile }, of);
  await rm(folder, { recursive: true });
  mock.timers.tick(15_000);
  mock.timers.tick(15_000);
  await metrics.close();
  t.equal(notes.length, 1);
  t.match(notes[0], /nag\.prom: metrics cannot be written/);
});

t.test('the server', async (t) => {
  let record = running;
  const metrics = await openMetrics({ ...none, listen: free }, observed(() => record).observed);
  const get = async (path: string, init?: RequestInit) => {
    const answer = await fetch(`${metrics.url}${path}`, init);
    return { code: answer.status, type: answer.headers.get('content-type'), text: await answer.text() };
  };
  const answer = await get('/metrics?x=1');
  t.match(answer, { code: 200, type: 'text/plain; version=0.0.4; charset=utf-8' });
  t.ok(parseMetrics(answer.text).has('nag_run_info'));
  const health = await get('/healthz');
  t.match(health, { code: 200, type: 'application/json' });
  t.match(JSON.parse(health.text), { status: 'running', name: 'nightly', run: running.id });
  record = recordOf({ status: 'failed', exitCode: 1 });
  t.equal((await get('/healthz')).code, 503);
  t.match(await get('/constructor'), { code: 404, text: 'there is only /metrics and /healthz\n' });
  t.equal((await get('/metrics', { method: 'POST' })).code, 405);
  const { port } = new URL(metrics.url!);
  const taken = { host: '127.0.0.1', port: Number(port) };
  await t.rejects(openMetrics({ ...none, listen: taken }, observed(() => running).observed), {
    exitCode: 1,
    message: `metrics.listen: cannot listen at 127.0.0.1:${port}: the address is in use, by another run or another program`,
  });
  await metrics.close();
  await t.rejects(fetch(metrics.url!), 'closed');
});

t.test('an answer that cannot be made is an answer, and not the end of the run', async (t) => {
  let broken = false;
  const record = () => {
    if (broken) throw new Error('no record');
    return running;
  };
  const metrics = await openMetrics({ ...none, listen: free }, observed(record).observed);
  broken = true;
  const answer = await fetch(`${metrics.url}/metrics`);
  t.strictSame([answer.status, await answer.text()], [500, 'no record\n']);
  await metrics.close();
});

t.test('neither keeps a process alive', async (t) => {
  const dir = t.testdir();
  const module = new URL('../../../pipeline/metrics/metrics.js', import.meta.url).href;
  await writeFile(
    join(dir, 'a.mjs'),
    `import { openMetrics } from ${JSON.stringify(module)};
const record = () => (${JSON.stringify(running)});
const settings = { textfile: 'nag.prom', listen: { host: '127.0.0.1', port: 0 } };
const { url } = await openMetrics(settings, { record, stats: () => new Map(), note: () => {} });
await (await fetch(url + '/healthz')).text();
console.log('end');
`,
  );
  const { stdout } = await promisify(execFile)(process.execPath, ['a.mjs'], { cwd: dir });
  t.equal(stdout, 'end\n');
});
