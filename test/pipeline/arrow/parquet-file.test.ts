import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  Bool,
  Field,
  Int64,
  List,
  type RecordBatch,
  Struct,
  tableFromArrays,
  tableToIPC,
  Utf8,
} from 'apache-arrow';
import t from 'tap';
import { ParquetSource, type ReadOptions } from '../../../pipeline/arrow/parquet-file.js';
import { acquireParquetWasm, releaseParquetWasm } from '../../../pipeline/arrow/wasm.js';
import { type TestParquetOptions, testParquetBytes, writeTestParquet } from '../../fixtures/parquet.js';

const ROWS = 2500;
const numbers = [...Array(ROWS).keys()];
const meta = new Struct([new Field('docid', new Utf8(), true), new Field('ok', new Bool(), true)]);
const columns = {
  docid: numbers.map((row) => `doc-${row}`),
  tokens: {
    type: new Int64(),
    values: numbers.map((row) => (row % 10 === 3 ? null : BigInt(row) * 2n ** 33n)),
  },
  meta: { type: meta, values: numbers.map((row) => ({ docid: `m${row}`, ok: row % 2 === 0 })) },
  tags: {
    type: new List(new Field('item', new Utf8(), true)),
    values: numbers.map((row) => [`t${row}`, 'x']),
  },
};

async function openSample(
  t: Tap,
  options: TestParquetOptions = { rowGroupRows: 1000 },
): Promise<ParquetSource> {
  const path = join(t.testdir(), 'sample.parquet');
  await writeTestParquet(path, columns, options);
  const source = await ParquetSource.open(path);
  t.teardown(() => source.close());
  return source;
}

type Tap = Pick<typeof t, 'testdir' | 'teardown'>;

async function readAll(source: ParquetSource, options: Partial<ReadOptions> = {}): Promise<RecordBatch[]> {
  const rowGroups = source.rowGroups.map((group) => group.index);
  const batches: RecordBatch[] = [];
  for await (const batch of source.read({ rowGroups, batchRows: 300, ...options })) batches.push(batch);
  return batches;
}

function cells(batches: readonly RecordBatch[], column: string): unknown[] {
  return batches.flatMap((batch) => [...(batch.getChild(column) ?? [])]);
}

t.test('the footer: rows, row groups, schema, metadata, sizes', async (t) => {
  const source = await openSample(t, { rowGroupRows: 1000, metadata: { made: 'by a test' } });
  t.equal(source.rows, ROWS);
  t.same(
    source.rowGroups.map(({ index, rows, firstRow }) => [index, rows, firstRow]),
    [
      [0, 1000, 0],
      [1, 1000, 1000],
      [2, 500, 2000],
    ],
  );
  t.same(
    source.schema.fields.map((field) => field.name),
    ['docid', 'tokens', 'meta', 'tags'],
  );
  t.same([...source.metadata], [['made', 'by a test']]);
  const [group] = source.rowGroups;
  const part = (names: string[]): number => group!.columnBytes(names);
  t.ok(part(['docid']) > 5000, 'text of 1000 rows');
  t.equal(part(['docid']) + part(['tokens']) + part(['meta']) + part(['tags']), group!.columnBytes());
  t.equal(part(['meta.docid']) + part(['meta.ok']), part(['meta']));
  t.equal(group!.columnBytes(), group!.uncompressedBytes);
  t.equal(part([]), 0);
});

t.test('rows come in order, in batches that end with their row group', async (t) => {
  const batches = await readAll(await openSample(t));
  t.same(
    batches.map((batch) => batch.numRows),
    [300, 300, 300, 100, 300, 300, 300, 100, 300, 200],
  );
  t.same(cells(batches, 'docid'), columns.docid);
  t.same(cells(batches, 'tokens'), columns.tokens.values);
  t.ok(
    batches[0]?.getChild('tokens')?.data[0]?.values instanceof BigInt64Array,
    'int64 stays one array of int64',
  );
});

