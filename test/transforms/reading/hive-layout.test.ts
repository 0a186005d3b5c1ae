import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Int32 } from 'apache-arrow';
import t, { type Test } from 'tap';
import { linesOf } from '../../../pipeline/arrow/json-row.js';
import type { Needs, OpenSource } from '../../../pipeline/component.js';
import { readParquet } from '../../../transforms/read-parquet.js';
import { readGolden } from '../../fixtures/golden.js';
import { type TestColumn, writeTestParquet } from '../../fixtures/parquet.js';
import { openSource, readAll, testContext } from '../context.js';

interface Layout {
  readonly paths: readonly string[];
  /** What DuckDB or pyarrow reads; integers as text. */
  readonly rows: readonly { readonly docid: string }[];
}

async function write(dir: string, files: Record<string, Record<string, TestColumn>>): Promise<string> {
  for (const [path, columns] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeTestParquet(join(dir, `${path}.parquet`), columns);
  }
  return dir;
}

async function rowsOf(source: OpenSource, needs?: Needs): Promise<{ docid: string }[]> {
  const lines = (await readAll(source, needs)).flatMap(({ columns }) =>
    linesOf(columns).split('\n').filter(Boolean),
  );
  // Digits as they are written.
  return lines.map((line) => JSON.parse(line.replace(/:(-?\d+)(?=[,}])/g, ':"$1"')));
}

const open = (t: Test, path: string, options: object = {}) =>
  openSource(readParquet, { path, ...options }, testContext(t));

for (const [name, { paths, rows }] of Object.entries(readGolden<Record<string, Layout>>('pools', 'layouts')))
  t.test(`folders as DuckDB and pyarrow read them: ${name}`, async (t) => {
    const dir = await write(
      t.testdir({}),
      Object.fromEntries(paths.map((path, i) => [path, { docid: [String(i)] }])),
    );
    const found = await rowsOf(await open(t, dir));
    t.strictSame(
      found.sort((a, b) => Number(a.docid) - Number(b.docid)),
      rows,
    );
  });

const pool = {
  'lang=en/day=2024-01-01/a': { docid: ['a'], n: [1] },
  'lang=de/day=2024-01-02/b': { docid: ['b'], n: [2] },
  'lang=de/day=2024-01-03/c': { docid: ['c'], n: [3] },
};
const docids = async (source: OpenSource) => (await rowsOf(source)).map(({ docid }) => docid);

t.test('which folders count', async (t) => {
  const dir = await write(join(t.testdir({}), 'set=x'), pool);
  const columns = async (path: string, options: object = {}) =>
    (await open(t, path, options)).schema.fields.map(({ name }) => name);
  t.strictSame(
    [
      await columns(dir),
      await columns(`${dir}/**/*.parquet`),
      await columns(`${dir}/lang=de/*/*.parquet`),
      await columns(`${dir}/lang=de/day=2024-01-02/b.parquet`),
      await columns(dir, { hive: false }),
      await columns(`${dir}/lang=de/day=2024-01-02/b.parquet`, { hive: true }),
    ],
    [
      ['docid', 'n', 'lang', 'day'],
      ['docid', 'n', 'lang', 'day'],
      ['docid', 'n', 'day'],
      ['docid', 'n'],
      ['docid', 'n'],
      ['docid', 'n', 'set', 'lang', 'day'],
    ],
  );
});

t.test('where leaves files out unopened; a bad one among them is no matter', async (t) => {
  const dir = await write(t.testdir({ 'lang=fr': { 'bad.parquet': 'not Parquet' } }), pool);
  const context = testContext(t);
  const source = await openSource(
    readParquet,
    { path: dir, where: { lang: ['de', 'en'], day: { min: '2024-01-02' }, n: { max: 2 } } },
    context,
  );
  t.strictSame(await docids(source), ['b']);
  t.strictSame([...context.figures], [['files left out by where', 2]]);
  t.equal(source.rows, 2);
  await t.rejects(open(t, dir), { message: /bad\.parquet/ });
});

t.test('where nothing is left there are columns and no rows', async (t) => {
  const dir = await write(t.testdir({}), pool);
  const source = await open(t, dir, { where: { lang: 'xx' } });
  t.strictSame(await docids(source), []);
  t.strictSame(source.schema.fields.map(String), [
    'docid: Utf8',
    'n: Float64',
    'lang: Utf8',
    'day: Date32<DAY>',
  ]);
  await t.rejects(open(t, dir, { where: { day: 'x' } }), { message: /column "day": where: .*write a date/ });
});

t.test('templates and roles, one column alone, and chosen rows', async (t) => {
  const dir = await write(t.testdir({}), pool);
  const source = await open(t, dir, { columns: { docid: 'lang', text: '{lang}: {docid}' } });
  const batches = await readAll(source, { roles: ['text', 'docid'] });
  t.strictSame(
    batches.flatMap(({ columns }) => [...columns.getChild('#text')!]),
    ['de: b', 'de: c', 'en: a'],
  );
  t.strictSame(await rowsOf(source, { columns: ['lang'] }), [{ lang: 'de' }, { lang: 'de' }, { lang: 'en' }]);
  const [bundle] = source.bundles;
  t.match(bundle, {
    name: 'lang=de/day=2024-01-02/b.parquet',
    partition: '[["lang","de"],["day","2024-01-02"]]',
  });
  const again = await collected(source.read(bundle!, { columns: 'all' }, { only: Uint32Array.of(0) }));
  t.strictSame(
    again.map(({ columns }) => linesOf(columns)),
    ['{"docid":"b","n":2.0,"lang":"de","day":"2024-01-02"}\n'],
  );
  const plain = await open(t, dir);
  t.strictSame(
    plain.bundles.map(({ partition }) => partition),
    [undefined, undefined, undefined],
  );
});

t.test('a column of the files and of the path is that of the path, and it is said', async (t) => {
  const dir = await write(t.testdir({}), {
    'n=7/a': { docid: ['a'], n: { type: new Int32(), values: [1] } },
  });
  const context = testContext(t);
  const source = await openSource(readParquet, { path: dir }, context);
  t.strictSame(await rowsOf(source), [{ docid: 'a', n: '7' }]);
  t.match(context.notes, [/^n: taken from the names of the folders; .*\(hive: false takes that\)$/]);
  t.strictSame(await rowsOf(await open(t, dir, { hive: false })), [{ docid: 'a', n: '1' }]);
});

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
