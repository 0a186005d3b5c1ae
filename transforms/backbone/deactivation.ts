import { readFile } from 'node:fs/promises';
import { DataError, messageOf } from '../../pipeline/errors.js';
import { isObject, shown } from './config-values.js';
import type { Architecture, Deactivation } from './types.js';
import { upWeight } from './weights.js';

const example = 'neurons by layer: {"0": [12, 7], "1": [3]}';

/**
 * Reads the keys of neurons: `{"0": [12, 7], "1": []}`, per layer rows of `mlp.up_proj.weight` (NAG.md §8).
 * @throws DataError naming the file and what is wrong with it: not JSON, another shape, anything named twice
 */
export async function readKeys(file: string): Promise<Deactivation> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new DataError({ file }, `cannot be read; expected ${example}: ${messageOf(cause)}`, { cause });
  }
  return parseKeys(text, file);
}

/**
 * Reads keys for a model.
 * @throws DataError as `readKeys`, and where a layer or a neuron is not the model's
 */
export async function readDeactivation(file: string, architecture: Architecture): Promise<Deactivation> {
  const keys = await readKeys(file);
  requireFit(keys, architecture, file);
  return keys;
}

/** @throws DataError naming the first layer or neuron that the model does not have */
export function requireFit(keys: Deactivation, { layers, intermediate }: Architecture, file?: string): void {
  for (const [layer, neurons] of Object.entries(keys)) {
    if (Number(layer) >= layers)
      throw new DataError({ file }, `layer ${layer}: the model has ${layers} layers, 0 to ${layers - 1}`);
    const outside = neurons.find((neuron) => neuron >= intermediate);
    if (outside === undefined) continue;
    const range = `the model has ${intermediate} a layer, 0 to ${intermediate - 1}`;
    throw new DataError({ file }, `layer ${layer}: neuron ${outside}: ${range}`);
  }
}

/** Rows of a tensor that are zero in the deactivated model: none but in `up_proj.weight`. */
export function zeroRows(keys: Deactivation): ReadonlyMap<string, readonly number[]> {
  return new Map(Object.entries(keys).map(([layer, neurons]) => [upWeight(Number(layer)), neurons]));
}

/** A file of keys, a line a layer. */
export function keysText(keys: Deactivation): string {
  const lines = Object.entries(keys).map(([layer, neurons]) => `  "${layer}": [${neurons.join(', ')}]`);
  return lines.length === 0 ? '{}\n' : `{\n${lines.join(',\n')}\n}\n`;
}

/** Neurons of all layers. */
export function countNeurons(keys: Deactivation): number {
  return Object.values(keys).reduce((sum, neurons) => sum + neurons.length, 0);
}

function parseKeys(text: string, file: string): Deactivation {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new DataError({ file }, `not valid JSON: ${messageOf(cause)}; expected ${example}`, { cause });
  }
  if (!isObject(json))
    throw new DataError({ file }, `expected ${example}, found ${shown(json).slice(0, 40)}`);
  const layers = Object.entries(json).map(([name, list]) => [
    layerOf(name, file),
    neuronsOf(list, name, file),
  ]);
  // In a file of this shape a colon follows each layer's name; of two with the same name the parser keeps the last.
  if (text.split(':').length - 1 !== layers.length) throw new DataError({ file }, 'a layer is named twice');
  return Object.fromEntries(layers);
}

function layerOf(name: string, file: string): number {
  const layer = Number(name);
  if (Number.isSafeInteger(layer) && layer >= 0 && String(layer) === name) return layer;
  throw new DataError({ file }, `expected the number of a layer, found "${name}"; expected ${example}`);
}

function neuronsOf(list: unknown, layer: string, file: string): number[] {
  if (!Array.isArray(list))
    throw new DataError({ file }, `layer ${layer}: expected a list of neurons, found ${shown(list)}`);
  const seen = new Set<number>();
  for (const neuron of list) {
    if (!Number.isSafeInteger(neuron) || neuron < 0)
      throw new DataError({ file }, `layer ${layer}: expected a neuron's index, found ${shown(neuron)}`);
    if (seen.has(neuron)) throw new DataError({ file }, `layer ${layer}: neuron ${neuron} is named twice`);
    seen.add(neuron);
  }
  return [...seen];
}
