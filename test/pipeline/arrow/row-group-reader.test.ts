import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { RecordBatch } from 'apache-arrow';
import t, { type Test } from 'tap';
import type { DecoderSetup, FromDecoder, ToDecoder } from '../../../pipeline/arrow/decoder-protocol.js';
import { packFailure, unpackFailure } from '../../../pipeline/arrow/decoder-protocol.js';
import { ParquetSource, type ReadOptions } from '../../../pipeline/arrow/parquet-file.js';
import {
  type RowGroupPlace,
  RowGroupReader,
  type ThreadUse,
} from '../../../pipeline/arrow/row-group-reader.js';
import { compiledParquet } from '../../../pipeline/arrow/wasm.js';
import { DataError, isBadData } from '../../../pipeline/errors.js';
import { isPassing } from '../../../pipeline/retry.js';
import { allSame } from '../../fixtures/all-same.js';
import { nodeCommand } from '../../fixtures/children.js';
import { testParquetBytes } from '../../fixtures/parquet.js';

const atOnce: ThreadUse = { threads: 2, fromBytes: 0, fromShare: 0, mostBytes: 1e9 };
const never: ThreadUse = { ...atOnce, threads: 0 };
const [files, rows, rowGroupRows] = [3, 1000, 160];
const some: Pick<ReadOptions, 'columns' | 'batchRows'> = { columns: ['text', 'n'], batchRows: 90 };

function bytesOf(file: number): Buffer {
  const numbers = Array.from({ length: rows }, (_, row) => file * rows + row);
  const columns = { n: numbers, text: numbers.map((n) => `row ${n}`), other: numbers.map((n) => -n) };
  return Buffer.from(testParquetBytes(columns, { rowGroupRows, compression: 'GZIP' }));
}

/** Files, and their row groups in order. */
async function pool(
  t: Test,
  { damaged = false } = {},
): Promise<{ paths: string[]; places: RowGroupPlace[] }> {
  const dir = t.testdir();
  const places: RowGroupPlace[] = [];
  const paths = Array.from({ length: files }, (_, file) => join(dir, `${file}.parquet`));
  for (const [file, path] of paths.entries()) {
    const bytes = bytesOf(file);
    if (damaged && file === 1)
      bytes.fill(0xa5, Math.floor(bytes.length * 0.38), Math.floor(bytes.length * 0.42));
    writeFileSync(path, bytes);
    const source = await ParquetSource.open(path);
    places.push(...source.rowGroups.map((group) => ({ path, group })));
    await source.close();
  }
  return { paths, places };
}

function readerOf(t: Test, places: readonly RowGroupPlace[], use?: ThreadUse): RowGroupReader {
  const reader = new RowGroupReader(places, use);
  t.teardown(() => reader.close());
  return reader;
}

/** What a row group gave, and the error that ended it. */
async function outcome(reader: RowGroupReader, place: RowGroupPlace, options = some) {
  const batches: string[] = [];
  try {
    for await (const batch of reader.read(place, options)) batches.push(plain(batch));
    return { batches, error: undefined };
  } catch (error) {
    return { batches, error: error as DataError };
  }
}

function messages(outcomes: readonly { error: DataError | undefined }[]): (string | undefined)[] {
  return outcomes.map(({ error }) => error?.message);
}

/** As text: to compare many objects takes long. */
function plain(batch: RecordBatch): string {
  return JSON.stringify([String(batch.schema), batch.toArray().map((row) => ({ ...row }))]);
}

async function everyOutcome(reader: RowGroupReader, places: readonly RowGroupPlace[], options = some) {
  const all = [];
  for (const place of places) all.push(await outcome(reader, place, options));
  return all;
}

t.test('threads give the batches that this one gives', async (t) => {
  const { places } = await pool(t);
  const [here, threaded] = [readerOf(t, places, never), readerOf(t, places, atOnce)];
  const expected = await everyOutcome(here, places);
  t.equal(expected.flatMap(({ batches }) => batches.join().match(/"row \d+"/g)).length, files * rows);
  t.strictSame(await everyOutcome(threaded, places), expected);
  t.strictSame([here.threaded, threaded.threaded], [false, true]);
  t.strictSame(await everyOutcome(threaded, places), expected, 'and again');
  const tight = readerOf(t, places, { ...atOnce, mostBytes: 1 });
  t.strictSame(await everyOutcome(tight, places), expected, 'one row group at a time');
});

