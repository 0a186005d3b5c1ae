import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { besides } from './leftovers.js';

/** Forces a file that was written through other means to disk. */
export async function syncFile(path: string): Promise<void> {
  await sync(path, 'r+');
}

/** Makes what was made, renamed and removed in a folder durable. Windows has no such thing and refuses to open folders. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await sync(path, 'r');
}

async function sync(path: string, flags: string): Promise<void> {
  const handle = await open(path, flags);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** `syncFolder` of a folder and all folders in it; of the files, their sync is their writer's. */
export async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await syncTree(join(folder, entry.name));
  await syncFolder(folder);
}

/** Writes a new file and forces it to disk. @param mode of the file, whatever the process's mask */
export async function writeSynced(path: string, content: string | Uint8Array, mode?: number): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    if (mode !== undefined) await handle.chmod(mode);
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Writes a file whole or not at all: what was at its path stays until the new content is on disk. */
export async function replaceDurably(
  path: string,
  content: string | Uint8Array,
  mode?: number,
): Promise<void> {
  const temporary = besides(path, 'tmp');
  try {
    await writeSynced(temporary, content, mode);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(temporary));
}
