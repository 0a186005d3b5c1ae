import { Bool, type DataType, Field, Float64, Int64, List, Schema, Struct, Uint64, Utf8 } from 'apache-arrow';
import type { Place } from '../../pipeline/errors.js';
import { isLiteral, WrittenNumber, wholeNumber } from './written-numbers.js';

/** What values of a column have been seen to be. `json` stands for a mixture, kept as JSON text. */
export type Shape =
  | { readonly kind: 'null' | 'bool' | 'float' | 'string' | 'json' }
  | WholeNumbers
  | { readonly kind: 'list'; readonly items: Shape }
  | { readonly kind: 'object'; readonly fields: ReadonlyMap<string, Shape> };

/** Whole numbers, by what could hold them. */
interface WholeNumbers {
  readonly kind: 'int';
  /** Some are below 0. */
  readonly negative: boolean;
  /** Some are above the largest of int64. */
  readonly large: boolean;
  /** Some would change as 64-bit floats. */
  readonly inexact: boolean;
  /** The first that has more than 64 bits. */
  readonly beyond?: BeyondInt | undefined;
}

/** A whole number of more than 64 bits, and where it is. */
export interface BeyondInt {
  readonly text: string;
  readonly place: Place | undefined;
}

/** Field metadata that marks text which is JSON. */
export const jsonMark = new Map([['nag.json', 'true']]);

/** What is nested deeper than this is kept as JSON text: Parquet and its readers have limits. */
const deepest = 64;

const small: WholeNumbers = { kind: 'int', negative: false, large: false, inexact: false };
const smallNegative: WholeNumbers = { ...small, negative: true };

/** The shape of one value. */
export function shapeOf(value: unknown): Shape {
  return shapeAt(value, undefined, 0);
}

/** The shape of a row. @param place where it is, for what is found wrong when all rows have been seen */
export function rowShape(row: object, place: Place): Shape {
  return shapeAt(row, place, 0);
}

function shapeAt(value: unknown, place: Place | undefined, depth: number): Shape {
  if (value === null || value === undefined) return { kind: 'null' };
  if (typeof value === 'boolean') return { kind: 'bool' };
  if (typeof value === 'string') return { kind: 'string' };
  if (typeof value === 'number') return numberShape(value);
  if (value instanceof WrittenNumber) return writtenShape(value.text, place);
  if (depth === deepest) return { kind: 'json' };
  if (Array.isArray(value)) {
    const items = value.map((item) => shapeAt(item, place, depth + 1));
    return { kind: 'list', items: items.reduce(join, { kind: 'null' }) };
  }
  const entries = Object.entries(value).map(
    ([name, inner]) => [name, shapeAt(inner, place, depth + 1)] as const,
  );
  return { kind: 'object', fields: new Map(entries) };
}

/** Whole numbers that a double does not have are kept as written, and so are 1.0 and 1e3. */
function numberShape(value: number): Shape {
  if (!Number.isSafeInteger(value)) return { kind: 'float' };
  return value < 0 ? smallNegative : small;
}

function writtenShape(text: string, place: Place | undefined): Shape {
  if (isLiteral(text) || /[.eE]/.test(text)) return { kind: 'float' };
  const value = wholeNumber(text)!;
  const [asInt, asUint] = [BigInt.asIntN(64, value) === value, BigInt.asUintN(64, value) === value];
  return {
    kind: 'int',
    negative: value < 0n,
    large: value > 0n && !asInt,
    inexact: !isExactFloat(text, value),
    beyond: asInt || asUint ? undefined : { text, place },
  };
}

/** Whether a whole number is one of the 64-bit floats. */
export function isExactFloat(text: string, value: bigint): boolean {
  const float = Number(text);
  return Number.isFinite(float) && BigInt(float) === value;
}

/** The narrowest shape that takes the values of both. */
export function join(a: Shape, b: Shape): Shape {
  if (a.kind === 'null') return b;
  if (b.kind === 'null') return a;
  if (a.kind === 'int' && b.kind === 'int') return joinInts(a, b);
  if (a.kind === 'list' && b.kind === 'list') return { kind: 'list', items: join(a.items, b.items) };
  if (a.kind === 'object' && b.kind === 'object') return joinObjects(a.fields, b.fields);
  if (a.kind === b.kind) return a;
  if (a.kind === 'float' && b.kind === 'int') return join(b, a);
  // Whole numbers that a float would round keep their digits as JSON.
  return a.kind === 'int' && b.kind === 'float' && !a.inexact ? b : { kind: 'json' };
}

function joinInts(a: WholeNumbers, b: WholeNumbers): WholeNumbers {
  if (a === b) return a;
  return {
    kind: 'int',
    negative: a.negative || b.negative,
    large: a.large || b.large,
    inexact: a.inexact || b.inexact,
    beyond: a.beyond ?? b.beyond,
  };
}

function joinObjects(a: ReadonlyMap<string, Shape>, b: ReadonlyMap<string, Shape>): Shape {
  const fields = new Map(a);
  for (const [name, shape] of b) fields.set(name, join(fields.get(name) ?? { kind: 'null' }, shape));
  return { kind: 'object', fields };
}

/** A whole number that no column could hold, and the path of its column. */
export function firstBeyond(
  shape: Shape,
  path: readonly string[] = [],
): (BeyondInt & { path: string[] }) | undefined {
  if (shape.kind === 'int') return shape.beyond && { ...shape.beyond, path: [...path] };
  if (shape.kind === 'list') return firstBeyond(shape.items, path);
  if (shape.kind !== 'object') return undefined;
  for (const [name, inner] of shape.fields) {
    const found = firstBeyond(inner, [...path, name]);
    if (found) return found;
  }
  return undefined;
}

/** The kinds that can be named under `types`. */
export const namedTypes = ['string', 'int', 'uint', 'float', 'bool', 'json'] as const;
export type NamedType = (typeof namedTypes)[number];

/** The shape of a column whose type is named. */
export function namedShape(name: NamedType): Shape {
  if (name === 'int') return smallNegative;
  return name === 'uint' ? { ...small, large: true } : { kind: name };
}

/** Arrow columns for objects of a shape; a column that was always null becomes text. */
export function schemaOf(fields: ReadonlyMap<string, Shape>): Schema {
  return new Schema([...fields].map(([name, shape]) => fieldOf(name, shape)));
}

function fieldOf(name: string, shape: Shape): Field {
  return new Field(name, typeOf(shape), true, isJson(shape) ? jsonMark : undefined);
}

/** What no Arrow column of its own can hold: a mixture; ints of both signs that need 64 bits; an object without keys. */
function isJson(shape: Shape): boolean {
  if (shape.kind === 'int') return shape.large && shape.negative;
  // Parquet has no group without a column.
  return shape.kind === 'json' || (shape.kind === 'object' && shape.fields.size === 0);
}

function typeOf(shape: Shape): DataType {
  if (isJson(shape)) return new Utf8();
  switch (shape.kind) {
    case 'bool':
      return new Bool();
    case 'int':
      return shape.large ? new Uint64() : new Int64();
    case 'float':
      return new Float64();
    case 'list':
      return new List(fieldOf('item', shape.items));
    case 'object':
      return new Struct([...shape.fields].map(([name, inner]) => fieldOf(name, inner)));
    default:
      return new Utf8();
  }
}
