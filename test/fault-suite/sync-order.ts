import { dirname } from 'node:path';

/** Locks last no longer than the machine runs; of a cached piece its checksum tells whether all of it is there. */
const volatile = /(^|\/)\.?lock[-.]/;
const checksummed = /(^|\/)\.piece\.tmp-/;

/**
 * Where a power cut could leave a name without its content: files that are renamed after they were written and before they
 * are synced, and names whose folder is not synced afterwards.
 *
 * @param points operations of a run in their order, as `pointsOf` lists them
 */
export function syncFaults(points: readonly string[]): string[] {
  const unsynced = new Set<string>();
  const faults: string[] = [];
  const unsyncedNames = new Map<string, string>();
  for (const point of points.map((text) => text.replace(/#\d+$/, ''))) {
    const [, operation = '', path = '', to = ''] = /^(\S+) (.*?)(?: > (.*))?$/.exec(point) ?? [];
    if (/^(open|write|writev|writeFile|appendFile)$/.test(operation)) unsynced.add(path);
    if (operation === 'sync') {
      unsynced.delete(path);
      for (const [name] of unsyncedNames) if (dirname(name) === path) unsyncedNames.delete(name);
    }
    if (operation !== 'rename' || volatile.test(path)) continue;
    for (const file of unsynced)
      if (file === path || file.startsWith(`${path}/`)) faults.push(`${file} is not synced before ${point}`);
    if (!checksummed.test(path)) unsyncedNames.set(to, point);
  }
  return [
    ...faults,
    ...[...unsyncedNames].map(([name, point]) => `${dirname(name)} is not synced after ${point}`),
  ];
}
