import {
  DataType,
  type Field,
  type RecordBatch,
  RecordBatchReader,
  RecordBatchStreamWriter,
} from 'apache-arrow';
import { collectAfter } from './collect.js';
import { gatherBatch } from './gather.js';
import { rowRange } from './row-range.js';

/** A batch as one complete Arrow IPC stream: its schema, its dictionaries, its rows. */
export function encodeBatch(batch: RecordBatch): Uint8Array {
  const encoded = RecordBatchStreamWriter.writeAll([writable(batch)]).toUint8Array(true);
  // The rows, the messages made of them, and these joined: all are garbage soon.
  collectAfter(3 * encoded.length);
  return encoded;
}

/** The batch of such a stream; its buffers are parts of `encoded`. Errors: RangeError for a stream without batches. */
export function decodeBatch(encoded: Uint8Array): RecordBatch {
  collectAfter(encoded.length);
  const batch = RecordBatchReader.from(encoded).next();
  if (batch.done) throw new RangeError('an Arrow IPC stream holds no batch');
  return batch.value;
}

/** A batch that the library writes as it is: slices of string views, dense unions and nulls it writes wrongly, those are copied. */
export function writable(batch: RecordBatch): RecordBatch {
  if (!batch.schema.fields.some(isMiswritten)) return batch;
  return gatherBatch(batch, rowRange(0, batch.numRows));
}

function isMiswritten({ type }: Field): boolean {
  if (DataType.isUtf8View(type) || DataType.isBinaryView(type)) return true;
  if (DataType.isUnion(type) || DataType.isNull(type)) return true;
  // The declared type says there is always an array; primitive types have none.
  const children: Field[] | null | undefined = type.children;
  return (children ?? []).some(isMiswritten);
}
