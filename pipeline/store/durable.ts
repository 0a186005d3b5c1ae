import { randomBytes } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** A name in the folder of a file for what becomes it: swept where its process dies. */
export function temporaryBeside(path: string): string {
  return join(dirname(path), `.tmp-${process.pid}-${randomBytes(4).toString('hex')}`);
}

/** Writes a small file so that it is there whole, on disk, or as it was. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const temporary = temporaryBeside(path);
  const handle = await open(temporary, 'wx');
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, path);
}
