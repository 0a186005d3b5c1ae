import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { type TestColumn, writeTestParquet } from '../fixtures/parquet.js';
import {
  type Changes,
  documents,
  type Fault,
  failure,
  makePipeline,
  snapshot,
  testFaults,
} from './pipeline.js';

const faults: readonly Fault[] = [
  {
    name: 'an output below a file',
    prepare: (dir) => writeFile(join(dir, 'notes'), 'mine'),
    changes: { out: '{path: notes/selected.parquet}' },
    message: /^notes\/selected\.parquet: cannot be written: notes is a file, not a folder$/,
  },
  {
    name: 'an output that is a folder with other things in it',
    prepare: async (dir) => {
      await rm(join(dir, 'out/selected.parquet'));
      await writeTestParquet(join(dir, 'out/part-0.parquet'), documents('x', 1));
      await writeFile(join(dir, 'out/notes.txt'), 'mine');
    },
    changes: { out: '{path: out}' },
    message: /^out: is a folder that holds other things than an earlier output \("notes\.txt"\).*$/,
  },
  {
    name: 'a folder for temporary files that is a file',
    changes: { tempDir: 'target.parquet', rank: '{fraction: 0.5, memory_mb: 0.0001}' },
    message: /^.*target\.parquet.*$/,
  },
  {
    name: 'a fault in the pool, when another output is already complete',
    prepare: (dir) =>
      writeTestParquet(join(dir, 'pool.parquet'), { ...documents('p', 2), doc: ['text', null] }),
    changes: { early: '{path: out/features.jsonl}' },
    message: /^pool\.parquet: row 1, column "doc": the text is empty or null.*$/,
  },
];

testFaults(t, faults);

/** Runs something while a folder is a disk of 200 kB; false where this user may not mount one. */
async function onSmallDisk(folder: string, work: () => Promise<void>): Promise<boolean> {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return false;
  }
  try {
    await work();
  } finally {
    execFileSync('umount', ['-l', folder]);
  }
  return true;
}

/** More text than the small disk holds. */
function noise(count: number): Record<string, TestColumn> {
  let state = 1;
  const word = () => {
    state = Math.imul(state, 48271) >>> 1;
    return state.toString(36);
  };
  const rows = Array.from({ length: count }, () => Array.from({ length: 150 }, word).join(' '));
  return { ...documents('p', count), doc: rows };
}

function testOnFullDisk(name: string, folder: string, changes: Changes, message: RegExp): void {
  t.test(name, async (t) => {
    const dir = await makePipeline(t, changes);
    await writeTestParquet(join(dir, 'pool.parquet'), noise(600), { rowGroupRows: 200 });
    const mounted = await onSmallDisk(join(dir, folder), async () => {
      if (folder === 'out') await writeFile(join(dir, 'out/selected.parquet'), 'an older output');
      const before = await snapshot(dir);
      t.match(await failure(dir), { exitCode: 1, message });
      t.same(await snapshot(dir), before, 'the older output is as it was, and nothing was left behind');
    });
    if (!mounted) t.pass('needs a small disk', { skip: 'NOT RUN: only root may mount one' });
  });
}

const short = '{model: model, max_length: 4}';

testOnFullDisk(
  'a full disk for the output',
  'out',
  { tokenize: short, rank: '{fraction: 1}', out: '{path: out/selected.parquet, compression: none}' },
  /^out\/selected\.parquet: .*disk (is )?full.*$/,
);
testOnFullDisk(
  'a full disk for lines of JSON',
  'out',
  { tokenize: short, rank: '{fraction: 1}', sink: 'write.jsonl', out: '{path: out/selected.parquet}' },
  /^out\/selected\.parquet: .*disk (is )?full.*$/,
);
testOnFullDisk(
  'a full disk for what is kept aside',
  'temp',
  { tokenize: short, rank: '{fraction: 1, memory_mb: 0.001}', keep: true },
  /^.*temp.*(disk is full|no space).*$/i,
);
