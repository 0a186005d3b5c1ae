import type { Data, RecordBatch } from 'apache-arrow';
import { type CellFormat, cellFormat } from './cells.js';
import type { RecordFile } from './record-file.js';

/** A record: its length and its key's, its place in the input, the key, then a byte "there" and the cell of each column. */
const headBytes = 16;

/** A row as it lies in a record file; `key` and `cells` are views that are good until the next read. */
export interface Row {
  readonly order: number;
  readonly key: Uint8Array;
  readonly bytes: number;
  readonly cells: Uint8Array;
}

/** The columns of the rows in a record file. */
export class RecordFormat {
  readonly #formats: readonly CellFormat[];

  /** Errors: NagError for a column of a type that cannot be joined. */
  constructor(batch: RecordBatch, columns: readonly string[]) {
    this.#formats = batch.schema.fields.filter(({ name }) => columns.includes(name)).map(cellFormat);
  }

  get fields() {
    return this.#formats.map(({ field }) => field);
  }

  /** Writes rows of a batch one by one; each call gives where the record begins. */
  writer(batch: RecordBatch, file: RecordFile): (row: number, key: Uint8Array, order: number) => number {
    const columns = this.#formats.map(({ field, reader, width }) => {
      const data = batch.getChild(field.name)!.data[0]!;
      return { data, width, read: reader(data) };
    });
    return (row, key, order) => {
      const cells = columns.map(({ data, read }) => (data.getValid(row) ? read(row).slice() : undefined));
      return file.append(encode(key, order, cells, columns));
    };
  }

  /** The columns of some rows, given by what lies behind their keys. */
  columns(rows: readonly Uint8Array[]): Data[] {
    const cells = rows.map((bytes) => this.#split(bytes));
    return this.#formats.map((format, i) => format.column(cells.map((own) => own[i])));
  }

  #split(bytes: Uint8Array): (Uint8Array | undefined)[] {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    return this.#formats.map(({ width }) => {
      if (bytes[at++] === 0) return undefined;
      const length = width ?? view.getUint32(at);
      if (width === undefined) at += 4;
      at += length;
      return bytes.subarray(at - length, at);
    });
  }
}

/** Reads the record that begins at a position. */
export function readRecord(file: RecordFile, position: number): Row {
  const head = file.view(position, headBytes);
  const view = new DataView(head.buffer, head.byteOffset, headBytes);
  const bytes = view.getUint32(0);
  const keyBytes = view.getUint32(4);
  const order = view.getFloat64(8);
  const all = file.view(position, bytes);
  return {
    order,
    bytes,
    key: all.subarray(headBytes, headBytes + keyBytes),
    cells: all.subarray(headBytes + keyBytes),
  };
}

function encode(
  key: Uint8Array,
  order: number,
  cells: readonly (Uint8Array | undefined)[],
  columns: readonly { readonly width: number | undefined }[],
): Uint8Array {
  const sizes = cells.map(
    (cell, i) => 1 + (cell ? cell.length + (columns[i]!.width === undefined ? 4 : 0) : 0),
  );
  const record = new Uint8Array(sizes.reduce((sum, size) => sum + size, headBytes + key.length));
  const view = new DataView(record.buffer);
  view.setUint32(0, record.length);
  view.setUint32(4, key.length);
  view.setFloat64(8, order);
  record.set(key, headBytes);
  let at = headBytes + key.length;
  for (const [i, cell] of cells.entries()) {
    if (cell) {
      record[at] = 1;
      if (columns[i]!.width === undefined) view.setUint32(at + 1, cell.length);
      record.set(cell, at + sizes[i]! - cell.length);
    }
    at += sizes[i]!;
  }
  return record;
}
