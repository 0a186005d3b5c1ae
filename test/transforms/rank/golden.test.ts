import { Float64, Int32, Utf8 } from 'apache-arrow';
import t from 'tap';
import { type Batch, withColumn } from '../../../pipeline/batch.js';
import { type FeatureInfo, featureData, featureMetadata } from '../../../transforms/columns.js';
import { profile } from '../../../transforms/profile.js';
import { rank } from '../../../transforms/rank.js';
import { score } from '../../../transforms/score.js';
import { allSame, type Same } from '../../fixtures/all-same.js';
import {
  cells,
  collectSink,
  mapStage,
  memorySource,
  recordBatch,
  runStages,
  type SinkLog,
  type StageRow,
  sinkLog,
} from '../../fixtures/engine.js';
import { decode, readGolden } from '../../fixtures/golden.js';

/** What test/reference/selection.py writes. */
interface Golden {
  readonly k: number;
  readonly layers: number;
  readonly width: number;
  readonly target: string;
  readonly groups: readonly (string | null)[];
  readonly pool: string;
  readonly docids: readonly string[];
  readonly tokens: readonly (number | null)[];
  readonly columns: Readonly<Record<string, readonly (number | 'NaN' | null)[]>>;
  readonly cases: readonly Case[];
}

interface Case {
  readonly targets: readonly string[] | null;
  readonly power: number;
  readonly rank: Readonly<Record<string, unknown>> & { readonly quality?: { readonly column: string } };
  /** Rows of the pool, by rank. */
  readonly rows: readonly number[];
  readonly target: readonly string[] | null;
  readonly nag_distance: string;
  readonly combined_score: string | null;
}

const golden = readGolden<Golden>('selection', 'selection');
const { k, layers, width } = golden;
const info: FeatureInfo = { neurons: 'fwd_up', layers, k, width, model: '', tokenizer: '', maxLength: 9 };

/** Stands for tokenize, extract and top_k: the features of the row that `n` names. */
function featured(text: string) {
  const all = decode.uint16(text);
  const size = layers * k;
  return mapStage(
    (batch: Batch) => {
      const own = (cells([batch], 'n') as number[]).flatMap((n) => [
        ...all.subarray(n * size, (n + 1) * size),
      ]);
      const data = featureData(Int32Array.from(own), batch.rows.length, info);
      return withColumn(batch, 'fwd_up_feature', data, { metadata: featureMetadata(info) });
    },
    { needs: () => ({ columns: ['n'] }), mayDrop: () => false },
  );
}

/** Rows in bundles of batches of these sizes in turn. */
function sourceOf(rows: number, sizes: readonly number[], columns: (rows: number[]) => Batch['columns']) {
  const bundles: Batch['columns'][][] = [];
  for (let start = 0, turn = 0; start < rows; turn++) {
    const count = Math.min(rows - start, sizes[turn % sizes.length]!);
    const batch = columns(Array.from({ length: count }, (_, i) => start + i));
    if (turn % 3 === 0) bundles.push([batch]);
    else bundles.at(-1)!.push(batch);
    start += count;
  }
  return memorySource(bundles);
}

function targets(sizes: readonly number[]) {
  return sourceOf(golden.groups.length, sizes, (rows) =>
    recordBatch({ n: [new Int32(), rows], group: [new Utf8(), rows.map((row) => golden.groups[row])] }),
  );
}

function pool(sizes: readonly number[]) {
  const values = (name: string) => golden.columns[name]!.map((v) => (v === 'NaN' ? Number.NaN : v));
  const quality = new Map(Object.keys(golden.columns).map((name) => [name, values(name)]));
  return sourceOf(golden.docids.length, sizes, (rows) =>
    recordBatch({
      docid: [new Utf8(), rows.map((row) => golden.docids[row])],
      token_num: [new Float64(), rows.map((row) => golden.tokens[row])],
      n: [new Int32(), rows],
      ...Object.fromEntries(
        [...quality].map(([name, all]) => [name, [new Float64(), rows.map((row) => all[row])] as const]),
      ),
    }),
  );
}

async function selection(one: Case, sizes: readonly number[], memory_mb: number, tempDir: string) {
  const by = one.targets === null ? {} : { by: 'group', targets: one.targets };
  const log = sinkLog();
  const stages: StageRow[] = [
    ['target', targets(sizes)],
    ['target_features', featured(golden.target)],
    ['profile', profile, { power: one.power, ...by }],
    ['pool', pool(sizes)],
    ['features', featured(golden.pool)],
    ['score', score, {}, ['features'], { profile: 'profile' }],
    ['rank', rank, { ...one.rank, memory_mb }],
    ['out', collectSink(log)],
  ];
  await runStages(stages, { tempDir });
  return log;
}

/** A column in the order of the ranks. */
function byRank({ batches }: SinkLog, column: string): unknown[] {
  const ranks = cells(batches, 'nag_rank') as number[];
  const values = cells(batches, column);
  const out: unknown[] = [];
  for (const [row, place] of ranks.entries()) out[place] = values[row];
  return out;
}

t.equal(golden.cases.length, 79, 'every case is there');

for (const one of golden.cases) {
  const name = JSON.stringify({ targets: one.targets, power: one.power, ...one.rank });
  t.test(`as NumPy and pandas select: ${name}`, async (t) => {
    const dir = t.testdir();
    // The reference selects nothing where no document has a quality; a run that would write that stops.
    if (one.rank.quality?.column === 'absent') {
      await t.rejects(selection(one, [37], 1024, dir), {
        message: /^rank: none of the 260 documents has a quality/,
      });
      return;
    }
    await allSame(t, 'the selection', async (same) => {
      for (const { sizes, memory } of [
        { sizes: [1000], memory: 1024 },
        { sizes: [1, 37, 5], memory: 1024 },
        { sizes: [20], memory: 0.004 },
      ])
        checkSelection(same, await selection(one, sizes, memory, dir), one, `batches of ${sizes}`);
    });
  });
}

function checkSelection(same: Same, log: SinkLog, one: Case, name: string): void {
  const names = log.batches[0]!.columns.schema.fields.map((field) => field.name);
  same(byRank(log, 'n'), one.rows, `${name}: documents`);
  same(byRank(log, 'nag_distance'), [...decode.float64(one.nag_distance)], `${name}: distances`);
  same(names.includes('target'), one.target !== null, `${name}: the column target is there`);
  if (one.target) same(byRank(log, 'target'), one.target, `${name}: targets`);
  const scored = one.combined_score !== null;
  same(names.includes('combined_score'), scored, `${name}: the column combined_score is there`);
  if (one.combined_score === null) return;
  same(byRank(log, 'combined_score'), [...decode.float64(one.combined_score)], `${name}: combined scores`);
  const { column } = one.rank.quality!;
  const quality = golden.columns[column]!;
  same(
    byRank(log, column),
    one.rows.map((row) => quality[row]),
    `${name}: quality`,
  );
}
