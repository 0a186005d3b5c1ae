import { readFile, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { replaceDurably } from '../durable.js';
import { DataError, refusalText } from '../errors.js';
import type { OutputRecord, RunRecord } from '../state/record.js';
import { digestFile } from '../store/file-digests.js';
import { outputPlace } from './place.js';

/**
 * What a complete run published, and from what: a JSON file that is written last. Where it is, all outputs are. Paths
 * of outputs are relative to its own folder, with slashes: both may be moved together.
 */
export interface Manifest
  extends Pick<
    RunRecord,
    'format' | 'name' | 'version' | 'config' | 'startedAt' | 'endedAt' | 'inputs' | 'provenance' | 'stages'
  > {
  /** The run's id. */
  readonly run: string;
  readonly outputs: readonly OutputRecord[];
}

/** What of a manifest is read back. */
const shape = z.looseObject({
  format: z.literal(1),
  run: z.string(),
  outputs: z.array(
    z.looseObject({
      files: z.array(z.looseObject({ path: z.string(), bytes: z.int().min(0), sha256: z.string() })),
    }),
  ),
});

/** Writes the manifest of a run, whole or not at all, once its outputs are visible. Errors: DataError. */
export async function writeManifest(path: string, record: RunRecord): Promise<void> {
  const { id: run, format, name, version, config, startedAt, endedAt, inputs, provenance, stages } = record;
  const folder = dirname(resolve(path));
  const outputs = record.outputs.map((output) => ({
    ...output,
    path: fromFolder(folder, output.path),
    files: output.files.map((file) => ({ ...file, path: fromFolder(folder, file.path) })),
  }));
  const about = { format, run, name, version, config, startedAt, endedAt };
  const manifest: Manifest = { ...about, inputs, provenance, stages, outputs };
  try {
    await replaceDurably(await outputPlace(path), `${JSON.stringify(manifest, null, 2)}\n`);
  } catch (cause) {
    throw new DataError({ file: path }, `cannot be written: ${refusalText(cause)}`, { cause });
  }
}

function fromFolder(folder: string, path: string): string {
  return relative(folder, resolve(path)).replaceAll(sep, '/');
}

/** What verifying a manifest found. */
export interface Verified {
  readonly run: string;
  readonly files: number;
  /** Files that are not what the manifest says: `out/a.parquet: is missing`. */
  readonly faults: readonly string[];
}

/** Compares all files of a manifest with their bytes and checksums. Errors: DataError where it is no manifest. */
export async function verifyManifest(
  path: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<Verified> {
  const { run, outputs } = await readManifest(path);
  const files = outputs.flatMap((output) => output.files);
  const faults: string[] = [];
  for (const file of files) {
    const place = join(dirname(path), file.path);
    const fault = await faultOf({ ...file, path: place }, signal);
    if (fault !== undefined) faults.push(`${place}: ${fault}`);
  }
  return { run, files: files.length, faults };
}

/** How a file differs from what is recorded of it; undefined where it does not. */
export async function faultOf(
  { path, bytes, sha256 }: OutputRecord['files'][number],
  signal: AbortSignal,
): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isFile()) return found ? 'is no file' : 'is missing';
  if (found.size !== bytes) return `has ${found.size} bytes, expected ${bytes}`;
  return (await digestFile(path, signal)) === sha256 ? undefined : 'has other content';
}

/** Errors: DataError where it cannot be read or is no manifest. */
export async function readManifest(path: string): Promise<z.output<typeof shape>> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new DataError({ file: path }, `cannot be read: ${refusalText(cause)}`, { cause });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const message =
      'is no manifest: expected the JSON file that "manifest:" of a configuration names, found no JSON';
    throw new DataError({ file: path }, message, { cause });
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const message = `is no manifest of format 1 (${issue?.path.join('.') || 'the whole'}: ${issue?.message})`;
  throw new DataError({ file: path }, message);
}
