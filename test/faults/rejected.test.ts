import { appendFile, open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Utf8 } from 'apache-arrow';
import t, { type Test } from 'tap';
import { loadForCommand } from '../../pipeline/cli/load.js';
import { makePlan } from '../../pipeline/plan.js';
import { type RejectedRows, Rejects } from '../../pipeline/rejects.js';
import { type RunResult, runPlan } from '../../pipeline/run.js';
import { leftOutRows, rejectedRows } from '../../pipeline/stats.js';
import { runCli } from '../fixtures/cli.js';
import { writeTestParquet } from '../fixtures/parquet.js';
import { type Changes, documents, failure, makePipeline } from './pipeline.js';

interface Case {
  readonly name: string;
  readonly changes?: Changes;
  prepare(dir: string): Promise<unknown>;
  /** What ends the run where nothing may be rejected. */
  readonly fails: RegExp;
  /** Stage, place and number of rows. */
  readonly rejects: readonly string[];
  /** Rows that reach the end of the pool's chain. */
  readonly ranked: number;
}

const pool = (dir: string, change: Partial<Record<'docid' | 'doc' | 'token_num', unknown[]>>) =>
  writeTestParquet(join(dir, 'pool.parquet'), { ...documents('p', 8), ...change }, { rowGroupRows: 5 });
const put = (column: 'docid' | 'doc' | 'token_num', at: number, value: unknown) =>
  documents('p', 8)[column].map((own, i) => (i === at ? value : own));
const line = (i: number, more = {}) =>
  JSON.stringify({ docid: `p${i}`, doc: `text ${i}`, token_num: 10 + i, lang: 'en', ...more });
const lines = (count: number, first = 0) =>
  Array.from({ length: count }, (_, i) => `${line(first + i)}\n`).join('');
const jsonl = (more: Partial<Changes> = {}): Changes => ({
  source: 'read.jsonl',
  target: '{path: target.jsonl}',
  pool: '{path: "pool*.jsonl*", infer_rows: 2}',
  ...more,
});
async function writeLines(dir: string, text: string): Promise<void> {
  await writeFile(join(dir, 'target.jsonl'), lines(3, 100));
  await writeFile(join(dir, 'pool.jsonl'), text);
}

const cases: readonly Case[] = [
  {
    name: 'texts without a token',
    prepare: (dir) => pool(dir, { doc: ['', ...put('doc', 6, null).slice(1)] }),
    fails: /^pool\.parquet: row 0, column "doc": the text is empty or null/,
    rejects: ['tokenize-2 pool.parquet row 0 doc 1', 'tokenize-2 pool.parquet row 6 doc 1'],
    ranked: 6,
  },
  {
    name: 'token counts that are none, which the look ahead sees too',
    prepare: (dir) => pool(dir, { token_num: put('token_num', 5, -3) }),
    fails: /^pool\.parquet: row 5, column "token_num": expected a number of tokens .*found -3$/,
    rejects: ['rank pool.parquet row 5 token_num 1'],
    ranked: 7,
  },
  {
    name: 'docids that are null',
    prepare: (dir) => pool(dir, { docid: put('docid', 4, null) }),
    fails: /^pool\.parquet: row 4, column "docid": the docid is null/,
    rejects: ['rank pool.parquet row 4 docid 1'],
    ranked: 7,
  },
  {
    name: 'a row group that cannot be decoded',
    prepare: async (dir) => {
      const file = await open(join(dir, 'pool.parquet'), 'r+');
      await file.write(Buffer.alloc(150, 0xff), 0, 150, 4);
      await file.close();
    },
    fails: /^pool\.parquet: row group 0 .*cannot be decoded/,
    rejects: ['read.parquet-2 pool.parquet row 0 5'],
    ranked: 3,
  },
  {
    name: 'a truncated file, and one of another kind',
    changes: { pool: '{path: "pool*.parquet"}' },
    prepare: async (dir) => {
      await writeTestParquet(join(dir, 'pool2.parquet'), documents('q', 4));
      await truncate(join(dir, 'pool2.parquet'), 300);
      await writeFile(join(dir, 'pool3.parquet'), '{"docid": "a"}\n');
    },
    fails: /^pool[23]\.parquet: /,
    rejects: ['read.parquet-2 pool2.parquet ?', 'read.parquet-2 pool3.parquet ?'],
    ranked: 8,
  },
  {
    name: 'a first file with another type than the others',
    changes: { pool: '{path: "pool*.parquet"}' },
    prepare: async (dir) => {
      const { docid, doc } = documents('o', 3);
      await writeTestParquet(join(dir, 'pool-0.parquet'), { docid, doc, token_num: ['1', '2', '3'] });
      await writeTestParquet(join(dir, 'pool2.parquet'), documents('q', 4));
    },
    fails:
      /^pool\.parquet: column "token_num": is Float64 here and Utf8 in pool-0\.parquet, and no type holds/,
    rejects: ['read.parquet-2 pool-0.parquet token_num 3'],
    ranked: 12,
  },
  {
    name: 'bad lines',
    changes: jsonl(),
    prepare: (dir) =>
      writeLines(
        dir,
        `{"cut\n${lines(3)}["x"]\n\n${line(3, { token_num: 'x' })}\n${line(4, { more: 1 })}\n${line(5, { lang: 5 })}\n${lines(2, 6)}`,
      ),
    fails: /^pool\.jsonl: line 1: is not JSON/,
    rejects: [
      'read.jsonl-2 pool.jsonl line 1 1',
      'read.jsonl-2 pool.jsonl line 5 1',
      'read.jsonl-2 pool.jsonl line 7 token_num 1',
      'read.jsonl-2 pool.jsonl line 8 1',
      'read.jsonl-2 pool.jsonl line 9 lang 1',
    ],
    ranked: 5,
  },
  {
    name: 'compressed data that are cut off, and an empty file',
    changes: jsonl(),
    prepare: async (dir) => {
      await writeLines(dir, lines(4));
      await writeFile(join(dir, 'pool-1.jsonl'), ' \n');
      await writeFile(join(dir, 'pool-2.jsonl.gz'), gzipSync(lines(500)).subarray(0, -60));
      await writeFile(join(dir, 'pool-3.jsonl.gz'), lines(4));
    },
    fails: /^pool-3\.jsonl\.gz: is not valid gzip data/,
    rejects: ['read.jsonl-2 pool-2.jsonl.gz ?', 'read.jsonl-2 pool-3.jsonl.gz ?'],
    ranked: -1,
  },
];

