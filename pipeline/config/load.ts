import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { basename, dirname, extname, resolve } from 'node:path';
import type { Component } from '../component.js';
import { messageOf } from '../errors.js';
import { createRegistry, type Registry } from '../registry.js';
import { type ConfigDocument, configError, readDocument } from './document.js';
import { expandTemplates } from './expand.js';
import { parseOptions } from './options.js';
import { interpolate, type ParamInputs, type ParamValue, resolveParams } from './params.js';
import { didYouMean, type Path, type Problem, problemsOf } from './problems.js';
import { type ConfigShape, configSchema, type StageEntry } from './shape.js';
import { type Inputs, wire } from './wire.js';

/** A stage of a checked configuration: its options are parsed, its inputs exist and fit. */
export interface Stage {
  readonly id: string;
  readonly component: Component;
  readonly options: unknown;
  readonly inputs: Inputs;
}

/** A configuration without a fault, ready to be planned. */
export interface Config {
  readonly file: string;
  readonly name: string;
  readonly tempDir: string;
  readonly params: ReadonlyMap<string, ParamValue | null>;
  /** In the order of the file; each stage reads only stages above it. */
  readonly stages: readonly Stage[];
  /** SHA-256 of what the run does: stages, options after interpolation, wiring. */
  readonly hash: string;
}

export interface LoadOptions extends ParamInputs {
  readonly registry: Registry;
  /** Imports a user's file and returns the components that it exports. */
  loadPlugin(file: string): Promise<Component[]>;
}

/** Reads and checks a configuration; nothing but this file and its plugins is read. Throws one `ConfigError` with all problems. */
export async function loadConfig(file: string, options: LoadOptions): Promise<Config> {
  const document = await readDocument(file);
  const problems: Problem[] = [];
  const shape = parseShape(document, problems);
  const params = resolveParams(shape.params, options);
  problems.push(...params.problems);
  const put = <T>(value: T, base: Path): T => {
    const result = interpolate(value, params.values, base);
    problems.push(...result.problems);
    return result.value as T;
  };
  const templates = put(shape.templates, ['templates']);
  const stageEntries = put(shape.stages, ['stages']);
  const folder = dirname(resolve(file));
  const registry = await withPlugins(put(shape.plugins, ['plugins']), folder, options, problems);
  const found = { ...shape, templates, stages: stageEntries };
  const stages = resolveStages(found, registry, folder, problems);
  if (problems.length > 0) throw configError(document, problems);
  return {
    file,
    name: put(shape.name, ['name']) ?? basename(file, extname(file)),
    tempDir: shape.temp_dir === undefined ? tmpdir() : resolve(folder, put(shape.temp_dir, ['temp_dir'])),
    params: params.values,
    stages,
    hash: hashOf(stages),
  };
}

/** What has the right shape is checked further, so that one run of `check` tells as much as it can. */
function parseShape(document: ConfigDocument, problems: Problem[]): ConfigShape {
  const parsed = configSchema.safeParse(document.value);
  if (parsed.success) return parsed.data;
  const found = problemsOf(parsed.error, document.value, [], configSchema);
  const repaired = configSchema.safeParse(without(document.value, found));
  if (!repaired.success) throw configError(document, found);
  problems.push(...found);
  return repaired.data;
}

/** The document less the unknown keys, the one kind of problem that hides nothing else. */
function without(value: unknown, problems: readonly Problem[]): unknown {
  const copy: unknown = structuredClone(value);
  for (const { path, atKey } of problems) {
    if (!atKey) continue;
    const parent = path
      .slice(0, -1)
      .reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], copy);
    delete (parent as Record<string, unknown>)[String(path.at(-1))];
  }
  return copy;
}

async function withPlugins(
  files: readonly string[],
  folder: string,
  options: LoadOptions,
  problems: Problem[],
) {
  const components = [...options.registry.values()];
  for (const [i, file] of files.entries()) {
    try {
      components.push(...(await options.loadPlugin(resolve(folder, file))));
      createRegistry(components);
    } catch (error) {
      problems.push({ path: ['plugins', i], message: messageOf(error) });
    }
  }
  return new Map(components.map((component) => [component.name, component]));
}

function resolveStages(shape: ConfigShape, registry: Registry, folder: string, problems: Problem[]): Stage[] {
  const entries = expandTemplates(shape, problems);
  const named = entries.map(({ entry, path }) => ({
    entry,
    path,
    component: componentOf(entry, path, registry, problems),
  }));
  const parsed = named.map(({ entry, path, component }) => ({
    entry,
    path,
    component,
    options: component && parseOptions(component, entry.with ?? {}, [...path, 'with'], folder, problems),
  }));
  const wired = wire(parsed, problems);
  return parsed.flatMap(({ component, options }, i) => {
    const { id, inputs } = wired[i]!;
    return component ? [{ id, component, options, inputs }] : [];
  });
}

function componentOf(
  entry: StageEntry,
  path: Path,
  registry: Registry,
  problems: Problem[],
): Component | undefined {
  const component = entry.use === undefined ? undefined : registry.get(entry.use);
  if (entry.use !== undefined && !component) {
    problems.push({
      path: [...path, 'use'],
      message: `there is no component "${entry.use}"${didYouMean(entry.use, registry.keys())}`,
    });
  }
  return component;
}

function hashOf(stages: readonly Stage[]): string {
  const parts = stages.map(({ id, component, options, inputs }) => [
    id,
    component.name,
    options,
    inputs.main,
    [...inputs.sides],
  ]);
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
