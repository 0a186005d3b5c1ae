import { copyFile, readdir, readFile, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Utf8 } from 'apache-arrow';
import t, { type Test } from 'tap';
import { loadForCommand } from '../../pipeline/cli/load.js';
import { makePlan } from '../../pipeline/plan.js';
import { planText } from '../../pipeline/plan-text.js';
import { type RunResult, runPlan } from '../../pipeline/run.js';
import { leftOutRows } from '../../pipeline/stats.js';
import { documents, makePipeline } from '../faults/pipeline.js';
import { readColumns, writeTestParquet } from '../fixtures/parquet.js';

const nag = `
    - {use: tokenize, with: {model: model, max_length: MAX, on_empty: skip, count: true}}
    - {use: extract, with: {model: model, device: cpu, threads: 1}}
    - {use: top_k, with: {k: 3}}
    - {use: features, with: {dir: store}}`;

/** A pipeline over pool-*.parquet, whose target is also scored: a second segment reads the target's features. */
async function makeStored(
  t: Test,
  { maxLength = 16, source = '', stage = '', plugins = '[]' } = {},
): Promise<string> {
  const dir = await makePipeline(t);
  for (const part of [0, 1, 2])
    await writeTestParquet(join(dir, `pool-${part}.parquet`), documents(`p${part}-`, 8), { rowGroupRows: 5 });
  await writeConfig(dir, { maxLength, source, stage, plugins });
  return dir;
}

async function writeConfig(
  dir: string,
  { maxLength = 16, source = '', stage = '', plugins = '[]' } = {},
): Promise<void> {
  const text = `version: 1
temp_dir: temp
plugins: ${plugins}
templates:
  nag: ${stage}${nag.replace('MAX', String(maxLength))}
stages:
  - {use: read.parquet, with: {path: target.parquet}}
  - {id: target, template: nag}
  - {id: profile, use: profile}
  - {use: score, from: {main: target, profile: profile}}
  - {use: write.jsonl, with: {path: out/coherence.jsonl}}
  - {use: read.parquet, with: {path: "pool-*.parquet"${source}}}
  - {template: nag}
  - {use: score, from: {profile: profile}}
  - {use: rank, with: {fraction: 0.5}}
  - {use: write.parquet, with: {path: out/selected.parquet}}
`;
  await writeFile(join(dir, 'pipeline.yaml'), text);
}

interface Ran {
  readonly result: RunResult;
  readonly notes: string[];
  /** Documents that the model saw. */
  readonly extracted: number;
  readonly selected: Record<string, unknown[]>;
}

async function run(dir: string): Promise<Ran> {
  const config = await loadForCommand(join(dir, 'pipeline.yaml'), []);
  const notes: string[] = [];
  const result = await runPlan(makePlan(config.stages), {
    signal: new AbortController().signal,
    tempDir: config.tempDir,
    note: (text) => notes.push(text),
  });
  const extracted = [...result.stats.values()]
    .filter(({ label }) => label.startsWith('extract'))
    .reduce((sum, { rowsIn }) => sum + rowsIn, 0);
  const lost = [...result.stats.values()].filter(
    (stats) => stats.kind === 'transform' && stats.rowsIn !== stats.rowsOut + leftOutRows(stats),
  );
  if (lost.length > 0) throw new Error(`rows that no figure accounts for: ${JSON.stringify(lost)}`);
  return { result, notes, extracted, selected: await readColumns(join(dir, 'out/selected.parquet')) };
}

t.test('a document is extracted once, in a run and in all later ones', async (t) => {
  const dir = await makeStored(t);
  const first = await run(dir);
  t.equal(first.extracted, 3 + 24, 'the target is scored too, and not extracted for that again');
  const second = await run(dir);
  t.equal(second.extracted, 0);
  t.strictSame(second.selected, first.selected);
  t.ok(first.selected['nag_tokens'], 'other columns computed before the store are kept too');
});

t.test('documents of the target that are in the pool too are not computed twice', async (t) => {
  const dir = await makeStored(t, { maxLength: 100 });
  await writeTestParquet(join(dir, 'pool-4.parquet'), documents('t', 5));
  const { result } = await run(dir);
  const seen = [...result.stats.values()].map(({ figures }) => figures.get('seen before') ?? 0);
  t.equal(
    seen.reduce((sum, count) => sum + count, 0),
    3,
    'the three of the target',
  );
});

