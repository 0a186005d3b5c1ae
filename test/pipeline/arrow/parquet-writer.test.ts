import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  Data,
  DenseUnion,
  Dictionary,
  Field,
  Int32,
  Int64,
  IntervalMonthDayNano,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import t from 'tap';
import { ParquetSource } from '../../../pipeline/arrow/parquet-file.js';
import {
  type ParquetWriterOptions,
  stageParquet,
  writeParquet,
} from '../../../pipeline/arrow/parquet-writer.js';
import { publishAll } from '../../../pipeline/publication/publish.js';
import { allSame } from '../../fixtures/all-same.js';
import { batchOf, dataOf, sampleBatches, values } from '../../fixtures/columns.js';

const options: ParquetWriterOptions = {
  compression: 'zstd',
  rowGroupRows: 1000,
  metadata: { 'nag.run': 'test' },
};

const schema = new Schema(
  [
    new Field('docid', new Utf8(), false, new Map([['role', 'docid']])),
    new Field('tokens', new Int64(), true),
    new Field('dataset', new Dictionary(new Utf8(), new Int32(), 7), true),
  ],
  new Map([['made', 'here']]),
);

function batch(first: number, rows: number, pad = ''): RecordBatch {
  const numbers = Array.from({ length: rows }, (_, row) => first + row);
  const children = [
    dataOf(
      new Utf8(),
      numbers.map((row) => `doc-${row}${pad}`),
    ),
    dataOf(
      new Int64(),
      numbers.map((row) => (row % 7 === 0 ? null : BigInt(row))),
    ),
    dataOf(
      schema.fields[2]!.type,
      numbers.map((row) => `set ${row % 3}`),
    ),
  ];
  return new RecordBatch(schema, new Data(new Struct(schema.fields), 0, rows, 0, {}, children));
}

/** `count` batches of 250 rows, then perhaps an error; tells whether it was closed. */
function feed(count: number, end?: Error, pad?: string) {
  const state = { given: 0, closed: false };
  async function* batches(): AsyncGenerator<RecordBatch> {
    try {
      for (; state.given < count; state.given++) yield batch(state.given * 250, 250, pad);
      if (end) throw end;
    } finally {
      state.closed = true;
    }
  }
  return { state, batches: batches() };
}

async function read(path: string): Promise<{ source: ParquetSource; docids: string[] }> {
  const source = await ParquetSource.open(path);
  const docids: string[] = [];
  for await (const found of source.read({
    rowGroups: source.rowGroups.map((group) => group.index),
    batchRows: 5000,
  })) {
    docids.push(...(found.getChild('docid')?.toArray() ?? []));
  }
  await source.close();
  return { source, docids };
}

const ids = (rows: number, pad = ''): string[] =>
  Array.from({ length: rows }, (_, row) => `doc-${row}${pad}`);

t.test('one file: rows, row groups, schema and metadata survive; nothing else is left', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'deep', 'out.parquet');
  const { state, batches } = feed(10);
  const files = await writeParquet(path, schema, batches, options);
  t.same(files, [{ path, rows: 2500, bytes: statSync(path).size }]);
  t.same(readdirSync(join(dir, 'deep')), ['out.parquet']);
  t.ok(state.closed);
  const { source, docids } = await read(path);
  t.same(docids, ids(2500));
  t.same(
    source.rowGroups.map((group) => group.rows),
    [1000, 1000, 500],
  );
  t.equal(source.metadata.get('nag.run'), 'test');
  t.same(
    source.schema.fields.map((field) => `${field.name}:${field.type}:${field.nullable}`),
    ['docid:Utf8:false', 'tokens:Int64:true', 'dataset:Dictionary<Int32, Utf8>:true'],
  );
  t.equal(source.schema.fields[0]?.metadata.get('role'), 'docid');
  t.equal(source.schema.metadata.get('made'), 'here');
});

for (const compression of ['zstd', 'snappy', 'gzip', 'lz4', 'brotli', 'none'] as const) {
  t.test(`compression ${compression}`, async (t) => {
    const path = join(t.testdir(), 'out.parquet');
    await writeParquet(path, schema, feed(2).batches, { ...options, compression });
    t.same((await read(path)).docids, ids(500));
  });
}

