import { copyFile, link, mkdir, readdir, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncFile, syncFolder, syncTree } from '../durable.js';
import { DataError } from '../errors.js';
import { besides, isThere, leads } from '../leftovers.js';
import {
  currentVersion,
  dropUnused,
  isLinked,
  type LinkSet,
  linkSetOf,
  makeCurrent,
  openSet,
  sweepSet,
} from './link-set.js';
import { replace } from './replace.js';
import type { StagedOutput } from './staging.js';

/** Told before each change that others could see; a test stops there. */
export type Step = (change: string) => Promise<void> | void;

/**
 * Makes outputs visible at one moment, that in which the link `current` changes: a process that is killed before it
 * leaves all the old ones, one that is killed after it all the new ones. Outputs that are no links yet first become
 * links to what they are. Only where a folder becomes a link is its path missing for the moment between two renames.
 */
export async function publishLinked(outputs: readonly StagedOutput[], step: Step): Promise<void> {
  const set = await linkSetOf(outputs.map(({ final }) => final));
  await checkOneDisk(set);
  const last = await openSet(set);
  const [before, version] = [last + 1, last + 2];
  try {
    await moveIn(outputs, set, version, step);
    await linkOutputs(set, before, step);
    await step('change the current version');
    await makeCurrent(set.root, version);
  } catch (error) {
    if ((await currentVersion(set.root)) !== version) await abandon(set, version);
    throw error;
  }
  await step('remove old versions');
  // What is published stays so: what cannot be removed now is removed the next time.
  await sweepSet(set.root).catch(() => undefined);
}

async function checkOneDisk({ root, links }: LinkSet): Promise<void> {
  const common = dirname(root);
  const { dev } = await stat(common);
  for (const { final } of links) {
    if ((await stat(dirname(final))).dev === dev) continue;
    const message = `is on another file system than ${common}, and outputs become visible together on one only: move it, write one file, or leave state_dir out`;
    throw new DataError({ file: final }, message);
  }
}

async function moveIn(
  outputs: readonly StagedOutput[],
  { root, links }: LinkSet,
  version: number,
  step: Step,
): Promise<void> {
  const folder = join(root, String(version));
  await mkdir(folder);
  for (const [i, { temporary }] of outputs.entries()) {
    const place = join(folder, links[i]!.name);
    await mkdir(dirname(place), { recursive: true });
    await step(`move ${links[i]!.name} in`);
    await rename(temporary, place);
  }
  await syncTree(folder);
  await syncFolder(root);
}

/** Makes links of the outputs that are none: to what they are now, or to nothing yet. */
async function linkOutputs(set: LinkSet, before: number, step: Step): Promise<void> {
  const linked = await Promise.all(set.links.map(isLinked));
  const open = set.links.filter((_, i) => !linked[i]);
  const there = await Promise.all(open.map(({ final }) => isThere(final)));
  if (there.includes(true)) await keepBefore(set, before, step);
  for (const { final, name, text } of open) {
    const temporary = besides(final, 'tmp');
    try {
      await symlink(text, temporary);
      await step(`make a link of ${name}`);
      await replace(temporary, final);
    } finally {
      await rm(temporary, { force: true });
    }
  }
}

/** Makes a version of what the outputs are now, by hard links where the disk allows. */
async function keepBefore({ root, links }: LinkSet, before: number, step: Step): Promise<void> {
  const folder = join(root, String(before));
  await mkdir(folder);
  for (const { final, name } of links)
    if (await leads(final)) await linkTree(await realpath(final), join(folder, name));
  await syncTree(folder);
  await step('make the old outputs the current version');
  await makeCurrent(root, before);
}

async function linkTree(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  if ((await stat(source)).isDirectory()) {
    await mkdir(target);
    for (const entry of await readdir(source)) await linkTree(join(source, entry), join(target, entry));
    return;
  }
  await link(source, target).catch(async () => {
    await copyFile(source, target);
    await syncFile(target);
  });
}

/** Takes back what is not current yet. */
async function abandon(set: LinkSet, version: number): Promise<void> {
  await rm(join(set.root, String(version)), { recursive: true, force: true });
  for (const link of set.links)
    if ((await isLinked(link)) && !(await leads(link.final))) await rm(link.final, { force: true });
  await dropUnused(set.root);
}
