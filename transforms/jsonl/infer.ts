import { Bool, type DataType, Field, Float64, Int64, List, Schema, Struct, Utf8 } from 'apache-arrow';

/** What values of a column have been seen to be. `json` stands for a mixture, kept as JSON text. */
export type Shape =
  | { readonly kind: 'null' | 'bool' | 'int' | 'float' | 'string' | 'json' }
  | { readonly kind: 'list'; readonly items: Shape }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, Shape> };

/** Field metadata that marks text which is JSON. */
export const jsonMark = new Map([['nag.json', 'true']]);

/** The shape of one value. */
export function shapeOf(value: unknown): Shape {
  if (value === null || value === undefined) return { kind: 'null' };
  if (typeof value === 'boolean') return { kind: 'bool' };
  if (typeof value === 'string') return { kind: 'string' };
  if (typeof value === 'number') return { kind: Number.isInteger(value) ? 'int' : 'float' };
  if (Array.isArray(value)) return { kind: 'list', items: value.map(shapeOf).reduce(join, { kind: 'null' }) };
  return {
    kind: 'object',
    fields: new Map(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)])),
  };
}

/** The narrowest shape that takes the values of both. */
export function join(a: Shape, b: Shape): Shape {
  if (a.kind === 'null') return b;
  if (b.kind === 'null') return a;
  if (a.kind === 'list' && b.kind === 'list') return { kind: 'list', items: join(a.items, b.items) };
  if (a.kind === 'object' && b.kind === 'object') return joinObjects(a.fields, b.fields);
  if (a.kind === b.kind) return a;
  const kinds = new Set([a.kind, b.kind]);
  return kinds.has('int') && kinds.has('float') ? { kind: 'float' } : { kind: 'json' };
}

function joinObjects(a: ReadonlyMap<string, Shape>, b: ReadonlyMap<string, Shape>): Shape {
  const fields = new Map(a);
  for (const [name, shape] of b) fields.set(name, join(fields.get(name) ?? { kind: 'null' }, shape));
  return { kind: 'object', fields };
}

/** Arrow columns for objects of a shape; a column that was always null becomes text. */
export function schemaOf(fields: ReadonlyMap<string, Shape>): Schema {
  return new Schema([...fields].map(([name, shape]) => fieldOf(name, shape)));
}

function fieldOf(name: string, shape: Shape): Field {
  return new Field(name, typeOf(shape), true, shape.kind === 'json' ? jsonMark : undefined);
}

function typeOf(shape: Shape): DataType {
  switch (shape.kind) {
    case 'bool':
      return new Bool();
    case 'int':
      return new Int64();
    case 'float':
      return new Float64();
    case 'list':
      return new List(fieldOf('item', shape.items));
    case 'object':
      // Parquet has no group without a column.
      return shape.fields.size === 0
        ? new Utf8()
        : new Struct([...shape.fields].map(([name, inner]) => fieldOf(name, inner)));
    default:
      return new Utf8();
  }
}
