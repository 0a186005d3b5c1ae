import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Binary,
  Decimal,
  Dictionary,
  Field,
  FixedSizeBinary,
  Float32,
  Int32,
  Int64,
  List,
  Struct,
  TimestampMicrosecond,
  Uint64,
  Utf8,
  Vector,
  vectorFromArray,
} from 'apache-arrow';
import t, { type Test } from 'tap';
import { placeOf } from '../../pipeline/batch.js';
import { readParquet } from '../../transforms/read-parquet.js';
import { type TestColumn, type TestParquetOptions, writeTestParquet } from '../fixtures/parquet.js';
import { names, openSource, readAll, testContext, values } from './context.js';

type Columns = Record<string, TestColumn>;

async function source(
  t: Test,
  files: Record<string, Columns>,
  options: Record<string, unknown> = {},
  how: TestParquetOptions = {},
) {
  const dir = t.testdir({});
  for (const [name, columns] of Object.entries(files)) await writeTestParquet(join(dir, name), columns, how);
  const context = testContext(t);
  const open = () => openSource(readParquet, { path: `${dir}/*.parquet`, ...options }, context);
  return { dir, context, open, opened: await open() };
}

const meta = new Struct([
  new Field<Utf8 | Int64>('docid', new Utf8(), true),
  new Field<Utf8 | Int64>('n', new Int64(), true),
]);

/** `count` rows from number `first` on. */
function pool(count: number, first = 0): Columns {
  const rows = Array.from({ length: count }, (_, i) => first + i);
  return {
    docid: rows.map((row) => `d${row}`),
    doc: rows.map((row) => `text ${row}`),
    token_num: { type: new Int64(), values: rows.map(BigInt) },
    lang: rows.map((row) => (row % 3 === 0 ? 'en' : 'de')),
    meta: {
      type: meta,
      values: rows.map((row) => (row % 5 === 4 ? null : { docid: `m${row}`, n: BigInt(row) })),
    },
  };
}

t.test('files in order; batches do not pass row groups; row numbers are those of the file', async (t) => {
  const { opened } = await source(
    t,
    { 'b.parquet': pool(10, 25), 'a.parquet': pool(25) },
    { batch_rows: 4 },
    { rowGroupRows: 10 },
  );
  t.equal(opened.rows, 35);
  const batches = await readAll(opened);
  t.same(
    batches.map((batch) => batch.rows.length),
    [4, 4, 2, 4, 4, 2, 4, 1, 4, 4, 2],
  );
  t.same(
    values(batches, 'docid'),
    Array.from({ length: 35 }, (_, i) => `d${i}`),
  );
  t.match(placeOf(batches[4]!, 1), { file: /a\.parquet$/, row: 15 });
  t.match(placeOf(batches.at(-1)!, 0), { file: /b\.parquet$/, row: 8 });
});

t.test('large files are several bundles', async (t) => {
  const { opened } = await source(
    t,
    { 'a.parquet': { docid: Array.from({ length: 15_000 }, (_, i) => `${i}`) } },
    {},
    { rowGroupRows: 3000 },
  );
  t.same(
    opened.bundles.map(({ ordinal, firstRow, rows }) => [ordinal, firstRow, rows]),
    [
      [0, 0, 6000],
      [1, 6000, 6000],
      [2, 12_000, 3000],
    ],
  );
  const [third] = await readAll({ ...opened, bundles: opened.bundles.slice(2) });
  t.equal(placeOf(third!, 7).row, 12_007);
  t.equal(values([third!], 'docid')[7], '12007');
});

