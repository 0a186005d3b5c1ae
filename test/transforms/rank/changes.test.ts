import { Float64, Int64, Utf8 } from 'apache-arrow';
import t from 'tap';
import type { Batch } from '../../../pipeline/batch.js';
import { rank } from '../../../transforms/rank.js';
import { combineContext, combineSplit, startCombine } from '../../fixtures/combine.js';
import { cells, collectSink, memorySource, recordBatch, runStages, sinkLog } from '../../fixtures/engine.js';
import { nightMemory } from '../../fixtures/memory.js';
import { randomIntegers } from '../nag/random.js';
import { scored } from './pool.js';
import { arriving, reread, rows, scored as scoredForSeveral, read as severalRead } from './several-pool.js';

interface Document {
  readonly docid: string;
  readonly tokens: number;
  readonly distance: number;
}

type Shard = readonly Document[];

function shard(name: string, size: number, seed: number): Document[] {
  const random = randomIntegers(seed);
  return Array.from({ length: size }, (_, i) => ({
    docid: `${name} ${i}`,
    tokens: 1 + random(500),
    distance: random(10_000) / 10_000,
  }));
}

type Left = ReadonlyMap<string, Uint8Array>;

interface NightOptions {
  readonly fraction?: number;
  readonly docids?: 'text' | 'integer' | 'none';
  readonly none?: boolean;
}

/** A night's run over the shards of a pool. */
async function night(dir: string, shards: readonly Shard[], found?: Left, options: NightOptions = {}) {
  const { fraction = 0.3, docids = 'text', none = false } = options;
  const { memory, left } = nightMemory(found);
  const log = sinkLog();
  let order = 0;
  const batches = shards.map((documents) => {
    const ids = {
      text: { docid: [new Utf8(), documents.map(({ docid }) => docid)] as const },
      integer: { docid: [new Int64(), documents.map(({ docid }) => BigInt(docid.length))] as const },
      none: {},
    }[docids];
    return [
      recordBatch({
        ...ids,
        token_num: [new Float64(), documents.map(({ tokens }) => tokens)],
        d: [new Float64(), documents.map(({ distance }) => distance)],
        order: [new Float64(), documents.map(() => order++)],
        keep: [new Float64(), documents.map(() => 1)],
      }),
    ];
  });
  const { stats, reports } = await runStages(
    [
      ['pool', memorySource(batches, none ? { where: () => false } : {})],
      ['score', scored],
      ['rank', rank, { fraction }],
      ['out', collectSink(log)],
    ],
    { tempDir: dir, memory: (stage) => (stage === 'rank' ? memory : nightMemory().memory) },
  );
  const all = shards.flat();
  const selected = (cells(log.batches, 'order') as number[]).map((at) => all[at]!);
  return { left, selected, figures: Object.fromEntries(stats.get('rank')!.figures), reports };
}

type Night = Awaited<ReturnType<typeof night>>;

function figuresOf(then: readonly Document[], now: readonly Document[]) {
  const [old, fresh] = [then, now].map((documents) => new Set(documents.map(({ docid }) => docid)));
  const entered = now.filter(({ docid }) => !old!.has(docid));
  const left = then.filter(({ docid }) => !fresh!.has(docid));
  const tokens = (documents: readonly Document[]) => documents.reduce((sum, own) => sum + own.tokens, 0);
  return {
    entered: entered.length,
    'tokens entered': tokens(entered),
    left: left.length,
    'tokens left': tokens(left),
    stayed: now.length - entered.length,
  };
}

function changesIn({ figures: { tokens: _, budget: __, ...changes } }: Night) {
  return changes;
}

const [a, b, c] = [shard('a', 120, 1), shard('b', 90, 2), shard('c', 100, 3)] as const;
const changed = b.map((own, i) =>
  i % 3 === 0 ? { docid: `b again ${i}`, tokens: 7, distance: i / 90 } : { ...own, tokens: own.tokens + 1 },
);
const farther = [a, b].map((documents) => documents.map((own) => ({ ...own, distance: 1 - own.distance })));

t.test('entered, left and stayed equal a comparison of plain sets, night after night', async (t) => {
  const dir = t.testdir();
  const nights: [string, readonly Shard[]][] = [
    ['nothing happened', [a, b]],
    ['a shard is new', [a, b, c]],
    ['the order of shards is another', [c, b, a]],
    ['a shard changed', [a, changed, c]],
    ['a shard is gone', [changed, c]],
    ['another pool', [shard('z', 50, 9)]],
    ['the target changed', [a, b]],
    ['and once more', farther],
  ];
  let then = await night(dir, [a, b]);
  t.strictSame(changesIn(then), {}, 'nothing to compare with');
  t.strictSame(then.reports, []);
  for (const [name, shards] of nights) {
    const now = await night(dir, shards, then.left);
    t.strictSame(changesIn(now), figuresOf(then.selected, now.selected), name);
    t.equal(now.reports.length, 1);
    then = now;
  }
});

t.test('told in words, with distances then and now', async (t) => {
  const dir = t.testdir();
  const near: Shard = [
    { docid: 'a', tokens: 600, distance: 0.25 },
    { docid: 'b', tokens: 700, distance: 0.5 },
    { docid: 'c', tokens: 800, distance: 1 },
  ];
  const then = await night(dir, [near], undefined, { fraction: 0.7 });
  const now = await night(dir, [near, [{ docid: 'd', tokens: 500, distance: 0.125 }]], then.left, {
    fraction: 0.5,
  });
  t.strictSame(now.reports, [
    'rank: selection since the last run (2026-11-23 02:14 UTC): 2 documents (1,100 tokens), 1 entered (500 tokens), 1 left (700 tokens), 1 stayed; mean distance 0.3750 → 0.1875, worst 0.5000 → 0.2500',
  ]);
});

