import type { Component } from './component.js';
import { NagError } from './errors.js';

/** The components that `use:` can name. */
export type Registry = ReadonlyMap<string, Component>;

/** A registry of components, each under its own name. Throws where two have the same one. */
export function createRegistry(components: Iterable<Component>): Registry {
  const registry = new Map<string, Component>();
  for (const component of components) {
    if (registry.has(component.name))
      throw new NagError(`two components are named "${component.name}": rename one of them`);
    registry.set(component.name, component);
  }
  return registry;
}