t.test('columns survive with their types', async (t) => {
  const item = new Struct([
    new Field<Utf8 | Int32>('a', new Utf8(), true),
    new Field<Utf8 | Int32>('b', new Int32(), true),
  ]);
  const columns: Columns = {
    big: { type: new Int64(), values: [2n ** 63n - 1n, -(2n ** 63n), null] },
    unsigned: { type: new Uint64(), values: [2n ** 64n - 1n, 0n, null] },
    at: { type: new TimestampMicrosecond('UTC'), values: [1, -1, null] },
    kind: { type: new Dictionary(new Utf8(), new Int32()), values: ['x', 'y', 'x'] },
    price: {
      type: new Decimal(2, 30),
      values: [new Uint32Array([1, 2, 3, 0]), null, new Uint32Array([5, 0, 0, 0])],
    },
    bytes: { type: new Binary(), values: [new Uint8Array([0, 255]), new Uint8Array(0), null] },
    key: { type: new FixedSizeBinary(2), values: [new Uint8Array([1, 2]), null, new Uint8Array([3, 4])] },
    parts: {
      type: new List(new Field('item', item, true)),
      values: [
        [
          { a: 'x', b: 1 },
          { a: null, b: null },
        ],
        [],
        null,
      ],
    },
    score: { type: new Float32(), values: [0.1, null, -0] },
  };
  const { opened } = await source(t, { 'a.parquet': columns });
  const batches = await readAll(opened);
  for (const [name, column] of Object.entries(columns)) {
    if (!('type' in column) || column instanceof Vector) throw new Error('typed columns only');
    t.same(
      opened.schema.fields.find((field) => field.name === name)?.type.toString(),
      column.type.toString(),
      name,
    );
    const vector = vectorFromArray(column.values, column.type);
    const read = batches[0]!.columns.getChild(name)!;
    t.same(
      [0, 1, 2].map((row) => String(read.get(row))),
      [0, 1, 2].map((row) => String(vector.get(row))),
      name,
    );
  }
});

/** Spoils the pages of the column that holds this text. */
async function spoil(file: string, marker: string): Promise<void> {
  const bytes = await readFile(file);
  let found = 0;
  for (let at = bytes.indexOf(marker); at >= 0; at = bytes.indexOf(marker, at + 1)) {
    bytes.fill(0xff, at, at + marker.length);
    found++;
  }
  if (found === 0) throw new Error('no page has the marker');
  await writeFile(file, bytes);
}

t.test('columns that nobody needs are not decoded', async (t) => {
  const columns = { ...pool(20), heavy: Array(20).fill('SPOILED HERE') };
  const { opened, dir, open } = await source(
    t,
    { 'a.parquet': columns },
    { where: { lang: 'en' } },
    { compression: 'UNCOMPRESSED' },
  );
  await spoil(join(dir, 'a.parquet'), 'SPOILED HERE');
  await t.rejects(readAll(opened), { message: /changed during the run/ }, 'told even so');
  const again = await open();
  await t.rejects(
    readAll(again),
    { message: /a\.parquet: row 0, column "heavy": is not valid UTF-8/ },
    'it is spoiled indeed',
  );
  const batches = await readAll(again, { roles: ['text', 'docid'], optionalRoles: ['tokens'] });
  t.same(names(batches[0]!).sort(), ['doc', 'docid', 'lang', 'token_num']);
  t.equal(values(batches, 'doc').length, 7);
});

t.test('a nested column alone', async (t) => {
  const { opened } = await source(t, { 'a.parquet': pool(6) }, { columns: { docid: 'meta.docid' } });
  const [batch] = await readAll(opened, { roles: ['docid'] });
  t.same(names(batch!), ['meta']);
  t.same(
    values([batch!], 'meta'),
    ['m0', 'm1', 'm2', 'm3', null, 'm5'].map((docid) => (docid === null ? null : { docid })),
  );
});

t.test('no column at all: rows are still counted', async (t) => {
  const { opened } = await source(t, { 'a.parquet': pool(9) }, { batch_rows: 4 });
  const batches = await readAll(opened, {});
  t.same(
    batches.map((batch) => [batch.rows.length, names(batch).length]),
    [
      [4, 0],
      [4, 0],
      [1, 0],
    ],
  );
});

