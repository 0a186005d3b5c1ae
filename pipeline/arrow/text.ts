import { type Data, DataType, type Vector } from 'apache-arrow';

/** The text of a row, or null. */
export type TextReader = (row: number) => string | null;

/** Whether a column holds text: plain, with 64-bit offsets, or as a dictionary of it. */
export function isText(type: DataType): boolean {
  if (DataType.isDictionary(type)) return isText(type.dictionary);
  return DataType.isUtf8(type) || DataType.isLargeUtf8(type);
}

/** Reads a text column exactly: Arrow's own accessor drops a byte order mark, which has tokens of its own. */
export function textReader(vector: Vector): TextReader {
  const chunks = vector.data.map((data) => ({ length: data.length, read: chunkReader(data) }));
  const [only] = chunks;
  if (only && chunks.length === 1) return only.read;
  return (row) => {
    let first = 0;
    for (const { length, read } of chunks) {
      if (row < first + length) return read(row - first);
      first += length;
    }
    return null;
  };
}

function chunkReader(data: Data): TextReader {
  if (DataType.isDictionary(data.type)) {
    const read = textReader(data.dictionary!);
    const keys = data.values as Int32Array | BigInt64Array;
    return (row) => (data.getValid(row) ? read(Number(keys[row])) : null);
  }
  const offsets = data.valueOffsets as Int32Array | BigInt64Array;
  const { buffer, byteOffset, byteLength } = data.values as Uint8Array;
  const bytes = Buffer.from(buffer, byteOffset, byteLength);
  return (row) =>
    data.getValid(row) ? bytes.toString('utf8', Number(offsets[row]), Number(offsets[row + 1])) : null;
}
