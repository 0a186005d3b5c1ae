import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import { runCli, startCli } from '../fixtures/cli.js';
import {
  type Form,
  forget,
  makeResumable,
  outputs,
  piecesIn,
  rows,
  rowsKept,
  runPieces,
  runPiecesApart,
} from '../fixtures/resumable.js';

for (const { form, ranked } of [
  { form: 'parquet', ranked: true },
  { form: 'jsonl', ranked: false },
] satisfies { form: Form; ranked: boolean }[])
  t.test(`killed again and again: ${form}, ${ranked ? 'ranked' : 'as it comes'}`, async (t) => {
    const total = ranked ? rows.target + rows.pool : rows.pool;
    const dir = await makeResumable(t, { form, ranked });
    const whole = await runPieces(dir);
    t.equal(whole.done?.computed, total, whole.stderr);
    const expected = await outputs(dir);
    await forget(dir);
    let kept = 0;
    for (const pieces of [1, 2, 1]) {
      t.equal((await runPiecesApart(dir, pieces)).done, undefined, 'it was killed');
      const now = await rowsKept(dir);
      t.ok(now > kept, `${now} rows are kept`);
      kept = now;
      await t.rejects(outputs(dir), 'nothing is published');
    }
    t.ok(kept < total, 'there is something left to do');
    t.equal((await runPieces(dir)).done?.computed, total - kept, 'what is kept is not computed again');
    t.strictSame(await outputs(dir), expected);
    await rm(join(dir, 'out'), { recursive: true });
    t.equal((await runPieces(dir)).done?.computed, 0);
    t.strictSame(await outputs(dir), expected, 'all of it is kept');
  });

t.test('two sessions on the CPU, killed: the same bytes as of one that was not', async (t) => {
  const dir = await makeResumable(t, { form: 'jsonl', ranked: true });
  const whole = await runPieces(dir);
  t.equal(whole.done?.computed, rows.target + rows.pool, whole.stderr);
  const expected = await rowsOf(dir);
  await forget(dir);
  await changeModelOptions(dir, 'devices: [cpu, cpu]');
  t.equal((await runPiecesApart(dir, 2)).done, undefined);
  t.ok((await rowsKept(dir)) > 0);
  const { done, stderr } = await runPieces(dir);
  t.ok(done, stderr);
  t.same(await rowsOf(dir), expected);
});

async function changeModelOptions(dir: string, options: string): Promise<void> {
  const file = join(dir, 'pipeline.yaml');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.replaceAll('device: cpu, threads: 1', options));
}

/** What was written, without what names the configuration. */
async function rowsOf(dir: string): Promise<string> {
  return await readFile(join(dir, 'out', 'rows.jsonl'), 'utf8');
}

t.test('a measured model, and rows that a stage leaves out, killed', async (t) => {
  const dir = await makeResumable(t, { form: 'jsonl', ranked: false });
  await writeFile(
    join(dir, 'pipeline.yaml'),
    `version: 1
state_dir: state
stages:
  - {use: read.jsonl, with: {path: "pool-*.jsonl", batch_rows: 50}}
  - {use: filter, with: {where: {token_num: {min: 30}}}}
  - {use: likelihood, with: {model: model, max_length: 16, device: cpu, threads: 1}}
  - {id: end, use: sample, with: {fraction: 0.7}}
  - {use: write.parquet, with: {path: out/rows.parquet}}
  - {use: write.jsonl, from: end, with: {path: out/rows.jsonl}}
`,
  );
  const total = rows.pool - 3 * 30;
  const whole = await runPieces(dir);
  t.equal(whole.done?.computed, total, whole.stderr);
  const expected = await outputs(dir);
  await forget(dir);
  t.equal((await runPiecesApart(dir, 2)).done, undefined);
  const kept = await rowsKept(dir);
  t.equal((await runPieces(dir)).done?.computed, total - kept);
  t.strictSame(await outputs(dir), expected);
  await writeModelFolder(join(dir, 'model'), 'qwen3', {
    tied: false,
    config: { num_hidden_layers: 2 },
  });
  t.match((await runPieces(dir)).done?.notes, [/likelihood model: [0-9a-f]{12}… and/], 'its head counts too');
});

t.test('SIGTERM: the piece in progress is finished, within a file', async (t) => {
  const dir = await makeResumable(t, {
    form: 'jsonl',
    ranked: false,
    top: 'plugins: [slow.mjs]',
    stage: '\n  - {use: slow}',
  });
  await writeFile(join(dir, 'slow.mjs'), slow);
  // The model works a window ahead: small ones, so that most of the pool is still to come.
  await changeModelOptions(dir, 'device: cpu, threads: 1, window: 20');
  const run = () => runCli(['run', 'pipeline.yaml'], { cwd: dir });
  t.equal((await run()).code, 0);
  const expected = await outputs(dir);
  await forget(dir);
  const program = startCli(['run', 'pipeline.yaml'], { cwd: dir, env: { SLOW_MS: '500' } });
  await inSecondFile(dir);
  program.child.kill('SIGTERM');
  t.equal((await program.result).code, 143);
  const kept = await rowsKept(dir);
  t.ok(kept > 0 && kept < rows.pool, `${kept} rows are kept`);
  t.ok(
    (await piecesIn(dir)).some((path) => !path.includes('-end.')),
    'a part of a file',
  );
  const { stdout } = await run();
  t.match(stdout, new RegExp(`extract\\+top_k +${rows.pool - kept} `));
  t.match(stdout, `${kept} reused`);
  t.strictSame(await outputs(dir), expected);
});

/** A stage that takes its time where it is told to: however fast the machine is, the run is under way when the signal comes. */
const slow = `
import { setTimeout } from 'node:timers/promises';
import { defineTransform, z } from 'nag-pipeline';

export const slow = defineTransform({
  name: 'slow',
  summary: 'Waits',
  options: z.strictObject({}),
  example: '- {use: slow}',
  needs: () => ({}),
  mayDrop: () => false,
  facts: async () => ({}),
  async *run(input) {
    for await (const batch of input) {
      await setTimeout(Number(process.env.SLOW_MS ?? 0));
      yield batch;
    }
  },
});
`;

/** Until a first piece is kept, and the second file is under way: a batch of it takes half a second, and it has four. */
async function inSecondFile(dir: string): Promise<void> {
  while ((await rowsKept(dir)) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await new Promise((resolve) => setTimeout(resolve, 1500));
}
