import { existsSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { cliHere, runCli, startCli } from '../fixtures/cli.js';
import { makeResumable, outputs, piecesIn } from '../fixtures/resumable.js';

/** A stage that waits until a file `go` appears; one that fails so often with an error that passes. */
const stages = `
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { defineTransform, z } from 'nag-pipeline';

const stage = (name, work) => defineTransform({
  name,
  summary: 'Stands in the way',
  options: z.strictObject({ file: z.string() }),
  example: '- {use: ' + name + '}',
  async *run(input, { file }, { signal }) {
    for await (const batch of input) { await work(file, signal); yield batch; }
  },
});
export const wait = stage('wait', async (file, signal) => {
  process.stderr.write('in mid-stream\\n');
  while (!existsSync(file)) { await new Promise((resolve) => setTimeout(resolve, 20)); signal.throwIfAborted(); }
});
export const flaky = stage('flaky', async (file) => {
  const left = Number(readFileSync(file, 'utf8'));
  writeFileSync(file, String(left - 1));
  if (left > 0) throw Object.assign(new Error('the disk hiccups'), { code: 'EIO' });
});
`;

function project(t: Test, { top = '', stage = '', docs = '{"docid": "a", "doc": "text"}\n' } = {}): string {
  const dir = t.testdir({ 'stages.mjs': stages, 'docs.jsonl': docs, 'left.txt': '2' });
  const text = `version: 1
name: night
state_dir: state
plugins: [stages.mjs]
${top}
stages:
  - {use: read.jsonl, with: {path: docs.jsonl}}
${stage}
  - {id: all, use: filter, with: {where: {}}}
  - {use: write.parquet, with: {path: out/rows.parquet}}
  - {use: write.jsonl, from: all, with: {path: out/rows.jsonl}}
`;
  writeFileSync(
    join(dir, 'c.yaml'),
    text.replace(
      '\n  - {id: all, use: filter, with: {where: {}}}',
      '\n  - {id: all, use: sample, with: {fraction: 1}}',
    ),
  );
  return dir;
}

function record(dir: string): Record<string, unknown> {
  const runs = readdirSync(join(dir, 'state/runs')).sort();
  return JSON.parse(readFileSync(join(dir, 'state/runs', runs.at(-1)!), 'utf8')) as Record<string, unknown>;
}

t.test('a second run ends at once with exit code 3 and names the holder', async (t) => {
  const dir = project(t, { stage: `  - {use: wait, with: {file: ${JSON.stringify('GO')}}}` });
  writeFileSync(
    join(dir, 'c.yaml'),
    readFileSync(join(dir, 'c.yaml'), 'utf8').replace('"GO"', JSON.stringify(join(dir, 'go'))),
  );
  const config = join(dir, 'c.yaml');
  const first = startCli(['run', config]);
  await first.seen('in mid-stream');
  const second = await runCli(['run', config]);
  t.equal(second.code, 3);
  t.match(second.stderr, new RegExp(`^"night" is running, as process ${first.child.pid} on `));
  writeFileSync(config, readFileSync(config, 'utf8').replace('plugins:', 'if_running: skip\nplugins:'));
  const third = await runCli(['run', config]);
  t.same([third.code, third.stderr, third.stdout], [3, '', ''], 'and says nothing where that is asked for');
  writeFileSync(join(dir, 'go'), '');
  t.equal((await first.result).code, 0);
  t.equal((await runCli(['run', config])).code, 0, 'the lock is free again');
});

t.test('a killed run frees its lock, leaves the old outputs, and is told of', async (t) => {
  const dir = project(t, { stage: '  - {use: wait, with: {file: GO}}' });
  const config = join(dir, 'c.yaml');
  writeFileSync(
    config,
    readFileSync(config, 'utf8').replace('file: GO', `file: ${JSON.stringify(join(dir, 'go'))}`),
  );
  writeFileSync(join(dir, 'go'), '');
  t.equal((await runCli(['run', config])).code, 0);
  const old = readFileSync(join(dir, 'out/rows.jsonl'), 'utf8');
  rmSync(join(dir, 'go'));
  writeFileSync(join(dir, 'docs.jsonl'), '{"docid": "b", "doc": "other"}\n');
  const run = startCli(['run', config]);
  await run.seen('in mid-stream');
  run.child.kill('SIGKILL');
  await run.result;
  t.equal(readFileSync(join(dir, 'out/rows.jsonl'), 'utf8'), old);
  t.match((await runCli(['runs', 'show', config])).stdout, /^night: killed/);
  writeFileSync(join(dir, 'go'), '');
  t.equal((await runCli(['run', config])).code, 0);
  t.match(readFileSync(join(dir, 'out/rows.jsonl'), 'utf8'), /"docid":"b"/);
  t.strictSame(
    readdirSync(join(dir, 'out')).filter((name) => name.includes('.tmp-')),
    [],
    'nothing is left over',
  );
});

t.test('what passes is tried again, and told', async (t) => {
  const top = 'retries: {attempts: 3, wait: 0.01}';
  const dir = project(t, { top, stage: '  - {use: flaky, with: {file: LEFT}}' });
  const config = join(dir, 'c.yaml');
  writeFileSync(
    config,
    readFileSync(config, 'utf8').replace('file: LEFT', `file: ${JSON.stringify(join(dir, 'left.txt'))}`),
  );
  const { code, stderr } = await cliHere(['run', config]);
  t.equal(code, 0, stderr);
  t.equal(stderr.split('\n').filter((line) => line.startsWith('retry: ')).length, 2);
  t.match(record(dir), { status: 'complete', attempts: 3 });
});

t.test('the manifest is the last thing, and holds', async (t) => {
  const dir = project(t, { top: 'manifest: out/manifest.json' });
  const { code } = await cliHere(['run', join(dir, 'c.yaml')]);
  t.equal(code, 0);
  const { code: verified, stdout } = await cliHere(['verify', join(dir, 'out/manifest.json')]);
  t.equal(verified, 0);
  t.match(stdout, /2 files as published/);
  t.match(record(dir), { status: 'complete', exitCode: 0, manifest: join(dir, 'out/manifest.json') });
});

t.test('rejects: up to the limit a quarantine file, over it exit code 4 and the old outputs', async (t) => {
  const docs = '{"docid": "a", "doc": "text"}\nnonsense\n{"docid": "b", "doc": "text"}\n';
  const dir = project(t, { docs, top: 'on_error: {policy: quarantine, max_ratio: 0.5}' });
  const config = join(dir, 'c.yaml');
  t.equal((await cliHere(['run', config])).code, 0);
  const { quarantine } = record(dir);
  t.match(JSON.parse(readFileSync(String(quarantine), 'utf8')), { line: 2, stage: 'read.jsonl' });
  const old = readFileSync(join(dir, 'out/rows.jsonl'), 'utf8');
  writeFileSync(config, readFileSync(config, 'utf8').replace('0.5', '0.1'));
  const over = await cliHere(['run', config]);
  t.equal(over.code, 4);
  t.match(over.stderr, /1 of 3 rows \(33 %\), more than max_ratio: 0.1 allows; nothing was published/);
  t.equal(readFileSync(join(dir, 'out/rows.jsonl'), 'utf8'), old);
  t.match(record(dir), { status: 'failed', exitCode: 4 });
});

t.test('limits end a run, hooks are told, and nothing is published', async (t) => {
  const hook = 'echo "$NAG_STATUS $NAG_EXIT_CODE" > hooked.txt';
  const dir = project(t, { top: `limits: {memory: 1MB}\nhooks: {failure: ${JSON.stringify(hook)}}` });
  const { code, stderr } = await runCli(['run', join(dir, 'c.yaml')], { cwd: dir });
  t.equal(code, 1);
  t.match(stderr, /more than limits\.memory \(1\.0 MB\)/);
  t.equal(readFileSync(join(dir, 'hooked.txt'), 'utf8'), 'failed 1\n');
  t.notOk(existsSync(join(dir, 'out/rows.jsonl')));
});

t.test('rows that were rejected before what is kept are told again when it is reused', async (t) => {
  const top = 'on_error: {policy: quarantine}';
  const dir = await makeResumable(t, { form: 'jsonl', ranked: false, top });
  const file = join(dir, 'pool-1.jsonl');
  const lines = readFileSync(file, 'utf8').split('\n');
  lines[7] = JSON.stringify({ docid: 'empty', doc: '', token_num: 3 });
  writeFileSync(file, lines.join('\n'));
  const rejects = async () => {
    const { code, stderr, stdout } = await cliHere(['run', join(dir, 'pipeline.yaml')]);
    t.equal(code, 0, stderr);
    const text = readFileSync(String(record(dir)['quarantine']), 'utf8');
    return { text, stdout, written: await outputs(dir) };
  };
  const first = await rejects();
  const second = await rejects();
  t.match(JSON.parse(first.text), { stage: 'tokenize', file, row: 7, rows: 1 });
  t.equal(second.text, first.text);
  t.strictSame(second.written, first.written);
  t.match(second.stdout, /tokenize +1 +0 +0 +1 /, 'in = out + left out + rejected, of reused rows too');
  t.match(second.stdout, /509 reused/);
});

t.test('finished work of files that are gone is removed when its time is over, and told', async (t) => {
  const dir = await makeResumable(t, { form: 'jsonl', ranked: false, top: 'keep: {work: 30d}' });
  const run = async () => {
    const { code, stderr, stdout } = await cliHere(['run', join(dir, 'pipeline.yaml')]);
    t.equal(code, 0, stderr);
    return { stderr, reused: /([\d,]+) reused/.exec(stdout)?.[1] };
  };
  await run();
  const whole = await outputs(dir);
  const pool = readFileSync(join(dir, 'pool-2.jsonl'));
  rmSync(join(dir, 'pool-2.jsonl'));
  const then = Date.now() / 1000 - 40 * 86_400;
  for (const path of await piecesIn(dir)) utimesSync(path, then, then);
  const without = await run();
  t.equal(without.reused, '340');
  t.match(without.stderr, /state\/work: [\d.]+ MB are removed, which no run has used for so long/);
  writeFileSync(join(dir, 'pool-2.jsonl'), pool);
  const again = await run();
  t.equal(again.reused, '340', 'what was used has stayed, however old it is');
  t.notMatch(again.stderr, /removed/);
  t.strictSame(await outputs(dir), whole);
});
