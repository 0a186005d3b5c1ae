import { z } from 'zod';
import { describeValue, didYouMean, type Path, type Problem } from './problems.js';

/** What a parameter may be. A `path` and a `glob` are text, a `date` is `YYYY-MM-DD` and by default today. */
const types = ['string', 'int', 'number', 'bool', 'path', 'glob', 'date'] as const;

const value = z.union([z.string(), z.number(), z.boolean()]);

export const paramSchema = z.strictObject({
  type: z.enum(types).default('string'),
  default: value.optional(),
  required: z.boolean().default(false),
  env: z.string().optional(),
  choices: z.array(value).min(1).optional(),
  description: z.string().optional(),
});

export type Param = z.infer<typeof paramSchema>;
export type ParamValue = z.infer<typeof value>;

/** Where values come from besides the file; `set` holds `--set` options as written, `name → text`. */
export interface ParamInputs {
  readonly set: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Today as `YYYY-MM-DD`. */
  readonly today: string;
}

/** Values of all parameters: `--set` wins over the environment, and that over the default. */
export function resolveParams(params: Readonly<Record<string, Param>>, inputs: ParamInputs) {
  const problems: Problem[] = [];
  const values = new Map<string, ParamValue | null>();
  for (const name of inputs.set.keys()) {
    if (!(name in params)) {
      problems.push({
        path: ['params'],
        message: `--set ${name}: there is no such parameter${didYouMean(name, Object.keys(params))}`,
      });
    }
  }
  for (const [name, param] of Object.entries(params)) {
    const found = given(name, param, inputs);
    const at: Path = ['params', name];
    if (!found) {
      if (param.required)
        problems.push({
          path: at,
          message: `has no value: give one with --set ${name}=…${param.env ? ` or ${param.env}=…` : ''}`,
        });
      values.set(name, null);
      continue;
    }
    const typed = convert(found.value, param);
    if (typed === undefined)
      problems.push({
        path: at,
        message: `expected ${wanted(param)}, found ${describeValue(found.value)} (from ${found.from})`,
      });
    values.set(name, typed ?? null);
  }
  return { values, problems };
}

function given(
  name: string,
  param: Param,
  inputs: ParamInputs,
): { value: ParamValue; from: string } | undefined {
  const set = inputs.set.get(name);
  if (set !== undefined) return { value: set, from: `--set ${name}` };
  const env = param.env === undefined ? undefined : inputs.env[param.env];
  if (env !== undefined && env !== '') return { value: env, from: `the environment's ${param.env}` };
  if (param.default !== undefined) return { value: param.default, from: 'its default' };
  return param.type === 'date' && !param.required ? { value: inputs.today, from: 'today' } : undefined;
}

function convert(value: ParamValue, param: Param): ParamValue | undefined {
  const typed = convertType(value, param.type);
  if (typed === undefined || !param.choices) return typed;
  return param.choices.some((choice) => convertType(choice, param.type) === typed) ? typed : undefined;
}

function convertType(value: ParamValue, type: Param['type']): ParamValue | undefined {
  const text = String(value);
  switch (type) {
    case 'int':
      return /^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
    case 'number':
      return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : undefined;
    case 'bool':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'date':
      return isDate(text) ? text : undefined;
    default:
      return typeof value === 'boolean' ? undefined : text;
  }
}

function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return (
    /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
  );
}

function wanted(param: Param): string {
  if (param.choices) return `one of ${param.choices.map(String).join(', ')}`;
  const names = {
    string: 'text',
    int: 'a whole number',
    number: 'a number',
    bool: 'true or false',
    path: 'a path',
    glob: 'a path or glob',
    date: 'a date as YYYY-MM-DD',
  };
  return names[param.type];
}

/**
 * Puts parameters into the scalars of a parsed document: `"${k}"` alone keeps the parameter's type, inside other
 * text it becomes text, `$${` stands for a literal `${`. Keys are never touched.
 */
export function interpolate(document: unknown, values: ReadonlyMap<string, ParamValue | null>, base: Path) {
  const problems: Problem[] = [];
  const walk = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string')
      return scalar(value, values, (message) => problems.push({ path, message }));
    if (Array.isArray(value)) return value.map((item, i) => walk(item, [...path, i]));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, walk(item, [...path, key])]));
  };
  return { value: walk(document, base), problems };
}

function scalar(
  text: string,
  values: ReadonlyMap<string, ParamValue | null>,
  problem: (message: string) => void,
): unknown {
  const lookup = (name: string): ParamValue | null => {
    const value = values.get(name);
    if (value === undefined)
      problem(`\${${name}}: there is no such parameter${didYouMean(name, values.keys())}`);
    // A parameter without a value has been reported already if it was required; else its use is the fault.
    return value ?? null;
  };
  const whole = /^\$\{([^{}]*)\}$/.exec(text);
  if (whole) return lookup(whole[1]!.trim()) ?? undefined;
  return text.replace(/\$\$\{|\$\{([^{}]*)\}/g, (match, name: string | undefined) =>
    name === undefined ? (match === '$${' ? '${' : match) : String(lookup(name.trim()) ?? ''),
  );
}
