import { mkdir, open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Int64, LargeUtf8, Utf8, vectorFromArray } from 'apache-arrow';
import t from 'tap';
import { type TestColumn, writeTestParquet } from '../fixtures/parquet.js';
import { documents, type Fault, testFaults } from './pipeline.js';

type Columns = Record<string, TestColumn>;

/** Writes a pool whose columns are those that work, but for some. */
const pool =
  (change: (columns: Columns) => Columns, name = 'pool.parquet') =>
  (dir: string) =>
    writeTestParquet(join(dir, name), change(documents('p', 8)), { rowGroupRows: 5 });

const replaced = (values: unknown[], at: number, value: unknown) =>
  values.map((own, i) => (i === at ? value : own));

const faults: readonly Fault[] = [
  {
    name: 'a file that is not there',
    prepare: (dir) => rm(join(dir, 'pool.parquet')),
    message: /^pool\.parquet: does not exist$/,
  },
  {
    name: 'a glob that matches nothing',
    changes: { pool: '{path: "pools/*.parquet"}' },
    message: /^pools\/\*\.parquet: no file matches; check the path .*$/,
  },
  {
    name: 'a folder without data',
    changes: { pool: '{path: temp}' },
    message: /^temp: is a folder in which no name ends in \.parquet, nor further down$/,
  },
  {
    name: 'a table, whose files hold deleted rows too',
    changes: { pool: '{path: "table/**/*.parquet"}' },
    prepare: async (dir) => {
      await mkdir(join(dir, 'table', '_delta_log'), { recursive: true });
      await mkdir(join(dir, 'table', 'lang=en'));
      await rename(join(dir, 'pool.parquet'), join(dir, 'table', 'lang=en', 'part-0.parquet'));
    },
    message: /belongs to the Delta Lake table table, whose files .*: python3 -c .* table table-live$/,
  },
  {
    name: 'an empty file',
    prepare: (dir) => writeFile(join(dir, 'pool.parquet'), ''),
    message: /^pool\.parquet: .*empty.*$/,
  },
  {
    name: 'a file cut off in its footer',
    prepare: (dir) => truncate(join(dir, 'pool.parquet'), 300),
    message: /^pool\.parquet: .*(truncated|cut off).*$/,
  },
  {
    name: 'a file of another format',
    prepare: (dir) => writeFile(join(dir, 'pool.parquet'), '{"docid": "a", "doc": "this is JSON"}\n'),
    message: /^pool\.parquet: .*Parquet.*$/,
  },
  {
    name: 'a damaged footer',
    prepare: async (dir) => {
      const bytes = await readFile(join(dir, 'pool.parquet'));
      bytes.fill(0xff, bytes.length - 60, bytes.length - 8);
      await writeFile(join(dir, 'pool.parquet'), bytes);
    },
    message: /^pool\.parquet: its footer is damaged.*$/,
  },
  {
    name: 'a damaged page',
    prepare: async (dir) => {
      const file = await open(join(dir, 'pool.parquet'), 'r+');
      await file.write(Buffer.alloc(150, 0xff), 0, 150, 4);
      await file.close();
    },
    message: /^pool\.parquet: row group 0 .*cannot be decoded.*$/,
  },
  {
    name: 'a type that changes between files',
    prepare: pool(
      (columns) => ({ ...columns, token_num: { type: new Utf8(), values: Array(8).fill('10') } }),
      'pool2.parquet',
    ),
    changes: { pool: '{path: "pool*.parquet"}' },
    message:
      /^pool2\.parquet: column "token_num": is Utf8 here and Float64 in pool\.parquet, and no type .*$/,
  },
  {
    name: 'no text column',
    prepare: pool(({ docid, token_num }) => ({ docid, token_num }) as Columns),
    message: /^pool\.parquet: there is no column "doc" .*\(columns: docid, token_num\).*columns.*$/,
  },
  {
    name: 'no token column',
    prepare: pool(({ docid, doc }) => ({ docid, doc }) as Columns),
    message: /^pool\.parquet: there is no column "token_num".*$/,
  },
  {
    name: 'a mapped column that is not there',
    changes: { pool: '{path: pool.parquet, columns: {text: body}}' },
    message: /^pool\.parquet: there is no column "body" \(columns: docid, doc, token_num, lang\).*$/,
  },
  {
    name: 'a text template with a column that is not there',
    changes: { pool: '{path: pool.parquet, columns: {text: "{doc} {answer}"}}' },
    message: /^pool\.parquet: there is no column "answer" .*$/,
  },
  {
    name: 'where with a column that is not there',
    changes: { pool: '{path: pool.parquet, where: {language: en}}' },
    message: /^pool\.parquet: there is no column "language" .*$/,
  },
  {
    name: 'where with a value of another type',
    changes: { pool: '{path: pool.parquet, where: {lang: 1}}' },
    message: /^pool\.parquet: column "lang": where: the column is Utf8 and can never equal 1 .*$/,
  },
  {
    name: 'an empty text',
    prepare: pool((columns) => ({ ...columns, doc: replaced(documents('p', 8).doc, 6, '') })),
    message: /^pool\.parquet: row 6, column "doc": the text is empty or null.*on_empty: skip$/,
  },
  {
    name: 'a text that is null',
    prepare: pool((columns) => ({ ...columns, doc: replaced(documents('p', 8).doc, 2, null) })),
    message: /^pool\.parquet: row 2, column "doc": the text is empty or null.*$/,
  },
  {
    name: 'a template over nulls alone',
    prepare: pool((columns) => ({ ...columns, lang: replaced(documents('p', 8).lang, 7, null) })),
    changes: { pool: '{path: pool.parquet, columns: {text: "{lang}: "}}' },
    message: /^pool\.parquet: row 7, .*empty or null.*$/,
  },
  {
    name: 'a text column of numbers',
    changes: { pool: '{path: pool.parquet, columns: {text: token_num}}' },
    message: /^pool\.parquet: column "token_num": expected text, found Float64.*$/,
  },
  {
    name: 'text that is no valid UTF-8',
    prepare: async (dir) => {
      await pool((columns) => ({ ...columns, doc: replaced(documents('p', 8).doc, 3, 'here: XYZZY') }))(dir);
      const file = join(dir, 'pool.parquet');
      const bytes = await readFile(file);
      bytes.fill(0xff, bytes.indexOf('XYZZY'), bytes.indexOf('XYZZY') + 5);
      await writeFile(file, bytes);
    },
    message: /^pool\.parquet: row 3, column "doc": is not valid UTF-8; .*invalid_text: replace.*$/,
  },
  {
    name: 'negative token counts',
    prepare: pool((columns) => ({ ...columns, token_num: replaced(documents('p', 8).token_num, 5, -3) })),
    message: /^pool\.parquet: row 5, column "token_num": expected a number of tokens .*found -3$/,
  },
  {
    name: 'token counts with a fraction',
    prepare: pool((columns) => ({ ...columns, token_num: replaced(documents('p', 8).token_num, 1, 2.5) })),
    message: /^pool\.parquet: row 1, column "token_num": expected a number of tokens .*found 2\.5$/,
  },
  {
    name: 'token counts as text',
    prepare: pool((columns) => ({ ...columns, token_num: Array(8).fill('12') })),
    message: /^pool\.parquet: column "token_num": expected numbers of tokens, found Utf8$/,
  },
  {
    name: 'a docid that is null',
    prepare: pool((columns) => ({ ...columns, docid: replaced(documents('p', 8).docid, 4, null) })),
    message: /^pool\.parquet: row 4, column "docid": the docid is null.*$/,
  },
  {
    name: 'docids of a type without an order',
    prepare: pool((columns) => ({ ...columns, docid: Array(8).fill(true) })),
    message: /^pool\.parquet: column "docid": expected docids as text or whole numbers, found Bool$/,
  },
  {
    name: 'a target without rows',
    prepare: (dir) =>
      writeTestParquet(join(dir, 'target.parquet'), {
        docid: vectorFromArray([], new Utf8()),
        doc: vectorFromArray([], new LargeUtf8()),
        token_num: vectorFromArray([], new Int64()),
      }),
    message: /^profile: the target is empty.*$/,
  },
  {
    name: 'a target of which where leaves nothing',
    changes: { target: '{path: target.parquet, where: {lang: fr}}' },
    message: /^profile: the target is empty.*where.*$/,
  },
  {
    name: 'a target of which every text is empty',
    prepare: (dir) =>
      writeTestParquet(join(dir, 'target.parquet'), { ...documents('t', 2), doc: ['', null] }),
    changes: { tokenize: '{model: model, on_empty: skip}' },
    message: /^profile: the target is empty.*$/,
  },
  {
    name: 'row groups above the limit',
    changes: { pool: '{path: pool.parquet, max_row_group_mb: 0.0001}' },
    message: /^pool\.parquet: has a row group of .* MB uncompressed, above max_row_group_mb: 0\.0001\. .*$/,
  },
];

testFaults(t, faults);
