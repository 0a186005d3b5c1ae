import {
  Data,
  DataType,
  type Dictionary,
  RecordBatch,
  Struct,
  Type,
  type Union,
  UnionMode,
  Vector,
} from 'apache-arrow';
import { DataError, NagError } from '../errors.js';
import { assemble, type Parts } from './assemble.js';
import { distinctValues } from './dictionaries.js';
import { gatherData } from './gather.js';
import { NullRows } from './null-data.js';
import { schemaDifference } from './parquet-types.js';
import { checkAddressable, emptyLike, joinArrays, runsOf } from './runs.js';

/**
 * One batch with the rows of all, in their order, in buffers of its own; the schema is the first one's.
 * Errors: RangeError without a batch; NagError when their schemas differ; DataError for a column whose type cannot be
 * joined or whose text would pass 2 GiB.
 */
export function concatBatches(batches: readonly RecordBatch[]): RecordBatch {
  const [first] = batches;
  if (!first) throw new RangeError('no batches to join');
  for (const batch of batches) {
    const difference = schemaDifference(first.schema, batch.schema);
    if (difference) throw new NagError(`batches of different schemas cannot be joined: ${difference}`);
  }
  const children = first.schema.fields.map((field, column) => {
    try {
      return concatData(batches.map((batch) => batch.data.children[column]!));
    } catch (cause) {
      if (!(cause instanceof NagError)) throw cause;
      throw new DataError({ column: field.name }, cause.message, { cause });
    }
  });
  const rows = batches.reduce((sum, batch) => sum + batch.numRows, 0);
  return new RecordBatch(first.schema, new Data(new Struct(first.schema.fields), 0, rows, 0, {}, children));
}

/** Columns of one type, one after another. Errors: NagError as of `concatBatches`, without the column. */
export function concatData(parts: readonly Data[]): Data {
  const [first] = parts;
  if (!first) throw new RangeError('no columns to join');
  const { type } = first;
  const rows = parts.reduce((sum, part) => sum + part.length, 0);
  if (DataType.isNull(type)) return new NullRows(type, rows);
  if (DataType.isUnion(type)) return assemble(first, rows, 0, concatUnion(parts, type));
  if (DataType.isDictionary(type)) return concatDictionaries(parts, type, rows);
  return assemble(first, rows, nullsOf(parts), {
    ...concatParts(parts, first),
    validity: concatValidity(parts, rows),
  });
}

function concatParts(parts: readonly Data[], first: Data): Parts {
  switch (first.typeId) {
    case Type.Bool:
      return { values: concatBits(parts, (part) => part.values) };
    case Type.Int:
    case Type.Float:
    case Type.Decimal:
    case Type.Date:
    case Type.Time:
    case Type.Timestamp:
    case Type.Interval:
    case Type.Duration:
    case Type.FixedSizeBinary:
      return { values: joinArrays(parts.map((part) => part.values.subarray(0, part.length * part.stride))) };
    case Type.Utf8:
    case Type.Binary:
    case Type.LargeUtf8:
    case Type.LargeBinary:
      return {
        offsets: concatOffsets(parts),
        values: joinArrays(parts.map((part) => part.values.subarray(...valueRange(part)))),
      };
    case Type.List:
    case Type.LargeList:
    case Type.Map:
      return { offsets: concatOffsets(parts), children: [concatData(parts.map(usedValues))] };
    case Type.FixedSizeList:
      return { children: concatChildren(parts, first.stride) };
    case Type.Struct:
      return { children: concatChildren(parts, 1) };
    case Type.Utf8View:
    case Type.BinaryView:
      return concatViews(parts);
    default:
      throw new NagError(
        `columns of the type ${String(first.type)} cannot be joined; leave the column out, or cast it`,
      );
  }
}

function nullsOf(parts: readonly Data[]): number {
  return parts.reduce((sum, part) => sum + part.nullCount, 0);
}

function concatValidity(parts: readonly Data[], rows: number): Uint8Array | undefined {
  if (nullsOf(parts) === 0 || rows === 0) return undefined;
  return concatBits(parts, (part) => (part.nullCount > 0 ? part.nullBitmap : undefined));
}

/** Joins bit buffers; a part without one counts as all ones. */
function concatBits(parts: readonly Data[], bitsOf: (part: Data) => Uint8Array | undefined): Uint8Array {
  const rows = parts.reduce((sum, part) => sum + part.length, 0);
  const joined = new Uint8Array(Math.ceil(rows / 64) * 8);
  let to = 0;
  for (const part of parts) {
    const bits = bitsOf(part);
    for (let bit = part.offset; bit < part.offset + part.length; bit++, to++) {
      if (!bits || bits[bit >> 3]! & (1 << (bit & 7))) joined[to >> 3]! |= 1 << (to & 7);
    }
  }
  return joined;
}

