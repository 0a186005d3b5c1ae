import type { z } from 'zod';
import { describeValue } from '../describe-value.js';
import { NagError } from '../errors.js';
import { didYouMean, nearest } from '../nearest.js';

export { didYouMean, nearest } from '../nearest.js';

/** Keys and indices from the document's root to a value: `['stages', 3, 'with', 'k']`. */
export type Path = readonly (string | number)[];

/** Something wrong in a configuration: where it is, and what was expected and found. */
export interface Problem {
  readonly path: Path;
  readonly message: string;
  /** Points at the key itself instead of its value, as for a key that is not known. */
  readonly atKey?: boolean;
  /** What was thrown, where that is more than the message says. */
  readonly cause?: unknown;
}

/** All problems of one configuration, each on a line of its own: `file:line:col  path  message`. */
export class ConfigError extends NagError {
  override readonly name = 'ConfigError';
  override readonly exitCode = 2;
}

/** `stages[3].with.k` */
export function pathText(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

/** What other programs call the values of options here. */
const synonyms: Readonly<Record<string, string>> = {
  float: 'number',
  double: 'number',
  integer: 'int',
  str: 'string',
  text: 'string',
  boolean: 'bool',
  file: 'path',
  folder: 'path',
  dir: 'path',
  ignore: 'skip',
};

/** The problems of a value that a schema refuses, in this project's words. `base` is the path of the value. */
export function problemsOf(error: z.ZodError, value: unknown, base: Path, schema: z.ZodType): Problem[] {
  // Of a value of the wrong type nothing else needs to be said.
  const wrongType = new Set(error.issues.filter(isWrongType).map(placeKey));
  return error.issues
    .filter((issue) => isWrongType(issue) || !wrongType.has(placeKey(issue)))
    .flatMap((issue) => issueProblems(issue, value, base, schema));
}

function isWrongType(issue: Issue): boolean {
  return issue.code === 'invalid_type';
}

function placeKey(issue: Issue): string {
  return JSON.stringify(issue.path);
}

type Issue = z.core.$ZodIssue;

function issueProblems(issue: Issue, value: unknown, base: Path, schema: z.ZodType): Problem[] {
  const inner = issue.path.filter((step) => typeof step !== 'symbol');
  const path = [...base, ...inner];
  const found = valueAt(value, inner);
  if (issue.code === 'unrecognized_keys') {
    const known = keysOf(schema, inner);
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `unknown option "${key}"${didYouMean(key, known)}`,
      atKey: true,
    }));
  }
  return [{ path, message: messageFor(issue, found) }];
}

function messageFor(issue: Issue, found: unknown): string {
  if (issue.code === 'custom') return issue.message;
  if (found === undefined) return `is required: ${expected(issue)}`;
  const hint = typeof found === 'string' ? hintAt(found, valuesOf(issue)) : '';
  return `expected ${expected(issue)}, found ${describeValue(found)}${hint}`;
}

/** The values that may be meant, also of a union that has some. */
function valuesOf(issue: Issue): readonly unknown[] {
  if (issue.code === 'invalid_value') return issue.values;
  return issue.code === 'invalid_union' ? issue.errors.flat().flatMap(valuesOf) : [];
}

function hintAt(found: string, values: readonly unknown[]): string {
  const other = synonyms[found];
  const name = values.includes(other)
    ? other
    : nearest(
        found,
        values.filter((value) => typeof value === 'string'),
      );
  return name === undefined ? '' : `, did you mean "${name}"?`;
}

function expected(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.length === 1
        ? JSON.stringify(issue.values[0])
        : `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `a number ${issue.inclusive ? 'of at least' : 'above'} ${issue.minimum}`
        : `at least ${amount(issue.minimum, issue.origin)}`;
    case 'too_big':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `a number ${issue.inclusive ? 'of at most' : 'below'} ${issue.maximum}`
        : `at most ${amount(issue.maximum, issue.origin)}`;
    case 'invalid_union':
      return [...new Set(issue.errors.map(alternative))].join(', or ');
    default:
      return issue.message;
  }
}

function amount(count: number | bigint, origin: string): string {
  const [one, many] = origin === 'string' ? ['character', 'characters'] : ['entry', 'entries'];
  return `${count} ${Number(count) === 1 ? one : many}`;
}

/** One branch of a union: the type it wants, or what is wrong inside the object that it would accept. */
function alternative(issues: readonly Issue[]): string {
  const own = issues.find((issue) => issue.path.length === 0 && issue.code !== 'unrecognized_keys');
  if (own) return expected(own);
  const keys = issues.filter((issue) => issue.path.length > 0);
  return `a mapping with ${keys.map((issue) => `${issue.path.join('.')} (${expected(issue)})`).join(', ') || 'other keys'}`;
}

const typeNames: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
};

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, step) => {
    if (inner === null || typeof inner !== 'object') return undefined;
    return (inner as Record<string | number, unknown>)[step];
  }, value);
}

/** The keys that a schema knows at a path; looks through optional, default, array, union and record. */
function keysOf(schema: z.ZodType, path: Path): string[] {
  return [...new Set(schemasAt(schema, path).flatMap((s) => Object.keys(shapeOf(s))))];
}

function schemasAt(schema: unknown, path: Path): unknown[] {
  const here = unwrap(schema);
  const [step, ...rest] = path;
  if (step === undefined) return here;
  return here.flatMap((s) => {
    const def = definition(s);
    if (def['element']) return schemasAt(def['element'], rest);
    if (def['valueType']) return schemasAt(def['valueType'], rest);
    const inner = shapeOf(s)[String(step)];
    return inner ? schemasAt(inner, rest) : [];
  });
}

function unwrap(schema: unknown): unknown[] {
  const def = definition(schema);
  if (Array.isArray(def['options'])) return def['options'].flatMap(unwrap);
  if (def['innerType']) return unwrap(def['innerType']);
  if (def['in']) return unwrap(def['in']);
  return [schema];
}

function definition(schema: unknown): Record<string, unknown> {
  if (schema === null || typeof schema !== 'object' || !('_zod' in schema)) return {};
  return (schema as { _zod: { def: Record<string, unknown> } })._zod.def;
}

function shapeOf(schema: unknown): Record<string, unknown> {
  const shape = definition(schema)['shape'];
  return shape !== null && typeof shape === 'object' ? (shape as Record<string, unknown>) : {};
}
