import { stat } from 'node:fs/promises';
import { z } from 'zod';
import type { Memory, OpenSource } from '../component.js';
import type { FileDigests } from '../store/file-digests.js';

/** A file of a source. */
export interface InputFile {
  readonly path: string;
  readonly bytes: number;
  /** Milliseconds since 1970; null for what is no file of this machine. */
  readonly changedAt: number | null;
  /** Of its content; null where nothing has read it whole. */
  readonly sha256: string | null;
}

/** By source, in the order of its bundles. */
export type InputFiles = ReadonlyMap<string, readonly InputFile[]>;

const memoryName = 'input files';

/** Compact: a pool may have a hundred thousand files. */
const shape = z.record(
  z.string(),
  z.array(z.tuple([z.string(), z.number(), z.number().nullable(), z.string().nullable()])),
);

/** What the last complete run read. @param memory that of the run */
export async function recallInputs(memory: Memory): Promise<InputFiles | undefined> {
  const bytes = await memory.recall(memoryName);
  const sources = bytes && shape.safeParse(JSON.parse(new TextDecoder().decode(bytes))).data;
  if (!sources) return undefined;
  const fileOf = ([path, bytes, changedAt, sha256]: (typeof sources)[string][number]): InputFile => ({
    path,
    bytes,
    changedAt,
    sha256,
  });
  return new Map(Object.entries(sources).map(([id, files]) => [id, files.map(fileOf)]));
}

/** Leaves the files for the next run. @param memory that of the run */
export async function rememberInputs(files: InputFiles, memory: Memory): Promise<void> {
  const sources: z.input<typeof shape> = Object.fromEntries(
    [...files].map(([id, own]) => [
      id,
      own.map(({ path, bytes, changedAt, sha256 }) => [path, bytes, changedAt, sha256]),
    ]),
  );
  await memory.remember(memoryName, Buffer.from(JSON.stringify(sources)));
}

/** The files of a source as they are now. */
export async function listInputs(
  { bundles }: OpenSource,
  digests: FileDigests,
  signal: AbortSignal,
): Promise<InputFile[]> {
  const bytes = new Map<string, number>();
  for (const bundle of bundles) bytes.set(bundle.file, (bytes.get(bundle.file) ?? 0) + bundle.bytes);
  const files: InputFile[] = [];
  for (const [path, listed] of bytes) {
    signal.throwIfAborted();
    const found = await stat(path).catch(() => undefined);
    files.push(
      found
        ? withDigest({ path, bytes: found.size, changedAt: found.mtimeMs, sha256: null }, digests)
        : { path, bytes: listed, changedAt: null, sha256: null },
    );
  }
  return files;
}

/** The file with the digest of its content, where that is known. */
export function withDigest(file: InputFile, digests: FileDigests): InputFile {
  const { path, bytes, changedAt, sha256 } = file;
  const known = changedAt === null ? undefined : digests.known(path, bytes, changedAt);
  return { ...file, sha256: sha256 ?? known ?? null };
}
