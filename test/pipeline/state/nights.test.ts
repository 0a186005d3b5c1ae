import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { loadForCommand } from '../../../pipeline/cli/load.js';
import { NagError } from '../../../pipeline/errors.js';
import { makePlan } from '../../../pipeline/plan.js';
import { runPlan } from '../../../pipeline/run.js';
import { recallInputs, rememberInputs } from '../../../pipeline/state/input-files.js';
import {
  describeInputs,
  type Inputs,
  inputText,
  requireUnchanged,
  withDigests,
} from '../../../pipeline/state/inputs.js';
import { openMemory } from '../../../pipeline/state/memory.js';
import { FileDigests } from '../../../pipeline/store/file-digests.js';
import { summaryText } from '../../../pipeline/summary.js';
import { documents, makePipeline } from '../../faults/pipeline.js';
import { readColumns, writeTestParquet } from '../../fixtures/parquet.js';

/** A folder with a target, a pool of two shards, and a pipeline that keeps features. */
async function makeNightly(t: Test): Promise<string> {
  const dir = await makePipeline(t);
  await rm(join(dir, 'pool.parquet'));
  await writeShard(dir, 'target.parquet', documents('t', 3));
  await writeShard(dir, 'pool-a.parquet', documents('a', 12));
  await writeShard(dir, 'pool-b.parquet', documents('b', 9));
  const text = `version: 1
temp_dir: temp
templates:
  nag:
    - {use: tokenize, with: {model: model, max_length: 16}}
    - {use: extract, with: {model: model, device: cpu, threads: 1}}
    - {use: top_k, with: {k: 3}}
    - {use: features, with: {dir: state/work}}
stages:
  - {id: target, use: read.parquet, with: {path: target.parquet}}
  - {template: nag}
  - {id: profile, use: profile}
  - {id: pool, use: read.parquet, with: {path: "pool-*.parquet"}}
  - {template: nag}
  - {use: score, from: {profile: profile}}
  - {id: rank, use: rank, with: {fraction: 0.5}}
  - {use: write.parquet, with: {path: out/selected.parquet}}
`;
  await writeFile(join(dir, 'pipeline.yaml'), text);
  return dir;
}

let clock = new Date('2026-11-01T00:00:00Z').getTime();

/** As a file that was written at another time than all others, long ago. */
async function writeShard(dir: string, name: string, columns: Record<string, unknown[]>): Promise<void> {
  await writeTestParquet(join(dir, name), columns);
  await touch(dir, name);
}

async function touch(dir: string, name: string): Promise<void> {
  clock += 60_000;
  await utimes(join(dir, name), new Date(clock), new Date(clock));
}

/** A night's run, as a command would do it. */
async function night(dir: string, { refuse = false, killed = false } = {}) {
  const config = await loadForCommand(join(dir, 'pipeline.yaml'), []);
  const { signal } = new AbortController();
  const work = join(dir, 'state/work');
  const memories = await openMemory(join(dir, 'state/memory'), signal, (text) => t.fail(text));
  let inputs: Inputs | undefined;
  const result = await runPlan(makePlan(config.stages), {
    signal,
    tempDir: config.tempDir,
    memory: memories.of,
    onSources: async (sources) => {
      const previous = await recallInputs(memories.of(''));
      inputs = await describeInputs(sources, previous, await FileDigests.open(work), signal);
      if (refuse) requireUnchanged(inputs);
    },
  });
  const { files, records } = withDigests(inputs!, await FileDigests.open(work));
  await rememberInputs(files, memories.of(''));
  if (!killed) await memories.commit();
  const columns = await readColumns(join(dir, 'out/selected.parquet'));
  const sum = (figure: string) =>
    [...result.stats.values()].reduce((all, { figures }) => all + (figures.get(figure) ?? 0), 0);
  return {
    records,
    selected: columns['docid'] as string[],
    extracted: [...result.stats.values()]
      .filter(({ label }) => label.startsWith('extract'))
      .reduce((all, { rowsIn }) => all + rowsIn, 0),
    reused: sum('reused'),
    changes: [sum('entered'), sum('left'), sum('stayed')],
    drift: result.stats.get('profile')!.figures.get('drift'),
    summary: summaryText('nightly', result, 1000),
  };
}

function changesOf(then: readonly string[], now: readonly string[]): number[] {
  const [old, fresh] = [new Set(then), new Set(now)];
  const stayed = now.filter((docid) => old.has(docid)).length;
  return [now.length - stayed, then.filter((docid) => !fresh.has(docid)).length, stayed];
}

const basenames = (paths: readonly string[]) => paths.map((path) => basename(path));

