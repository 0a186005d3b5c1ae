import { readdir, readFile } from 'node:fs/promises';
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
  const file = fileOf(context.stage);
  const { makings } = await context.resource(`last makings in ${folder}`, () => readAll(folder));
  const last = makings.get(file);
  if (last === 'damaged')
    context.note(`${join(folder, file)} is damaged: how the last run made it is not known`);
  const differences =
    Array.isArray(last) && !isElsewhere(making, makings, context) ? differencesOf(last, making) : [];
  if (differences.length > 0) {
    const message = `what the last run kept was made otherwise (${differences.join('; ')})`;
    if (context.ifChanged === 'refuse')
      throw new NagError(
        `${context.stage}: ${message}: put it back as it was, or run once with if_changed: redo to make it again`,
      );
    context.note(`${message}: it is not used`);
  }
  if (!Array.isArray(last) || makingHash(last) !== makingHash(making))
    await replaceDurably(join(folder, file), `${makingHash(making)}\n${makingJson(making)}\n`);
}

/**
 * Ids of stages shift when others are added or go. What the last run made at another stage, in the same way, is not made
 * otherwise; and where a stage is new, what an id meant then says nothing of it.
 */
function isElsewhere(
  making: Making,
  makings: ReadonlyMap<string, Last>,
  { stores, ifChanged }: StoreContext,
): boolean {
  const files = stores.map(fileOf);
  const isNew = files.some((file) => !makings.has(file));
  const isGone = [...makings.keys()].some((file) => !files.includes(file));
  if (!isNew && !isGone) return false;
  const hash = makingHash(making);
  const isKnown = [...makings.values()].some((other) => Array.isArray(other) && makingHash(other) === hash);
  return isKnown || (isNew && ifChanged === 'redo');
}

function fileOf(stage: string): string {
  return `last-${stage}.txt`;
}

type Last = Making | 'damaged' | undefined;

/** Read once in a run, before its own stages replace it. */
async function readAll(folder: string) {
  const names = await readdir(folder).catch(() => []);
  const makings = new Map<string, Last>();
  for (const name of names.filter((own) => /^last-.*\.txt$/.test(own)))
    makings.set(name, await readLast(join(folder, name)));
  return { makings, close: () => undefined };
}

async function readLast(file: string): Promise<Last> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const [hash, json = ''] = text.split('\n');
  const making = parseMaking(json);
  return making && makingHash(making) === hash ? making : 'damaged';
}
