import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { register } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Component } from './component.js';
import { messageOf, NagError } from './errors.js';

let registered = false;

/**
 * Imports a user's file and returns the components that it exports. Such a file may lie anywhere: `nag-pipeline` in
 * its imports means this very program. Throws a `NagError` where it cannot be loaded, exports none, or one that is
 * not whole.
 */
export async function loadPlugin(file: string): Promise<Component[]> {
  if (!registered) register('./plugin-resolve.js', import.meta.url);
  registered = true;
  const exported = await importFile(file);
  // A file may export the same component by name and as its default.
  const values = [...new Set(Object.values(exported))];
  for (const candidate of values.filter(looksLikeComponent)) {
    const fault = faultOf(candidate);
    if (fault !== undefined) throw new NagError(`${file}: the component ${candidate.name} ${fault}`);
  }
  const components = values.filter(isComponent);
  if (components.length > 0) return await Promise.all(components.map((own) => withFacts(own, file)));
  throw new NagError(
    `${file}: exports no component; export one made with defineTransform, defineSource, defineCombine or defineSink`,
  );
}

/** With its file; the output of a user's stage depends on its code, and a store must notice that it was changed. */
async function withFacts(exported: Component, file: string): Promise<Component> {
  const component = { ...exported, file };
  if (component.kind !== 'transform' || component.facts) return component;
  const code = createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
  return { ...component, facts: async (options: unknown) => ({ options, code }) };
}

async function importFile(file: string): Promise<Record<string, unknown>> {
  if (!existsSync(file)) throw new NagError(`${file}: there is no such file`);
  // Whether Node could load TypeScript depends on its version and options: one rule for all.
  if (/\.[cm]?ts$/.test(file))
    throw new NagError(`${file}: is TypeScript; compile it to JavaScript (.js or .mjs) first`);
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (cause) {
    throw new NagError(`${file}: cannot be loaded: ${messageOf(cause)}${hint(cause, file)}`, { cause });
  }
}

/** Node's messages about syntax do not say where; those about names that an import lacks are complete. */
function hint(cause: unknown, file: string): string {
  if (!(cause instanceof SyntaxError) || /does not provide an export/.test(cause.message)) return '';
  return `; "node --check ${file}" shows where`;
}

/** The function that a component of each kind must have. */
const functions = { source: 'open', transform: 'run', combine: 'start', sink: 'run' } as const;

type Candidate = Record<string, unknown> & { name: string; kind: keyof typeof functions };

function looksLikeComponent(value: unknown): value is Candidate {
  if (value === null || typeof value !== 'object') return false;
  const { name, kind } = value as Record<string, unknown>;
  return typeof name === 'string' && typeof kind === 'string' && Object.hasOwn(functions, kind);
}

function isComponent(value: unknown): value is Component {
  return looksLikeComponent(value) && faultOf(value) === undefined;
}

function faultOf(candidate: Candidate): string | undefined {
  const { kind, options, summary, example, yields } = candidate;
  if (typeof candidate[functions[kind]] !== 'function') return `has no function "${functions[kind]}"`;
  if (options === null || typeof options !== 'object' || !('_zod' in options))
    return 'has no "options": z.strictObject({…}), with z from nag-pipeline';
  if (typeof summary !== 'string') return 'has no "summary", the line that "list" shows';
  if (typeof example !== 'string') return 'has no "example", the YAML that "describe" shows';
  if (kind === 'combine' && yields !== 'value' && yields !== 'rows')
    return 'says nothing of what it "yields": value or rows';
  return undefined;
}
