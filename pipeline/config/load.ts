import { createHash } from 'node:crypto';
import { basename, dirname, extname, resolve } from 'node:path';
import type { Component } from '../component.js';
import { messageOf } from '../errors.js';
import type { Registry } from '../registry.js';
import { type ConfigDocument, configError, readDocument } from './document.js';
import { expandTemplates, type PlacedEntry } from './expand.js';
import { createFindings, type Findings } from './findings.js';
import { interpolate } from './interpolate.js';
import { parseOptions, remoteFault } from './options.js';
import { outsideParams, type ParamInputs, type ParamValue, resolveParams } from './params.js';
import { type ConfigPaths, configPaths, type OutsideValues, placeKey } from './paths.js';
import { didYouMean, nearest, type Path } from './problems.js';
import { type Settings, settingsOf, settingWithoutState } from './settings.js';
import { type ConfigShape, parseShape } from './shape.js';
import { type Inputs, wire } from './wire.js';

/** A stage of a checked configuration: its options are parsed, its inputs exist and fit. */
export interface Stage {
  readonly id: string;
  readonly component: Component;
  readonly options: unknown;
  readonly inputs: Inputs;
  /** `file:line:col` where it is written. */
  readonly place?: string;
}

/** A configuration without a fault, ready to be planned. */
export interface Config {
  readonly file: string;
  readonly name: string;
  /** Where stages spill; undefined: where the run likes. */
  readonly tempDir: string | undefined;
  readonly settings: Settings;
  readonly params: ReadonlyMap<string, ParamValue | null>;
  /** Files of stages of the user's own; absolute. */
  readonly plugins?: readonly string[];
  /** In the order of the file; each stage reads only stages above it. */
  readonly stages: readonly Stage[];
  /**
   * SHA-256 of what the run does: stages, options after interpolation, wiring. It is the same wherever the configuration
   * is: paths count relative to it; of those that lead elsewhere and are absolute, or not from the file, the name alone.
   */
  readonly hash: string;
  /** What the user should know of how it was read. */
  readonly notes: readonly string[];
}

export interface LoadOptions extends ParamInputs {
  readonly registry: Registry;
  /** Where the command was started: paths in `set` and `env` are relative to it. Default: the configuration's folder. */
  readonly currentFolder?: string;
  /** Imports a user's file and returns the components that it exports. */
  loadPlugin(file: string): Promise<Component[]>;
}

/** Reads and checks a configuration; nothing but this file and its plugins is read. Throws one `ConfigError` with all problems. */
export async function loadConfig(file: string, options: LoadOptions): Promise<Config> {
  const document = await readDocument(file);
  const findings = createFindings();
  const { value, params, outside } = withParams(document.value, options, findings);
  const shape = parseShape(value, findings);
  const folder = dirname(resolve(file));
  const paths = configPaths(folder, options.currentFolder ?? folder, outside);
  checkState(value, findings);
  if (shape) checkSettingPaths(shape, findings);
  const stages = shape ? await resolveStages(shape, paths, options, document, findings) : [];
  if (!shape || findings.problems.length > 0) throw configError(document, findings.problems);
  return {
    file,
    name: shape.name ?? basename(file, extname(file)),
    tempDir: shape.temp_dir === undefined ? undefined : paths.resolve(shape.temp_dir, ['temp_dir']),
    settings: settingsOf(shape, paths),
    params,
    plugins: shape.plugins.map((plugin) => resolve(folder, plugin)),
    stages,
    hash: hashOf(stages, paths),
    notes: [...paths.notes],
  };
}

function checkState(document: unknown, findings: Findings): void {
  const key = isMapping(document) ? settingWithoutState(document) : undefined;
  if (key !== undefined)
    findings.report({
      path: [key],
      message: 'needs a state_dir: a folder that outlasts the run',
      atKey: true,
    });
}