t.test('only the row groups that are asked for, in that order', async (t) => {
  const source = await openSample(t);
  const batches = await readAll(source, { rowGroups: [2, 0], batchRows: 5000 });
  t.same(
    batches.map((batch) => batch.numRows),
    [500, 1000],
  );
  t.equal(cells(batches, 'docid')[0], 'doc-2000');
  t.same(await readAll(source, { rowGroups: [] }), []);
  await t.rejects(readAll(source, { rowGroups: [3] }), {
    name: 'NagError',
    message: /no row group 3, it has 3/,
  });
});

t.test('batches of large rows are smaller than was asked for', async (t) => {
  const path = join(t.testdir(), 'large.parquet');
  const text = Array.from({ length: 40 }, (_, row) => `${row} `.repeat(1_500_000));
  await writeTestParquet(path, { text });
  const source = await ParquetSource.open(path);
  t.teardown(() => source.close());
  const sizes = (await readAll(source, { batchRows: 1000 })).map((batch) => batch.numRows);
  t.ok(Math.max(...sizes) <= 20, `64 MiB are at most 20 of these rows; got ${sizes}`);
  t.equal(
    sizes.reduce((sum, rows) => sum + rows, 0),
    40,
  );
});

t.test('projection: columns, leaves of structs, lists, repeats', async (t) => {
  const source = await openSample(t);
  const names = async (columns: string[]): Promise<string[]> => {
    const [batch] = await readAll(source, { columns });
    return batch!.schema.fields.map((field) => `${field.name}:${field.type}`);
  };
  t.same(
    await names(['tokens', 'docid', 'docid']),
    ['docid:Utf8', 'tokens:Int64'],
    'in the order of the file',
  );
  t.same(await names(['meta.docid']), ['meta:Struct<{docid:Utf8}>']);
  t.same(await names(['meta', 'meta.ok']), ['meta:Struct<{docid:Utf8, ok:Bool}>']);
  t.same(await names(['tags']), ['tags:List<Utf8>']);
  const nested = await readAll(source, { columns: ['meta.docid'] });
  t.equal(nested[1]?.getChild('meta')?.get(0)?.docid, 'm300');
});

t.test('no columns: batches of row counts, without decoding', async (t) => {
  const batches = await readAll(await openSample(t), { columns: [] });
  t.same(
    batches.map((batch) => batch.numRows),
    [300, 300, 300, 100, 300, 300, 300, 100, 300, 200],
  );
  t.equal(batches[0]?.numCols, 0);
});

t.test('a column that is not there is an error, and the process lives on', async (t) => {
  const source = await openSample(t);
  for (const column of ['missing', 'meta.missing', 'me', 'docid.x', '']) {
    await t.rejects(readAll(source, { columns: [column] }), {
      name: 'DataError',
      message: /sample\.parquet.*is not in the file; its columns: docid, tokens, meta, tags/,
      place: { column },
    });
  }
  t.equal((await readAll(source, { columns: ['docid'] })).length, 10, 'the source is still good');
});

t.test('batches own their memory', async (t) => {
  const source = await openSample(t);
  const batches = await readAll(source);
  await source.close();
  const other = await openSample(t);
  await readAll(other);
  t.same(cells(batches, 'docid'), columns.docid);
});

t.test('reads may overlap', async (t) => {
  const source = await openSample(t);
  const [all, some] = await Promise.all([readAll(source), readAll(source, { columns: ['tokens'] })]);
  t.same(cells(all, 'docid'), columns.docid);
  t.same(cells(some, 'tokens'), columns.tokens.values);
});

