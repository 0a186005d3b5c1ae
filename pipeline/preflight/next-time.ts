import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { realPlace } from '../publication/place.js';
import { fixedPart } from './collisions.js';
import type { PathUse } from './path-uses.js';

/**
 * An output that a source would read the next time, as only its files tell: where its glob leads through links, and
 * where the files of an output have the names of those that are read.
 * @param inputs the uses of one source @param files that have been listed of it
 */
export async function readNextTime(
  outputs: readonly PathUse[],
  inputs: readonly PathUse[],
  files: readonly string[],
): Promise<{ output: PathUse; input: PathUse } | undefined> {
  const links = await linksTo(files, inputs);
  for (const output of outputs) {
    const place = await realPlace(output.path).catch(() => output.path);
    const paths = [output.path, ...links.flatMap(({ link, real }) => moved(place, real, link))];
    for (const input of inputs)
      for (const path of paths)
        if (filesAt(path, output, files, input).some((file) => input.takes?.(file, input.path)))
          return { output, input };
  }
  return undefined;
}

/** The files that an output makes at its path: itself, or those of its folder. */
function filesAt(path: string, output: PathUse, files: readonly string[], input: PathUse): string[] {
  const own = [path, ...(output.fileNames ?? []).map((name) => join(path, name))];
  if (!output.namedByInput) return own;
  const base = folderOf(input.path);
  return [
    ...own,
    ...files.flatMap((file) => [basename(file), relative(base, file)].map((name) => join(path, name))),
  ];
}

function folderOf(path: string): string {
  const fixed = fixedPart(path);
  return fixed === path && /\.\w+$/.test(path) ? dirname(path) : fixed;
}

interface Link {
  readonly link: string;
  readonly real: string;
}

/** Folders between those that paths name and their files that are links. */
async function linksTo(files: readonly string[], inputs: readonly PathUse[]): Promise<Link[]> {
  const bases = inputs.map(({ path }) => fixedPart(path));
  const folders = new Set<string>();
  for (const file of files)
    for (let folder = dirname(file); !folders.has(folder) && isBelow(folder, bases); folder = dirname(folder))
      folders.add(folder);
  const links: Link[] = [];
  for (const folder of folders)
    if ((await lstat(folder).catch(() => undefined))?.isSymbolicLink())
      links.push({ link: folder, real: await realpath(folder) });
  return links;
}

function isBelow(folder: string, bases: readonly string[]): boolean {
  return bases.some((base) => folder.startsWith(`${base}${sep}`));
}

/** A path below a real folder, by way of the link. */
function moved(path: string, real: string, link: string): string[] {
  return path.startsWith(`${real}${sep}`) ? [join(link, relative(real, path))] : [];
}
