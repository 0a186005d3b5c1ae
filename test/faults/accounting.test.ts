import { join } from 'node:path';
import { Utf8 } from 'apache-arrow';
import t, { type Test } from 'tap';
import { loadForCommand } from '../../pipeline/cli/load.js';
import { makePlan } from '../../pipeline/plan.js';
import { Rejects } from '../../pipeline/rejects.js';
import { type RunResult, runPlan } from '../../pipeline/run.js';
import { leftOutRows, rejectedRows, type StageStats } from '../../pipeline/stats.js';
import { allSame } from '../fixtures/all-same.js';
import { writeTestParquet } from '../fixtures/parquet.js';
import { makePipeline } from './pipeline.js';

/** Park and Miller's generator: the same pipelines on every machine. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

/** A pool with empty and missing texts and languages, in some files. */
async function writePool(dir: string, next: (below: number) => number, bad: boolean): Promise<number> {
  let total = 0;
  for (let file = 0; file <= next(3); file++) {
    const rows = Array.from({ length: 1 + next(60) }, (_, i) => i);
    total += rows.length;
    await writeTestParquet(
      join(dir, `random-${file}.parquet`),
      {
        docid: {
          type: new Utf8(),
          values: rows.map((row) => (bad && next(9) === 0 ? null : `${file}-${row}`)),
        },
        doc: {
          type: new Utf8(),
          values: rows.map((row) => [`text ${row}`, '', null, 'and more of it'][next(4)]),
        },
        token_num: rows.map(() => (bad && next(9) === 0 ? -1.5 : next(20))),
        lang: { type: new Utf8(), values: rows.map(() => ['en', 'de', null][next(3)]) },
      },
      { rowGroupRows: 1 + next(30) },
    );
  }
  return total;
}

async function run(t: Test, seed: number, bad = false): Promise<{ result: RunResult; rows: number }> {
  const next = numbers(seed);
  const where = ['', ', where: {lang: en}', ', where: {lang: [de, null]}', ', where: {lang: none}'][next(4)];
  const batchRows = 1 + next(20);
  const dir = await makePipeline(t, {
    tokenize: `{model: model, max_length: 8, on_empty: ${bad ? 'fail' : 'skip'}}`,
    extract: `{model: model, device: cpu, threads: 1, window: ${1 + next(50)}, batch_tokens: ${1 + next(200)}}`,
    pool: `{path: "random-*.parquet", batch_rows: ${batchRows}${where}}`,
    rank: `{fraction: ${(1 + next(100)) / 100}, memory_mb: ${[0.0001, 100][next(2)]}}`,
  });
  const rows = await writePool(dir, next, bad);
  const config = await loadForCommand(join(dir, 'pipeline.yaml'), []);
  const signal = new AbortController().signal;
  const rejects = await Rejects.open({ policy: bad ? 'skip' : 'fail', maxRatio: 1 });
  const options = { signal, tempDir: config.tempDir, rejects };
  return { result: await runPlan(makePlan(config.stages), options), rows };
}

t.test('every row that comes in goes on, or is left out or rejected for a reason', async (t) => {
  let rejected = 0;
  await allSame(t, 'rows of every stage', async (same) => {
    for (let seed = 1; seed <= 16; seed++) {
      const { result, rows } = await run(t, seed, seed % 4 === 0);
      const stages = [...result.stats.values()];
      const pool = stages.slice(stages.findIndex(({ label }) => label === 'read.parquet-2'));
      same(pool[0]?.rowsIn, rows, `seed ${seed}: all rows are read`);
      for (const stage of stages) {
        const name = `seed ${seed}: ${stage.label}`;
        const out = stage.label === 'profile' ? stage.rowsIn : stage.rowsOut;
        same(stage.rowsIn, out + leftOutRows(stage) + rejectedRows(stage), name);
        same(reasonsMissing(stage), [], `${name}: reasons`);
        rejected += rejectedRows(stage);
      }
      for (const [i, stage] of pool.entries())
        if (i > 0)
          same(stage.rowsIn, pool[i - 1]!.rowsOut, `seed ${seed}: ${stage.label} gets what is above`);
    }
  });
  t.ok(rejected > 20);
});

function reasonsMissing({ leftOut }: StageStats): string[] {
  return [...leftOut.keys()].filter((reason) => reason.includes('no reason'));
}
