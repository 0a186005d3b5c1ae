import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { runCli } from '../fixtures/cli.js';
import { projectRoot } from '../fixtures/paths.js';
import {
  forget,
  makeResumable,
  outputs,
  rows,
  runPieces,
  runPiecesApart,
  writeVariant,
} from '../fixtures/resumable.js';

const int8 = ', precision: int8, min_agreement: 0';

t.test('int8, killed again and again: the same bytes', async (t) => {
  const dir = await makeResumable(t, { form: 'jsonl', ranked: true, extract: int8 });
  const whole = await runPieces(dir);
  t.equal(whole.done?.computed, rows.target + rows.pool, whole.stderr);
  t.match(whole.done?.notes.join('\n'), /int8 and float32 share \d\.\d+ of the top neurons/);
  const expected = await outputs(dir);
  await forget(dir);
  for (const pieces of [1, 2]) t.equal((await runPiecesApart(dir, pieces)).done, undefined, 'it was killed');
  t.ok((await runPieces(dir)).done);
  t.strictSame(await outputs(dir), expected);
});

t.test('features of float32 are not taken for those of int8', async (t) => {
  const dir = await makeResumable(t, { form: 'jsonl', ranked: false });
  const total = rows.pool;
  t.equal((await runPieces(dir)).done?.computed, total);
  await writeVariant(dir, { form: 'jsonl', ranked: false, extract: int8 });
  const changed = await runPieces(dir);
  t.equal(changed.done?.computed, total, 'all is computed again');
  t.match(changed.done?.notes.join('\n'), /extract precision: .*int8-1/);
});

t.test('configs/int8.yaml: weights beside the state, damaged ones are made again', async (t) => {
  const dir = t.testdir({ out: {} });
  const configs = join(projectRoot, 'configs');
  const text = await readFile(join(configs, 'int8.yaml'), 'utf8');
  const here = text
    .replaceAll('default: nag-mini', `default: ${join(configs, 'nag-mini')}`)
    .replaceAll(/path: "?quickstart/g, (found) => found.replace('quickstart', join(configs, 'quickstart')))
    .replaceAll('../out', 'out');
  await mkdir(join(dir, 'out'), { recursive: true });
  await writeFile(join(dir, 'int8.yaml'), here);
  const run = (...args: string[]) => runCli(['run', join(dir, 'int8.yaml'), ...args]);
  const first = await run();
  t.equal(first.code, 0, first.stderr);
  t.match(first.stderr, /share 0\.9\d\d of the top neurons of the first 64 documents, selections by them/);
  t.match(first.stdout, /science +1\d /);
  const folder = join(dir, 'out', 'int8-state', 'cache', 'int8');
  const name = (await readdir(folder)).find((entry) => entry.endsWith('.safetensors'))!;
  const bytes = await readFile(join(folder, name));
  await writeFile(join(folder, name), bytes.subarray(0, 99));
  await rm(join(dir, 'out', 'int8-state', 'work'), { recursive: true });
  const second = await run();
  t.equal(second.code, 0, second.stderr);
  t.match(second.stderr, /int8 weights in .*\.safetensors are damaged: they are made again/);
  t.ok((await readFile(join(folder, name))).equals(bytes));
  const third = await run('--set', 'target=code');
  t.notMatch(third.stderr, /damaged|the first 64/, 'the pool is kept');
  const record = await runCli(['runs', 'show', join(dir, 'int8.yaml')]);
  t.match(record.stdout, /int8 and float32 share/, 'the record tells it');
});

t.test('likelihood measures a model as it is', async (t) => {
  const dir = t.testdir({
    'p.yaml':
      'version: 1\nstages:\n  - {use: read.jsonl, with: {path: a.jsonl}}\n  - {use: likelihood, with: {model: m, precision: int8}}\n  - {use: show}\n',
  });
  const { code, stderr } = await runCli(['check', join(dir, 'p.yaml')]);
  t.equal(code, 2);
  t.match(stderr, /with\.precision {2}expected one of float32, float16, bfloat16, found "int8"/);
});
