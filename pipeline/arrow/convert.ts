import { Data, DataType, Type, Vector } from 'apache-arrow';
import { NagError } from '../errors.js';
import { assemble } from './assemble.js';
import { concatData } from './concat.js';
import { convertNumbers, isNumeric } from './convert-numbers.js';
import { gatherData } from './gather.js';
import { nullData } from './null-data.js';
import { sameType } from './parquet-types.js';
import { copyBits, runsOf } from './runs.js';

/**
 * A column as another type, one that `unifyTypes` has made of its own and others. Values are never changed.
 * Errors: NagError, with the value, for one that the type does not hold exactly.
 */
export function convertData(data: Data, to: DataType): Data {
  const { type } = data;
  if (DataType.isNull(type)) return nullData(to, data.length);
  if (DataType.isDictionary(type))
    return DataType.isDictionary(to) ? convertDictionary(data, to) : convertData(decodeDictionary(data), to);
  if (DataType.isStruct(to)) return convertStruct(data, to);
  if (DataType.isMap(to)) return withChild(data, to, (entries, target) => convertEntries(entries, target));
  if (DataType.isList(to)) return convertList(data, to);
  if (DataType.isFixedSizeList(to)) return withChild(data, to, convertData);
  if (sameType(type, to)) return data;
  if (isBytes(type) && isBytes(to)) return convertBytes(data, to);
  if (isNumeric(type)) return convertNumbers(data, to, validityOf(data));
  throw new NagError(`${String(type)} cannot be read as ${String(to)}`);
}

function as(
  data: Data,
  to: DataType,
  parts: Omit<Parameters<typeof assemble>[3], 'validity'>,
  dictionary?: Vector,
): Data {
  const validity = validityOf(data);
  return assemble(new Data(to, 0, 0), data.length, data.nullCount, { ...parts, validity }, dictionary);
}

/** Bits that begin with the first row; undefined without a null. */
function validityOf(data: Data): Uint8Array | undefined {
  if (data.nullCount === 0) return undefined;
  if (data.offset === 0) return data.nullBitmap;
  return copyBits(data.nullBitmap, data.offset, wholeRange(data.length)).bits;
}

function wholeRange(rows: number) {
  return { starts: Int32Array.of(0), lengths: Int32Array.of(rows), rows };
}

function convertDictionary(data: Data, to: DataType): Data {
  if (!DataType.isDictionary(to)) throw new TypeError('not a dictionary');
  const from = data.type as typeof to;
  if (sameType(from, to)) return as(data, to, { values: data.values }, data.dictionary);
  const values = convertData(valuesOf(data), to.dictionary);
  const indices = new to.indices.ArrayType(data.length);
  const is64 = Number(to.indices.bitWidth) === 64;
  for (let row = 0; row < data.length; row++) {
    const index: number | bigint = data.values[row];
    // What an index is under a null may be anything.
    const used = data.nullCount > 0 && !data.getValid(row) ? 0 : index;
    indices[row] = (is64 ? BigInt(used) : Number(used)) as never;
  }
  return as(data, to, { values: indices }, new Vector([values]));
}

function valuesOf(data: Data): Data {
  const chunks = data.dictionary?.data ?? [];
  if (chunks.length === 1) return chunks[0]!;
  if (chunks.length === 0)
    return nullData(DataType.isDictionary(data.type) ? data.type.dictionary : data.type, 0);
  return concatData(chunks);
}

/** The values of a dictionary column, one a row. */
export function decodeDictionary(data: Data): Data {
  const values = valuesOf(data);
  const rows = new Int32Array(data.length);
  const validity = new Uint8Array(Math.ceil(data.length / 64) * 8);
  let nulls = 0;
  for (let row = 0; row < data.length; row++) {
    const index = Number(data.values[row]);
    const valid = data.getValid(row) && values.getValid(index);
    if (valid) validity[row >> 3]! |= 1 << (row & 7);
    else nulls++;
    rows[row] = valid ? index : 0;
  }
  if (values.length === 0 || nulls === data.length) return nullData(values.type, data.length);
  const gathered = gatherData(values, runsOf(rows));
  return withValidity(gathered, nulls, nulls === 0 ? undefined : validity);
}

function withValidity(data: Data, nulls: number, validity: Uint8Array | undefined): Data {
  return assemble(
    data,
    data.length,
    nulls,
    {
      ...(data.valueOffsets && { offsets: data.valueOffsets }),
      ...(data.values && { values: data.values }),
      children: data.children,
      validity,
    },
    data.dictionary,
  );
}

function convertStruct(data: Data, to: DataType): Data {
  const from = data.type as { children: { name: string }[] };
  const children = (to.children as { name: string; type: DataType }[]).map(({ name, type }) => {
    const own = data.children[from.children.findIndex((child) => child.name === name)];
    return own ? convertData(own, type) : nullData(type, data.length);
  });
  return as(data, to, { children });
}

/** Keys and values of a map, whatever they are called. */
function convertEntries(entries: Data, to: DataType): Data {
  const children = (to.children as { type: DataType }[]).map(({ type }, i) =>
    convertData(entries.children[i]!, type),
  );
  return as(entries, to, { children });
}

function withChild(data: Data, to: DataType, convert: (child: Data, to: DataType) => Data): Data {
  const child = (to.children as { type: DataType }[])[0]!;
  const offsets = data.typeId === Type.Map ? { offsets: data.valueOffsets } : {};
  return as(data, to, { ...offsets, children: [convert(data.children[0]!, child.type)] });
}

function convertList(data: Data, to: DataType): Data {
  const child = (to.children as { type: DataType }[])[0]!;
  const offsets =
    data.typeId === Type.FixedSizeList
      ? Int32Array.from({ length: data.length + 1 }, (_, row) => row * data.stride)
      : narrow(data.valueOffsets.subarray(0, data.length + 1));
  return as(data, to, { offsets, children: [convertData(data.children[0]!, child.type)] });
}

function narrow(offsets: Int32Array | BigInt64Array): Int32Array {
  return offsets instanceof Int32Array ? offsets : Int32Array.from(offsets, Number);
}

function isBytes(type: DataType): boolean {
  return (
    DataType.isUtf8(type) ||
    DataType.isLargeUtf8(type) ||
    DataType.isBinary(type) ||
    DataType.isLargeBinary(type) ||
    DataType.isFixedSizeBinary(type)
  );
}

function convertBytes(data: Data, to: DataType): Data {
  const at = DataType.isFixedSizeBinary(data.type)
    ? (row: number) => row * data.stride
    : (row: number) => Number(data.valueOffsets[row]);
  const isLarge = DataType.isLargeUtf8(to) || DataType.isLargeBinary(to);
  const offsets = isLarge ? new BigInt64Array(data.length + 1) : new Int32Array(data.length + 1);
  for (let row = 0; row <= data.length; row++)
    offsets[row] = isLarge ? (BigInt(at(row)) as never) : (at(row) as never);
  return as(data, to, { offsets, values: data.values });
}
