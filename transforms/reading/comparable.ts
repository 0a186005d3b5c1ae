import { type Data, DataType, Vector } from 'apache-arrow';
import { unscaledReader } from '../../pipeline/arrow/convert-numbers.js';
import { isText, textReader } from '../../pipeline/arrow/text.js';

/** A value as conditions compare it: 64-bit integers, decimals and times are whole numbers of their unit. */
export type Comparable = string | number | bigint | boolean | null;

/** Whether values of a type are compared as whole numbers of a unit, of any size. */
export function isExact(type: DataType): boolean {
  return (
    (DataType.isInt(type) && Number(type.bitWidth) === 64) ||
    DataType.isDecimal(type) ||
    DataType.isDate(type) ||
    DataType.isTimestamp(type) ||
    DataType.isTime(type)
  );
}

/** Reads a column's values for comparison; Arrow's own accessors round some of them. */
export function comparableReader(vector: Vector | null | undefined): (row: number) => Comparable {
  if (!vector) return () => null;
  const chunks = vector.data.map((data) => ({ rows: data.length, read: chunkReader(data) }));
  const [only] = chunks;
  if (only && chunks.length === 1) return only.read;
  return (row) => {
    let at = row;
    for (const { rows, read } of chunks) {
      if (at < rows) return read(at);
      at -= rows;
    }
    return null;
  };
}

function chunkReader(data: Data): (row: number) => Comparable {
  const { type } = data;
  if (DataType.isDictionary(type)) {
    const read = comparableReader(data.dictionary);
    return (row) => (data.getValid(row) ? read(Number(data.values[row])) : null);
  }
  if (isExact(type)) {
    const read = unscaledReader(data);
    return (row) => (data.getValid(row) ? read(row) : null);
  }
  const own = new Vector([data]);
  if (isText(type)) return textReader(own);
  return (row) => (own.get(row) ?? null) as Comparable;
}
