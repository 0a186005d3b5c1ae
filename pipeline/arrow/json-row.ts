import { type Data, DataType, type Field, type RecordBatch, Vector } from 'apache-arrow';
import { NagError } from '../errors.js';
import { dateText, decimalText, intervalText, timestampText, uuidText } from './json-exact.js';
import { markOf } from './parquet-marks.js';
import { isText, textReader } from './text.js';

/** Writes the value at an index as JSON text. */
type Write = (index: number) => string;

/** Told of each NaN or infinity, by its column. */
export type OnNonFinite = (column: string) => void;

/**
 * A function that writes a row of a batch as JSON text. Integers and decimals keep all their digits, floats have a
 * fraction or an exponent, binary becomes base64, times of day and durations numbers of their unit. JSON has no NaN and
 * no infinity: they become null. Throws a `NagError` for a column that has no sensible JSON.
 */
export function jsonRow(batch: RecordBatch, onNonFinite: OnNonFinite = () => undefined): Write {
  const columns = batch.schema.fields.map((field, i) => ({
    key: JSON.stringify(field.name),
    write: columnWriter(field, batch.data.children[i]!, { column: field.name, onNonFinite }),
  }));
  return (row) => `{${columns.map(({ key, write }) => `${key}:${write(row)}`).join(',')}}`;
}

/** All rows of a batch, a line each. */
export function linesOf(batch: RecordBatch, onNonFinite?: OnNonFinite): string {
  const write = jsonRow(batch, onNonFinite);
  return Array.from({ length: batch.numRows }, (_, row) => `${write(row)}\n`).join('');
}

/** The column that a value is in, and who is told of what JSON does not have. */
interface Writing {
  readonly column: string;
  readonly onNonFinite: OnNonFinite;
}

/** Writes the values of a column. Throws as `jsonRow`. */
export function columnWriter(field: Field, data: Data, writing: Writing): Write {
  const write = fieldWriter(field, data, writing);
  // The layout of the reference implementation's feature files.
  if (field.name.endsWith('_feature') && field.metadata.has('nag.neurons'))
    return (row) => `{"layer_topk_value_index":${write(row)}}`;
  return write;
}

/** Text that was JSON when it was read goes out as that JSON, in lists and structs too. */
function fieldWriter(field: Field, data: Data, writing: Writing): Write {
  if (field.metadata.get('nag.json') !== 'true') return writerOf(data, writing, field);
  const text = textReader(new Vector([data]));
  return (row) => text(row) ?? 'null';
}

/** @param field that the values are of; the values of a dictionary have none */
function writerOf(data: Data, writing: Writing, field?: Field): Write {
  const write =
    (field && markedWriter(field, data)) ?? nestedWriter(data, writing) ?? scalarWriter(data, writing);
  return data.nullCount === 0 ? write : (index) => (data.getValid(index) ? write(index) : 'null');
}

function nestedWriter(data: Data, writing: Writing): Write | undefined {
  const { type, valueOffsets } = data;
  const byOffsets = (row: number): [number, number] => [
    Number(valueOffsets[row]),
    Number(valueOffsets[row + 1]),
  ];
  if (DataType.isDictionary(type)) return dictionaryWriter(data, writing);
  if (DataType.isStruct(type)) return structWriter(data, writing);
  if (DataType.isMap(type)) return mapWriter(data, writing, byOffsets);
  if (DataType.isList(type) || DataType.isLargeList(type)) return listWriter(data, writing, byOffsets);
  if (!DataType.isFixedSizeList(type)) return undefined;
  const { listSize } = type;
  return listWriter(data, writing, (row) => [row * listSize, (row + 1) * listSize]);
}

function dictionaryWriter({ values, dictionary }: Data, writing: Writing): Write {
  const chunks =
    dictionary?.data.map((chunk) => ({ rows: chunk.length, write: writerOf(chunk, writing) })) ?? [];
  return (index) => {
    let place = Number(values[index]);
    for (const { rows, write } of chunks) {
      if (place < rows) return write(place);
      place -= rows;
    }
    throw new NagError(`column "${writing.column}": an index is outside of its dictionary`);
  };
}

function structWriter({ type, children }: Data, writing: Writing): Write {
  const fields = children.map((child, i) => ({
    key: JSON.stringify(type.children[i]?.name ?? ''),
    write: fieldWriter(type.children[i]!, child, writing),
  }));
  return (index) => `{${fields.map(({ key, write }) => `${key}:${write(index)}`).join(',')}}`;
}

function listWriter(
  { type, children }: Data,
  writing: Writing,
  range: (row: number) => [number, number],
): Write {
  const write = fieldWriter(type.children[0]!, children[0]!, writing);
  return (row) => {
    const [start, end] = range(row);
    return `[${Array.from({ length: end - start }, (_, i) => write(start + i)).join(',')}]`;
  };
}

/** Keys that are no text are written as text: objects have no others. */
function mapWriter({ children }: Data, writing: Writing, range: (row: number) => [number, number]): Write {
  const [entry] = children;
  const [keys, values] = entry!.children.map((child, i) =>
    fieldWriter(entry!.type.children[i]!, child, writing),
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

/** Whether values of a type can be written as JSON. */
export function isWritable(type: DataType): boolean {
  if (DataType.isInterval(type) || DataType.isUnion(type)) return false;
  if (DataType.isDictionary(type)) return isWritable(type.dictionary);
  return (type.children ?? []).every((child: Field) => isWritable(child.type));
}

/** Types of Parquet that Arrow has as bytes: UUID and INTERVAL have texts of their own. */
function markedWriter(field: Field, { type, values }: Data): Write | undefined {
  const kind = isUuid(field) ? 'UUID' : markOf(field)?.kind;
  if (!DataType.isFixedSizeBinary(type) || (kind !== 'UUID' && kind !== 'INTERVAL')) return undefined;
  const [width, text] = kind === 'UUID' ? ([16, uuidText] as const) : ([12, intervalText] as const);
  return (index) => text(values.subarray(index * width, (index + 1) * width));
}

function isUuid({ type, metadata }: Field): boolean {
  return (
    metadata.get('ARROW:extension:name') === 'arrow.uuid' &&
    DataType.isFixedSizeBinary(type) &&
    type.byteWidth === 16
  );
}

function scalarWriter(data: Data, { column, onNonFinite }: Writing): Write {
  const { type, values } = data;
  const cells = new Vector([data]);
  if (DataType.isNull(type)) return () => 'null';
  if (isText(type)) {
    const text = textReader(cells);
    return (index) => JSON.stringify(text(index));
  }
  if (DataType.isUtf8View(type) || DataType.isBool(type)) return (index) => JSON.stringify(cells.get(index));
  if (DataType.isFloat(type)) return (index) => float(cells.get(index)) ?? nonFinite(column, onNonFinite);
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

/** With a fraction or an exponent, so that it is a float for whoever reads it; undefined where JSON has no such number. */
function float(value: number): string | undefined {
  if (!Number.isFinite(value)) return undefined;
  if (Object.is(value, -0)) return '-0.0';
  const text = String(value);
  return Number.isInteger(value) && !text.includes('e') ? `${text}.0` : text;
}

function nonFinite(column: string, onNonFinite: OnNonFinite): string {
  onNonFinite(column);
  return 'null';
}