t.test('where filters and counts', async (t) => {
  const where = { lang: 'en', 'meta.docid': ['m3', 'm6', null, 'm7'] };
  const { opened } = await source(t, { 'a.parquet': pool(25) }, { where }, { rowGroupRows: 10 });
  let left = 0;
  const batches = await readAll(opened, { columns: ['docid'] }, { leftOut: (_, rows) => (left += rows) });
  t.same(
    batches.flatMap((batch) => [...batch.rows]),
    [3, 6, 9, 24],
  );
  t.same(values(batches, 'docid'), ['d3', 'd6', 'd9', 'd24']);
  t.equal(left, 21);
});

t.test('chosen rows are read again; row groups without one are not decoded', async (t) => {
  const columns = {
    ...pool(30),
    mark: Array.from({ length: 30 }, (_, i) => (i < 10 ? `SPOILED ${i}` : 'fine')),
  };
  const { dir, open } = await source(
    t,
    { 'a.parquet': columns },
    { batch_rows: 4 },
    { rowGroupRows: 10, compression: 'UNCOMPRESSED' },
  );
  await spoil(join(dir, 'a.parquet'), 'SPOILED');
  const opened = await open();
  for (const only of [[10], [29], [11, 12, 13, 14, 25], [...Array(20).keys()].map((i) => i + 10)]) {
    const batches = await readAll(opened, { columns: 'all' }, { only: Uint32Array.from(only) });
    t.same(
      batches.flatMap((batch) => [...batch.rows]),
      only,
    );
    t.same(
      values(batches, 'docid'),
      only.map((row) => `d${row}`),
    );
    t.same(
      values(batches, 'mark'),
      only.map(() => 'fine'),
    );
  }
  await t.rejects(readAll(opened, { columns: 'all' }, { only: Uint32Array.from([9, 10]) }), {
    message: /row 9, column "mark": is not valid UTF-8/,
  });
  const [none] = await readAll(opened, { columns: 'all' }, { only: new Uint32Array(0) });
  t.same([none!.rows.length, names(none!)], [0, [...names(none!)]]);
});

t.test('a file without rows has its columns', async (t) => {
  const { opened } = await source(t, {
    'a.parquet': { docid: vectorFromArray([], new Utf8()), n: vectorFromArray([], new Int64()) },
  });
  const batches = await readAll(opened);
  t.equal(batches.length, 1);
  t.same([names(batches[0]!), batches[0]!.rows.length], [['docid', 'n'], 0]);
});

t.test('a text template, and a format', async (t) => {
  const { opened } = await source(
    t,
    { 'a.parquet': { ...pool(3), content_split: ['x', 'y', null] } },
    { format: 'final' },
  );
  t.same(opened.roles, { docid: 'meta.docid', text: 'content_split', tokens: 'token_num' });
  const other = await source(t, { 'a.parquet': pool(3) }, { columns: { text: '{meta.docid}/{token_num}' } });
  const batches = await readAll(other.opened, { roles: ['text'] });
  t.same(values(batches, '#text'), ['m0/0', 'm1/1', 'm2/2']);
});

t.test('files of which only some may hold nulls are read as one', async (t) => {
  const strict = vectorFromArray(['a', 'b'], new Utf8());
  const { opened } = await source(t, { 'a.parquet': { docid: strict }, 'b.parquet': { docid: ['c', null] } });
  const batches = await readAll(opened);
  t.same(values(batches, 'docid'), ['a', 'b', 'c', null]);
  t.ok(batches.every((batch) => batch.columns.schema.fields[0]!.nullable));
});

t.test('oversized row groups are refused, and large ones told of, before anything is decoded', async (t) => {
  const columns = { docid: Array(10).fill('SPOILED') };
  const { dir, open } = await source(t, { 'a.parquet': columns }, {}, { compression: 'UNCOMPRESSED' });
  await spoil(join(dir, 'a.parquet'), 'SPOILED');
  await open();
  await t.rejects(
    openSource(readParquet, { path: join(dir, 'a.parquet'), max_row_group_mb: 1e-5 }, testContext(t)),
    {
      message:
        /a\.parquet: has a row group of 0 MB uncompressed, above max_row_group_mb: 0\.00001\. A row group is decoded whole/,
    },
  );
});
