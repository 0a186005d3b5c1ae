import { renameSync } from 'node:fs';
import { lstat, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { syncFolder, syncTree } from '../durable.js';
import { besides, lstatOf } from '../leftovers.js';

/**
 * Moves a complete file or folder to its final path, where it replaces an earlier output: atomically where file
 * replaces file, otherwise by moving the old one aside first, and back should the move fail. Durable on return.
 */
export async function replace(temporary: string, final: string): Promise<void> {
  const [fresh, old] = [await lstat(temporary), await lstatOf(final)];
  if (fresh.isDirectory()) await syncTree(temporary);
  if (!old || !(old.isDirectory() || fresh.isDirectory())) await rename(temporary, final);
  else await exchange(temporary, final);
  await syncFolder(dirname(resolve(final)));
}

/** Puts something in the place of a folder. No file system call of Node does both moves as one: nothing comes between them. */
async function exchange(temporary: string, final: string): Promise<void> {
  const aside = besides(final, 'old');
  renameSync(final, aside);
  try {
    renameSync(temporary, final);
  } catch (cause) {
    renameSync(aside, final);
    throw cause;
  }
  await rm(aside, { recursive: true, force: true });
}