t.test('a pool that grows costs only the new shard, and all of it is told', async (t) => {
  const dir = await makeNightly(t);
  const first = await night(dir);
  t.equal(first.extracted, 3 + 21);
  t.equal(first.drift, undefined);
  t.strictSame(first.changes, [0, 0, 0]);
  t.match(first.records['pool'], { files: 2, rows: 21, counts: { new: 2, gone: 0, changed: 0 } });
  t.match(first.records['pool']!.fingerprint, /^[0-9a-f]{64}$/, 'contents were read');
  t.match(inputText('pool', first.records['pool']!), /^pool: 2 files, [\d.]+ MB \(all new\)$/);

  const second = await night(dir);
  t.equal(second.extracted, 0);
  t.equal(second.reused, 3 + 21);
  t.equal(second.drift, 0);
  t.strictSame(second.changes, [0, 0, first.selected.length]);
  t.equal(second.records['pool']!.fingerprint, first.records['pool']!.fingerprint);
  t.match(inputText('pool', second.records['pool']!), /\(as in the last run\)$/);

  await writeShard(dir, 'pool-c.parquet', documents('c', 10));
  const third = await night(dir);
  t.equal(third.extracted, 10);
  t.equal(third.reused, 3 + 21);
  t.strictSame(third.changes, changesOf(second.selected, third.selected));
  t.ok(third.changes[0]! > 0);
  t.strictSame(basenames(third.records['pool']!.new), ['pool-c.parquet']);
  t.not(third.records['pool']!.fingerprint, first.records['pool']!.fingerprint);
  t.match(inputText('pool', third.records['pool']!), /^pool: 3 files, .* \(1 new: pool-c\.parquet\)$/);
  t.match(third.summary, /^rank: selection since the last run \(.* UTC\): \d+ documents/m);
  t.match(third.summary, /^profile: drift since the last run/m);
  t.match(third.summary, /21 reused/);
});

t.test('a shard that changed is redone or refused, and one that is gone is told', async (t) => {
  const dir = await makeNightly(t);
  const first = await night(dir);
  await writeShard(dir, 'pool-b.parquet', documents('again', 9));
  const before = await readFile(join(dir, 'out/selected.parquet'));
  const refused = await night(dir, { refuse: true }).catch((error: unknown) => error);
  t.ok(refused instanceof NagError && refused.exitCode === 1);
  t.match(refused, {
    message:
      /files: 1\), and if_changed is refuse.*\n {2}pool: .*pool-b\.parquet: [\d,]+ bytes, changed 2026-11-01T.*; it had [\d,]+ bytes, changed 2026-11-01T\S+, sha256 [0-9a-f]{12}…$/s,
  });
  t.strictSame(await readFile(join(dir, 'out/selected.parquet')), before, 'the old selection stays');

  const second = await night(dir);
  t.equal(second.extracted, 9);
  t.strictSame(basenames(second.records['pool']!.changed), ['pool-b.parquet']);
  t.match(inputText('pool', second.records['pool']!), /\(1 changed: pool-b\.parquet\)$/);
  t.strictSame(second.changes, changesOf(first.selected, second.selected));
  t.equal((await night(dir, { refuse: true })).extracted, 0, 'what is accepted is no change any more');

  await rm(join(dir, 'pool-a.parquet'));
  const third = await night(dir, { refuse: true });
  t.equal(third.extracted, 0);
  t.strictSame(third.changes, changesOf(second.selected, third.selected));
  t.match(third.records['pool'], { files: 1, counts: { new: 0, gone: 1, changed: 0 } });
  t.match(inputText('pool', third.records['pool']!), /^pool: 1 file, .* \(1 gone: pool-a\.parquet\)$/);
});

t.test('a target that changed: drift, and another selection', async (t) => {
  const dir = await makeNightly(t);
  const first = await night(dir);
  await writeShard(dir, 'target.parquet', documents('b', 9));
  const second = await night(dir);
  t.strictSame(basenames(second.records['target']!.changed), ['target.parquet']);
  t.ok(second.drift! > 0 && second.drift! <= 1);
  t.strictSame(second.changes, changesOf(first.selected, second.selected));
  t.equal(second.extracted, 0, 'the pool has these documents, and does not depend on the target');
  t.ok(second.changes[0]! > 0 && second.changes[1]! > 0);
});

t.test('a file that was only touched, or copied, is the same', async (t) => {
  const dir = await makeNightly(t);
  await night(dir);
  await touch(dir, 'pool-a.parquet');
  const second = await night(dir, { refuse: true });
  t.strictSame(second.records['pool']!.counts, { new: 0, gone: 0, changed: 0 });
  t.equal(second.extracted, 0);
});

t.test(
  'a night that fails, or is killed before its end, leaves what the last complete one left',
  async (t) => {
    const dir = await makeNightly(t);
    const first = await night(dir);
    await writeShard(dir, 'pool-c.parquet', documents('c', 10));
    await writeFile(join(dir, 'pool-d.parquet'), 'no parquet');
    await t.rejects(night(dir));
    await rm(join(dir, 'pool-d.parquet'));
    const killed = await night(dir, { killed: true });
    t.equal(killed.extracted, 10);
    const third = await night(dir);
    t.equal(third.extracted, 0, 'its work stays');
    t.strictSame(third.changes, changesOf(first.selected, third.selected));
    t.ok(third.changes[0]! > 0);
    t.strictSame(basenames(third.records['pool']!.new), ['pool-c.parquet']);
  },
);
