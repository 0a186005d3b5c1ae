import { register } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { Component } from './component.js';
import { messageOf, NagError } from './errors.js';

let registered = false;

/**
 * Imports a user's file and returns the components that it exports. Such a file may lie anywhere: `nag-pipeline` in
 * its imports means this very program. Throws a `NagError` where it cannot be loaded or exports none.
 */
export async function loadPlugin(file: string): Promise<Component[]> {
  if (!registered) register('./plugin-resolve.js', import.meta.url);
  registered = true;
  const exported = await importFile(file);
  const components = Object.values(exported).filter(isComponent);
  if (components.length > 0) return components;
  throw new NagError(
    `${file}: exports no component; export one made with defineTransform, defineSource, defineCombine or defineSink`,
  );
}

async function importFile(file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (error) {
    throw new NagError(`${file}: cannot be loaded: ${messageOf(error)}`, { cause: error });
  }
}

const kinds = ['source', 'transform', 'combine', 'sink'];

function isComponent(value: unknown): value is Component {
  if (value === null || typeof value !== 'object') return false;
  const { name, kind, options, example } = value as Record<string, unknown>;
  return (
    typeof name === 'string' &&
    typeof kind === 'string' &&
    kinds.includes(kind) &&
    typeof options === 'object' &&
    typeof example === 'string'
  );
}
