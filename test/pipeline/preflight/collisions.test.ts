import t from 'tap';
import { collisions, fixedPart } from '../../../pipeline/preflight/collisions.js';
import type { PathUse } from '../../../pipeline/preflight/path-uses.js';
import { readJsonl } from '../../../transforms/read-jsonl.js';
import { readParquet } from '../../../transforms/read-parquet.js';

const writes = (path: string, more: Partial<PathUse> = {}): PathUse => ({
  user: 'stage "out"',
  place: 'c.yaml:9:5',
  path,
  role: 'writes',
  ...more,
});
const reads = (path: string, source = readParquet): PathUse => ({
  user: 'stage "pool"',
  place: 'c.yaml:3:5',
  path,
  role: 'reads',
  takes: (file, own) => source.takes!({ path: own }, file),
});
const keeps = (path: string, open: boolean): PathUse => ({ user: 'state_dir', path, role: 'keeps', open });

/** What an output does to an input, an output or what is kept: `-` where nothing. */
function verdict(output: PathUse, other: PathUse): string {
  const [found] = collisions([other, output]);
  return found?.message.replace(/^.*: the output \S+ /, '').replace(/ ?\(.*|[,:].*/, '') ?? '-';
}

t.test('an output that is read, or would be the next time', async (t) => {
  const cases: [output: string, input: string][] = [
    ['/d/pool.parquet', '/d/pool.parquet'],
    ['/d/new.parquet', '/d/*.parquet'],
    ['/d/new.jsonl', '/d/*.parquet'],
    ['/d/2026/new.parquet', '/d/**/*.parquet'],
    ['/d/out/new.parquet', '/d/*.parquet'],
    ['/d/out/new.parquet', '/d/{pool,out}/*.parquet'],
    ['/d/pool/new.parquet', '/d/pool'],
    ['/d/pool/new.jsonl', '/d/pool'],
    ['/d/pool-2/new.parquet', '/d/pool'],
    ['/d', '/d/pool.parquet'],
    ['/d', '/d/*.parquet'],
    ['/d/out', '/d/*.parquet'],
  ];
  t.strictSame(
    cases.map(([output, input]) => verdict(writes(output), reads(input))),
    [
      'is read by stage "pool"',
      'would be read by stage "pool"',
      '-',
      'would be read by stage "pool"',
      '-',
      'would be read by stage "pool"',
      'would be read by stage "pool"',
      '-',
      '-',
      'is a folder from which stage "pool"',
      'is a folder from which stage "pool"',
      '-',
    ],
  );
});

t.test('a folder of shards holds files of their names', async (t) => {
  const shards = writes('/d/out', { fileNames: ['documents.jsonl'] });
  t.strictSame(
    ['/d/*.jsonl', '/d/**/*.jsonl', '/d/*/*.jsonl', '/d'].map((input) =>
      verdict(shards, reads(input, readJsonl)),
    ),
    ['-', 'would be read by stage "pool"', 'would be read by stage "pool"', 'would be read by stage "pool"'],
  );
});

t.test('outputs in one another, told once', async (t) => {
  const first = writes('/d/out');
  const others = ['/d/out', '/d/out/x', '/d', '/d/out.jsonl'].map((path) =>
    writes(path, { user: 'stage "b"' }),
  );
  t.strictSame(
    others.map((other) => verdict(other, first)),
    [
      'is written by stage "b"',
      'is a folder in which stage "b"',
      'is inside the output /d of stage "b"',
      '-',
    ],
  );
  t.equal(collisions([first, others[0]!]).length, 1);
  t.equal(
    collisions([first, others[0]!])[0]!.message,
    'stage "out": the output /d/out is written by stage "b" (c.yaml:9:5) too: outputs need paths of their own',
  );
});

t.test('what is kept from run to run', async (t) => {
  const state = keeps('/d/state', true);
  const work = keeps('/d/state/work', false);
  const manifest = keeps('/d/state/manifest.json', false);
  const setting: PathUse = { user: 'manifest', path: '/d/state/manifest.json', role: 'writes' };
  t.strictSame(
    [
      verdict(writes('/d/state'), state),
      verdict(writes('/d'), state),
      verdict(writes('/d/state/selected.parquet'), state),
      verdict(writes('/d/state/work/selected.parquet'), work),
      verdict(writes('/d/state/manifest.json'), manifest),
      verdict(setting, manifest),
      verdict({ ...setting, path: '/d/state/work/m.json' }, work),
    ],
    [
      'is where state_dir keeps things',
      'is where state_dir keeps things',
      '-',
      'is inside /d/state/work',
      'is where state_dir keeps things',
      '-',
      '-',
    ],
  );
});

t.test('the fixed part of a pattern', async (t) => {
  t.strictSame(['/d/pool.parquet', '/d/*.parquet', '/d/a{b,c}/x', '/*/x', '*'].map(fixedPart), [
    '/d/pool.parquet',
    '/d',
    '/d',
    '/',
    '.',
  ]);
});