t.test('files are known by their content: only what is new or changed is extracted', async (t) => {
  const dir = await makeStored(t);
  await run(dir);
  await rename(join(dir, 'pool-2.parquet'), join(dir, 'pool-7.parquet'));
  t.equal((await run(dir)).extracted, 0, 'a renamed file');
  await copyFile(join(dir, 'pool-0.parquet'), join(dir, 'pool-1.parquet'));
  t.equal((await run(dir)).extracted, 0, 'a copy of another');
  await writeTestParquet(join(dir, 'pool-8.parquet'), documents('new', 6));
  t.equal((await run(dir)).extracted, 6, 'a new file');
  const { atime, mtime, size } = await stat(join(dir, 'pool-8.parquet'));
  await writeTestParquet(join(dir, 'pool-8.parquet'), documents('old', 6));
  t.equal((await stat(join(dir, 'pool-8.parquet'))).size, size, 'the other content is as long');
  await utimes(join(dir, 'pool-8.parquet'), atime, mtime);
  t.equal((await run(dir)).extracted, 6, 'one that was changed within the clock tick');
});

t.test('what was made otherwise is not used, and the difference is told', async (t) => {
  const dir = await makeStored(t);
  await run(dir);
  await writeConfig(dir, { maxLength: 5 });
  const shorter = await run(dir);
  t.equal(shorter.extracted, 27);
  t.match(shorter.notes.join('\n'), /made otherwise \(tokenize max_length: 16 and 5\): it is not used/);
  await writeConfig(dir, { maxLength: 16, source: ', where: {lang: en}' });
  const filtered = await run(dir);
  t.equal(filtered.extracted, 12, 'other rows of the same files');
  t.match(
    filtered.notes.join('\n'),
    /features: .*otherwise \(read.parquet where: {} and {"lang":"en"}; tokenize/,
  );
  t.notMatch(filtered.notes.join('\n'), /target: .*read/, 'each chain is compared with itself');
});

t.test('rows that were left out when features were made stay left out, and are counted', async (t) => {
  const dir = await makeStored(t);
  const texts = documents('e', 7);
  await writeTestParquet(join(dir, 'pool-3.parquet'), { ...texts, doc: ['', 'b', '', '', 'e', '', ''] });
  await writeTestParquet(join(dir, 'pool-4.parquet'), { ...texts, doc: texts.doc.map(() => '') });
  const first = await run(dir);
  t.equal(first.extracted, 3 + 24 + 2);
  const second = await run(dir);
  t.equal(second.extracted, 0);
  t.strictSame(second.selected, first.selected);
  const features = [...second.result.stats.values()].find(({ label }) => label === 'features')!;
  t.strictSame([...features.leftOut], [['left out when the others were kept', 5 + 7]]);
});

t.test('a run that fails keeps what is done, and nothing half', async (t) => {
  const dir = await makeStored(t);
  await writeTestParquet(join(dir, 'pool-5.parquet'), { ...documents('x', 4), doc: ['a', 'b', 'c', 'd'] });
  await truncate(join(dir, 'pool-2.parquet'), 0);
  await t.rejects(run(dir));
  await rm(join(dir, 'pool-2.parquet'));
  const docid = { type: new Utf8(), values: ['y', null, 'z', 'w'] };
  await writeTestParquet(join(dir, 'pool-6.parquet'), { ...documents('y', 4), docid });
  await t.rejects(run(dir), /docid is null/);
  const kept = await readdir(join(dir, 'store'), { recursive: true });
  t.notOk(
    kept.some((name) => name.includes('.tmp-')),
    'nothing half written stays',
  );
  await rm(join(dir, 'pool-6.parquet'));
  const { extracted } = await run(dir);
  t.ok(extracted < 3 + 16 + 4, `only what had not been done is extracted (${extracted})`);
});

t.test('damaged features are told of and made again', async (t) => {
  const dir = await makeStored(t);
  const { selected } = await run(dir);
  const names = await readdir(join(dir, 'store'), { recursive: true });
  const name = names.find((own) => own.endsWith('.arrow'))!;
  await truncate(join(dir, 'store', name), 100);
  const again = await run(dir);
  t.match(again.notes.join('\n'), `${name} is damaged: made again`);
  t.ok(again.extracted > 0 && again.extracted <= 8);
  t.strictSame(again.selected, selected);
});

t.test("a stage of the user's own is part of how features are made, its code too", async (t) => {
  const plugin = (word: string) => `import { defineTransform, z } from 'nag-pipeline';
export const own = defineTransform({ name: 'own', summary: 'own', example: '', options: z.strictObject({}),
  needs: () => ({}), async *run(input) { const word = '${word}'; yield* input; } });`;
  const dir = await makeStored(t, { plugins: '[own.mjs]', stage: '\n    - {use: own}' });
  await writeFile(join(dir, 'own.mjs'), plugin('a'));
  t.equal((await run(dir)).extracted, 27);
  t.equal((await run(dir)).extracted, 0);
  await writeFile(join(dir, 'other.mjs'), plugin('b'));
  await writeConfig(dir, { plugins: '[other.mjs]', stage: '\n    - {use: own}' });
  t.equal((await run(dir)).extracted, 27);
});

t.test('the plan shows what is skipped', async (t) => {
  const dir = await makeStored(t);
  const config = await loadForCommand(join(dir, 'pipeline.yaml'), []);
  const text = planText(config, makePlan(config.stages));
  t.match(text, /target: features ← .*\[what it has skips tokenize, top_k\]/);
});

t.test('an empty pool has the columns', async (t) => {
  const dir = await makeStored(t, { source: ', where: {lang: none}' });
  for (const _ of ['made', 'kept']) t.ok((await run(dir)).selected['nag_tokens'], 'no rows, but columns');
});

t.test('a store that could not skip what is before it is refused', async (t) => {
  const dir = await makeStored(t);
  const source = '  - {id: a, use: read.parquet, with: {path: target.parquet}}';
  const store = '  - {id: s, use: features, with: {dir: store}';
  const out = (from: string, name: string) =>
    `  - {use: write.jsonl, from: ${from}, with: {path: out/${name}.jsonl}}`;
  const cases: [string, RegExp][] = [
    [
      [source, `${store}}`, out('s', '1'), out('a', '2')].join('\n'),
      /yaml:4:.*"a" is read by "write.jsonl-2" too/,
    ],
    [
      [
        source,
        '  - {id: b, use: read.parquet, with: {path: pool.parquet}}',
        `${store}, from: [a, b]}`,
        out('s', '1'),
      ].join('\n'),
      /"s" reads several stages/,
    ],
  ];
  for (const [stages, message] of cases) {
    await writeFile(join(dir, 'pipeline.yaml'), `version: 1\nstages:\n${stages}\n`);
    const config = await loadForCommand(join(dir, 'pipeline.yaml'), []);
    t.throws(() => makePlan(config.stages), { message, exitCode: 2 });
  }
});

t.test('a store can be read without a model, and joined with its documents', async (t) => {
  const dir = await makeStored(t);
  const { selected } = await run(dir);
  const folders = (await readdir(join(dir, 'store'))).filter((name) => !name.includes('.'));
  t.equal(folders.length, 1, 'target and pool were read alike');
  const text = (features: string) => `version: 1
stages:
  - {id: features, use: read.features, with: {path: ${features}}}
  - {id: target, use: read.parquet, with: {path: target.parquet}}
  - {use: join, from: {main: target, features: features}, with: {allow: [unmatched]}}
  - {id: profile, use: profile}
  - {id: pool, use: read.parquet, with: {path: "pool-*.parquet"}}
  - {id: joined, use: join, from: {main: pool, features: features}, with: {allow: [unmatched]}}
  - {use: score, from: {main: joined, profile: profile}}
  - {use: rank, with: {fraction: 0.5}}
  - {use: write.parquet, with: {path: out/selected.parquet}}
`;
  for (const path of ['store', `store/${folders[0]}`]) {
    await writeFile(join(dir, 'pipeline.yaml'), text(path));
    const again = await run(dir);
    t.equal(again.extracted, 0);
    for (const column of ['docid', 'nag_distance', 'doc'])
      t.strictSame(again.selected[column]?.length, again.selected['docid']?.length);
    t.strictSame(
      again.selected['docid']?.slice(0, 8),
      selected['docid']?.slice(0, 8),
      'the same documents are the nearest',
    );
  }
  const folder = join(dir, 'store', folders[0]!);
  const piece = join(folder, (await readdir(folder)).find((name) => name.endsWith('.arrow'))!);
  const bytes = await readFile(piece);
  for (let at = 7; at < bytes.length; at += bytes.length >> 3) {
    await writeFile(piece, bytes.with(at, bytes[at]! ^ 1));
    await t.rejects(run(dir), {
      name: 'DataError',
      message: /\.arrow.*(is damaged.*: delete it, and run|other|its columns differ)/,
    });
  }
  await writeFile(piece, bytes);
  await writeConfig(dir, { maxLength: 5 });
  await run(dir);
  await writeFile(join(dir, 'pipeline.yaml'), text('store'));
  await t.rejects(run(dir), {
    message: /holds features that were made in 2 ways: .*tokenize max_length: (5|16) and/,
  });
});
