import { Data, DataType, type Null, RecordBatch, Struct, Type, type Union, UnionMode } from 'apache-arrow';
import { DataError, NagError } from '../errors.js';
import { assemble, type Parts } from './assemble.js';
import { NullRows } from './null-data.js';
import { copyBits, copyRuns, type Runs, runsOf, runsOfValues } from './runs.js';

/**
 * The rows of a batch at these indices, in this order (repeats allowed), in buffers of its own; only the values of a
 * dictionary are shared with `batch`. Errors: NagError for an index out of range, DataError for a column whose type
 * cannot be gathered or whose text would pass 2 GiB.
 */
export function gatherBatch(batch: RecordBatch, rows: Uint32Array | Int32Array): RecordBatch {
  for (const row of rows) {
    if (row < 0 || row >= batch.numRows) throw new NagError(`row ${row} of a batch of ${batch.numRows} rows`);
  }
  const runs = runsOf(rows);
  const children = batch.data.children.map((column, index) => {
    try {
      return gatherData(column, runs);
    } catch (cause) {
      if (!(cause instanceof NagError)) throw cause;
      throw new DataError({ column: batch.schema.fields[index]?.name }, cause.message, { cause });
    }
  });
  const type = new Struct(batch.schema.fields);
  return new RecordBatch(batch.schema, new Data(type, 0, runs.rows, 0, {}, children));
}

/** Arrow JS keeps buffers sliced to `data`'s rows; only bit buffers (validity, booleans) start at `data.offset`. */
export function gatherData(data: Data, runs: Runs): Data {
  const { type } = data;
  const rows = runs.rows;
  if (DataType.isUnion(type)) return gatherUnion(data, type, runs);
  const { bits: validity, nulls } = gatherValidity(data, runs);
  const make = (parts: Parts): Data => assemble(data, rows, nulls, { ...parts, validity });
  switch (data.typeId) {
    case Type.Null:
      return new NullRows(type as Null, rows);
    case Type.Bool:
      return make({ values: copyBits(data.values, data.offset, runs).bits });
    case Type.Int:
    case Type.Float:
    case Type.Decimal:
    case Type.Date:
    case Type.Time:
    case Type.Timestamp:
    case Type.Interval:
    case Type.Duration:
    case Type.FixedSizeBinary:
    case Type.Dictionary:
      return make({ values: copyRuns(data.values, runs, data.stride) });
    case Type.Utf8:
    case Type.Binary:
    case Type.LargeUtf8:
    case Type.LargeBinary: {
      const { offsets, valueRuns } = runsOfValues(data.valueOffsets, runs);
      return make({ offsets, values: copyRuns(data.values, valueRuns, 1) });
    }
    case Type.List:
    case Type.LargeList:
    case Type.Map: {
      const { offsets, valueRuns } = runsOfValues(data.valueOffsets, runs);
      return make({ offsets, children: data.children.map((child) => gatherData(child, valueRuns)) });
    }
    case Type.FixedSizeList: {
      const wider = scaled(runs, data.stride);
      return make({ children: data.children.map((child) => gatherData(child, wider)) });
    }
    case Type.Struct:
      return make({ children: data.children.map((child) => gatherData(child, runs)) });
    case Type.Utf8View:
    case Type.BinaryView:
      return make(gatherViews(data, runs));
    default:
      throw new NagError(
        `rows of the type ${String(type)} cannot be selected; leave the column out, or cast it`,
      );
  }
}

function gatherValidity(data: Data, runs: Runs): { bits: Uint8Array | undefined; nulls: number } {
  const none = { bits: undefined, nulls: 0 };
  const hasBits = data.nullBitmap && data.nullBitmap.length > 0 && data.typeId !== Type.Union;
  if (!hasBits || data.nullCount === 0) return none;
  const { bits, ones } = copyBits(data.nullBitmap, data.offset, runs);
  return ones === runs.rows ? none : { bits, nulls: runs.rows - ones };
}

function scaled(runs: Runs, width: number): Runs {
  return {
    starts: runs.starts.map((start) => start * width),
    lengths: runs.lengths.map((length) => length * width),
    rows: runs.rows * width,
  };
}

function gatherUnion(data: Data, type: Union, runs: Runs): Data {
  const typeIds = copyRuns(data.typeIds, runs, 1);
  if (type.mode === UnionMode.Sparse) {
    const children = data.children.map((child) => gatherData(child, runs));
    return assemble(data, runs.rows, 0, { typeIds, children });
  }
  const from = copyRuns(data.valueOffsets, runs, 1);
  const offsets = new Int32Array(runs.rows);
  const rowsOfChild: number[][] = data.children.map(() => []);
  for (let row = 0; row < runs.rows; row++) {
    const rows = rowsOfChild[type.typeIdToChildIndex[typeIds[row]!]!]!;
    offsets[row] = rows.length;
    rows.push(from[row]!);
  }
  const children = data.children.map((child, index) =>
    gatherData(child, runsOf(Int32Array.from(rowsOfChild[index]!))),
  );
  return assemble(data, runs.rows, 0, { offsets, typeIds, children });
}

/**
 * A view is 16 bytes: its value's length, then either the value (up to 12 bytes), or 4 bytes of it, the index of a
 * buffer and an offset therein (Arrow columnar format, "Variable-size Binary View Layout").
 */
function gatherViews(data: Data, runs: Runs): Parts {
  const values = copyRuns(data.values, runs, 16);
  const views = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const outside: { readonly view: number; readonly bytes: Uint8Array }[] = [];
  for (let view = 0; view < values.length; view += 16) {
    const length = views.getInt32(view, true);
    if (length <= 12) continue;
    const start = views.getInt32(view + 12, true);
    outside.push({
      view,
      bytes: data.variadicBuffers[views.getInt32(view + 8, true)]!.subarray(start, start + length),
    });
  }
  const buffer = new Uint8Array(outside.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let end = 0;
  for (const { view, bytes } of outside) {
    buffer.set(bytes, end);
    views.setInt32(view + 8, 0, true);
    views.setInt32(view + 12, end, true);
    end += bytes.length;
  }
  return { values, variadic: outside.length > 0 ? [buffer] : [] };
}
