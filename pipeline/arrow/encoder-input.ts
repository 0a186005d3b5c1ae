import type { ReadableStreamDefaultController } from 'node:stream/web';
import { Data, RecordBatch, type Schema, Struct, vectorFromArray } from 'apache-arrow';
import type { RecordBatch as WasmBatch } from 'parquet-wasm';
import { DataError, NagError } from '../errors.js';
import type { BatchCursor } from './batch-cursor.js';
import { encodeBatch } from './ipc.js';
import { schemaDifference } from './parquet-types.js';
import { storedBatch, storedSchema } from './store.js';
import type { ParquetWasm } from './wasm.js';

export interface EncoderInputOptions {
  readonly rowGroupRows: number;
  readonly maxFileBytes: number;
  /** The path that errors speak of. */
  readonly target: string;
}

/** A row group is closed at this many encoded bytes, whatever its rows: about three are in memory at a time. */
export const ROW_GROUP_BYTES = 64 * 2 ** 20;
/** The encoder takes this many row groups before their bytes come out, at most. */
const GROUPS_IN_FLIGHT = 4;

/** Feeds the encoder, counts, and keeps the source's error, which the encoder would swallow. */
export class EncoderInput {
  failure: { readonly cause: unknown; readonly fromSource: boolean } | undefined;
  rows = 0;
  written = 0;
  #batches = 0;
  #fed = 0;
  readonly #wasm: ParquetWasm;
  readonly #schema: Schema;
  readonly #cursor: BatchCursor;
  readonly #options: EncoderInputOptions;

  constructor(wasm: ParquetWasm, schema: Schema, cursor: BatchCursor, options: EncoderInputOptions) {
    this.#wasm = wasm;
    this.#schema = schema;
    this.#cursor = cursor;
    this.#options = options;
  }

  /** Gives the encoder its next batch, or the end: of the source, or of a file that is full. */
  async pull(controller: ReadableStreamDefaultController<WasmBatch>): Promise<void> {
    let fromSource = true;
    try {
      const batch = await this.#cursor.peek();
      fromSource = false;
      if (!batch && this.#batches > 0) return controller.close();
      const encoded = encode(batch ?? emptyBatch(this.#schema), this.#schema, this.#options.target);
      if (this.#batches > 0 && this.#outgrows(encoded.length)) return controller.close();
      this.#cursor.take();
      this.#batches++;
      this.#fed += encoded.length;
      this.rows += batch?.numRows ?? 0;
      controller.enqueue(await this.#wasm.run(() => toWasm(this.#wasm, encoded)));
    } catch (cause) {
      this.failure = { cause, fromSource };
      controller.error(cause);
    }
  }

  /** Bytes still inside the encoder are at most what it was fed, and at most a few row groups. */
  #outgrows(next: number): boolean {
    const groupBytes = Math.min(ROW_GROUP_BYTES, (this.#fed / this.rows) * this.#options.rowGroupRows);
    const inside = Math.min(this.#fed, GROUPS_IN_FLIGHT * groupBytes);
    return this.written + inside + next > this.#options.maxFileBytes;
  }
}

function encode(batch: RecordBatch, schema: Schema, target: string): Uint8Array {
  const difference = schemaDifference(schema, batch.schema);
  if (difference) throw new NagError(`${target}: a batch has another schema than the first: ${difference}`);
  const nulls = schema.fields.findIndex(
    (field, at) => !field.nullable && (batch.data.children[at]?.nullCount ?? 0) > 0,
  );
  if (nulls >= 0) {
    throw new DataError(
      { file: target, column: schema.fields[nulls]?.name },
      'is declared without nulls, but has some',
    );
  }
  return encodeBatch(storedBatch(batch, schema, storedSchema(schema)));
}

function toWasm(wasm: ParquetWasm, encoded: Uint8Array): WasmBatch {
  const table = wasm.library.Table.fromIPCStream(encoded);
  const batch = table.recordBatch(0);
  wasm.free(table);
  if (!batch) throw new Error('the encoder found no batch in what it was given');
  return batch;
}

function emptyBatch(schema: Schema): RecordBatch {
  const children = schema.fields.map(
    ({ type }): Data => vectorFromArray([], type).data[0] ?? new Data(type, 0, 0),
  );
  return new RecordBatch(schema, new Data(new Struct(schema.fields), 0, 0, 0, {}, children));
}
