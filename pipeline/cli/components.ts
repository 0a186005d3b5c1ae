import { resolve } from 'node:path';
import { builtins } from '../builtins.js';
import type { Component } from '../component.js';
import { optionDocs } from '../config/options.js';
import { ConfigError, didYouMean } from '../config/problems.js';
import { sidesOf } from '../config/wire.js';
import { messageOf } from '../errors.js';
import { loadPlugin } from '../plugins.js';
import { createRegistry, type Registry } from '../registry.js';

/** `nag-pipeline list`: all components with a line about each. */
export async function listCommand(plugins: readonly string[]): Promise<void> {
  const components = [...(await registryWith(plugins)).values()];
  const width = Math.max(...components.map(({ name }) => name.length));
  const lines = components.map(
    ({ name, kind, summary }) => `${name.padEnd(width)}  ${kind.padEnd(9)}  ${summary}`,
  );
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** `nag-pipeline describe`: options with types and defaults, and an example. */
export async function describeCommand(name: string, plugins: readonly string[]): Promise<void> {
  const registry = await registryWith(plugins);
  const component = registry.get(name);
  if (!component)
    throw new ConfigError(
      `there is no component "${name}"${didYouMean(name, registry.keys())}${hint(plugins)}`,
    );
  process.stdout.write(`${describe(component, builtins.has(name) ? [] : plugins)}\n`);
}

/** A command that names no configuration knows none of its plugins. */
function hint(plugins: readonly string[]): string {
  return plugins.length > 0 ? '' : '; for a stage of your own, name its file: --plugin FILE';
}

/** The text of `describe`; `plugins` are the files that the component may come from. */
export function describe(component: Component, plugins: readonly string[] = []): string {
  const options = optionDocs(component).map(({ name, type, required, default: value, description }) => {
    const fallback = required
      ? 'required'
      : value === undefined
        ? 'optional'
        : `default ${JSON.stringify(value)}`;
    return `  ${name}: ${type} (${fallback})\n      ${description}`;
  });
  const { sides: required = [], optionalSides = [], severalSides = [] } = sidesOf(component);
  const named = [...required, ...optionalSides].map((name) => {
    const marks = [
      ...(optionalSides.includes(name) ? ['optional'] : []),
      ...(severalSides.includes(name) ? ['one or several'] : []),
    ];
    return marks.length > 0 ? `${name} (${marks.join(', ')})` : name;
  });
  const sides = named.length > 0 ? [`side inputs: ${named.join(', ')}`] : [];
  return [
    `${component.name} (${component.kind}): ${component.summary}`,
    ...sides,
    '',
    'options:',
    ...(options.length > 0 ? options : ['  none']),
    '',
    'example:',
    exampleConfig(component, plugins),
  ].join('\n');
}

/** A whole configuration around a component's example. */
export function exampleConfig(component: Component, plugins: readonly string[] = []): string {
  const lines = component.example.split('\n').filter((line) => line.trim() !== '');
  const indent = Math.min(...lines.map((line) => line.length - line.trimStart().length));
  const own = plugins.length > 0 ? [`plugins: ${JSON.stringify(plugins)}`] : [];
  return ['version: 1', ...own, 'stages:', ...lines.map((line) => `  ${line.slice(indent)}`)].join('\n');
}

async function registryWith(plugins: readonly string[]): Promise<Registry> {
  try {
    const own = await Promise.all(plugins.map((file) => loadPlugin(resolve(file))));
    return createRegistry([...builtins.values(), ...own.flat()]);
  } catch (cause) {
    throw new ConfigError(`--plugin: ${messageOf(cause)}`, { cause });
  }
}
