import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, realpath, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { replaceDurably, syncFolder } from '../durable.js';
import { DataError, messageOf } from '../errors.js';

/**
 * Outputs that become visible together. Beside them, in the deepest folder that holds them all, lies a hidden folder
 * `.nag-<hash of their names>` with
 *   names.json   their paths from that deepest folder
 *   1, 2, …      versions: each has all outputs under these paths
 *   current      a link to one version
 * and the output itself is a link through `current`: changing that one link changes all outputs.
 */
export interface LinkSet {
  /** The hidden folder. */
  readonly root: string;
  readonly links: readonly OutputLink[];
}

export interface OutputLink {
  readonly final: string;
  /** Its path in a version. */
  readonly name: string;
  /** Where it leads as a link, from its own folder. */
  readonly text: string;
}

const namesFile = 'names.json';
const rootName = /^(.*?\.nag-[0-9a-f]{8})\/current\//;

/** The set of outputs at these paths, whose folders exist; its links are in their order. Errors: DataError where one lies in another. */
export async function linkSetOf(finals: readonly string[]): Promise<LinkSet> {
  const real = await Promise.all(
    finals.map(async (path) => join(await realpath(dirname(resolve(path))), basename(path))),
  );
  for (const [i, path] of real.entries()) {
    const outer = real.findIndex((other, j) => j !== i && `${path}${sep}`.startsWith(`${other}${sep}`));
    if (outer < 0) continue;
    const message = `is written by two stages, or lies in another output (${finals[outer]}): outputs need paths of their own`;
    throw new DataError({ file: finals[i] }, message);
  }
  const common = commonFolder(real.map((path) => dirname(path)));
  const names = real.map((path) => relative(common, path));
  const hash = createHash('sha256')
    .update([...names].sort().join('\n'))
    .digest('hex')
    .slice(0, 8);
  return setAt(join(common, `.nag-${hash}`), names);
}

function setAt(root: string, names: readonly string[]): LinkSet {
  const links = names.map((name) => {
    const final = join(dirname(root), name);
    return { final, name, text: relative(dirname(final), join(root, 'current', name)) };
  });
  return { root, links };
}

/** The deepest folder that holds them all. */
export function commonFolder(folders: readonly string[]): string {
  return folders.reduce((common, folder) => {
    let shared = common;
    while (relative(shared, folder).split(sep)[0] === '..') shared = dirname(shared);
    return shared;
  });
}

/**
 * Makes the set's folder, without what a killed publication left in it. Returns the version that is current, 0 where
 * none is. Errors: DataError where links cannot be made.
 */
export async function openSet({ root, links }: LinkSet): Promise<number> {
  await mkdir(root, { recursive: true });
  await syncFolder(dirname(root));
  await replaceDurably(join(root, namesFile), `${JSON.stringify(links.map(({ name }) => name))}\n`);
  await sweepSet(root);
  try {
    await symlink('0', join(root, 'next'));
  } catch (cause) {
    const message = `outputs become visible together through symbolic links, and none can be made here (${messageOf(cause)}): write one file, or leave state_dir out`;
    throw new DataError({ file: root }, message, { cause });
  }
  return await currentVersion(root);
}

/** Makes a version current: atomic, and durable on return. */
export async function makeCurrent(root: string, version: number): Promise<void> {
  const next = join(root, 'next');
  await rm(next, { force: true });
  await symlink(String(version), next);
  await rename(next, join(root, 'current'));
  await syncFolder(root);
}

export async function currentVersion(root: string): Promise<number> {
  return Number((await linkText(join(root, 'current'))) ?? 0);
}

/** Keeps the current version and the one before it, for those who are reading it. */
export async function sweepSet(root: string): Promise<void> {
  const current = await currentVersion(root);
  const entries = await readdir(root);
  const previous = entries.map(Number).filter((version) => version < current);
  const keep = new Set([namesFile, 'current', String(current), String(Math.max(0, ...previous))]);
  for (const entry of entries)
    if (!keep.has(entry)) await rm(join(root, entry), { recursive: true, force: true });
}

/** Removes a set's folder when none of its outputs leads into it any more. */
export async function dropUnused(root: string): Promise<void> {
  const names = await readFile(join(root, namesFile), 'utf8').catch(() => undefined);
  if (names === undefined) return;
  const value: unknown = JSON.parse(names);
  if (!Array.isArray(value)) return;
  for (const link of setAt(root, value.map(String)).links) if (await isLinked(link)) return;
  await rm(root, { recursive: true, force: true });
}

/** Whether an output is the link that it is to be. */
export async function isLinked({ final, text }: OutputLink): Promise<boolean> {
  return (await linkText(final)) === text;
}

/** The folder of the set that a path leads into; undefined where it is no link of a set. */
export async function rootOfLink(final: string): Promise<string | undefined> {
  const root = rootName.exec((await linkText(final)) ?? '')?.[1];
  return root === undefined ? undefined : resolve(await realpath(dirname(resolve(final))), root);
}

async function linkText(path: string): Promise<string | undefined> {
  return await readlink(path).catch(() => undefined);
}
