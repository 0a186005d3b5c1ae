import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runCli, startCli } from '../../fixtures/cli.js';

/** `wait` stops in mid-stream until the run is aborted; `stuck` does not even listen. */
const plugin = `
import { defineTransform, z } from 'nag-pipeline';

const stage = (name, stop) => defineTransform({
  name,
  summary: 'Stops in mid-stream',
  options: z.strictObject({}),
  example: '- {use: ' + name + '}',
  async *run(input, options, context) {
    for await (const batch of input) {
      yield batch;
      process.stderr.write('in mid-stream\\n');
      await stop(context.signal);
    }
  },
});
export const wait = stage('wait', (signal) => new Promise((resolve, reject) => {
  const timer = setInterval(() => {}, 1000);
  signal.addEventListener('abort', () => { clearInterval(timer); reject(signal.reason); });
}));
export const stuck = stage('stuck', (signal) => new Promise(() => {
  setInterval(() => {}, 1000);
  signal.addEventListener('abort', () => process.stderr.write('told to stop\\n'));
}));
`;

function project(t: Test, stage: string) {
  return t.testdir({
    'stages.js': plugin,
    'docs.jsonl': '{"docid": "a", "doc": "text"}\n',
    out: { 'old.jsonl': 'of yesterday\n' },
    tmp: {},
    'c.yaml': `version: 1
temp_dir: tmp
plugins: [stages.js]
stages:
  - {use: read.jsonl, with: {path: docs.jsonl}}
  - {id: slow, use: ${stage}}
  - {use: write.parquet, with: {path: out/new.parquet}}
  - {use: write.jsonl, from: slow, with: {path: out/old.jsonl}}
`,
  });
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  t.test(`${signal} stops the run, and nothing is left of it`, async (t) => {
    const folder = project(t, 'wait');
    const run = startCli(['run', join(folder, 'c.yaml')]);
    await run.seen('in mid-stream');
    run.child.kill(signal);
    const result = await run.result;
    t.equal(result.code, code);
    t.equal(result.stdout, '');
    t.match(result.stderr, `stopped by ${signal}: nothing was written\n`);
    t.notMatch(result.stderr, /^ +at /m);
    t.strictSame(readdirSync(join(folder, 'out')), ['old.jsonl']);
    t.strictSame(readdirSync(join(folder, 'tmp')), []);
  });
}

t.test('a second signal ends a run that does not listen', async (t) => {
  const folder = project(t, 'stuck');
  const run = startCli(['run', join(folder, 'c.yaml')]);
  await run.seen('in mid-stream');
  run.child.kill('SIGINT');
  await run.seen('told to stop');
  run.child.kill('SIGTERM');
  const { code } = await run.result;
  t.equal(code, 143);
  t.notOk(readdirSync(join(folder, 'out')).includes('new.parquet'));
});

t.test(
  'two flattens of the same sources, named in different orders, do not wait for each other',
  async (t) => {
    const rows = (name: string) =>
      Array.from({ length: 3000 }, (_, i) => `{"docid": "${name}${i}"}\n`).join('');
    const folder = t.testdir({
      'a.jsonl': rows('a'),
      'b.jsonl': rows('b'),
      'stages.js': `
import { defineTransform, z } from 'nag-pipeline';
export const same = defineTransform({ name: 'same', summary: 'Changes nothing', options: z.strictObject({}), example: '',
  async *run(input) { yield* input; } });
`,
      'c.yaml': `version: 1
plugins: [stages.js]
stages:
  - {id: a, use: read.jsonl, with: {path: a.jsonl}}
  - {id: b, use: read.jsonl, with: {path: b.jsonl}}
  - {id: late, use: same, from: b}
  - {id: early, use: same, from: a}
  - {use: write.jsonl, from: [a, b], with: {path: one.jsonl}}
  - {use: write.jsonl, from: [late, early], with: {path: two.jsonl}}
`,
    });
    const { code, stdout, stderr } = await runCli(['run', join(folder, 'c.yaml')]);
    t.equal(code, 0, stderr);
    t.match(stdout, /write\.jsonl +6,000 +6,000 +0/);
  },
);
