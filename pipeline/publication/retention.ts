import { readdir, realpath, rm, rmdir } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { messageOf } from '../errors.js';
import { isThere, lstatOf } from '../leftovers.js';
import type { OutputRecord, RunRecord } from '../state/record.js';
import { dropUnused, linkSetOf, rootOfLink } from './link-set.js';
import { faultOf, readManifest } from './manifest.js';

/** A complete run whose outputs need not stay. */
export interface ExpiredRun {
  readonly run: string;
  /** Without those that a newer complete run has replaced. */
  readonly outputs: readonly OutputRecord[];
  /** The paths of all its outputs. */
  readonly paths: readonly string[];
  /** Folders that no run which stays writes into, innermost first: they go when they are empty. */
  readonly folders: readonly string[];
}

/** The runs older than the newest `keep` complete ones, the oldest first. */
export function expiredOutputs(records: readonly RunRecord[], keep: number): ExpiredRun[] {
  const complete = records
    .filter(({ status }) => status === 'complete')
    .sort((a, b) => (a.id < b.id ? 1 : -1));
  const keptFolders = new Set(complete.slice(0, keep).flatMap(foldersOf));
  const newer = new Set(complete.slice(0, keep).flatMap(pathsOf));
  const expired: ExpiredRun[] = [];
  for (const record of complete.slice(keep)) {
    const outputs = record.outputs.filter(({ path }) => !newer.has(resolve(path)));
    const folders = foldersOf(record).filter((folder) => !keptFolders.has(folder));
    const paths = pathsOf(record);
    expired.unshift({ run: record.id, outputs, paths, folders });
    for (const path of paths) newer.add(path);
  }
  return expired.filter(({ outputs }) => outputs.length > 0);
}

function pathsOf({ outputs }: RunRecord): string[] {
  return outputs.map(({ path }) => resolve(path));
}

/** The folders above a run's outputs, the longest path first. */
function foldersOf(record: RunRecord): string[] {
  const folders = new Set<string>();
  for (const path of pathsOf(record))
    for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder))
      folders.add(folder);
  return [...folders].sort((a, b) => b.length - a.length);
}

/**
 * Removes what expired runs published: files that are what was recorded of them, the manifests of these runs beside
 * them, hidden versions and folders that are empty then. Files that are missing are fine. Other things are never
 * removed, and told: one text for each. Links that lead elsewhere are not followed.
 */
export async function removeOutputs(expired: readonly ExpiredRun[], signal: AbortSignal): Promise<string[]> {
  const notes: string[] = [];
  for (const { outputs, paths } of expired) {
    for (const output of outputs) await removeOutput(output, notes, signal);
    await removeVersions(paths);
  }
  const runs = new Set(expired.map(({ run }) => run));
  const besides = expired.flatMap(({ outputs }) => outputs.map(({ path }) => dirname(resolve(path))));
  for (const folder of new Set(besides)) await removeManifests(folder, runs);
  for (const folder of expired.flatMap(({ folders }) => folders)) await removeIfEmpty(folder);
  return notes;
}

async function removeOutput({ path, files }: OutputRecord, notes: string[], signal: AbortSignal) {
  const real = await ownPlace(path);
  if (real === undefined) {
    if (await isThere(path)) notes.push(`${path}: is a link to what no run published: it stays`);
    return;
  }
  for (const file of files) {
    const place = join(real, relative(path, file.path));
    const found = await lstatOf(place);
    if (!found) continue;
    const fault = await foreignness({ ...file, path: place }, signal);
    if (fault === undefined) await rm(place);
    else notes.push(`${file.path}: ${fault}: it stays, as it is not what was published`);
  }
  await removeEmptyTree(real);
  if (!(await isThere(real))) await rm(path, { force: true });
}

/** Where an output really lies: at its path, or in the version that its link leads to; undefined where it is another's. */
async function ownPlace(path: string): Promise<string | undefined> {
  const found = await lstatOf(path);
  if (!found?.isSymbolicLink()) return found && join(await realpath(dirname(path)), lastOf(path));
  const root = await rootOfLink(path);
  const real = await realpath(path).catch(() => undefined);
  return root !== undefined && real?.startsWith(root + sep) ? real : undefined;
}

function lastOf(path: string): string {
  return relative(dirname(path), path);
}

async function foreignness(
  file: OutputRecord['files'][number],
  signal: AbortSignal,
): Promise<string | undefined> {
  if ((await realpath(file.path).catch(messageOf)) !== file.path) return 'leads elsewhere';
  return await faultOf(file, signal);
}

/** Removes the folders of a tree that hold nothing but empty folders. */
async function removeEmptyTree(path: string): Promise<void> {
  if (!(await lstatOf(path))?.isDirectory()) return;
  for (const name of await readdir(path)) await removeEmptyTree(join(path, name));
  await removeIfEmpty(path);
}

async function removeIfEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => undefined);
}

/** Bytes; what is larger is not read to see what it is. */
const largestManifest = 64e6;

/** The manifests of runs in a folder; other JSON files are the user's. */
async function removeManifests(folder: string, runs: ReadonlySet<string>): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((one) => one.endsWith('.json'))) {
    const path = join(folder, name);
    const found = await lstatOf(path);
    if (!found?.isFile() || found.size > largestManifest) continue;
    const manifest = await readManifest(path).catch(() => undefined);
    if (manifest && runs.has(manifest.run)) await rm(path);
  }
}

async function removeVersions(paths: readonly string[]): Promise<void> {
  const set = await linkSetOf(paths).catch(() => undefined);
  if (set) await dropUnused(set.root);
}
