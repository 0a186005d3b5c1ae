import { parentPort, workerData } from 'node:worker_threads';
import type { DecoderSetup, FromDecoder, Order, ToDecoder } from './decoder-protocol.js';
import { packFailure } from './decoder-protocol.js';
import { ParquetSource } from './parquet-file.js';
import { useCompiledParquet } from './wasm.js';

/** The thread that decodes row groups, one at a time. The file stays open for the next one. */
function serve(): void {
  const port = parentPort;
  if (port === null) throw new Error('this module is the entry of a worker thread');
  const { library, ahead } = workerData as DecoderSetup;
  useCompiledParquet(library);
  const send = (message: FromDecoder, moved: ArrayBuffer[] = []) => port.postMessage(message, moved);
  let source: ParquetSource | undefined;
  let mayBeAhead = 0;
  let stopped = false;
  let wake = () => {};

  const decode = async ({ path, rowGroup, columns, batchRows, int96 }: Order) => {
    mayBeAhead = ahead;
    stopped = false;
    if (source?.path !== path) {
      await source?.close();
      source = undefined;
      source = await ParquetSource.open(path, { int96 });
    }
    for await (const encoded of source.readEncoded({ rowGroups: [rowGroup], columns, batchRows })) {
      while (mayBeAhead === 0 && !stopped) await new Promise<void>((resolve) => (wake = resolve));
      if (stopped) return;
      mayBeAhead--;
      send({ kind: 'batch', encoded }, [encoded.buffer]);
    }
  };

  const answer = async (order: Order) => {
    try {
      await decode(order);
      send({ kind: 'end' });
    } catch (thrown) {
      // A row group that cannot be decoded takes the decoder with it.
      await source?.close().catch(() => undefined);
      source = undefined;
      send({ kind: 'failed', failure: packFailure(thrown) });
    }
  };

  port.on('message', (message: ToDecoder) => {
    if (message.kind === 'decode') void answer(message.order);
    if (message.kind === 'more') mayBeAhead++;
    if (message.kind === 'stop') stopped = true;
    wake();
  });
}

serve();
