import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { replaceDurably } from '../durable.js';
import { DataError, messageOf } from '../errors.js';
import { fileChunks } from '../file-chunks.js';

/** What was known of a file when it was read. */
interface Known {
  readonly bytes: number;
  readonly changedAt: number;
  readonly sha256: string;
}

/** A file changed within this time before it was read could change again and keep its time stamp. */
const settledMs = 2000;

const listName = 'files.json';

/**
 * SHA-256 of files' content. A file is read once: as long as its size and time of change stay, its digest is
 * remembered, in a list that lies in a folder and may be deleted at any time.
 */
export class FileDigests {
  readonly #list: string;
  readonly #known: Map<string, Known>;
  readonly #added = new Map<string, Known>();
  /** Files that were changed just before they were read: known to this run, whose sources watch their files. */
  readonly #unsettled = new Map<string, Known>();

  private constructor(list: string, known: Map<string, Known>) {
    this.#list = list;
    this.#known = known;
  }

  static async open(folder: string): Promise<FileDigests> {
    const list = join(folder, listName);
    return new FileDigests(list, await readList(list));
  }

  /** Errors: DataError for a file that cannot be read; the signal's reason. */
  async of(file: string, signal: AbortSignal): Promise<string> {
    const path = resolve(file);
    const now = Date.now();
    const { size, mtimeMs } = await stat(path);
    const known = this.known(path, size, mtimeMs);
    if (known !== undefined) return known;
    const sha256 = await digestFile(path, signal);
    const into = mtimeMs < now - settledMs ? this.#added : this.#unsettled;
    into.set(path, { bytes: size, changedAt: mtimeMs, sha256 });
    return sha256;
  }

  /** What is known without reading a file of this size and time of change. */
  known(file: string, bytes: number, changedAt: number): string | undefined {
    const path = resolve(file);
    const known = this.#added.get(path) ?? this.#unsettled.get(path) ?? this.#known.get(path);
    return known?.bytes === bytes && known.changedAt === changedAt ? known.sha256 : undefined;
  }

  /** Writes the list, with what others have added to it meanwhile. Errors: DataError. */
  async save(): Promise<void> {
    if (this.#added.size === 0) return;
    const all = new Map([...(await readList(this.#list)), ...this.#added]);
    await replaceDurably(this.#list, `${JSON.stringify(Object.fromEntries(all))}\n`).catch((cause) => {
      throw new DataError({ file: this.#list }, `cannot be written: ${messageOf(cause)}`, { cause });
    });
    this.#added.clear();
  }
}

/** A list that is damaged is a list of nothing: files are read again. */
async function readList(list: string): Promise<Map<string, Known>> {
  try {
    const value: unknown = JSON.parse(await readFile(list, 'utf8'));
    if (typeof value !== 'object' || value === null) return new Map();
    return new Map(Object.entries(value).filter((entry): entry is [string, Known] => isKnown(entry[1])));
  } catch {
    return new Map();
  }
}

function isKnown(value: unknown): value is Known {
  return (
    typeof value === 'object' &&
    value !== null &&
    'bytes' in value &&
    'changedAt' in value &&
    'sha256' in value &&
    typeof value.sha256 === 'string'
  );
}

/** SHA-256 of a file, in hexadecimal. Errors: DataError when it cannot be read; the signal's reason. */
export async function digestFile(file: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of fileChunks(file, signal)) hash.update(chunk);
  } catch (cause) {
    signal.throwIfAborted();
    throw new DataError({ file }, `cannot be read: ${messageOf(cause)}`, { cause });
  }
  return hash.digest('hex');
}