async function run(dir: string, settings: 'skip' | 'quarantine') {
  const config = await loadForCommand(join(dir, 'pipeline.yaml'), []);
  const path = join(dir, 'r.jsonl');
  const rejects = await Rejects.open({ policy: settings, maxRatio: 1, path });
  const told: RejectedRows[] = [];
  rejects.listen((rows) => told.push(rows));
  const signal = new AbortController().signal;
  const result = await runPlan(makePlan(config.stages), { signal, tempDir: config.tempDir, rejects });
  return { result, rejects, told, path };
}

const shown = (dir: string, { stage, file, row, line: number, column, rows }: RejectedRows) =>
  [
    stage,
    file?.replace(`${dir}/`, ''),
    ...(row === undefined ? [] : [`row ${row}`]),
    ...(number === undefined ? [] : [`line ${number}`]),
    ...(column === undefined ? [] : [column]),
    rows ?? '?',
  ].join(' ');

function checkSums(t: Test, { stats }: RunResult): void {
  const sums = [...stats.values()].map((stage) => {
    const out = stage.label === 'profile' ? stage.rowsIn : stage.rowsOut;
    return [stage.label, out + leftOutRows(stage) + rejectedRows(stage)];
  });
  const rowsIn = [...stats.values()].map((stage) => [stage.label, stage.rowsIn]);
  t.strictSame(sums, rowsIn, 'rows in = out + left out + rejected');
  const reasons = [...stats.values()].flatMap(({ leftOut }) => [...leftOut.keys()]);
  t.notOk(reasons.some((reason) => reason.includes('no reason')));
}

for (const { name, changes, prepare, fails, rejects: expected, ranked } of cases) {
  t.test(name, async (t) => {
    const dir = await makePipeline(t, { rank: '{fraction: 1}', ...changes });
    await prepare(dir);
    t.match(await failure(dir), { exitCode: 1, message: fails }, 'fail');
    for (const policy of ['skip', 'quarantine'] as const) {
      const { result, rejects, told, path } = await run(dir, policy);
      t.same(
        told.map((one) => shown(dir, one)),
        expected,
        policy,
      );
      checkSums(t, result);
      const rank = result.stats.get('rank')!;
      if (ranked >= 0) t.equal(rank.rowsOut, ranked);
      t.ok(rank.rowsOut > 0);
      t.equal(rejects.path, policy === 'skip' ? undefined : path);
    }
    const written = (await readFile(join(dir, 'r.jsonl'), 'utf8')).trim().split('\n');
    t.equal(written.length, expected.length);
    t.ok(written.every((text) => (JSON.parse(text) as RejectedRows).reason.length > 5));
  });
}

t.test('what can be read of damaged compressed data is the same each time', async (t) => {
  const dir = t.testdir();
  await writeFile(join(dir, 'pool.jsonl'), lines(1));
  await writeFile(join(dir, 'pool-2.jsonl.gz'), gzipSync(lines(30_000)).subarray(0, -20_000));
  const text = `version: 1
stages:
  - {id: pool, use: read.jsonl, with: {path: "pool*.jsonl*", infer_rows: 2}}
  - {use: write.jsonl, with: {path: out.jsonl}}
`;
  await writeFile(join(dir, 'pipeline.yaml'), text);
  const counts: number[] = [];
  for (let i = 0; i < 3; i++) counts.push((await run(dir, 'skip')).result.stats.get('pool')!.rowsOut);
  const [rows] = counts;
  t.strictSame(counts, [rows, rows, rows]);
  t.ok(rows! > 10_000);
});

