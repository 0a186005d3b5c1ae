import { Field } from 'apache-arrow';
import {
  Converted,
  changed,
  type Element,
  ElementField,
  Logical,
  logicalOf,
  numberOf,
  Physical,
} from './parquet-elements.js';
import {
  decodeThrift,
  encodeThrift,
  type ThriftField,
  type ThriftStruct,
  ThriftType,
} from './thrift-compact.js';

/** Key of a field's metadata: the type that Parquet gives the column, where Arrow's says less. */
const MARK = 'nag.parquet';

/** `TEXT`: text that is read as bytes, as some of it is no valid UTF-8. */
export type Kind =
  | 'INT96'
  | 'INTERVAL'
  | 'UUID'
  | 'JSON'
  | 'BSON'
  | 'ENUM'
  | 'TIME'
  | 'VARIANT'
  | 'GEOMETRY'
  | 'GEOGRAPHY'
  | 'TEXT';

/** A Parquet type that Arrow has none for. */
export interface Mark {
  readonly kind: Kind;
  /** The encoded LogicalType, as base64: its parameters go with it, such as a coordinate system. */
  readonly logical?: string | undefined;
  /** Of INT96: whether nanoseconds are wanted, which end in 2262; microseconds reach every year. */
  readonly nanoseconds?: boolean | undefined;
  readonly timezone?: string | undefined;
  /** The text is decoded as bytes. */
  readonly bytes?: boolean | undefined;
}

export function markOf(field: Field): Mark | undefined {
  const text = field.metadata.get(MARK);
  return text === undefined ? undefined : (JSON.parse(text) as Mark);
}

export function withMark(field: Field, mark: Mark | undefined): Field {
  const metadata = new Map(field.metadata);
  if (mark) metadata.set(MARK, JSON.stringify(mark));
  else if (!metadata.delete(MARK)) return field;
  return new Field(field.name, field.type, field.nullable, metadata);
}

const marked: ReadonlyMap<number, Kind> = new Map([
  [Logical.ENUM, 'ENUM'],
  [Logical.JSON, 'JSON'],
  [Logical.BSON, 'BSON'],
  [Logical.UUID, 'UUID'],
  [Logical.VARIANT, 'VARIANT'],
  [Logical.GEOMETRY, 'GEOMETRY'],
  [Logical.GEOGRAPHY, 'GEOGRAPHY'],
]);
const convertedKinds: ReadonlyMap<number, Kind> = new Map([
  [Converted.ENUM, 'ENUM'],
  [Converted.JSON, 'JSON'],
  [Converted.BSON, 'BSON'],
  [Converted.INTERVAL, 'INTERVAL'],
]);

/** What must be remembered of a column's or group's type. */
export function markOfElement({ fields, leaf }: Element): Mark | undefined {
  if (leaf && numberOf(fields, ElementField.TYPE) === Physical.INT96) return { kind: 'INT96' };
  const logical = logicalOf(fields);
  const converted = numberOf(fields, ElementField.CONVERTED);
  if (!logical) {
    const kind = converted === undefined ? undefined : convertedKinds.get(converted);
    return kind && { kind };
  }
  // A time of day in UTC: Arrow's has no zone.
  const inUtc = logical.kind === Logical.TIME && logical.value.get(1)?.value === true;
  const kind = inUtc ? 'TIME' : marked.get(logical.kind);
  if (!kind) return undefined;
  const union = fields.get(ElementField.LOGICAL)!.value as ThriftStruct;
  return { kind, logical: Buffer.from(encodeThrift(union)).toString('base64') };
}

/** Whether a leaf holds text that the decoder checks. */
export function isTextElement({ fields, leaf }: Element): boolean {
  if (!leaf || numberOf(fields, ElementField.TYPE) !== Physical.BYTE_ARRAY) return false;
  const logical = logicalOf(fields)?.kind;
  if (logical !== undefined)
    return [Logical.STRING, Logical.ENUM, Logical.JSON].some((kind) => kind === logical);
  const converted = numberOf(fields, ElementField.CONVERTED);
  return [Converted.UTF8, Converted.ENUM, Converted.JSON].some((kind) => kind === converted);
}

/** The element with the type that a mark tells of. */
export function stamped(fields: ThriftStruct, mark: Mark): ThriftStruct {
  if (mark.kind === 'INT96')
    return changed(fields, [
      [ElementField.TYPE, i32(Physical.INT96)],
      [ElementField.LENGTH, undefined],
    ]);
  const logical: ThriftField | undefined =
    mark.logical === undefined
      ? undefined
      : { type: ThriftType.STRUCT, value: decodeThrift(Buffer.from(mark.logical, 'base64')) };
  const converted = [...convertedKinds].find(([, kind]) => kind === mark.kind)?.[0];
  return changed(fields, [
    [ElementField.LOGICAL, logical],
    ...(mark.kind === 'TIME'
      ? []
      : [[ElementField.CONVERTED, converted === undefined ? undefined : i32(converted)] as const]),
  ]);
}

/** An element's type less what the decoder would apply: its bytes. */
export function asBytes(fields: ThriftStruct): ThriftStruct {
  const bare = changed(fields, [
    [ElementField.CONVERTED, undefined],
    [ElementField.LOGICAL, undefined],
  ]);
  if (numberOf(fields, ElementField.TYPE) !== Physical.INT96) return bare;
  // Both are stored as 12 bytes a value.
  return changed(bare, [
    [ElementField.TYPE, i32(Physical.FIXED)],
    [ElementField.LENGTH, i32(12)],
  ]);
}

function i32(value: number): ThriftField {
  return { type: ThriftType.I32, value };
}
