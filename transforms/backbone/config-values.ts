import { DataError } from '../../pipeline/errors.js';

/** A parsed JSON object and where it stands, for messages. */
export interface ConfigObject {
  readonly file: string;
  /** Path of the object inside the file: '' or `rope_scaling.`. */
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

/** Narrows parsed JSON to an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The error of one key: `config.json: "rope_scaling.factor": message`. */
export function configError(config: ConfigObject, key: string, message: string): DataError {
  return new DataError({ file: config.file }, `"${config.path}${key}": ${message}`);
}

/** The value of `key`, or undefined where it is missing or null, which config files use alike. */
export function optional(config: ConfigObject, key: string): unknown {
  return config.values[key] ?? undefined;
}

/** A whole number of at least 1, or another least. */
export function count(config: ConfigObject, key: string, fallback: number, least = 1): number {
  const value = optional(config, key) ?? fallback;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  throw configError(config, key, `expected a whole number of at least ${least}, found ${shown(value)}`);
}

/** A finite number above 0. Without a fallback it must be there. */
export function positive(config: ConfigObject, key: string, fallback?: number): number {
  const value = optional(config, key) ?? fallback;
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw configError(config, key, `expected a number above 0, found ${shown(value)}`);
}

/** A boolean, by default false where it is missing. */
export function flag(config: ConfigObject, key: string, fallback = false): boolean {
  const value = optional(config, key) ?? fallback;
  if (typeof value === 'boolean') return value;
  throw configError(config, key, `expected true or false, found ${shown(value)}`);
}

/** A list, or undefined where it is missing. */
export function list(config: ConfigObject, key: string): readonly unknown[] | undefined {
  const value = optional(config, key);
  if (value === undefined || Array.isArray(value)) return value;
  throw configError(config, key, `expected a list, found ${shown(value)}`);
}

/** An object, or undefined where it is missing, null or empty: HuggingFace treats these alike. */
export function section(config: ConfigObject, key: string): ConfigObject | undefined {
  const value = optional(config, key);
  if (value === undefined) return undefined;
  if (!isObject(value)) throw configError(config, key, `expected an object, found ${shown(value)}`);
  if (Object.keys(value).length === 0) return undefined;
  return { file: config.file, path: `${config.path}${key}.`, values: value };
}

/** A value as it is quoted in messages. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}
