import { readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { readJsonl } from '../../transforms/read-jsonl.js';
import { readParquet } from '../../transforms/read-parquet.js';
import { projectRoot } from '../fixtures/paths.js';
import type { Told } from '../fixtures/rejecting.js';
import { runConfig } from '../fixtures/run-config.js';
import { openSource, readAll, testContext, values } from './context.js';

const full = '{"docid": "a", "doc": "x", "token_num": 1}\n';
const zstd = await readFile(join(projectRoot, 'test', 'golden', 'zstd', 'empty.jsonl.zst'));

/** Files without a row, as filters and days without documents leave them. */
const empties: Readonly<Record<string, string | Buffer>> = {
  'b.jsonl': '',
  'c.jsonl': ' \r\n\n\t\n',
  'd.jsonl': '\ufeff',
  'e.jsonl.gz': gzipSync(''),
  'f.jsonl.gz': Buffer.concat([gzipSync(''), gzipSync('\n')]),
  'g.jsonl.zst': zstd,
};

async function read(
  t: Test,
  files: Readonly<Record<string, string | Buffer>>,
  options: object,
  tolerant = false,
) {
  const dir = t.testdir({});
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content);
  const rejected: Told[] = [];
  const context = testContext(t, tolerant ? rejected : undefined);
  const opened = await openSource(readJsonl, { path: `${dir}/*`, ...options }, context);
  const batches = await readAll(opened);
  return {
    files: opened.bundles.map(({ file }) => basename(file)),
    docids: values(batches, 'docid'),
    notes: context.notes.map((note) => note.replace(`${dir}/`, '')),
    rejected: rejected.length,
  };
}

t.test('empty files among others have no rows, and are counted', async (t) => {
  const files = { 'a.jsonl': full, ...empties, 'h.jsonl': full };
  const found = [await read(t, files, {}), await read(t, files, {}, true)];
  const expected = {
    files: ['a.jsonl', ...Object.keys(empties), 'h.jsonl'],
    docids: ['a', 'a'],
    notes: ['6 of 8 files hold no rows, as b.jsonl'],
    rejected: 0,
  };
  t.strictSame(found, [expected, expected]);
});

t.test('a pool of nothing but empty files has the columns that its stage names', async (t) => {
  const cases: [object, string[]][] = [
    [{}, ['docid Utf8', 'doc Utf8', 'token_num Int64']],
    [
      { columns: { docid: 'id', text: '{q}\\n{a}' }, types: { score: 'float', token_num: 'uint' } },
      ['id Utf8', 'q Utf8', 'a Utf8', 'token_num Uint64', 'score Float64'],
    ],
    [
      { format: 'final', where: { lang: ['en'], score: { min: 0.5 }, ok: true, 'meta.n': { not: 3 } } },
      [
        'meta Struct<{docid:Utf8, n:Int64}>',
        'content_split Utf8',
        'token_num Int64',
        'lang Utf8',
        'score Float64',
        'ok Bool',
      ],
    ],
  ];
  const found = [];
  for (const [options] of cases) {
    const dir = t.testdir({});
    for (const [name, content] of Object.entries(empties)) await writeFile(join(dir, name), content);
    const context = testContext(t);
    const opened = await openSource(readJsonl, { path: dir, ...options }, context);
    const batches = await readAll(opened);
    const rows = batches.flatMap((batch) => [...batch.rows]);
    found.push([
      opened.schema.fields.map(({ name, type }) => `${name} ${String(type)}`),
      rows,
      context.notes.length,
    ]);
  }
  t.strictSame(
    found,
    cases.map(([, columns]) => [columns, [], 1]),
  );
});

t.test('and those that the stages below name, without values', async (t) => {
  const dir = t.testdir({ 'a.jsonl': '' });
  const { error } = await runConfig(
    dir,
    `version: 1
stages:
  - {id: pool, use: read.jsonl, with: {path: a.jsonl}}
  - {use: show, with: {by: lang, columns: [url], mean: [score]}}
  - {use: filter, from: pool, with: {where: {lang: en, score: {min: 0.5}}}}
  - {use: sample, with: {fraction: 0.5, column: url}}
  - {use: deduplicate, with: {column: hash}}
  - {use: write.parquet, with: {path: out.parquet, columns: [docid, meta.url, score]}}
`,
  );
  t.equal(error, undefined);
  const { fields } = (await openSource(readParquet, { path: join(dir, 'out.parquet') }, testContext(t)))
    .schema;
  t.strictSame(
    fields.map(({ name, type }) => `${name} ${String(type)}`),
    ['docid Utf8', 'meta.url Null', 'score Null'],
  );
});
