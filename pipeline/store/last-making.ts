import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Making, StoreContext } from '../component.js';
import { replaceDurably } from '../durable.js';
import { NagError } from '../errors.js';
import { differencesOf, makingHash, makingJson, parseMaking } from './facts.js';

/**
 * Compares how a stage's rows are made with how the last run made them, and remembers it for the next. Differences are
 * told. Errors: NagError with them where the run is not to go on then.
 */
export async function compareWithLast(folder: string, making: Making, context: StoreContext): Promise<void> {
  const file = join(folder, `last-${context.stage}.txt`);
  const last = await readLast(file);
  if (last === 'damaged') context.note(`${file} is damaged: how the last run made it is not known`);
  const differences = Array.isArray(last) ? differencesOf(last, making) : [];
  if (differences.length > 0) {
    const message = `what the last run kept was made otherwise (${differences.join('; ')})`;
    if (context.ifChanged === 'refuse')
      throw new NagError(
        `${context.stage}: ${message}: put it back as it was, or run once with if_changed: redo to make it again`,
      );
    context.note(`${message}: it is not used`);
  }
  if (last === undefined || last === 'damaged' || differences.length > 0)
    await replaceDurably(file, `${makingHash(making)}\n${makingJson(making)}\n`);
}

async function readLast(file: string): Promise<Making | 'damaged' | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const [hash, json = ''] = text.split('\n');
  const making = parseMaking(json);
  return making && makingHash(making) === hash ? making : 'damaged';
}