t.test('every type that Parquet can store, sliced or not', async (t) => {
  const path = join(t.testdir(), 'out.parquet');
  await allSame(t, 'what is read again', async (same) => {
    for (const { name, batch } of sampleBatches()) {
      // Intervals read back as the 12 bytes that Parquet stores.
      if (/union|Interval/.test(name)) continue;
      const parts = [batch, batch.slice(13, 60)];
      const source = parts[Symbol.iterator]();
      await writeParquet(path, batch.schema, asyncFrom(source), { ...options, rowGroupRows: 100 });
      const file = await ParquetSource.open(path);
      const found: string[] = [];
      const rowGroups = file.rowGroups.map((group) => group.index);
      for await (const back of file.read({ rowGroups, batchRows: 100 })) found.push(...values(back));
      await file.close();
      same(found, parts.flatMap(values), name);
    }
  });
});

async function* asyncFrom(batches: Iterable<RecordBatch>): AsyncGenerator<RecordBatch> {
  yield* batches;
}

t.test('the same rows give the same bytes, whatever was read before', async (t) => {
  const dir = t.testdir();
  const metadata = Object.fromEntries(
    ['name', 'config', 'device', 'model', 'version'].map((key) => [key, 'x']),
  );
  const files = ['0', '1', '2'].map((name) => join(dir, name));
  for (const [times, path] of files.entries()) {
    for (let i = 0; i < times; i++) await read(files[0]!);
    await writeParquet(path, schema, asyncFrom([batch(0, 10)]), { ...options, metadata });
  }
  for (const path of files.slice(1)) t.ok(readFileSync(path).equals(readFileSync(files[0]!)));
});

t.test('no batches, or only empty ones: a valid file without rows', async (t) => {
  const path = join(t.testdir(), 'out.parquet');
  for (const batches of [[], [batch(0, 0), batch(0, 0)]]) {
    const files = await writeParquet(path, schema, asyncFrom(batches), options);
    t.equal(files[0]?.rows, 0);
    const { source, docids } = await read(path);
    t.same([source.rows, docids, source.schema.fields.length], [0, [], 3]);
  }
});

t.test('past its size it becomes a folder of parts, none larger', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'out.parquet');
  const pad = '-'.repeat(200);
  const limits = { ...options, compression: 'none', rowGroupRows: 250, maxFileBytes: 200_000 } as const;
  const files = await writeParquet(path, schema, feed(12, undefined, pad).batches, limits);
  t.ok(files.length > 2, `${files.length} parts`);
  t.ok(files.every((file) => file.bytes <= 200_000 && file.bytes === statSync(file.path).size));
  const names = files.map((_, part) => `part-0000${part}.parquet`);
  t.same(readdirSync(path).sort(), names);
  t.same(
    files.map((file) => file.path),
    names.map((name) => join(path, name)),
  );
  const docids: string[] = [];
  for (const file of files) docids.push(...(await read(file.path)).docids);
  t.same(docids, ids(3000, pad));
  t.same(readdirSync(dir), ['out.parquet']);
  await writeParquet(path, schema, feed(1).batches, options);
  t.ok(statSync(path).isFile(), 'a later, smaller output replaces the folder');
});

t.test(
  'an error of the source comes through as itself; the old output stays, nothing of the new one',
  async (t) => {
    for (const count of [0, 1, 9]) {
      const dir = t.testdir({ 'out.parquet': 'old' });
      const error = new Error('the source failed');
      const { state, batches } = feed(count, error);
      const thrown = await writeParquet(join(dir, 'out.parquet'), schema, batches, options).catch(
        (thrown) => thrown,
      );
      t.equal(thrown, error, `after ${count} batches`);
      t.ok(state.closed);
      t.same(readdirSync(dir), ['out.parquet']);
      t.equal(readFileSync(join(dir, 'out.parquet'), 'utf8'), 'old');
    }
  },
);

t.test('an error in a later part removes the earlier ones', async (t) => {
  const dir = t.testdir();
  const limits = { ...options, compression: 'none', rowGroupRows: 250, maxFileBytes: 50_000 } as const;
  const { batches } = feed(30, new Error('late'));
  await t.rejects(writeParquet(join(dir, 'out.parquet'), schema, batches, limits), { message: 'late' });
  t.same(readdirSync(dir), []);
});

t.test('staged output is in place only when it is published', async (t) => {
  const dir = t.testdir({ 'out.parquet': 'old' });
  const path = join(dir, 'out.parquet');
  const staged = await stageParquet(path, schema, feed(2).batches, options);
  t.equal(readFileSync(path, 'utf8'), 'old');
  t.same(
    staged.files.map(({ path, rows }) => [path, rows]),
    [[path, 500]],
  );
  await publishAll(staged.outputs, { together: false });
  t.equal((await read(path)).docids.length, 500);
  await staged.discard();
  t.same(readdirSync(dir), ['out.parquet'], 'what is published is not discarded');
  const other = await stageParquet(path, schema, feed(4).batches, options);
  await other.discard();
  t.equal((await read(path)).docids.length, 500);
  t.same(readdirSync(dir), ['out.parquet']);
});

