import {
  decodeThrift,
  type ThriftField,
  type ThriftList,
  type ThriftStruct,
  ThriftType,
  type ThriftValue,
} from './thrift-compact.js';

/** Field ids of Parquet's footer. Source: parquet.thrift of apache/parquet-format 2.12. */
export const FileField = { SCHEMA: 2, ROW_GROUPS: 4, PAIRS: 5, ENCRYPTION: 8, SIGNING_KEY: 9 } as const;
export const ElementField = {
  TYPE: 1,
  LENGTH: 2,
  NAME: 4,
  CHILDREN: 5,
  CONVERTED: 6,
  LOGICAL: 10,
} as const;
export const ChunkField = {
  OFFSET: 2,
  META: 3,
  /** Offset and length of the offset index, then of the column index. */
  PAGE_INDEX: [4, 5, 6, 7],
  CRYPTO: 8,
} as const;
export const ColumnField = { TYPE: 1, PATH: 3, CODEC: 4, STATISTICS: 12 } as const;

export const Physical = { INT96: 3, BYTE_ARRAY: 6, FIXED: 7 } as const;
export const Converted = { UTF8: 0, ENUM: 4, JSON: 19, BSON: 20, INTERVAL: 21 } as const;
/** Members of the union LogicalType. */
export const Logical = {
  STRING: 1,
  ENUM: 4,
  TIME: 7,
  JSON: 12,
  BSON: 13,
  UUID: 14,
  VARIANT: 16,
  GEOMETRY: 17,
  GEOGRAPHY: 18,
} as const;

/** An element of the schema: a group, or a leaf, which is a stored column. */
export interface Element {
  /** Its place in the footer's flat list. */
  readonly index: number;
  readonly path: readonly string[];
  readonly fields: ThriftStruct;
  readonly leaf: boolean;
}

/** A footer without its row groups, which may be many: they are written back as they were. Errors: RangeError. */
export function decodeFooter(bytes: Uint8Array): ThriftStruct {
  return decodeThrift(bytes, FileField.ROW_GROUPS);
}

/** The schema's elements in their order, without the root. Errors: RangeError for a tree that is none. */
export function elementsOf(footer: ThriftStruct): Element[] {
  const flat = structsOf(footer, FileField.SCHEMA);
  const elements: Element[] = [];
  let next = 1;
  const visit = (parent: readonly string[]): void => {
    const fields = flat[next];
    if (!fields) throw new RangeError('the schema ends before its groups do');
    const index = next++;
    const path = [...parent, textOf(fields, ElementField.NAME)];
    const children = numberOf(fields, ElementField.CHILDREN) ?? 0;
    elements.push({ index, path, fields, leaf: children === 0 });
    for (let child = 0; child < children; child++) visit(path);
  };
  const roots = flat[0] ? (numberOf(flat[0], ElementField.CHILDREN) ?? 0) : 0;
  for (let root = 0; root < roots; root++) visit([]);
  return elements;
}

/** The union's member that a leaf or group is annotated with, and what it holds. */
export function logicalOf(fields: ThriftStruct): { kind: number; value: ThriftStruct } | undefined {
  const union = fields.get(ElementField.LOGICAL)?.value;
  if (!isStruct(union)) return undefined;
  const [member] = union;
  return member && isStruct(member[1].value) ? { kind: member[0], value: member[1].value } : undefined;
}

export function isStruct(value: ThriftValue | undefined): value is ThriftStruct {
  return value instanceof Map;
}

export function listOf(struct: ThriftStruct, id: number): ThriftList | undefined {
  const value = struct.get(id)?.value;
  return typeof value === 'object' && 'element' in value ? value : undefined;
}

export function structsOf(struct: ThriftStruct, id: number): ThriftStruct[] {
  return (listOf(struct, id)?.values ?? []).filter(isStruct);
}

export function numberOf(struct: ThriftStruct, id: number): number | undefined {
  const value = struct.get(id)?.value;
  return typeof value === 'number' ? value : undefined;
}

export function textOf(struct: ThriftStruct, id: number): string {
  const value = struct.get(id)?.value;
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : '';
}

/** The struct with some fields replaced; undefined removes one. */
export function changed(
  struct: ThriftStruct,
  changes: readonly (readonly [id: number, field: ThriftField | undefined])[],
): ThriftStruct {
  const fields = new Map(struct);
  for (const [id, field] of changes) {
    if (field) fields.set(id, field);
    else fields.delete(id);
  }
  return fields;
}

export function structList(values: readonly ThriftStruct[]): ThriftField {
  return { type: ThriftType.LIST, value: { element: ThriftType.STRUCT, values } };
}

export function int(value: number): ThriftField {
  return { type: ThriftType.I32, value };
}

export function text(value: string): ThriftField {
  return { type: ThriftType.BINARY, value: Buffer.from(value) };
}

/** The footer's key-value pairs, in their order. */
export function pairsOf(footer: ThriftStruct): [key: string, value: string][] {
  return structsOf(footer, FileField.PAIRS).map((pair) => [textOf(pair, 1), textOf(pair, 2)]);
}

export function withPairs(footer: ThriftStruct, pairs: readonly (readonly [string, string])[]): ThriftStruct {
  const structs = pairs.map(
    ([key, value]): ThriftStruct =>
      new Map([
        [1, text(key)],
        [2, text(value)],
      ]),
  );
  return changed(footer, [[FileField.PAIRS, structs.length > 0 ? structList(structs) : undefined]]);
}