t.test('whatever is asked for, in whatever order', async (t) => {
  const { places } = await pool(t);
  const [here, threaded] = [readerOf(t, places, never), readerOf(t, places, atOnce)];
  for (const [position, options] of [
    [0, some],
    [1, some],
    [5, some],
    [6, { ...some, columns: ['other'] }],
    [7, { ...some, batchRows: 7 }],
    [8, { batchRows: 100 }],
    [9, { columns: [], batchRows: 100 }],
    [2, some],
    [2, some],
    [3, some],
    [places.length - 1, some],
  ] as const) {
    const expected = await outcome(here, places[position]!, options);
    t.ok(expected.batches.length > 0);
    t.strictSame(await outcome(threaded, places[position]!, options), expected, `row group ${position}`);
  }
});

t.test('several at a time, and some of them left', async (t) => {
  const { places } = await pool(t);
  const [here, threaded] = [readerOf(t, places, never), readerOf(t, places, atOnce)];
  const wanted = await everyOutcome(here, places);
  await allSame(t, 'the first batch', async (same) => {
    for (const [i, place] of places.slice(0, 9).entries())
      for await (const batch of threaded.read(place, some)) {
        same(plain(batch), wanted[i]!.batches[0], `row group ${i}`);
        break;
      }
  });
  // More than there are threads: the others are decoded here.
  const together = await Promise.all(places.map((place) => outcome(threaded, place)));
  t.strictSame(together, wanted);
});

t.test('a row group that cannot be decoded', async (t) => {
  const { places } = await pool(t, { damaged: true });
  const expected = await everyOutcome(readerOf(t, places, never), places);
  const failed = expected.filter(({ error }) => error !== undefined);
  t.ok(failed.length > 0 && failed.length < 4, `${failed.length} of ${places.length}`);
  const found = await everyOutcome(readerOf(t, places, atOnce), places);
  t.strictSame(
    found.map(({ batches }) => batches),
    expected.map(({ batches }) => batches),
    'all others are as ever',
  );
  t.strictSame(messages(found), messages(expected));
  t.ok(
    expected.every(({ error }, i) => !error || isBadData(found[i]!.error)),
    'rows that can be rejected',
  );
});

t.test('a file that is gone, or has become shorter', async (t) => {
  const { paths, places } = await pool(t);
  rmSync(paths[1]!);
  writeFileSync(paths[2]!, bytesOf(2).subarray(0, 3000));
  const expected = await everyOutcome(readerOf(t, places, never), places);
  const found = await everyOutcome(readerOf(t, places, atOnce), places);
  t.match(
    expected.map(({ error }) => error?.message).filter((message) => message !== undefined),
    [
      ...Array(7).fill(/1\.parquet: does not exist$/),
      ...Array(7).fill(/2\.parquet: is no Parquet file|2\.parquet: /),
    ],
  );
  t.strictSame(messages(found), messages(expected));
  const bad = (outcomes: typeof found) => outcomes.map(({ error }) => isBadData(error));
  t.strictSame(bad(found), bad(expected));
});

t.test('what passes is known as such from a thread too', (t) => {
  const eio = Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', errno: -5, syscall: 'read' });
  const error = new DataError({ file: 'a', row: 3 }, 'cannot be read: EIO', { cause: eio });
  const found = unpackFailure(structuredClone(packFailure(error)));
  t.match(found, {
    name: 'DataError',
    message: error.message,
    place: { file: 'a', row: 3 },
    reason: error.reason,
  });
  t.ok(isPassing(found));
  t.notOk(isBadData(found));
  t.notOk(
    isPassing(
      unpackFailure(packFailure(new DataError({ file: 'a' }, 'is damaged', { cause: new Error('x') }))),
    ),
  );
  t.match(unpackFailure(packFailure(new TypeError('a defect'))), { name: 'Error', message: 'a defect' });
  t.match(unpackFailure(packFailure('text')), { message: 'text' });
  t.end();
});

