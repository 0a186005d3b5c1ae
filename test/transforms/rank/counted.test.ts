import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { writeModelFolder } from '../../fixtures/checkpoint.js';
import { jsonRows, runConfig } from '../../fixtures/run-config.js';

/** Ids and texts of different lengths, and nothing else. */
const documents = Array.from({ length: 40 }, (_, row) => ({
  id: `d${String(row).padStart(2, '0')}`,
  body: `number ${row} of ${'many more '.repeat((row * 7) % 5)}documents`,
  rated: row % 3,
}));

async function makeFolder(t: Test): Promise<string> {
  const dir = t.testdir({ out: {} });
  await writeModelFolder(join(dir, 'model'), 'qwen3', { config: { num_hidden_layers: 2 } });
  const lines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  await writeFile(join(dir, 'target.jsonl'), lines(documents.slice(0, 5)));
  await writeFile(join(dir, 'a.jsonl'), lines(documents.slice(0, 25)));
  await writeFile(join(dir, 'b.jsonl'), lines(documents.slice(25)));
  await writeFile(join(dir, 'pool.jsonl'), lines(documents));
  await writeFile(join(dir, 'extra.jsonl'), lines(documents.map(({ id, rated }) => ({ id, extra: rated }))));
  return dir;
}

interface Variant {
  /** Above the pool's model. */
  readonly pool?: string;
  readonly from?: string;
  /** Behind `top_k` of target and pool. */
  readonly store?: string;
  readonly rank?: string;
  readonly top?: string;
}

const roles = 'columns: {docid: id, text: body}';
const whole = `{use: read.jsonl, with: {path: pool.jsonl, ${roles}}}`;

function configText({ pool = whole, from = '', store = '', rank = '{fraction: 0.4}', top = '' }: Variant) {
  const features = `
  - {use: extract, with: {model: model, device: cpu, threads: 1}}
  - {use: top_k, with: {k: 5}}${store}`;
  return `version: 1
temp_dir: temp
${top}
stages:
  - {use: read.jsonl, with: {path: target.jsonl, ${roles}}}
  - {use: tokenize, with: {model: model, max_length: 16}}${features}
  - {id: profile, use: profile}
  - ${pool}
  - {use: tokenize, ${from}with: {model: model, max_length: 16, count: true}}${features}
  - {use: score, from: {profile: profile}}
  - {use: rank, with: ${rank}}
  - {use: write.jsonl, with: {path: out/selected.jsonl}}
`;
}

async function selected(dir: string, variant: Variant): Promise<string[]> {
  const { error } = await runConfig(dir, configText(variant));
  if (error !== undefined) throw new Error(error);
  return (await jsonRows(join(dir, 'out', 'selected.jsonl'))).map(
    (row) => `${row['id']} ${row['nag_tokens']}`,
  );
}

t.test('a pool of ids and texts alone is ranked in one run: tokens are counted on the way', async (t) => {
  const dir = await makeFolder(t);
  const all = await selected(dir, { rank: '{fraction: 1}' });
  const tokensOf = (line: string) => Number(line.split(' ')[1]);
  const total = all.reduce((sum, line) => sum + tokensOf(line), 0);
  t.equal(all.length, documents.length);
  t.ok(total > 0);
  /** The longest part of the ranking within a budget. */
  const within = (budget: number) => {
    let sum = 0;
    const end = all.findIndex((line) => {
      sum += tokensOf(line);
      return sum > budget;
    });
    return all.slice(0, end < 0 ? all.length : end);
  };
  const expected = within(Math.trunc(total * 0.4));
  const sources = `{id: a, use: read.jsonl, with: {path: a.jsonl, ${roles}}}
  - {id: b, use: read.jsonl, with: {path: b.jsonl, ${roles}}}`;
  const join = `{id: docs, use: read.jsonl, with: {path: pool.jsonl, ${roles}}}
  - {id: extra, use: read.jsonl, with: {path: extra.jsonl, columns: {docid: id}}}
  - {use: join, from: {main: docs, features: extra}}`;
  const store = '\n  - {use: features, with: {dir: store}}';
  t.strictSame(await selected(dir, {}), expected, 'a share of the tokens');
  t.strictSame(await selected(dir, { rank: '{tokens: 100}' }), within(100), 'a number of tokens');
  t.strictSame(await selected(dir, { pool: sources, from: 'from: [a, b], ' }), expected, 'several sources');
  t.strictSame(await selected(dir, { pool: join }), expected, 'behind join');
  t.strictSame(await selected(dir, { rank: '{fraction: 0.4, deduplicate: true}' }), expected, 'once each');
  t.strictSame(await selected(dir, { rank: '{fraction: 0.4, memory_mb: 0.001}' }), expected, 'on disk');
  t.strictSame(await selected(dir, { store }), expected, 'what a store gets');
  t.strictSame(await selected(dir, { store }), expected, 'what a store has');
  t.strictSame(await selected(dir, { top: 'state_dir: state' }), expected, 'what is kept for the next run');
  t.strictSame(await selected(dir, { top: 'state_dir: state' }), expected, 'and read back');
  const rated = await selected(dir, { rank: '{fraction: 0.4, quality: {column: rated}}' });
  t.ok(rated.length > 5, 'with a quality');
});

t.test('a source that has counts is not asked for them where tokenize makes others', async (t) => {
  const dir = await makeFolder(t);
  const expected = await selected(dir, {});
  const rows = documents.map((row) => ({ ...row, token_num: 'none' }));
  await writeFile(join(dir, 'pool.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  t.strictSame(await selected(dir, {}), expected);
});