/** Paths outside the stages. */
function checkSettingPaths(shape: ConfigShape, findings: Findings): void {
  const { on_error, metrics } = shape;
  const paths: [Path, string | undefined][] = [
    ...(['state_dir', 'temp_dir', 'manifest'] as const).map((key): [Path, string | undefined] => [
      [key],
      shape[key],
    ]),
    [['on_error', 'path'], typeof on_error === 'string' ? undefined : on_error.path],
    [['metrics', 'textfile'], metrics.textfile],
    ...shape.plugins.map((plugin, i): [Path, string] => [['plugins', i], plugin]),
  ];
  for (const [path, value] of paths) {
    const message = remoteFault(value);
    if (message !== undefined) findings.report({ path, message });
  }
}

/** The document with its parameters put in, and which of its values are from outside the file. */
function withParams(document: unknown, inputs: ParamInputs, findings: Findings) {
  const params = new Map<string, ParamValue | null>();
  const outside: OutsideValues = new Map();
  if (!isMapping(document)) return { value: document, params, outside };
  const { params: section, ...rest } = document;
  // Where nothing can be known of the parameters, every use of one would be told as a fault.
  if (section !== undefined && !isMapping(section)) return { value: document, params, outside };
  const values = resolveParams(section ?? {}, inputs, findings);
  for (const [name, value] of values) params.set(name, value ?? null);
  const given = outsideParams(section ?? {}, inputs);
  // Text in front of more text may be a part of a path: only a parameter that is a path starts one.
  const onReference = (name: string, path: Path, whole: boolean) => {
    const param = given.get(name);
    if (param && (whole || param.isPath)) outside.set(placeKey(path), param.from);
  };
  const value = Object.fromEntries(
    Object.entries(rest).map(([key, part]) => [key, interpolate(part, values, [key], findings, onReference)]),
  );
  return { value, params, outside };
}

async function resolveStages(
  shape: ConfigShape,
  paths: ConfigPaths,
  options: LoadOptions,
  document: ConfigDocument,
  findings: Findings,
): Promise<Stage[]> {
  const { registry, complete } = await withPlugins(shape.plugins, paths, options, findings);
  const entries = expandTemplates(shape, findings).map((placed) => {
    const component = componentOf(placed, registry, complete, findings);
    const parsed =
      component &&
      parseOptions(component, placed.entry.with ?? {}, [...placed.path, 'with'], paths, findings);
    return { ...placed, component, options: parsed };
  });
  const wired = wire(entries, findings);
  return entries.flatMap(({ component, options: parsed, path }, i) =>
    component ? [{ ...wired[i]!, component, options: parsed, place: document.locate(path) }] : [],
  );
}

/** All components, and whether every plugin could be loaded. */
async function withPlugins(
  files: readonly string[],
  paths: ConfigPaths,
  { registry, loadPlugin }: LoadOptions,
  findings: Findings,
): Promise<{ registry: Registry; complete: boolean }> {
  const all = new Map(registry);
  let complete = true;
  for (const [i, file] of files.entries()) {
    const path: Path = ['plugins', i];
    if (findings.isTouched(path)) continue;
    try {
      for (const component of await loadPlugin(paths.resolve(file, path, { isInput: true }))) {
        if (all.has(component.name))
          findings.report({
            path,
            message: `there is a component "${component.name}" already: rename this one`,
          });
        else all.set(component.name, component);
      }
    } catch (cause) {
      complete = false;
      findings.report({ path, message: messageOf(cause), cause });
    }
  }
  return { registry: all, complete: complete && !findings.isTouched(['plugins']) };
}

function componentOf(
  { entry: { use }, path }: PlacedEntry,
  registry: Registry,
  complete: boolean,
  findings: Findings,
): Component | undefined {
  if (use === undefined) return undefined;
  const component = registry.get(use);
  // A name that looks like no other may be one of the plugin that could not be loaded.
  if (!component && (complete || nearest(use, registry.keys()) !== undefined)) {
    const message = `there is no component "${use}"${didYouMean(use, registry.keys())}`;
    findings.report({ path: [...path, 'use'], message });
  }
  return component;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function hashOf(stages: readonly Stage[], paths: ConfigPaths): string {
  const parts = stages.map(({ id, component, options, inputs }) => [
    id,
    component.name,
    options,
    inputs.main,
    [...inputs.sides],
  ]);
  const json = JSON.stringify(parts, (_, value: unknown) =>
    typeof value === 'string' ? paths.portable(value) : value,
  );
  return createHash('sha256').update(json).digest('hex');
}
