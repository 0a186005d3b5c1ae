import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type CliResult, cliHere, startCli } from '../../fixtures/cli.js';

const plugin = `
import { defineTransform, z } from 'nag-pipeline';
const stage = (name, run) => defineTransform({ name, summary: 'Of a test', options: z.strictObject({}), example: '', run });
export const wordy = stage('wordy', async function* (input, options, context) {
  for await (const batch of input) {
    context.note('two\\nlines');
    for (let i = 0; i < 200; i++) context.note('note ' + i + ' ' + 'x'.repeat(1000));
    yield batch;
  }
});
export const wait = stage('wait', async function* (input, options, context) {
  for await (const batch of input) {
    context.note('in mid-stream');
    await new Promise((resolve, reject) => {
      const timer = setInterval(() => {}, 1000);
      context.signal.addEventListener('abort', () => { clearInterval(timer); reject(context.signal.reason); });
    });
    yield batch;
  }
});
`;

const docs = ['en', 'de', 'en']
  .map((lang, i) => `{"docid": "${i}", "doc": "text", "lang": "${lang}"}\n`)
  .join('');

function project(t: Test, stage: string): string {
  const folder = t.testdir({
    'stages.js': plugin,
    'docs.jsonl': docs,
    'c.yaml': `version: 1
name: small
params: {n: {type: int, default: 3}}
plugins: [stages.js]
stages:
  - {use: read.jsonl, with: {path: docs.jsonl, where: {lang: en}}}
  - {use: ${stage}}
  - {use: write.jsonl, with: {path: out.jsonl}}
`,
  });
  return join(folder, 'c.yaml');
}

interface Line {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** Every line of stderr as the object that it must be. */
function linesOf({ stderr }: CliResult): Line[] {
  t.ok(stderr.endsWith('\n'));
  return stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

t.test('every line is JSON, nothing goes to stdout, and the figures add up', async (t) => {
  const file = project(t, 'wordy');
  const result = await cliHere(['run', file, '--log', 'json', '--set', 'n=4']);
  t.match(result, { code: 0, stdout: '' });
  const lines = linesOf(result);
  const [first] = lines;
  t.match(first, {
    event: 'run started',
    level: 'info',
    run: /^\d{8}T\d{6}Z-[0-9a-f]{4}$/,
    name: 'small',
    config: file,
    config_hash: /^[0-9a-f]{64}$/,
    params: { n: 4 },
  });
  t.ok(lines.every(({ run, name }) => run === first!['run'] && name === 'small'));
  t.ok(lines.every(({ time }) => new Date(String(time)).toISOString() === time));
  t.equal(lines.filter(({ event, level }) => event === 'note' && level === 'warn').length, 201);
  const done = lines.filter(({ event }) => event === 'stage done');
  t.strictSame(new Set(done.map(({ stage }) => stage)), new Set(['read.jsonl', 'wordy', 'write.jsonl']));
  for (const stage of done) {
    const left = Object.values(stage['left_out'] as Record<string, number>).reduce((a, b) => a + b, 0);
    t.equal(
      stage['rows_in'],
      Number(stage['rows_out']) + left + Number(stage['rejected']),
      String(stage['stage']),
    );
  }
  t.match(
    done.find(({ stage }) => stage === 'read.jsonl'),
    { rows_in: 3, rows_out: 2 },
  );
  const out = join(file, '../out.jsonl');
  t.match(lines.slice(-3), [
    { event: 'published', files: [out] },
    { event: 'summary', files: [out], stages: [{ stage: 'read.jsonl', rows_in: 3 }, { stage: 'wordy' }, {}] },
    { event: 'run ended', level: 'info', status: 'complete', exit_code: 0, error: null },
  ]);
  t.ok(Number(lines.at(-1)!['peak_memory_bytes']) > 10e6);
});

t.test('a failure: the end of the run, and the error', async (t) => {
  const file = project(t, 'wordy');
  const result = await cliHere(['run', file, '--log=json', '--set', 'n=x']);
  t.match(result, { code: 2, stdout: '' });
  t.match(linesOf(result), [{ event: 'error', level: 'error', exit_code: 2, message: /params/ }]);
  const gone = await cliHere(['run', file.replace('c.yaml', 'd.yaml'), '--log=json']);
  t.match(linesOf(gone), [{ event: 'error', exit_code: 2, message: /there is no such file/ }]);
  const bad = t.testdir({
    'docs.jsonl': '{"docid": 1\n',
    'c.yaml': 'version: 1\nstages: [{use: read.jsonl, with: {path: docs.jsonl}}, {use: show}]\n',
  });
  const failed = await cliHere(['run', join(bad, 'c.yaml'), '--log=json']);
  t.equal(failed.code, 1);
  const lines = linesOf(failed);
  t.match(lines.slice(-2), [
    { event: 'run ended', level: 'error', status: 'failed', exit_code: 1, error: /docs\.jsonl: line 1/ },
    { event: 'error', level: 'error', exit_code: 1, message: /docs\.jsonl: line 1/, stack: undefined },
  ]);
});

t.test('a signal', async (t) => {
  const run = startCli(['run', project(t, 'wait'), '--log', 'json']);
  await run.seen('in mid-stream');
  run.child.kill('SIGTERM');
  const result = await run.result;
  t.equal(result.code, 143);
  t.match(linesOf(result).slice(-2), [
    { event: 'run ended', level: 'warn', status: 'stopped', exit_code: 143 },
    { event: 'error', exit_code: 143, message: /stopped by SIGTERM/ },
  ]);
});

for (const log of ['json', 'text']) {
  t.test(`${log}: a log that nobody reads does not end the run`, async (t) => {
    const file = project(t, 'wordy');
    const run = startCli(['run', file, '--log', log]);
    run.child.stderr!.destroy();
    t.equal((await run.result).code, 0);
    t.equal((await readFile(join(file, '../out.jsonl'), 'utf8')).split('\n').length, 3);
  });
}
