import { Data, DataType, DateUnit, type TimeUnit, Vector } from 'apache-arrow';
import { NagError } from '../errors.js';
import { assemble } from './assemble.js';

/** A value that the common type of a column does not hold. */
export class InexactValue extends NagError {
  constructor(
    value: string,
    /** Its row in the column, or in that of which it is a part. */
    readonly row: number,
    from: DataType,
    to: DataType | string,
  ) {
    super(
      `${value} (${String(from)}) has no exact place in ${String(to)}, the type that all files of the column have in common; write the files alike, or leave the column out`,
    );
  }
}

/** Whether a type's values are numbers, or counts of a unit of time. */
export function isNumeric(type: DataType): boolean {
  return isWhole(type) || DataType.isFloat(type) || DataType.isDecimal(type);
}

/** Integers, and times: whole numbers of a unit. */
function isWhole(type: DataType): boolean {
  return (
    DataType.isInt(type) ||
    DataType.isDate(type) ||
    DataType.isTime(type) ||
    DataType.isTimestamp(type) ||
    DataType.isDuration(type)
  );
}

/**
 * Numbers and times as a wider type. Errors: InexactValue for a value that it does not hold exactly: an integer or decimal
 * that no double is, a time beyond the range of a finer unit.
 * @param validity bits from the first row on; undefined without a null
 */
export function convertNumbers(data: Data, to: DataType, validity: Uint8Array | undefined): Data {
  const like = new Data(to, 0, 0);
  const values = new to.ArrayType(data.length * like.stride) as Exclude<NodeJS.TypedArray, DataView>;
  const set = setter(values, data, to);
  for (let row = 0; row < data.length; row++) if (!validity || data.getValid(row)) set(row);
  return assemble(like, data.length, data.nullCount, { values, validity });
}

type Values = Exclude<NodeJS.TypedArray, DataView>;

function setter(values: Values, data: Data, to: DataType): (row: number) => void {
  if (DataType.isFloat(to)) {
    const read = floatReader(data);
    return (row) => {
      values[row] = read(row);
    };
  }
  if (DataType.isDecimal(to)) {
    const read = unscaledReader(data);
    const factor = 10n ** BigInt(to.scale - scaleOf(data.type));
    const words = new BigUint64Array(values.buffer);
    const count = to.bitWidth / 64;
    return (row) => {
      let left = read(row) * factor;
      for (let word = 0; word < count; word++, left >>= 64n)
        words[row * count + word] = BigInt.asUintN(64, left);
    };
  }
  return wholeSetter(values, data, to);
}

function wholeSetter(values: Values, data: Data, to: DataType): (row: number) => void {
  const [by, over] = ratio(data.type, to);
  if (by === 1n && over === 1n && !(values instanceof BigInt64Array || values instanceof BigUint64Array))
    return (row) => {
      values[row] = Number(data.values[row]);
    };
  const bits = values.BYTES_PER_ELEMENT * 8;
  const unsigned = DataType.isInt(to) && !to.isSigned;
  const fits = (value: bigint) =>
    (unsigned ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value)) === value;
  return (row) => {
    const value = BigInt(data.values[row]) * by;
    const scaled = value / over;
    if (scaled * over !== value || !fits(scaled))
      throw new InexactValue(String(data.values[row]), row, data.type, to);
    values[row] = (bits === 64 ? scaled : Number(scaled)) as never;
  };
}

/** By what a count of one unit is multiplied, and then divided, to be one of another. */
function ratio(from: DataType, to: DataType): [by: bigint, over: bigint] {
  const [a, b] = [perDay(from), perDay(to)];
  if (a === undefined || b === undefined) return [1n, 1n];
  return b >= a ? [b / a, 1n] : [1n, a / b];
}

/** Units of a type of time in a day; undefined for plain numbers. */
function perDay(type: DataType): bigint | undefined {
  if (DataType.isDate(type)) return type.unit === DateUnit.DAY ? 1n : 86_400_000n;
  if (DataType.isTime(type) || DataType.isTimestamp(type) || DataType.isDuration(type))
    return { 0: 1n, 1: 1_000n, 2: 1_000_000n, 3: 1_000_000_000n }[type.unit as TimeUnit] * 86_400n;
  return undefined;
}

function floatReader(data: Data): (row: number) => number {
  const { type } = data;
  if (DataType.isFloat(type)) {
    const cells = new Vector([data]);
    return (row) => Number(cells.get(row));
  }
  if (DataType.isDecimal(type)) {
    const read = unscaledReader(data);
    const { scale } = type;
    return (row) => {
      const unscaled = read(row);
      // Every decimal of 15 digits is that of one double.
      if (String(unscaled < 0n ? -unscaled : unscaled).replace(/0+$/, '').length > 15)
        throw new InexactValue(`${unscaled}e${-scale}`, row, type, 'Float64');
      return Number(`${unscaled}e${-scale}`);
    };
  }
  return (row) => {
    const exact: number | bigint = data.values[row];
    const value = Number(exact);
    if (typeof exact === 'bigint' && BigInt(value) !== exact)
      throw new InexactValue(String(exact), row, type, 'Float64');
    return value;
  };
}

/** Whole numbers, decimals without their point. */
export function unscaledReader(data: Data): (row: number) => bigint {
  const { type, values } = data;
  if (!DataType.isDecimal(type)) return (row) => BigInt(values[row]);
  const words: Uint32Array = values;
  const count = type.bitWidth / 32;
  return (row) => {
    let value = 0n;
    for (let word = count - 1; word >= 0; word--) value = (value << 32n) | BigInt(words[row * count + word]!);
    return BigInt.asIntN(type.bitWidth, value);
  };
}

function scaleOf(type: DataType): number {
  return DataType.isDecimal(type) ? type.scale : 0;
}