t.test('without docids a document is known by its file and row', async (t) => {
  const dir = t.testdir();
  const options = { docids: 'none' } as const;
  const then = await night(dir, [a, b], undefined, options);
  const now = await night(dir, [a, b, c], then.left, options);
  t.strictSame(changesIn(now), figuresOf(then.selected, now.selected));
});

t.test('documents that are known otherwise are not compared', async (t) => {
  const dir = t.testdir();
  const then = await night(dir, [a, b]);
  for (const [docids, said] of [
    ['integer', 'docids that are numbers'],
    ['none', 'file and row'],
  ] as const) {
    const now = await night(dir, [a, b], then.left, { docids });
    t.strictSame(changesIn(now), {});
    t.strictSame(now.reports, [
      `rank: the selection is not compared since the last run (2026-11-23 02:14 UTC): its documents are known by ${said} now, and were by docids that are text then`,
    ]);
  }
});

t.test('a pool of nothing: all have left; and a selection after it', async (t) => {
  const dir = t.testdir();
  const then = await night(dir, [a, b]);
  const now = await night(dir, [a, b], then.left, { none: true });
  t.strictSame(now.selected, []);
  t.strictSame(changesIn(now), figuresOf(then.selected, []));
  t.match(now.reports, [
    / 0 documents \(0 tokens\), 0 entered .* mean distance 0\.\d{4} → -, worst 0\.\d{4} → -$/,
  ]);
  const later = await night(dir, [a, b], now.left);
  t.strictSame(changesIn(later), figuresOf([], later.selected));
});

t.test('a list that is lost is no reason to fail, and not silent', async (t) => {
  const dir = t.testdir();
  const then = await night(dir, [a, b]);
  const outline = new Map([...then.left].filter(([name]) => name === 'selection'));
  const now = await night(dir, [a, b, c], outline);
  t.strictSame(changesIn(now), {});
  t.match(now.reports, [/ then; which they were is not known any more$/]);
  const nothing = await night(dir, [a, b, c], new Map([['members 0', then.left.get('members 0')!]]));
  t.strictSame([changesIn(nothing), nothing.reports], [{}, []]);
});

/** A run for several targets. */
async function several(
  dir: string,
  settings: object,
  names?: readonly string[],
  found?: Left,
  most?: number,
) {
  const { memory, left } = nightMemory(found);
  const context = { ...combineContext(dir, reread), memory };
  const accumulator = await startCombine<AsyncIterable<Batch>>(rank, { ...settings }, context);
  const selected: string[] = [];
  const input = names ? severalRead.map((batch) => scoredForSeveral(batch, names)) : arriving;
  let batches = 0;
  for await (const batch of await combineSplit(accumulator, input, 1, () => 0)) {
    const [orders, targets] = ['order', 'target'].map((name) => cells([batch], name));
    for (const [row, order] of orders!.entries()) selected.push(`${order} ${targets![row]}`);
    if (++batches === most) break;
  }
  await accumulator.close?.();
  return { left, selected, figures: context.figures, changes: context.reports.slice(1) };
}

t.test('several targets: a line each, also for one that is new or gone', async (t) => {
  const dir = t.testdir();
  const then = await several(dir, { fraction: 0.3 });
  t.strictSame(then.changes, []);
  const now = await several(dir, { fraction: 0.5 }, ['near', 'other', 'é 😀'], then.left);
  const lines = now.changes.join().split('\n');
  t.match(lines, [
    /^combine: selections since the last run/,
    /^ {2}near: \d+ documents .* entered .* left .* stayed; mean distance /,
    /^ {2}other: \d+ documents \([\d,]+ tokens\), a new target$/,
    /^ {2}é 😀: /,
    /^ {2}far: \d+ documents then, no target any more$/,
  ]);
  const both = ['near', 'é 😀'];
  // A docid may be that of several rows of this pool: as often as it is in both it has stayed.
  const idsOf = (selected: readonly string[], target: string) =>
    selected
      .filter((own) => own.endsWith(` ${target}`))
      .map((own) => String(rows[Number(own.split(' ')[0])]!.docid));
  let [entered, left, stayed] = [0, 0, 0];
  for (const target of both) {
    const old = idsOf(then.selected, target);
    const fresh = idsOf(now.selected, target);
    const rest = [...old];
    const known = fresh.filter((id) => {
      const at = rest.indexOf(id);
      if (at >= 0) rest.splice(at, 1);
      return at >= 0;
    });
    stayed += known.length;
    entered += fresh.length - known.length;
    left += old.length - known.length;
  }
  const { figures } = now;
  t.strictSame([figures.get('entered'), figures.get('left'), figures.get('stayed')], [entered, left, stayed]);
  t.ok(entered > 0 && stayed > 0);
});

t.test('a selection that is not taken to its end is not remembered', async (t) => {
  const dir = t.testdir();
  t.equal((await several(dir, { fraction: 0.5 }, undefined, undefined, 1)).left.size, 0);
  t.equal((await several(dir, { fraction: 0.5 })).left.size, 4);
});
