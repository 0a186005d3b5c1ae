import { Data, DataType, makeBuilder, type Null, Type, Vector } from 'apache-arrow';
import { assemble, type Parts } from './assemble.js';

/** Rows of type null. Of a slice the library no longer knows how many nulls it has, and writes -1 for those in lists. */
export class NullRows extends Data<Null> {
  constructor(type: Null, rows: number) {
    super(type, 0, rows, rows);
  }

  override slice(_offset: number, length: number): Data<Null> {
    return new NullRows(this.type, length);
  }
}

/** A column of rows that are all null; of no rows, an empty column of any type. */
export function nullData(type: DataType, rows: number): Data {
  const like = new Data(type, 0, 0);
  if (DataType.isNull(type)) return new NullRows(type, rows);
  if (type.typeId === Type.Union) return unionOfNulls(type, rows);
  const validity = rows === 0 ? undefined : bits(rows);
  const dictionary = DataType.isDictionary(type) ? new Vector([nullData(type.dictionary, 0)]) : undefined;
  return assemble(like, rows, rows, { ...partsOf(type, rows, like.stride), validity }, dictionary);
}

function bits(rows: number): Uint8Array {
  return new Uint8Array(Math.ceil(rows / 64) * 8);
}

function partsOf(type: DataType, rows: number, stride: number): Parts {
  if (DataType.isDictionary(type)) return { values: new type.indices.ArrayType(rows) };
  const children = (count: number) =>
    (type.children as { type: DataType }[]).map((child) => nullData(child.type, count));
  switch (type.typeId) {
    case Type.Bool:
      return { values: bits(rows) };
    case Type.Utf8:
    case Type.Binary:
      return { offsets: new Int32Array(rows + 1), values: new Uint8Array(0) };
    case Type.LargeUtf8:
    case Type.LargeBinary:
      return { offsets: new BigInt64Array(rows + 1), values: new Uint8Array(0) };
    case Type.Utf8View:
    case Type.BinaryView:
      return { values: new Uint8Array(rows * 16) };
    case Type.List:
    case Type.Map:
      return { offsets: new Int32Array(rows + 1), children: children(0) };
    case Type.LargeList:
      return { offsets: new BigInt64Array(rows + 1), children: children(0) };
    case Type.FixedSizeList:
      return { children: children(rows * stride) };
    case Type.Struct:
      return { children: children(rows) };
    default:
      return { values: new type.ArrayType(rows * stride) };
  }
}

function unionOfNulls(type: DataType, rows: number): Data {
  const builder = makeBuilder({ type, nullValues: [null] });
  for (let row = 0; row < rows; row++) builder.append(null);
  return builder.finish().toVector().data[0]!;
}
