import { readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { main } from '../../pipeline/cli/main.js';
import { NagError } from '../../pipeline/errors.js';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import {
  makeResumable,
  outputs,
  piecesIn,
  type Ran,
  rows,
  runPieces,
  runPiecesApart,
  type Variant,
  writeVariant,
} from '../fixtures/resumable.js';

const plain: Variant = { form: 'jsonl', ranked: false };

/** What is computed again after a change, and what is said of it. */
async function again(
  t: Test,
  dir: string,
  run: (dir: string) => Promise<Ran> = runPieces,
): Promise<{ computed: number; notes: string }> {
  const { done, stderr } = await run(dir);
  if (!done) t.fail(stderr);
  return { computed: done?.computed ?? NaN, notes: done?.notes.join('\n') ?? '' };
}

t.test('what was made under other options, or by another model, is not reused', async (t) => {
  const dir = await makeResumable(t, plain);
  t.strictSame(await again(t, dir), { computed: rows.pool, notes: '' });
  const changes: [string, RegExp, () => Promise<void>][] = [
    [
      'options of the tokenizer',
      /tokenize max_length: 24 and 12/,
      () => writeVariant(dir, { ...plain, maxLength: 12 }),
    ],
    ['k', /extract k: {"fwd_up":3} and {"fwd_up":4}/, () => writeVariant(dir, { ...plain, k: 4 })],
    [
      'weights',
      /extract model: [0-9a-f]{12}… and [0-9a-f]{12}…/,
      () => writeModelFolder(join(dir, 'model'), 'qwen3', { seed: 2, config: { num_hidden_layers: 2 } }),
    ],
    ['the tokenizer', /tokenize tokenizer: [0-9a-f]{12}… and/, () => changeTokenizer(dir)],
  ];
  for (const [name, difference, change] of changes) {
    await change();
    const { computed, notes } = await again(t, dir);
    t.equal(computed, rows.pool, name);
    t.match(notes, difference);
    t.strictSame(await again(t, dir), { computed: 0, notes: '' }, 'and is then the last');
  }
});

/** The same tokens, in other words. */
async function changeTokenizer(dir: string): Promise<void> {
  const file = join(dir, 'model/tokenizer.json');
  await writeFile(file, `${await readFile(file, 'utf8')}\n`);
}

t.test('if_changed: refuse stops before anything is done, and says what differs', async (t) => {
  const dir = await makeResumable(t, plain);
  await runPieces(dir);
  const expected = await outputs(dir);
  const pieces = await piecesIn(dir);
  await writeVariant(dir, { ...plain, k: 4, top: 'if_changed: refuse' });
  const failed = main(['run', join(dir, 'pipeline.yaml')], 'test');
  await t.rejects(failed, {
    constructor: NagError,
    exitCode: 1,
    message:
      /^top_k.kept: what the last run kept was made otherwise \(extract k: {"fwd_up":3} and {"fwd_up":4}\): .*if_changed: redo/,
  });
  t.strictSame([await outputs(dir), await piecesIn(dir)], [expected, pieces]);
  await writeVariant(dir, { ...plain, top: 'if_changed: refuse' });
  t.strictSame(await again(t, dir), { computed: 0, notes: '' }, 'put back as it was');
});

t.test('where the outputs go, and how the files are called, is no change', async (t) => {
  const dir = await makeResumable(t, plain);
  await runPieces(dir);
  const expected = await outputs(dir);
  const { done } = await runPieces(dir, ['out=other']);
  t.equal(done?.computed, 0);
  t.equal((await outputs(dir, 'other'))['jsonl'], expected['jsonl']);
  await rename(join(dir, 'pool-2.jsonl'), join(dir, 'pool-7.jsonl'));
  t.equal((await again(t, dir)).computed, 0);
});

t.test("a stage of the user's whose code changed", async (t) => {
  const variant: Variant = {
    ...plain,
    stage: '\n  - {use: own}',
    top: 'plugins: [own.mjs]',
  };
  const code = (word: string) => `import { defineTransform, z } from 'nag-pipeline';
export const own = defineTransform({ name: 'own', summary: 'own', example: '', options: z.strictObject({}),
  needs: () => ({}), async *run(input) { const word = '${word}'; yield* input; } });`;
  // A process for each run: a module that was imported once is not read again.
  const dir = await makeResumable(t, plain);
  await writeVariant(dir, variant);
  await writeFile(join(dir, 'own.mjs'), code('a'));
  t.equal((await again(t, dir, runPiecesApart)).computed, rows.pool);
  t.equal((await again(t, dir, runPiecesApart)).computed, 0);
  await writeFile(join(dir, 'own.mjs'), code('b'));
  const changed = await again(t, dir, runPiecesApart);
  t.equal(changed.computed, rows.pool);
  t.match(changed.notes, /own code: [0-9a-f]{12}… and/);
});

t.test('any damage to a piece is noticed, and it is made again', async (t) => {
  const dir = await makeResumable(t, plain);
  await runPieces(dir);
  const expected = await outputs(dir);
  const paths = (await piecesIn(dir)).sort();
  const [piece] = paths;
  const bytes = await readFile(piece!);
  const damage = [0, 0.25, 0.5, 0.75, 0.999].map((share) => Math.floor(share * bytes.length));
  for (const at of damage) {
    await writeFile(piece!, bytes.with(at, bytes[at]! ^ 4));
    const { computed, notes } = await again(t, dir);
    t.ok(computed > 0 && computed < rows.pool, `byte ${at}: ${computed} rows are computed again`);
    t.match(notes, `${basename(piece!)} is damaged: made again`);
    t.strictSame(await outputs(dir), expected);
  }
  await truncate(piece!, 100);
  t.match((await again(t, dir)).notes, 'is damaged');
  t.strictSame(await outputs(dir), expected);
  const names = (await piecesIn(dir)).map((path) => basename(path));
  t.equal(new Set(names).size, names.length);
});
