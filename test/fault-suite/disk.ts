import { spawnSync } from 'node:child_process';
import { chmod, chown, cp, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { judgeEnd } from './errnos.js';
import { type Row, startRow, tried } from './row.js';
import {
  copying,
  faultsOfText,
  lastLine,
  makeScenario,
  published,
  runTonight,
  type Scenario,
} from './scenario.js';
import type { PartSettings } from './settings.js';

/** Runs on file systems of their own that are full, or all but full. */
export async function fullDisk(settings: PartSettings): Promise<Row> {
  const row = startRow('a full disk (tmpfs of a few KB under outputs, state or temporary files)');
  const scenario = await makeScenario(join(settings.folder, 'full'), 'files');
  // What is spilled here is little: the temporary files have room enough.
  const all = [0, 24, 4, 12, 16, 32, 48].flatMap((kilobytes) =>
    (kilobytes === 4 ? ['out', 'state', 'temp'] : ['out', 'state']).map((place) => ({ place, kilobytes })),
  );
  for (const { place, kilobytes } of all.slice(0, settings.count ?? all.length))
    await onSmallDisk(row, scenario, place, kilobytes);
  return row.done();
}

async function onSmallDisk(row: Row, scenario: Scenario, place: string, kilobytes: number): Promise<void> {
  const folder = join(scenario.root, place);
  const aside = join(scenario.root, '..', 'aside');
  await mkdir(folder, { recursive: true });
  await rm(aside, { recursive: true, force: true });
  await cp(folder, aside, copying);
  const size = (await kilobytesOf(folder)) + kilobytes;
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}k`, 'tmpfs', folder]);
  if (mounted.status !== 0) {
    row.note = 'NOT RUN: file systems cannot be mounted here';
    return;
  }
  let code: number | null = null;
  try {
    await cp(aside, folder, copying);
    const ended = await runTonight(scenario);
    ({ code } = ended);
    const state = await published(scenario);
    const defects = faultsOfText(ended.stderr);
    // What follows the publication, as its manifest, may fail too.
    if (state !== 'new' && (code === 0 || state !== 'old'))
      defects.push(`ends with ${code}, the outputs are ${state}`);
    if (code !== 0 && code !== 1) defects.push(`ends with ${code}`);
    if (code === 1 && !/full|space/.test(ended.stderr))
      defects.push(`does not say that the disk is full: ${lastLine(ended.stderr)}`);
    tried(
      row,
      code === 0 ? 'there was room' : `told, ${state} outputs`,
      defects,
      `${place} of ${kilobytes} KB`,
    );
  } finally {
    await rm(aside, { recursive: true, force: true });
    await cp(folder, aside, copying);
    spawnSync('umount', ['-l', folder]);
  }
  // With room again, from where it stopped.
  await cp(aside, folder, copying);
  const { code: next, stderr } = await runTonight(scenario);
  const state = await published(scenario);
  if (next !== 0 || state !== 'new')
    row.defects.push(`${place}: with room again it ends with ${next}, ${state} outputs: ${lastLine(stderr)}`);
  await scenario.reset();
}

/** What the folder's files take of a tmpfs, in whole pages: folders take nothing. */
async function kilobytesOf(folder: string): Promise<number> {
  let pages = 0;
  for (const path of await readdir(folder, { recursive: true })) {
    const found = await lstat(join(folder, path));
    if (found.isFile()) pages += Math.ceil(found.size / 4096);
  }
  return 4 * pages;
}

/** Folders that the user of the run may not write: outputs, state, temporary files. */
export async function readOnlyFolders(settings: PartSettings): Promise<Row> {
  const row = startRow('folders that may not be written (outputs, state, records, temporary files)');
  const scenario = await makeScenario(join(settings.folder, 'read-only'), 'files');
  const uid = process.getuid?.() === 0 ? 65_534 : undefined;
  const places = ['out', 'state', 'temp', ...(await foldersIn(join(scenario.root, 'state')))];
  for (const place of places) {
    await mkdir(join(scenario.root, place), { recursive: true });
    if (uid !== undefined) await give(scenario.root, uid);
    await chmod(join(scenario.root, place), 0o555);
    const ended = await runTonight(scenario, uid === undefined ? {} : { uid });
    await chmod(join(scenario.root, place), 0o755);
    await judgeEnd(row, scenario, ended, `${place} is read-only`);
  }
  if (uid !== undefined) row.note = 'run as nobody: root may write anything';
  return row.done();
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => `state/${name}`);
}

async function give(folder: string, uid: number): Promise<void> {
  for (const entry of ['', ...(await readdir(folder, { recursive: true }))])
    await chown(join(folder, entry), uid, uid);
  for (
    let above = join(folder, '..');
    above.includes('nag-faults-') || above.includes('fault-suite');
    above = join(above, '..')
  )
    await chmod(above, 0o755);
}
