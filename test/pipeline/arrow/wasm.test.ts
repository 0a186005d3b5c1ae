import { open } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { FileBlob } from '../../../pipeline/arrow/file-blob.js';
import { acquireParquetWasm, type ParquetWasm, releaseParquetWasm } from '../../../pipeline/arrow/wasm.js';
import { writeTestParquet } from '../../fixtures/parquet.js';

t.test('an instance has one user at a time and is used again', async (t) => {
  const first = acquireParquetWasm();
  const second = acquireParquetWasm();
  t.not(first, second);
  releaseParquetWasm(first);
  releaseParquetWasm(first);
  t.equal(acquireParquetWasm(), first);
  t.not(acquireParquetWasm(), first, 'given back twice, given out once');
});

t.test('a Rust panic in a task rejects what waits for it, and breaks only its own instance', async (t) => {
  const [wasm, other] = [acquireParquetWasm(), acquireParquetWasm()];
  const waiting = wasm.run(() => new Promise(() => undefined));
  const panicking = wasm.run(() => panic(t, wasm));
  await t.rejects(panicking, { name: 'WasmPanic' });
  await t.rejects(waiting, { name: 'WasmPanic' }, 'a promise that the panic left unsettled');
  t.equal(wasm.broken, true);
  await t.rejects(
    wasm.run(() => 1),
    { name: 'WasmPanic' },
    'and stays broken',
  );
  releaseParquetWasm(wasm);
  t.not(acquireParquetWasm(), wasm, 'it is not given out again');
  t.equal(other.broken, false);
  t.equal(await other.run(() => 1), 1);
});

t.test('errors of the library are passed on and break nothing', async (t) => {
  const wasm = acquireParquetWasm();
  await t.rejects(
    wasm.run(() => wasm.library.readSchema(new Uint8Array(20))),
    /Parquet/,
  );
  await t.rejects(
    wasm.run(() => Promise.reject(new Error('mine'))),
    { message: 'mine' },
  );
  t.equal(wasm.broken, false);
  t.equal(wasm.busy, false);
});

/** The library panics when it streams a column that is not there. */
async function panic(t: Tap, wasm: ParquetWasm): Promise<unknown> {
  const path = join(t.testdir(), 'x.parquet');
  await writeTestParquet(path, { x: ['a'] });
  const handle = await open(path);
  t.teardown(() => handle.close());
  const { size } = await handle.stat();
  const blob = new FileBlob(handle, 0, size, {});
  const file = await wasm.library.ParquetFile.fromFile(blob as unknown as Blob);
  const stream = await file.stream({ columns: ['missing'] });
  return stream.getReader().read();
}

type Tap = Pick<typeof t, 'testdir' | 'teardown'>;
