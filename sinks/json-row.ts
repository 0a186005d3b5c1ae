import { type Data, DataType, type Field, type RecordBatch, Vector } from 'apache-arrow';
import { markOf } from '../pipeline/arrow/parquet-marks.js';
import { isText, textReader } from '../pipeline/arrow/text.js';
import { NagError } from '../pipeline/errors.js';
import { dateText, decimalText, intervalText, timestampText, uuidText } from './json-exact.js';

/** Writes the value at an index as JSON text. */
type Write = (index: number) => string;

/**
 * A function that writes a row of a batch as JSON text. Integers and decimals keep all their digits, binary becomes
 * base64, times of day and durations numbers of their unit. JSON has no NaN and no infinity: they become null.
 * Throws a `NagError` for a column that has no sensible JSON.
 */
export function jsonRow(batch: RecordBatch): Write {
  const columns = batch.schema.fields.map((field, i) => ({
    key: JSON.stringify(field.name),
    write: columnWriter(field, batch.data.children[i]!),
  }));
  return (row) => `{${columns.map(({ key, write }) => `${key}:${write(row)}`).join(',')}}`;
}

/** All rows of a batch, a line each. */
export function linesOf(batch: RecordBatch): string {
  const write = jsonRow(batch);
  return Array.from({ length: batch.numRows }, (_, row) => `${write(row)}\n`).join('');
}

function columnWriter(field: Field, data: Data): Write {
  // Text that was JSON when it was read goes out as that JSON.
  if (field.metadata.get('nag.json') === 'true') {
    const text = textReader(new Vector([data]));
    return (row) => text(row) ?? 'null';
  }
  const write = writerOf(data, field.name, field);
  // The layout of the reference implementation's feature files.
  if (field.name.endsWith('_feature') && field.metadata.has('nag.neurons'))
    return (row) => `{"layer_topk_value_index":${write(row)}}`;
  return write;
}

/** @param field the column, or the field of it that the values are of */
function writerOf(data: Data, column: string, field: Field | undefined): Write {
  const write = markedWriter(data, field) ?? nestedWriter(data, column) ?? scalarWriter(data, column);
  return data.nullCount === 0 ? write : (index) => (data.getValid(index) ? write(index) : 'null');
}

/** Types of Parquet that Arrow has as bytes. */
function markedWriter({ type, values }: Data, field: Field | undefined): Write | undefined {
  const kind = field && markOf(field)?.kind;
  if (!DataType.isFixedSizeBinary(type) || (kind !== 'UUID' && kind !== 'INTERVAL')) return undefined;
  const [width, text] = kind === 'UUID' ? ([16, uuidText] as const) : ([12, intervalText] as const);
  return (index) => text(values.subarray(index * width, (index + 1) * width));
}

function nestedWriter(data: Data, column: string): Write | undefined {
  const { type, valueOffsets } = data;
  const byOffsets = (row: number): [number, number] => [
    Number(valueOffsets[row]),
    Number(valueOffsets[row + 1]),
  ];
  if (DataType.isDictionary(type)) return dictionaryWriter(data, column);
  if (DataType.isStruct(type)) return structWriter(data, column);
  if (DataType.isMap(type)) return mapWriter(data, column, byOffsets);
  if (DataType.isList(type) || DataType.isLargeList(type)) return listWriter(data, column, byOffsets);
  if (!DataType.isFixedSizeList(type)) return undefined;
  const { listSize } = type;
  return listWriter(data, column, (row) => [row * listSize, (row + 1) * listSize]);
}

function dictionaryWriter({ values, dictionary }: Data, column: string): Write {
  const chunks =
    dictionary?.data.map((chunk) => ({ rows: chunk.length, write: writerOf(chunk, column, undefined) })) ??
    [];
  return (index) => {
    let place = Number(values[index]);
    for (const { rows, write } of chunks) {
      if (place < rows) return write(place);
      place -= rows;
    }
    throw new NagError(`column "${column}": an index is outside of its dictionary`);
  };
}

function structWriter({ type, children }: Data, column: string): Write {
  const fields = children.map((child, i) => ({
    key: JSON.stringify(type.children[i]?.name ?? ''),
    write: writerOf(child, column, type.children[i]),
  }));
  return (index) => `{${fields.map(({ key, write }) => `${key}:${write(index)}`).join(',')}}`;
}

function listWriter(
  { type, children }: Data,
  column: string,
  range: (row: number) => [number, number],
): Write {
  const write = writerOf(children[0]!, column, type.children[0]);
  return (row) => {
    const [start, end] = range(row);
    return `[${Array.from({ length: end - start }, (_, i) => write(start + i)).join(',')}]`;
  };
}

/** Keys that are no text are written as text: objects have no others. */
function mapWriter({ children }: Data, column: string, range: (row: number) => [number, number]): Write {
  const [keys, values] = children[0]!.children.map((child, i) =>
    writerOf(child, column, children[0]!.type.children[i]),
  );
  return (row) => {
    const [start, end] = range(row);
    const entries = Array.from({ length: end - start }, (_, i) => {
      const key = keys!(start + i);
      return `${key.startsWith('"') ? key : JSON.stringify(key)}:${values!(start + i)}`;
    });
    return `{${entries.join(',')}}`;
  };
}

function scalarWriter(data: Data, column: string): Write {
  const { type, values } = data;
  const cells = new Vector([data]);
  if (DataType.isNull(type)) return () => 'null';
  if (isText(type)) {
    const text = textReader(cells);
    return (index) => JSON.stringify(text(index));
  }
  if (DataType.isUtf8View(type) || DataType.isBool(type)) return (index) => JSON.stringify(cells.get(index));
  if (DataType.isFloat(type)) return (index) => finite(cells.get(index));
  if (DataType.isInt(type) || DataType.isTime(type) || DataType.isDuration(type))
    return (index) => String(values[index]);
  if (DataType.isDate(type)) return (index) => dateText(cells.get(index));
  if (DataType.isTimestamp(type)) return (index) => timestampText(values[index], type);
  if (DataType.isDecimal(type)) return (index) => decimalText(cells.get(index), type.scale);
  if (isBytes(type)) return (index) => JSON.stringify(Buffer.from(cells.get(index)).toString('base64'));
  throw new NagError(
    `column "${column}": ${String(type)} cannot be written as JSON; write Parquet, or leave the column out`,
  );
}

function isBytes(type: DataType): boolean {
  return (
    DataType.isBinary(type) ||
    DataType.isLargeBinary(type) ||
    DataType.isFixedSizeBinary(type) ||
    DataType.isBinaryView(type)
  );
}

function finite(value: number): string {
  return Number.isFinite(value) ? JSON.stringify(value) : 'null';
}