/** Where the values of a column of variable length begin and end in its values' buffer. */
function valueRange({ valueOffsets, length }: Data): [start: number, end: number] {
  return length === 0 ? [0, 0] : [Number(valueOffsets[0]), Number(valueOffsets[length])];
}

function usedValues(part: Data): Data {
  const [start, end] = valueRange(part);
  return part.children[0]!.slice(start, end - start);
}

function concatOffsets(parts: readonly Data[]): Int32Array | BigInt64Array {
  const rows = parts.reduce((sum, part) => sum + part.length, 0);
  const joined: Int32Array | BigInt64Array = emptyLike(parts[0]!.valueOffsets, rows + 1);
  let at = 1;
  let base = 0;
  for (const part of parts) {
    const [start, end] = valueRange(part);
    for (let row = 1; row <= part.length; row++) {
      const offset = base - start + Number(part.valueOffsets[row]);
      joined[at++] = joined instanceof Int32Array ? offset : BigInt(offset);
    }
    base += end - start;
  }
  checkAddressable(base);
  return joined;
}

function concatChildren(parts: readonly Data[], stride: number): Data[] {
  return parts[0]!.children.map((_, child) =>
    concatData(parts.map((part) => part.children[child]!.slice(0, part.length * stride))),
  );
}

/** Longer values lie in buffers that the views number: the numbers move on by the buffers of the parts before. */
function concatViews(parts: readonly Data[]): Parts {
  const values = joinArrays(parts.map((part) => part.values.subarray(0, part.length * 16)));
  const views = new DataView(values.buffer, values.byteOffset, values.byteLength);
  let row = 0;
  let buffers = 0;
  for (const part of parts) {
    for (const end = row + part.length; row < end; row++) {
      if (views.getInt32(row * 16, true) <= 12) continue;
      views.setInt32(row * 16 + 8, views.getInt32(row * 16 + 8, true) + buffers, true);
    }
    buffers += part.variadicBuffers.length;
  }
  return { values, variadic: parts.flatMap((part) => part.variadicBuffers.map((buffer) => buffer.slice())) };
}

function concatUnion(parts: readonly Data[], type: Union): Parts {
  const typeIds = joinArrays(parts.map((part) => part.typeIds.subarray(0, part.length)));
  if (type.mode === UnionMode.Sparse) return { typeIds, children: concatChildren(parts, 1) };
  const offsets = joinArrays(parts.map((part) => part.valueOffsets.subarray(0, part.length)));
  const bases = type.children.map(() => 0);
  let row = 0;
  for (const part of parts) {
    for (const end = row + part.length; row < end; row++) offsets[row] += bases[childOf(type, typeIds[row])]!;
    part.children.forEach((child, index) => {
      bases[index]! += child.length;
    });
  }
  const children = type.children.map((_, child) => concatData(parts.map((part) => part.children[child]!)));
  return { typeIds, offsets, children };
}

function childOf(type: Union, typeId: number): number {
  return type.typeIdToChildIndex[typeId]!;
}

/** Parts of several files have dictionaries of their own: equal values get one place in the joined dictionary. */
function concatDictionaries(parts: readonly Data[], type: Dictionary, rows: number): Data {
  const first = parts[0]!;
  const values = joinArrays(parts.map((part) => part.values.subarray(0, part.length)));
  const columns = { values, validity: concatValidity(parts, rows) };
  const nulls = nullsOf(parts);
  if (parts.every((part) => part.dictionary === first.dictionary))
    return assemble(first, rows, nulls, columns);
  // Most parts share their dictionary with a neighbour; each is read and copied once.
  const dictionaries = [...new Set(parts.map(dictionaryOf))];
  const { firsts, places } = distinctValues(dictionaries);
  const placesOf = new Map(dictionaries.map((dictionary, index) => [dictionary, places[index]!]));
  checkIndexable(type, firsts.length);
  let row = 0;
  for (const part of parts) {
    const moved = placesOf.get(dictionaryOf(part))!;
    for (const end = row + part.length; row < end; row++) {
      // What an index is under a null does not matter, and may be anything.
      const place = moved[Number(values[row])] ?? 0;
      values[row] = typeof values[row] === 'bigint' ? BigInt(place) : place;
    }
  }
  const all = concatData(dictionaries.flatMap((dictionary) => [...dictionary.data]));
  const dictionary = new Vector([gatherData(all, runsOf(firsts))]);
  return assemble(first, rows, nulls, columns, dictionary);
}

function dictionaryOf(part: Data): Vector {
  if (!part.dictionary) throw new NagError('a dictionary column has no dictionary');
  return part.dictionary;
}

function checkIndexable(type: Dictionary, values: number): void {
  const { bitWidth, isSigned } = type.indices;
  if (values <= 2 ** (isSigned ? bitWidth - 1 : bitWidth)) return;
  throw new NagError(
    `${values} distinct values need a wider index than that of ${String(type)}; cast the column`,
  );
}