t.test('where no file can be read, that is an error', async (t) => {
  const dir = await makePipeline(t);
  await writeFile(join(dir, 'pool.parquet'), '');
  await t.rejects(run(dir, 'skip'), { name: 'DataError', message: /pool\.parquet: .*empty/ });
  const other = await makePipeline(t, jsonl());
  await writeLines(other, '{]\n');
  await t.rejects(run(other, 'skip'), { message: /pool\.jsonl: line 1: is not JSON/ });
});

t.test('what the file system or the configuration has done is no reject', async (t) => {
  const dir = await makePipeline(t, { pool: '{path: [pool.parquet, none.parquet]}' });
  await t.rejects(run(dir, 'skip'), { message: /none\.parquet: does not exist/ });
  const other = await makePipeline(t, { pool: '{path: pool.parquet, columns: {text: token_num}}' });
  await t.rejects(run(other, 'skip'), { message: /expected text, found Float64/ });
  const large = await makePipeline(t, { pool: '{path: pool.parquet, max_row_group_mb: 0.0001}' });
  await t.rejects(run(large, 'skip'), { message: /above max_row_group_mb/ });
});

const onError = (dir: string, ratio: number) =>
  appendFile(join(dir, 'pipeline.yaml'), `on_error: {policy: quarantine, max_ratio: ${ratio}}\n`);

/** A pool with a bad row, a bad row group and a truncated file: 1 and 5 of 12 rows, 1 of 3 files. */
async function spoil(dir: string): Promise<void> {
  await pool(dir, { doc: put('doc', 6, '') });
  const file = await open(join(dir, 'pool.parquet'), 'r+');
  await file.write(Buffer.alloc(150, 0xff), 0, 150, 4);
  await file.close();
  await writeTestParquet(join(dir, 'pool1.parquet'), {
    ...documents('q', 4),
    doc: { type: new Utf8(), values: ['a', 'b', 'c', 'd'] },
    token_num: [1, -1, 1, 1],
  });
  await writeFile(join(dir, 'pool2.parquet'), 'PAR1');
}

t.test('the program: under the limit it is done, and the quarantine file has all of it', async (t) => {
  const dir = await makePipeline(t, { pool: '{path: "pool*.parquet"}', rank: '{fraction: 1}' });
  await spoil(dir);
  await onError(dir, 0.5);
  const { code, stdout, stderr } = await runCli(['run', join(dir, 'pipeline.yaml')]);
  t.equal(code, 0, stderr);
  const path = join(dir, 'pipeline.rejects.jsonl');
  t.match(stdout, `rejected 7 of 15 rows (47 %) and 1 of 4 files (25 %): see ${path}`);
  const text = (await readFile(path, 'utf8')).replaceAll(`${dir}/`, '').replace(/\(\d+ MiB/, '(1 MiB');
  t.equal(
    text,
    `${[
      '{"stage":"read.parquet-2","file":"pool2.parquet","row":null,"line":null,"column":null,"rows":null,"reason":"is too short for a Parquet file (4 bytes): it was cut off"}',
      '{"stage":"read.parquet-2","file":"pool.parquet","row":0,"line":null,"column":null,"rows":5,"reason":"row group 0 (1 MiB when decompressed) cannot be decoded: its pages are corrupt"}',
      '{"stage":"tokenize-2","file":"pool.parquet","row":6,"line":null,"column":"doc","rows":1,"reason":"the text is empty or null and has no token; remove the row, or set on_empty: skip"}',
      '{"stage":"rank","file":"pool1.parquet","row":1,"line":null,"column":"token_num","rows":1,"reason":"expected a number of tokens (a whole number of at least 0), found -1"}',
    ].join('\n')}\n`,
  );
  t.not(await readFile(join(dir, 'out/selected.parquet'), 'utf8'), 'an older output');
});

t.test('the program: over the limit it ends with code 4, and the older output is as it was', async (t) => {
  const dir = await makePipeline(t, { pool: '{path: "pool*.parquet"}', rank: '{fraction: 1}' });
  await spoil(dir);
  await onError(dir, 0.3);
  const { exitCode, message } = await failure(dir);
  t.equal(exitCode, 4);
  t.match(
    message,
    /^rejected 5 of 15 rows .*more than max_ratio: 0\.3 allows; nothing was published\n {2}read/,
  );
  t.match(message, /\nall so far are in pipeline\.rejects\.jsonl$/);
  t.equal(await readFile(join(dir, 'out/selected.parquet'), 'utf8'), 'an older output');
  t.equal((await readFile(join(dir, 'pipeline.rejects.jsonl'), 'utf8')).trim().split('\n').length, 2);
});