t.test('a batch of another schema is an error that says which column', async (t) => {
  const dir = t.testdir();
  const other = batchOf(dataOf(new Utf8(), ['a']));
  const fed = asyncFrom([batch(0, 10), other]);
  await t.rejects(writeParquet(join(dir, 'out.parquet'), schema, fed, options), {
    name: 'NagError',
    message: /another schema than the first: expected 3 columns, found 1/,
  });
  t.same(readdirSync(dir), []);
});

t.test('nulls in a column without nulls', async (t) => {
  const dir = t.testdir();
  const strict = new Schema([new Field('x', new Utf8(), false)]);
  const fed = asyncFrom([new RecordBatch(strict, batchOf(dataOf(new Utf8(), ['a', null])).data)]);
  await t.rejects(writeParquet(join(dir, 'out.parquet'), strict, fed, options), {
    name: 'DataError',
    message: /out\.parquet: column "x": is declared without nulls/,
  });
});

t.test('types that Parquet cannot store are refused by name, before any batch is asked for', async (t) => {
  const dir = t.testdir();
  const union: Field[] = [new Field('a', new Int32())];
  const inside = new Struct([new Field('inner', new IntervalMonthDayNano(), true)]);
  for (const type of [new IntervalMonthDayNano(), new DenseUnion([0], union), inside]) {
    const { state, batches } = feed(1);
    const impossible = new Schema([new Field('when', type, true)]);
    await t.rejects(writeParquet(join(dir, 'out.parquet'), impossible, batches, options), {
      name: 'DataError',
      message: /column "when": has the type .*, which Parquet cannot store/,
    });
    t.equal(state.given, 0);
  }
  t.same(readdirSync(dir), []);
});

t.test('a folder of other things at the path is refused before any work', async (t) => {
  const dir = t.testdir({ 'out.parquet': { 'notes.txt': 'mine' } });
  const { state, batches } = feed(1);
  await t.rejects(writeParquet(join(dir, 'out.parquet'), schema, batches, options), {
    name: 'DataError',
    message: /notes\.txt/,
  });
  t.equal(state.given, 0);
  t.same(readdirSync(dir), ['out.parquet']);
});

t.test('types made by hand equal those that are read back', async (t) => {
  const path = join(t.testdir(), 'out.parquet');
  const x = vectorFromArray([1, 2], new Int32()).data[0]!;
  const files = await writeParquet(
    path,
    new Schema([new Field('x', new Int32())]),
    asyncFrom([batchOf(x)]),
    options,
  );
  t.equal(files[0]?.rows, 2);
});

t.test('columns of zero width', async (t) => {
  const path = join(t.testdir(), 'out.parquet');
  const nothing = makeData({ type: new Struct([]), length: 3, nullCount: 0, children: [] });
  const fed = asyncFrom([new RecordBatch(new Schema([]), nothing)]);
  await t.rejects(writeParquet(path, new Schema([]), fed, options), {
    name: 'DataError',
    message: /no columns/,
  });
});

/**
 * A full disk needs a small file system. It is mounted in a mount namespace of its own, which no other process sees
 * and which ends with its process: nothing can be left mounted.
 */
const namespace = ['--user', '--map-root-user', '--mount', 'sh', '-c'];
const canMount = spawnSync('unshare', [...namespace, 'mount -t tmpfs tmpfs /mnt']).status === 0;

t.test(
  'a full disk: said so, with the bytes written; the old output stays',
  { skip: !canMount && 'NOT RUN: needs the right to mount a tmpfs in a namespace (unshare)' },
  async (t) => {
    const dir = t.testdir();
    const script = fileURLToPath(new URL('../../fixtures/fill-disk.js', import.meta.url));
    const command = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" "$3" "$1"';
    const result = execFileSync('unshare', [...namespace, command, 'sh', dir, process.execPath, script]);
    const { name, message, entries, content, closed } = JSON.parse(result.toString());
    t.equal(name, 'DataError');
    t.match(message, /out\.parquet: disk full: \d+ bytes were written, and are removed/);
    t.same([entries, content, closed], [['out.parquet'], 'old', true]);
    t.same(readdirSync(dir), [], 'all of it happened in the namespace');
  },
);