t.test('threads are for much, where decoding is what takes the time', async (t) => {
  const { places } = await pool(t);
  const all = async (use?: Partial<ThreadUse>) => {
    const reader = readerOf(t, places, use && { ...atOnce, ...use });
    await everyOutcome(reader, places);
    return reader.threaded;
  };
  const bytes = places.reduce((sum, { group }) => sum + group.columnBytes(some.columns), 0);
  t.equal(await all({ fromBytes: bytes / 3 }), true, 'there is as much to come as there was');
  t.equal(await all({ fromBytes: bytes / 1.9 }), false);
  t.equal(await all({ fromBytes: bytes / 3, fromShare: 1.01 }), false, 'something else takes the time');
  t.equal(await all(), false, 'a small pool');
});

t.test('the signal, and the end', async (t) => {
  const { places } = await pool(t);
  const reader = readerOf(t, places, atOnce);
  const stopping = new AbortController();
  await t.rejects(async () => {
    for await (const batch of reader.read(places[0]!, { ...some, signal: stopping.signal }))
      if (batch.numRows > 0) stopping.abort(new Error('enough'));
  }, /enough/);
  const other = readerOf(t, places, atOnce);
  const ended = t.rejects(async () => {
    for await (const batch of other.read(places[1]!, { ...some, batchRows: 5 })) t.ok(batch.numRows > 0);
  }, /closed while it was being read/);
  await other.close();
  await ended;
  await other.close();
});

t.test('no thread keeps a process that waits for nothing', async (t) => {
  const { places } = await pool(t);
  const module = new URL('../../../pipeline/arrow/row-group-reader.js', import.meta.url).href;
  const script = `
    import { RowGroupReader } from ${JSON.stringify(module)};
    const order = ${JSON.stringify(places.slice(0, 3))}.map(({ path, group }) => ({ path, group: { ...group, columnBytes: () => 1 } }));
    const reader = new RowGroupReader(order, ${JSON.stringify(atOnce)});
    for await (const batch of reader.read(order[0], { batchRows: 10 })) { console.log(batch.numRows, reader.threaded); break; }
  `;
  const { stdout } = await promisify(execFile)(...nodeCommand(['--input-type=module', '-e', script]), {
    timeout: 60_000,
  });
  t.equal(stdout, '10 true\n');
});

t.test('whoever closes while threads are at work goes on', async (t) => {
  const { places } = await pool(t);
  const module = new URL('../../../pipeline/arrow/row-group-reader.js', import.meta.url).href;
  const script = `
    import { RowGroupReader } from ${JSON.stringify(module)};
    const order = ${JSON.stringify(places)}.map(({ path, group }) => ({ path, group: { ...group, columnBytes: () => 1 } }));
    const close = async () => {
      for (let round = 0; round < 15; round++) {
        const reader = new RowGroupReader(order, ${JSON.stringify({ ...atOnce, threads: 3 })});
        for await (const batch of reader.read(order[0], { batchRows: 1 + 10 * round })) if (batch.numRows > 0) break;
        // Messages that say the end of row groups are on their way by now.
        for (const end = performance.now() + round; performance.now() < end; );
        await reader.close();
      }
      console.log('closed');
    };
    close();
  `;
  const { stdout } = await promisify(execFile)(...nodeCommand(['--input-type=module', '-e', script]), {
    timeout: 120_000,
  });
  t.equal(stdout, 'closed\n');
});

t.test('the program brings the thread with it', async (t) => {
  const { paths } = await pool(t);
  const workerData: DecoderSetup = { library: compiledParquet(), ahead: 1 };
  const worker = new Worker(new URL('../../../bin/decoder-worker.js', import.meta.url), {
    workerData,
    execArgv: [],
  });
  t.teardown(() => worker.terminate());
  const order = { path: paths[0]!, rowGroup: 0, columns: undefined, batchRows: 100 };
  worker.postMessage({ kind: 'decode', order } satisfies ToDecoder);
  const kinds: string[] = [];
  await new Promise<void>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (message: FromDecoder) => {
      kinds.push(message.kind);
      if (message.kind === 'batch') worker.postMessage({ kind: 'more' } satisfies ToDecoder);
      else resolve();
    });
  });
  t.strictSame(kinds, ['batch', 'batch', 'end']);
});
