import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Field, Int32, Int64, Schema, Struct, Utf8, vectorFromArray } from 'apache-arrow';
import t, { type Test } from 'tap';
import { linesOf } from '../../../pipeline/arrow/json-row.js';
import type { Needs } from '../../../pipeline/component.js';
import { readParquet } from '../../../transforms/read-parquet.js';
import { differenceOf, uniteFiles } from '../../../transforms/reading/same-schema.js';
import { readGolden } from '../../fixtures/golden.js';
import { writeTestParquet } from '../../fixtures/parquet.js';
import type { Told } from '../../fixtures/rejecting.js';
import { openSource, readAll, testContext } from '../context.js';

interface Shards {
  /** Two Parquet files, base64. */
  readonly files: readonly string[];
  /** What DuckDB reads from them. */
  readonly rows: readonly object[];
}

async function rowsOf(t: Test, dir: string, needs?: Needs): Promise<object[]> {
  const source = await openSource(readParquet, { path: `${dir}/*.parquet` }, testContext(t));
  const batches = await readAll(source, needs);
  const lines = batches.flatMap(({ columns }) => linesOf(columns).split('\n').filter(Boolean));
  return lines.map((line) => JSON.parse(line));
}

for (const [name, { files, rows }] of Object.entries(readGolden<Record<string, Shards>>('pools', 'shards')))
  t.test(`shards as DuckDB reads them: ${name}`, async (t) => {
    const dir = t.testdir({});
    for (const [i, bytes] of files.entries())
      await writeFile(join(dir, `${i}.parquet`), Buffer.from(bytes, 'base64'));
    const found = await rowsOf(t, dir);
    t.strictSame(found, rows);
    t.strictSame(found.map(Object.keys), rows.map(Object.keys), 'columns in their order');
    const [first] = Object.keys(rows[0]!);
    t.strictSame(
      await rowsOf(t, dir, { columns: [first!] }),
      rows.map((row) => ({ [first!]: row[first as keyof typeof row] })),
      'one column alone',
    );
  });

const text = new Field('x', new Utf8(), true);
const number = new Field('x', new Int64(), true);
const docid = new Field('docid', new Utf8(), true);
const struct = (x: Field) => new Field('meta', new Struct([docid, x]), true);
const fileOf = (path: string, ...fields: Field[]) => ({ path, rows: 3, schema: new Schema(fields) });
const pool = [
  fileOf('0', docid, text),
  fileOf('1', docid, number),
  fileOf('2', docid),
  fileOf('3', docid, number),
];
const nested = [fileOf('0', struct(text)), fileOf('1', struct(number))];
const named = ({ schema }: { schema: Schema }) => schema.fields.map(String);

t.test('columns that cannot be reconciled are refused where they are read', async (t) => {
  const context = testContext(t);
  const message =
    '1: column "x": is Int64 here and Utf8 in 0, and no type holds the values of both; ' +
    'leave the column out (columns: on the sink), or read the files in two sources with a sink each';
  t.throws(() => uniteFiles(pool, undefined, context), { name: 'DataError', message });
  t.throws(() => uniteFiles(pool, new Set(['docid', 'x']), context), { message });
  t.throws(() => uniteFiles(nested, new Set(['meta']), context), { message: /^1: column "meta": is Struct/ });
});

t.test('and not where nobody reads them', async (t) => {
  const context = testContext(t);
  const found = uniteFiles(pool, new Set(['docid']), context);
  t.strictSame(named(found), ['docid: Utf8']);
  t.equal(found.files, pool);
  t.strictSame(context.notes, [
    'column "x" is Int64 in 1 and Utf8 in 0: it is not read, as no stage needs it',
  ]);
  t.strictSame(named(uniteFiles(nested, new Set(['meta.docid']), context)), ['meta: Struct<{docid:Utf8}>']);
});

t.test('where the run goes on, files that differ from most are rejected', async (t) => {
  const told: Told[] = [];
  const found = uniteFiles(pool, undefined, testContext(t, told));
  t.strictSame(named(found), ['docid: Utf8', 'x: Int64']);
  t.strictSame(
    found.files.map(({ path }) => path),
    ['1', '2', '3'],
  );
  t.match(told, [{ file: '0', column: 'x', rows: 3, reason: /^is Utf8 here and Int64 in 1, and no type/ }]);
});

t.test('a value that the common type does not hold ends the file, not in silence', async (t) => {
  const dir = t.testdir({});
  await writeTestParquet(join(dir, 'a.parquet'), { x: vectorFromArray([1n, 2n ** 53n + 1n], new Int64()) });
  await writeTestParquet(join(dir, 'b.parquet'), { x: [0.5] });
  await t.rejects(rowsOf(t, dir), {
    message: /a\.parquet: row 1, column "x": 9007199254740993 \(Int64\) has no exact place in Float64/,
  });
});

t.test('how schemas differ', async (t) => {
  const schema = (...fields: Field[]) => new Schema(fields);
  t.strictSame(
    [
      differenceOf(schema(docid, text), schema(docid)),
      differenceOf(schema(docid), schema(docid, text)),
      differenceOf(schema(docid, text), schema(text, docid)),
      differenceOf(schema(text), schema(new Field('x', new Int32()))),
      differenceOf(schema(struct(text)), schema(struct(number))),
      differenceOf(schema(docid, number), schema(docid, new Field('x', new Int64()))),
    ],
    [
      'column "x" is missing',
      'column "x" is not in the first',
      'column "x" stands at another place',
      'column "x" is Int32, and Utf8 in the first',
      'column "meta" is Struct<{docid:Utf8, x:Int64}>, and Struct<{docid:Utf8, x:Utf8}> in the first',
      undefined,
    ],
  );
});