t.test('ending early frees what was decoded', async (t) => {
  const path = join(t.testdir(), 'sample.parquet');
  await writeTestParquet(path, { text: numbers.map((row) => `${row} `.repeat(300)) });
  const memoryAfter = async (): Promise<number> => {
    const source = await ParquetSource.open(path);
    for await (const _ of source.read({ rowGroups: [0], batchRows: 100 })) break;
    await source.close();
    const wasm = acquireParquetWasm();
    releaseParquetWasm(wasm);
    return wasm.library.wasmMemory().buffer.byteLength;
  };
  const first = await memoryAfter();
  for (let time = 0; time < 100; time++) await memoryAfter();
  t.ok((await memoryAfter()) <= 2 * first, 'memory after 100 reads is that after one');
});

t.test('closing while a read is under way ends it with an error', async (t) => {
  const source = await openSample(t);
  const reading = source.read({ rowGroups: [0, 1], batchRows: 100 });
  await reading.next();
  await source.close();
  await source.close();
  await t.rejects(reading.next(), { name: 'NagError', message: /was closed while it was being read/ });
  await t.rejects(readAll(source), { name: 'NagError' });
});

t.test('an abort ends the read with its reason', async (t) => {
  const source = await openSample(t);
  const abort = new AbortController();
  const reading = source.read({ rowGroups: [0, 1], batchRows: 100, signal: abort.signal });
  await reading.next();
  abort.abort(new Error('stop'));
  await t.rejects(reading.next(), { message: 'stop' });
  await t.rejects(readAll(source, { columns: [], signal: abort.signal }), { message: 'stop' });
});

t.test('a file without rows', async (t) => {
  const path = join(t.testdir(), 'none.parquet');
  await writeTestParquet(path, { x: { type: new Utf8(), values: [] } });
  const source = await ParquetSource.open(path);
  t.teardown(() => source.close());
  t.equal(source.rows, 0);
  t.same(
    source.schema.fields.map((field) => `${field.name}:${field.type}`),
    ['x:Utf8'],
  );
  t.same(await readAll(source, { columns: ['x'] }), []);
  await t.rejects(readAll(source, { columns: ['y'] }), { name: 'DataError' });
});

const good = Buffer.from(testParquetBytes({ x: numbers.map((row) => `row ${row}`) }, { rowGroupRows: 1000 }));
const ipc = tableToIPC(tableFromArrays({ x: Int32Array.of(1) }), 'file');

/** Content of a file that cannot be opened, and what its error says. */
const bad: Record<string, readonly [Uint8Array | string, RegExp]> = {
  empty: ['', /is empty \(0 bytes\)/],
  short: [good.subarray(0, 9), /is too short for a Parquet file \(9 bytes\)/],
  JSON: ['{"docid": "a"}\n', /is not a Parquet file: it seems to be JSON or JSON Lines; use read\.jsonl$/],
  'JSON list': ['  [1, 2]', /it seems to be JSON/],
  text: ['docid,doc\na,b\n', /it seems to be a text file/],
  gzip: [gzipSync(good), /it seems to be a gzip archive/],
  'Arrow IPC': [ipc, /it seems to be an Arrow IPC \(Feather\) file/],
  'a pointer': ['version https://git-lfs.github.com/spec/v1\n', /a Git LFS pointer/],
  'a web page': ['<!DOCTYPE html>', /it seems to be an HTML or XML page/],
  zeros: [Buffer.alloc(5000), /a file of zero bytes/],
  'other bytes': [
    Buffer.from('89504e470d0a1a0a', 'hex'),
    /of another format \(it starts with the bytes 89504e47\)/,
  ],
  'cut off': [
    good.subarray(0, good.length - 1000),
    /was cut off \(at \d+ bytes\), or is still being written/,
  ],
  encrypted: [Buffer.concat([Buffer.from('PARE'), good.subarray(4)]), /is an encrypted Parquet file/],
  'encrypted footer': [Buffer.concat([good.subarray(0, -4), Buffer.from('PARE')]), /encrypted footer/],
  'a footer longer than the file': [patched(-8, '00000070'), /corrupt footer: it claims 1879048192 bytes/],
  'a damaged footer': [
    patched(good.length - 8 - good.readUInt32LE(good.length - 8), 'ffffff'),
    /footer is damaged/,
  ],
  LZO: [lzo(), /column "x": is compressed with LZO/],
};

