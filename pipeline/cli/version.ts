import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The version of this package. */
export function version(): string {
  const text = read(join(packageFolder() ?? '', 'package.json'));
  return text === undefined ? 'unknown' : String((JSON.parse(text) as { version: unknown }).version);
}

/** The folder of the nearest package.json above this file. */
export function packageFolder(): string | undefined {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (read(join(folder, 'package.json')) !== undefined) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
