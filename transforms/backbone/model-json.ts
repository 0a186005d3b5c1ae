import { readFile } from 'node:fs/promises';
import { DataError } from '../../pipeline/errors.js';
import { lfsPointer } from '../model-files/lfs-pointer.js';
import { isObject } from './config-values.js';

/** Strings, so that nothing inside them is taken for a number, and the numbers that Python writes beyond JSON. */
const beyondJson = /"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g;

/** How transformers 5 writes them. */
const tag = '__float__';
const tagged: Readonly<Record<string, number>> = {
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  NaN: Number.NaN,
};

/**
 * Reads a JSON file of a model's folder as Python reads it: with `Infinity` and `NaN`, and with a byte order mark.
 * @throws DataError where it cannot be read or is no JSON, and for a Git LFS pointer
 */
export async function readModelJson(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new DataError({ file }, 'cannot be read; expected a HuggingFace model folder with this file', {
      cause,
    });
  }
  const pointer = lfsPointer(text);
  if (pointer !== undefined) throw new DataError({ file }, pointer);
  try {
    return parsePythonJson(text);
  } catch (cause) {
    throw new DataError({ file }, 'not valid JSON', { cause });
  }
}

/** @throws SyntaxError for what neither JSON nor Python's dialect of it is */
export function parsePythonJson(text: string): unknown {
  const json = text
    .replace(/^\uFEFF/, '')
    .replace(beyondJson, (found) => (found.startsWith('"') ? found : `{"${tag}":"${found}"}`));
  return JSON.parse(json, (_, value: unknown) => {
    const name = isObject(value) && Object.keys(value).length === 1 ? value[tag] : undefined;
    return typeof name === 'string' ? (tagged[name] ?? value) : value;
  });
}
