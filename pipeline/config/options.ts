import { homedir } from 'node:os';
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { Component, PathRole } from '../component.js';
import type { Findings } from './findings.js';
import type { ConfigPaths } from './paths.js';
import { type Path, problemsOf } from './problems.js';

/** Parses a stage's `with`; its paths become absolute. Undefined where there is a problem. */
export function parseOptions(
  component: Component,
  given: Record<string, unknown>,
  at: Path,
  paths: ConfigPaths,
  findings: Findings,
): unknown {
  const remote = remotePaths(component.options, given);
  for (const { name, message } of remote)
    if (!findings.isTouched([...at, name])) findings.report({ path: [...at, name], message });
  if (remote.length > 0) return undefined;
  const value = resolvePaths(component, given, at, paths);
  const parsed = component.options.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const problem of problemsOf(parsed.error, value, at, component.options)) {
    if (!findings.isTouched(problem.path)) findings.report(problem);
  }
  return undefined;
}

/** A path among the options of a stage, absolute; a name of the hub is none. */
export interface OptionPath {
  readonly path: string;
  readonly role: PathRole;
  /** Where it is a folder that is read: a pattern of the names that are read in it. */
  readonly files: string | undefined;
}

/** The paths in a stage's parsed options of which it is known what becomes of them. */
export function optionPaths({ kind, options: schema }: Component, options: unknown): OptionPath[] {
  if (options === null || typeof options !== 'object') return [];
  const properties = jsonSchema(schema).properties ?? {};
  return Object.entries(options).flatMap(([name, value]) => {
    const path = pathIn(properties[name]);
    // A path of somebody's own sink may be read or written: only `path` is by custom the output.
    const usual = kind !== 'sink' ? 'reads' : name === 'path' ? 'writes' : undefined;
    const role = path?.role ?? usual;
    if (!path || role === undefined) return [];
    const paths = [value].flat().filter((item) => typeof item === 'string' && isAbsolute(item));
    return paths.map((own) => ({ path: own, role, files: path.files }));
  });
}

/** One option as `describe` shows it. */
export interface OptionDoc {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly default: unknown;
  readonly description: string;
}

/** The options of a component, from its schema. */
export function optionDocs(component: Component): OptionDoc[] {
  const schema = jsonSchema(component.options);
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    type: typeText(property),
    required: (schema.required ?? []).includes(name) && property.default === undefined,
    default: property.default,
    description: property.description ?? '',
  }));
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  /** A type in short, instead of its parts. */
  readonly title?: string;
  readonly format?: string;
  readonly orName?: string | undefined;
  readonly role?: PathRole;
  readonly files?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
}

function jsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
}

/** Options that are addresses of another kind of storage: as paths they would be folders called `s3:`. */
function remotePaths(schema: z.ZodType, given: Record<string, unknown>): { name: string; message: string }[] {
  const properties = jsonSchema(schema).properties ?? {};
  return Object.entries(given).flatMap(([name, value]) => {
    const path = pathIn(properties[name]);
    const messages = path ? [value].flat().map((item) => remoteFault(item, path.orName !== undefined)) : [];
    return messages.flatMap((message) => (message === undefined ? [] : [{ name, message }]));
  });
}

/** What is wrong with a path that is an address such as `s3://bucket/pool`, or begins with a shell's `~`; undefined where it is none. */
export function remoteFault(path: unknown, isModel = false): string | undefined {
  if (typeof path === 'string' && /^~(?:\/|$)/.test(path))
    return `~ is not expanded here: write ${homedir()}${path.slice(1)}, or ./${path} for a folder of that name`;
  const [, scheme, rest] =
    /^([a-z][a-z0-9+.-]+):\/\/(.*)$/is.exec(typeof path === 'string' ? path : '') ?? [];
  if (scheme === undefined) return undefined;
  if (scheme.toLowerCase() === 'file') return `paths are written as they are: ${rest} instead of ${path}`;
  const hub = isModel ? '; a model of the hub is named owner/name or owner/name@revision' : '';
  return `${scheme}:// is not read or written here, only files: copy them to a disk, or mount the storage as a folder${hub}`;
}

function resolvePaths(
  { options, kind }: Component,
  given: Record<string, unknown>,
  at: Path,
  paths: ConfigPaths,
): Record<string, unknown> {
  const properties = jsonSchema(options).properties ?? {};
  const absolute = (value: unknown, place: Path, { orName }: JsonSchema): unknown => {
    if (Array.isArray(value)) return value.map((item, i) => absolute(item, [...place, i], { orName }));
    if (typeof value !== 'string' || value === '') return value;
    return paths.resolve(value, place, { orName, isInput: kind !== 'sink' });
  };
  const entries = Object.entries(given).map(([name, value]) => {
    const path = pathIn(properties[name]);
    return [name, path ? absolute(value, [...at, name], path) : value];
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined)) as Record<string, unknown>;
}

/** The schema of the path that an option is or may hold. */
function pathIn(property: JsonSchema | undefined): JsonSchema | undefined {
  if (!property || property.format === 'path') return property;
  return [property.items, ...(property.anyOf ?? [])].map(pathIn).find(Boolean);
}

function typeText(schema: JsonSchema): string {
  if (schema.title !== undefined) return schema.title;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map(String).join(' | ');
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeText))].join(' | ');
  if (schema.format === 'path') return 'path';
  if (schema.type === 'array') return `[${typeText(schema.items ?? {})}]`;
  if (schema.properties)
    return `{${Object.entries(schema.properties)
      .map(([name, inner]) => `${name}: ${typeText(inner)}`)
      .join(', ')}}`;
  if (schema.type === 'object')
    return `{name: ${typeof schema.additionalProperties === 'object' ? typeText(schema.additionalProperties) : 'any'}}`;
  const names: Record<string, string> = { string: 'text', integer: 'whole number', boolean: 'true | false' };
  const text = [schema.type ?? 'any']
    .flat()
    .map((type) => names[type] ?? type)
    .join(' | ');
  return [text, ...limits(schema)].join(' ');
}

/** ` ≥ 1`, and nothing of the limits that every safe integer has. */
function limits(schema: JsonSchema): string[] {
  const all = [
    ['>', schema.exclusiveMinimum],
    ['≥', schema.minimum],
    ['<', schema.exclusiveMaximum],
    ['≤', schema.maximum],
  ] as const;
  return all.flatMap(([sign, limit]) =>
    limit === undefined || Math.abs(limit) === Number.MAX_SAFE_INTEGER ? [] : [`${sign} ${limit}`],
  );
}
