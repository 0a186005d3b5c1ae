import { type Data, DataType, type RecordBatch } from 'apache-arrow';
import { concatBatches } from './concat.js';

export interface Evenness {
  readonly rows: number;
  /** Of values; a row that has more is a batch of its own. */
  readonly bytes: number;
}

/**
 * The same rows in batches that are cut where their rows say, not where the batches came apart before: each is as long
 * as both limits let it be. What is encoded of them is then the same however a run went. At least one batch, where one
 * comes in.
 */
export async function* evenBatches(
  batches: AsyncIterable<RecordBatch>,
  limits: Evenness,
): AsyncGenerator<RecordBatch> {
  let parts: RecordBatch[] = [];
  let rows = 0;
  let bytes = 0;
  let empty: RecordBatch | undefined;
  for await (const batch of batches) {
    empty ??= batch.numRows === 0 ? batch : undefined;
    let start = 0;
    for (let row = 0; row < batch.numRows; row++) {
      const own = rowBytes(batch.data, row);
      if (rows > 0 && (rows >= limits.rows || bytes + own > limits.bytes)) {
        yield whole([...parts, ...cut(batch, start, row)]);
        [parts, rows, bytes, start] = [[], 0, 0, row];
      }
      rows++;
      bytes += own;
    }
    parts.push(...cut(batch, start, batch.numRows));
  }
  if (rows > 0) yield whole(parts);
  else if (empty) yield empty;
}

function cut(batch: RecordBatch, start: number, end: number): RecordBatch[] {
  if (start === end) return [];
  return [start === 0 && end === batch.numRows ? batch : batch.slice(start, end)];
}

function whole(parts: readonly RecordBatch[]): RecordBatch {
  return parts.length === 1 ? parts[0]! : concatBatches(parts);
}

/** About what a row's values take: of fixed ones 8 bytes each. The same wherever the row stands. */
function rowBytes(data: Data, row: number): number {
  return valuesBytes(data, row, row + 1);
}

function valuesBytes(data: Data, from: number, to: number): number {
  const { type, children, valueOffsets } = data;
  if (DataType.isFixedSizeList(type))
    return valuesBytes(children[0]!, from * type.listSize, to * type.listSize);
  if (DataType.isStruct(type)) {
    let sum = 0;
    for (const child of children) sum += valuesBytes(child, from, to);
    return sum;
  }
  if (DataType.isUnion(type) || valueOffsets === undefined || valueOffsets.length === 0)
    return 8 * (to - from);
  const [start, end] = [Number(valueOffsets[from]), Number(valueOffsets[to])];
  return children.length > 0 ? valuesBytes(children[0]!, start, end) : end - start;
}
