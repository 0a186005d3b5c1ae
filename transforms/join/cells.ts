import { BufferType, Data, DataType, type Field, Vector } from 'apache-arrow';
import { textReader } from '../../pipeline/arrow/text.js';
import { NagError } from '../../pipeline/errors.js';

/** How a column's cells go into records, and how cells out of records become a column again. */
export interface CellFormat {
  readonly field: Field;
  /** Bytes of every cell; undefined where they differ. */
  readonly width: number | undefined;
  /** The bytes of a row's cell, which is not null: a view that is good until the next call. */
  reader(data: Data): (row: number) => Uint8Array;
  /** The column of such cells; undefined stands for null. */
  column(cells: readonly (Uint8Array | undefined)[]): Data;
}

/** Errors: NagError for a type whose cells are neither of one width nor text. */
export function cellFormat(field: Field): CellFormat {
  const { type } = field;
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return textCells(field);
  if (DataType.isFixedSizeList(type)) {
    const item = type.children[0];
    if (item && isFixed(item.type)) return listCells(field, type.listSize, item);
  } else if (isFixed(type)) return fixedCells(field);
  throw new NagError(
    `the column "${field.name}" of type ${String(type)} cannot be joined: numbers, dates, text and features can; leave it out with columns: […]`,
  );
}

function isFixed(type: DataType): boolean {
  return (
    DataType.isInt(type) || DataType.isFloat(type) || DataType.isDate(type) || DataType.isTimestamp(type)
  );
}

function fixedCells(field: Field): CellFormat {
  const width = bytesOf(field.type);
  return {
    field,
    width,
    reader: ({ values }) => {
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      return (row) => bytes.subarray(row * width, (row + 1) * width);
    },
    column: (cells) =>
      withNulls(field.type, cells, { [BufferType.DATA]: valuesOf(field.type, cells, width) }),
  };
}

/** Lists of one length: a cell holds the items, and behind them a bit for each, as in Arrow: whether it is no null. */
function listCells(field: Field, size: number, item: Field): CellFormat {
  const bytes = bytesOf(item.type) * size;
  const width = bytes + Math.ceil(size / 8);
  return {
    field,
    width,
    reader: ({ children: [child] }) => listReader(child!, size, bytes, width),
    column: (cells) => withNulls(field.type, cells, {}, [itemsOf(item.type, cells, size, bytes)]),
  };
}

function listReader(items: Data, size: number, bytes: number, width: number) {
  const values = new Uint8Array(items.values.buffer, items.values.byteOffset, items.values.byteLength);
  const cell = new Uint8Array(width);
  return (row: number): Uint8Array => {
    cell.set(values.subarray(row * bytes, (row + 1) * bytes));
    cell.fill(0xff, bytes);
    if (items.nullCount > 0)
      for (let i = 0; i < size; i++)
        if (!items.getValid(row * size + i)) cell[bytes + (i >> 3)]! &= ~(1 << (i & 7));
    return cell;
  };
}

/** The items of all cells, one after another. */
function itemsOf(
  type: DataType,
  cells: readonly (Uint8Array | undefined)[],
  size: number,
  bytes: number,
): Data {
  const values = valuesOf(
    type,
    cells.map((cell) => cell?.subarray(0, bytes)),
    bytes,
  );
  const length = cells.length * size;
  const complete = cells.every((cell) => cell?.subarray(bytes).every((bits) => bits === 0xff) ?? true);
  if (complete) return new Data(type, 0, length, 0, { [BufferType.DATA]: values });
  const validity = new Uint8Array(Math.ceil(length / 64) * 8);
  let nulls = 0;
  for (const [row, cell] of cells.entries())
    for (let i = 0; i < size; i++) {
      const place = row * size + i;
      if (cell && !(cell[bytes + (i >> 3)]! & (1 << (i & 7)))) nulls++;
      else validity[place >> 3]! |= 1 << (place & 7);
    }
  return new Data(type, 0, length, nulls, { [BufferType.DATA]: values, [BufferType.VALIDITY]: validity });
}

function textCells(field: Field): CellFormat {
  const encoder = new TextEncoder();
  const large = DataType.isLargeUtf8(field.type);
  return {
    field,
    width: undefined,
    reader: (data) => {
      const read = textReader(new Vector([data]));
      return (row) => encoder.encode(read(row) ?? '');
    },
    column: (cells) => {
      const ends = new Int32Array(cells.length + 1);
      for (const [i, cell] of cells.entries()) ends[i + 1] = ends[i]! + (cell?.length ?? 0);
      const bytes = new Uint8Array(ends[cells.length]!);
      for (const [i, cell] of cells.entries()) if (cell) bytes.set(cell, ends[i]!);
      const offsets = large ? BigInt64Array.from(ends, BigInt) : ends;
      return withNulls(field.type, cells, { [BufferType.OFFSET]: offsets, [BufferType.DATA]: bytes });
    },
  };
}

function bytesOf(type: DataType): number {
  return (type.ArrayType as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT;
}

function valuesOf(type: DataType, cells: readonly (Uint8Array | undefined)[], width: number) {
  const bytes = new Uint8Array(cells.length * width);
  for (const [i, cell] of cells.entries()) if (cell) bytes.set(cell, i * width);
  const ArrayType = type.ArrayType as new (buffer: ArrayBuffer) => DataType['TArray'];
  return new ArrayType(bytes.buffer);
}

function withNulls(
  type: DataType,
  cells: readonly (Uint8Array | undefined)[],
  buffers: ConstructorParameters<typeof Data>[4],
  children: Data[] = [],
): Data {
  const nulls = cells.reduce((count, cell) => count + (cell ? 0 : 1), 0);
  if (nulls === 0) return new Data(type, 0, cells.length, 0, buffers, children);
  const validity = new Uint8Array(Math.ceil(cells.length / 64) * 8);
  for (const [i, cell] of cells.entries()) if (cell) validity[i >> 3]! |= 1 << (i & 7);
  return new Data(type, 0, cells.length, nulls, { ...buffers, [BufferType.VALIDITY]: validity }, children);
}
