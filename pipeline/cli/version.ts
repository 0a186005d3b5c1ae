import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The version of this package: that of the nearest package.json above this file. */
export function version(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const text = read(join(folder, 'package.json'));
    if (text !== undefined) return String((JSON.parse(text) as { version: unknown }).version);
    if (folder === dirname(folder)) return 'unknown';
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