for (const [name, [content, message]] of Object.entries(bad)) {
  t.test(`not a Parquet file: ${name}`, async (t) => {
    const path = join(t.testdir(), 'bad.parquet');
    writeFileSync(path, content);
    await t.rejects(ParquetSource.open(path), { name: 'DataError', message, place: { file: path } });
  });
}

/** The good file with some bytes replaced, from a position that counts from the end where negative. */
function patched(position: number, hex: string): Buffer {
  const bytes = Buffer.from(good);
  bytes.write(hex, position < 0 ? bytes.length + position : position, 'hex');
  return bytes;
}

/** The footer's Thrift has, per column: its path, then the codec: 0 for none, 3 (as zigzag 6) for LZO. */
function lzo(): Buffer {
  const bytes = Buffer.from(testParquetBytes({ x: ['a', 'b'] }, { compression: 'UNCOMPRESSED' }));
  const codec = bytes.indexOf(Buffer.from('191801781500', 'hex')) + 5;
  bytes[codec] = 6;
  return bytes;
}

t.test('what is not a file at all', async (t) => {
  const dir = t.testdir();
  await t.rejects(ParquetSource.open(join(dir, 'no.parquet')), {
    name: 'DataError',
    message: /no\.parquet: does not exist/,
  });
  mkdirSync(join(dir, 'folder'));
  await t.rejects(ParquetSource.open(join(dir, 'folder')), { name: 'DataError', message: /is a folder/ });
});

t.test(
  'a pipe is refused, not waited for',
  { skip: process.platform === 'win32' && 'NOT RUN: no pipes in folders' },
  async (t) => {
    const path = join(t.testdir(), 'pipe');
    execFileSync('mkfifo', [path]);
    await t.rejects(ParquetSource.open(path), { name: 'DataError', message: /is not a regular file/ });
  },
);

t.test(
  'no permission',
  { skip: process.getuid?.() === 0 && 'NOT RUN: root may read everything' },
  async (t) => {
    const path = join(t.testdir({ 'x.parquet': good }), 'x.parquet');
    chmodSync(path, 0);
    await t.rejects(ParquetSource.open(path), { name: 'DataError', message: /permission denied/ });
  },
);

t.test(
  'a corrupt page names the file and the row group; other row groups and files stay readable',
  async (t) => {
    const text = numbers.map((row) => `row ${row}`);
    const bytes = Buffer.from(testParquetBytes({ text }, { rowGroupRows: 1000, compression: 'GZIP' }));
    bytes.fill(0xa5, Math.floor(bytes.length * 0.45), Math.floor(bytes.length * 0.5));
    const healthy = await openSample(t);
    const path = join(dirname(healthy.path), 'corrupt.parquet');
    writeFileSync(path, bytes);
    const source = await ParquetSource.open(path);
    t.equal((await readAll(source, { rowGroups: [0] })).length, 4);
    const message =
      /corrupt\.parquet: row group 1 \(1 MiB when decompressed\) cannot be decoded: its pages are corrupt/;
    await t.rejects(readAll(source), { name: 'DataError', message });
    await source.close();
    t.same(cells(await readAll(healthy), 'docid'), columns.docid, 'a file that was open meanwhile');
    const again = await ParquetSource.open(path);
    t.equal((await readAll(again, { rowGroups: [2] })).length, 2, 'opened again, past the corrupt row group');
    await again.close();
  },
);

t.test('a file that becomes shorter while it is read', async (t) => {
  const source = await openSample(t);
  truncateSync(source.path, 1000);
  await t.rejects(readAll(source), {
    name: 'DataError',
    message: /cannot be read: ends at byte 1000, before byte/,
  });
});
