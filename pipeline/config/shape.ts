import { z } from 'zod';
import type { Findings } from './findings.js';
import { type Path, type Problem, problemsOf } from './problems.js';
import { settingsShape } from './settings.js';

const reference = z.union([z.string(), z.array(z.string()).min(1)]);

/** One entry of `stages` or of a template: a component, or the name of a template. */
export const stageSchema = z.strictObject({
  id: z.string().optional(),
  use: z.string().optional(),
  template: z.string().optional(),
  with: z.record(z.string(), z.unknown()).optional(),
  from: z.union([reference, z.record(z.string(), reference)]).optional(),
});

/** The whole file. `temp_dir` is where stages spill; by default the system's. */
export const configSchema = z.strictObject({
  version: z.literal(1),
  name: z.string().min(1).optional(),
  description: z.string().optional(),
  temp_dir: z.string().min(1).optional(),
  params: z.record(z.string(), z.unknown()).default({}),
  templates: z.record(z.string(), z.array(stageSchema).min(1)).default({}),
  plugins: z.array(z.string().min(1)).default([]),
  stages: z.array(stageSchema).min(1),
  ...settingsShape,
});

export type StageEntry = z.infer<typeof stageSchema>;
export type ConfigShape = z.infer<typeof configSchema>;

/**
 * The document as a configuration. Faulty parts are reported and left out, so that the rest can be checked too;
 * undefined where what remains is no configuration. What a parameter is made of, `resolveParams` knows.
 */
export function parseShape(document: unknown, findings: Findings): ConfigShape | undefined {
  const parsed = configSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error, document, [], configSchema);
  const copy: unknown = structuredClone(document);
  for (const problem of problems) findings.report(withHint(problem, document));
  for (const problem of problems) repair(copy, problem, findings);
  const repaired = configSchema.safeParse(copy);
  return repaired.success ? repaired.data : undefined;
}

/** Stages as other programs write them: what is meant is said. */
function withHint(problem: Problem, document: unknown): Problem {
  const { path, message, atKey } = problem;
  const stage = path[0] === 'stages' ? path.slice(2) : path[0] === 'templates' ? path.slice(3) : undefined;
  if (stage?.length === 0) {
    const found = path.reduce<unknown>((inner, step) => asRecord(inner)?.[step], document);
    const isName = typeof found === 'string' && !found.includes(' ');
    return isName ? { ...problem, message: `${message}: write {use: ${found}}` } : problem;
  }
  if (stage?.length !== 1 || !atKey || message.includes('did you mean')) return problem;
  return { ...problem, message: `${message}; a component is named by "use", and its options are in "with"` };
}

const texts = ['name', 'description', 'temp_dir'];

/** Takes a faulty part out of `copy`, without moving what follows it. */
function repair(copy: unknown, { path, atKey }: Problem, findings: Findings): void {
  const [section, ...inner] = path;
  const isSection = inner.length === 0;
  if (atKey || (isSection && texts.includes(String(section)))) remove(copy, path);
  else if (isSection && section === 'version') put(copy, path, 1);
  else if (String(section) in settingsShape) remove(copy, [String(section)]);
  else if (section === 'plugins' && inner.length === 1) put(copy, path, 'faulty');
  else if (section === 'templates' && inner.length === 1) put(copy, path, [{}]);
  else if (section === 'templates') repairStage(copy, path.slice(0, 3), path);
  else if (section === 'stages' && !isSection) repairStage(copy, path.slice(0, 2), path);
  findings.markFaulty(atKey ? path : path.slice(0, 4));
}

/** A stage that is none becomes an empty one; of others the faulty key goes. */
function repairStage(copy: unknown, stage: Path, path: Path): void {
  if (path.length <= stage.length) put(copy, path, {});
  else remove(copy, path.slice(0, stage.length + 1));
}

function remove(root: unknown, path: Path): void {
  const parent = at(root, path.slice(0, -1));
  if (parent) delete parent[String(path.at(-1))];
}

function put(root: unknown, path: Path, value: unknown): void {
  const parent = at(root, path.slice(0, -1));
  if (parent) parent[String(path.at(-1))] = value;
}

function at(root: unknown, path: Path): Record<string, unknown> | undefined {
  return path.reduce<Record<string, unknown> | undefined>(
    (inner, step) => asRecord(inner?.[step]),
    asRecord(root),
  );
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : undefined;
}
