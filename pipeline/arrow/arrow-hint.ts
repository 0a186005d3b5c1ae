import {
  Binary,
  DataType,
  DateUnit,
  Dictionary,
  Field,
  FixedSizeList,
  LargeBinary,
  LargeList,
  List,
  Map_,
  RecordBatchReader,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimeUnit,
} from 'apache-arrow';
import { withoutListViews } from './list-views.js';
import type { Element } from './parquet-elements.js';
import { isTextElement, type Mark, markOfElement, withMark } from './parquet-marks.js';

/** How values are read that can be read in several ways. */
export interface ReadAs {
  /** Reads text without checking it: some of it is no valid UTF-8. */
  readonly textAsBytes?: boolean | undefined;
  /** Unit of INT96 times. Without it the one that the file's Arrow schema has, or microseconds. */
  readonly int96?: 'us' | 'ns' | undefined;
}

/** The Arrow schema in a footer's value. */
export interface Hint {
  readonly schema: Schema;
  /** Whether lists of it are views in the file's own, which the decoder does not make. */
  readonly views: boolean;
}

/** Undefined where it has types that Arrow's library does not know. */
export function decodeHint(value: string): Hint | undefined {
  try {
    const encoded = Buffer.from(value, 'base64');
    const plain = withoutListViews(encoded);
    return { schema: RecordBatchReader.from(plain ?? encoded).open().schema, views: plain !== undefined };
  } catch {
    return undefined;
  }
}

export function encodeHint(schema: Schema): string {
  const writer = new RecordBatchStreamWriter();
  writer.reset(undefined, schema);
  writer.finish();
  return Buffer.from(writer.toUint8Array(true)).toString('base64');
}

/** Whether the decoder does what the hint says. */
export function isSound(hint: Schema): boolean {
  const sound = ({ type }: Field): boolean =>
    isSoundType(type) && ((type.children as Field[] | null) ?? []).every(sound);
  return hint.fields.every(sound);
}

function isSoundType(type: DataType): boolean {
  // The decoder lists views, and gives the plain types.
  if (DataType.isUtf8View(type) || DataType.isBinaryView(type)) return false;
  // Parquet has neither: it would be written as a bare number.
  if (DataType.isDate(type)) return type.unit === DateUnit.DAY;
  if (DataType.isTimestamp(type) || DataType.isTime(type)) return type.unit !== TimeUnit.SECOND;
  return !DataType.isDictionary(type) || isEncodable(type.dictionary);
}

/** Values of dictionaries that the decoder can make. */
export function isEncodable(type: DataType): boolean {
  return isBytes(type) || isText(type) || DataType.isInt(type) || isPlainFloat(type);
}

function isPlainFloat(type: DataType): boolean {
  return DataType.isFloat(type) && type.precision !== 0;
}

function isText(type: DataType): boolean {
  return DataType.isUtf8(type) || DataType.isLargeUtf8(type);
}

function isBytes(type: DataType): boolean {
  return DataType.isBinary(type) || DataType.isLargeBinary(type);
}

/**
 * The Arrow schema to decode a file with: what the hint says where the decoder can do it, otherwise what it makes of
 * the Parquet types itself; with marks of types that Arrow has none for.
 * @param inferred what it makes of the Parquet types; its leaves are the file's, in their order
 */
export function helpedSchema(
  inferred: Schema,
  hint: Schema | undefined,
  elements: readonly Element[],
  how: ReadAs,
): Schema {
  const leaves = elements.filter(({ leaf }) => leaf).values();
  const groups = new Map(elements.filter(({ leaf }) => !leaf).map((group) => [group.path.join('\0'), group]));
  const merge = (own: Field, other: Field | undefined, path: readonly string[] | undefined): Field => {
    const metadata = other && other.metadata.size > 0 ? other.metadata : own.metadata;
    const like = new Field(own.name, own.type, own.nullable, metadata);
    const children = own.type.children as Field[] | null;
    if (!children || children.length === 0) return mergeLeaf(like, other, leaves.next().value, how);
    const others = sameShape(own.type, other?.type) ? (other!.type.children as Field[]) : [];
    const inside = children.map((child, i) =>
      merge(child, others[i], path && DataType.isStruct(own.type) ? [...path, child.name] : undefined),
    );
    const type = rebuilt(others.length > 0 ? other!.type : own.type, own.type, inside);
    const group = path && groups.get(path.join('\0'));
    return withMark(new Field(like.name, type, like.nullable, metadata), group && markOfElement(group));
  };
  const hints = hint?.fields.length === inferred.fields.length ? hint.fields : [];
  const fields = inferred.fields.map((field, i) => merge(field, hints[i], [field.name]));
  return new Schema(fields, hint?.metadata);
}

function mergeLeaf(
  own: Field,
  other: Field | undefined,
  element: Element | undefined,
  { textAsBytes, int96 }: ReadAs,
): Field {
  if (!element) throw new RangeError('the schema has more columns than the file');
  const mark = markOfElement(element);
  const hinted = other ? decodable(other.type, own.type) : own.type;
  const typed = (type: DataType, as: Mark | undefined) =>
    withMark(new Field(own.name, type, own.nullable, own.metadata), as);
  if (mark?.kind === 'INT96') return typed(own.type, { ...mark, ...timestampOf(other?.type, int96) });
  if (mark?.kind === 'INTERVAL') return typed(own.type, mark);
  if (!textAsBytes || !isTextElement(element)) return typed(hinted, mark);
  return typed(bytesLike(hinted), { ...mark, kind: mark?.kind ?? 'TEXT', bytes: true });
}

/** The hinted type where the decoder makes it; values of a dictionary by themselves where they can have none. */
function decodable(hinted: DataType, own: DataType): DataType {
  if (DataType.isDictionary(hinted)) return isSoundType(hinted) ? hinted : decodable(hinted.dictionary, own);
  // A bare number would say less than the hint does: that is how some write dates in milliseconds and times in seconds.
  return isSoundType(hinted) || DataType.isInt(own) ? hinted : own;
}

function timestampOf(type: DataType | undefined, int96: ReadAs['int96']): Partial<Mark> {
  const hinted = DataType.isTimestamp(type) ? type : undefined;
  return {
    nanoseconds: int96 === undefined ? hinted?.unit === TimeUnit.NANOSECOND : int96 === 'ns',
    ...(hinted?.timezone && { timezone: hinted.timezone }),
  };
}

/** The type of a text's bytes, encoded as the text would be. */
function bytesLike(type: DataType): DataType {
  if (DataType.isDictionary(type))
    return new Dictionary(bytesLike(type.dictionary), type.indices, type.id, type.isOrdered);
  return DataType.isLargeUtf8(type) ? new LargeBinary() : new Binary();
}

function sameShape(own: DataType, other: DataType | undefined): boolean {
  if (!other) return false;
  const count = (type: DataType) => ((type.children as Field[] | null) ?? []).length;
  if (isListLike(own)) return isListLike(other);
  return own.typeId === other.typeId && count(own) === count(other);
}

function isListLike(type: DataType): boolean {
  return DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type);
}

function rebuilt(like: DataType, own: DataType, children: Field[]): DataType {
  if (DataType.isStruct(like)) return new Struct(children);
  if (DataType.isLargeList(like)) return new LargeList(children[0]!);
  if (DataType.isFixedSizeList(like)) return new FixedSizeList(like.listSize, children[0]!);
  if (DataType.isList(like)) return new List(children[0]!);
  if (DataType.isMap(like)) return new Map_(children[0]!, like.keysSorted);
  return own;
}
