import { isUtf8 } from 'node:buffer';
import { BufferType, Data, DataType, RecordBatch, Vector } from 'apache-arrow';

const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** The batch with U+FFFD wherever text is no valid UTF-8, as the Encoding Standard decodes it; and how many texts that were. */
export function withValidText(batch: RecordBatch): { batch: RecordBatch; texts: number } {
  const count = { texts: 0 };
  const children = batch.data.children.map((data) => validData(data, count));
  const data = new Data(batch.data.type, 0, batch.numRows, 0, {}, children);
  return { batch: new RecordBatch(batch.schema, data), texts: count.texts };
}

function validData(data: Data, count: { texts: number }): Data {
  const { type } = data;
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return validTexts(data, count);
  if (DataType.isDictionary(type)) {
    const chunks = data.dictionary!.data.map((chunk) => validData(chunk, count));
    return rebuilt(data, [], new Vector(chunks));
  }
  if (data.children.length === 0) return data;
  return rebuilt(
    data,
    data.children.map((child) => validData(child, count)),
  );
}

function rebuilt(data: Data, children: Data[], dictionary = data.dictionary): Data {
  return new Data(data.type, data.offset, data.length, data.nullCount, data.buffers, children, dictionary);
}

function validTexts(data: Data, count: { texts: number }): Data {
  const bytes = data.values as Uint8Array;
  const before = data.valueOffsets as Int32Array | BigInt64Array;
  const offsets =
    before instanceof Int32Array ? new Int32Array(data.length + 1) : new BigInt64Array(data.length + 1);
  const parts: Uint8Array[] = [];
  let end = 0;
  for (let row = 0; row < data.length; row++) {
    let part = bytes.subarray(Number(before[row]), Number(before[row + 1]));
    if (!isUtf8(part)) {
      part = Buffer.from(lenient.decode(part));
      count.texts++;
    }
    parts.push(part);
    end += part.length;
    if (offsets instanceof Int32Array) offsets[row + 1] = end;
    else offsets[row + 1] = BigInt(end);
  }
  return new Data(data.type, data.offset, data.length, data.nullCount, {
    [BufferType.OFFSET]: offsets,
    [BufferType.DATA]: Buffer.concat(parts, end),
    [BufferType.VALIDITY]: data.nullBitmap,
  });
}
