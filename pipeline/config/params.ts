import { z } from 'zod';
import { describeValue } from '../describe-value.js';
import type { Findings } from './findings.js';
import { didYouMean, type Path, problemsOf } from './problems.js';

/** What a parameter may be. A `path` and a `glob` are text, a `date` is `YYYY-MM-DD` and by default today. */
const types = ['string', 'int', 'number', 'bool', 'path', 'glob', 'date'] as const;

const value = z.union([z.string(), z.number(), z.boolean()]);

export const paramSchema = z.strictObject({
  type: z.enum(types).default('string'),
  default: value.optional(),
  required: z.boolean().default(false),
  env: z.string().min(1).optional(),
  choices: z.array(value).min(1).optional(),
  description: z.string().optional(),
});

export type Param = z.infer<typeof paramSchema>;
export type ParamValue = z.infer<typeof value>;

/** A parameter's value, null where it has none; undefined where it is faulty, which has been told. */
export type Resolved = ParamValue | null | undefined;

/** Where values come from besides the file; `set` holds `--set` options as written, `name → text`. */
export interface ParamInputs {
  readonly set: ReadonlyMap<string, string>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Today as `YYYY-MM-DD`. */
  readonly today: string;
}

/** Names that `${name}` and `--set name=value` can hold without doubt about where they end. */
const nameShape = /^[\p{L}_][\p{L}\p{N}_.-]*$/u;

/** Values of the file's `params`: `--set` wins over the environment, and that over the default. */
export function resolveParams(
  section: Readonly<Record<string, unknown>>,
  inputs: ParamInputs,
  findings: Findings,
): Map<string, Resolved> {
  const params = Object.entries(section);
  const names = params.map(([name]) => name);
  for (const name of inputs.set.keys()) {
    if (names.includes(name)) continue;
    const message = `--set ${name}: there is no such parameter${didYouMean(name, names)}`;
    findings.report({ path: ['params'], message });
  }
  return new Map(params.map(([name, param]) => [name, resolveParam(name, param, inputs, findings)]));
}

/** A parameter whose value comes from outside the file. */
export interface OutsideParam {
  /** `--set model`, or `the environment's MODEL`. */
  readonly from: string;
  readonly isPath: boolean;
}

/** The parameters whose values are not from the file. */
export function outsideParams(
  section: Readonly<Record<string, unknown>>,
  inputs: ParamInputs,
): Map<string, OutsideParam> {
  const found = new Map<string, OutsideParam>();
  for (const [name, written] of Object.entries(section)) {
    const { data: param } = paramSchema.safeParse(written);
    const value = param && given(name, param, inputs);
    if (value?.outside) found.set(name, { from: value.from, isPath: /^(path|glob)$/.test(param!.type) });
  }
  return found;
}

function resolveParam(name: string, written: unknown, inputs: ParamInputs, findings: Findings): Resolved {
  const at: Path = ['params', name];
  const say = (message: string, ...inner: (string | number)[]) =>
    findings.report({ path: [...at, ...inner], message });
  if (!nameShape.test(name)) say('a name starts with a letter and goes on with letters, digits, _ . -');
  const parsed = paramSchema.safeParse(written);
  if (!parsed.success) {
    for (const problem of problemsOf(parsed.error, written, at, paramSchema)) findings.report(problem);
    return undefined;
  }
  const param = parsed.data;
  for (const [i, choice] of (param.choices ?? []).entries()) {
    if (convertType(choice, param.type, true) === undefined)
      say(`expected ${typeNames[param.type]}, found ${describeValue(choice)}`, 'choices', i);
  }
  const found = given(name, param, inputs);
  if (!found) {
    if (!param.required) return null;
    say(`has no value: give one with --set ${name}=…${param.env ? ` or ${param.env}=…` : ''}`);
    return undefined;
  }
  const typed = convert(found.value, param, found.written);
  if (typed !== undefined) return typed;
  say(`expected ${wanted(param)}, found ${describeValue(found.value)} (from ${found.from})`);
  return undefined;
}

interface Given {
  readonly value: ParamValue;
  readonly from: string;
  /** In the YAML file, where values have types; elsewhere all is text. */
  readonly written: boolean;
  /** From the command line or the environment. */
  readonly outside?: boolean;
}

function given(name: string, param: Param, inputs: ParamInputs): Given | undefined {
  const set = inputs.set.get(name);
  if (set !== undefined) return { value: set, from: `--set ${name}`, written: false, outside: true };
  const env = param.env === undefined ? undefined : inputs.env[param.env];
  if (env !== undefined && env !== '')
    return { value: env, from: `the environment's ${param.env}`, written: false, outside: true };
  if (param.default !== undefined) return { value: param.default, from: 'its default', written: true };
  if (param.type !== 'date' || param.required) return undefined;
  return { value: inputs.today, from: 'today', written: false };
}

function convert(value: ParamValue, param: Param, written: boolean): ParamValue | undefined {
  const typed = convertType(value, param.type, written);
  if (typed === undefined || !param.choices) return typed;
  return param.choices.some((choice) => convertType(choice, param.type, true) === typed) ? typed : undefined;
}

/** Numbers in the file are no text: `1.10` would lose its zero, and a forgotten `type: number` would go unseen. */
function convertType(value: ParamValue, type: Param['type'], written: boolean): ParamValue | undefined {
  const text = String(value);
  switch (type) {
    case 'int':
      return /^[+-]?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
    case 'number':
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) && Number.isFinite(Number(text))
        ? Number(text)
        : undefined;
    case 'bool':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'date':
      return isDate(text) ? text : undefined;
    default:
      return written && typeof value !== 'string' ? undefined : text;
  }
}

function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return (
    /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
  );
}

function wanted(param: Param): string {
  return param.choices ? `one of ${param.choices.map(String).join(', ')}` : typeNames[param.type];
}

const typeNames = {
  string: 'text (numbers in quotes, or with "type")',
  int: 'a whole number',
  number: 'a number',
  bool: 'true or false',
  path: 'a path',
  glob: 'a path or glob',
  date: 'a date as YYYY-MM-DD',
} as const;
