import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Int32 } from 'apache-arrow';
import t, { type Test } from 'tap';
import type { Batch } from '../../pipeline/batch.js';
import { writeShards } from '../../sinks/jsonl-shards.js';
import { writeJsonl } from '../../sinks/write-jsonl.js';
import { readJsonl } from '../../transforms/read-jsonl.js';
import { readParquet } from '../../transforms/read-parquet.js';
import { batchOf, memorySource, recordBatch, runStages, type StageRow } from '../fixtures/engine.js';
import { writeTestParquet } from '../fixtures/parquet.js';

const batch = (file: string, numbers: readonly number[]): Batch => ({
  ...batchOf(recordBatch({ n: [new Int32(), numbers] }), 0),
  bundle: { ordinal: 0, file, firstRow: 0, rows: undefined, bytes: 1 },
});

async function* batches(...all: readonly Batch[]) {
  yield* all;
}

const linesOf = (numbers: readonly number[]) => numbers.map((n) => `{"n":${n}}\n`).join('');

t.test('a file for each input, named like it; none for one without rows', async (t) => {
  const folder = t.testdir();
  const input = batches(
    batch('in/a.parquet', [1, 2]),
    batch('in/a.parquet', []),
    batch('in/a.parquet', [3]),
    batch('in/b.parquet', []),
    batch('in/c.x.jsonl.gz', [4]),
  );
  t.same(await writeShards(input, folder), [
    { name: 'a.jsonl', input: 'in/a.parquet', rows: 3 },
    { name: 'c.x.jsonl', input: 'in/c.x.jsonl.gz', rows: 1 },
  ]);
  t.equal(await readFile(join(folder, 'a.jsonl'), 'utf8'), linesOf([1, 2, 3]));
  t.equal(await readFile(join(folder, 'c.x.jsonl'), 'utf8'), linesOf([4]));
});

t.test('two inputs of one name, or one that comes back', async (t) => {
  const message = /^v\/a\.parquet: its shard a\.jsonl is that of u\/a\.jsonl already/;
  const same = batches(batch('u/a.jsonl', [1]), batch('v/a.parquet', [2]));
  await t.rejects(writeShards(same, t.testdir()), { message });
  const again = batches(batch('a.jsonl', [1]), batch('b.jsonl', [2]), batch('a.jsonl', [3]));
  await t.rejects(writeShards(again, t.testdir()), { message: /is that of a\.jsonl already/ });
});

t.test('the folders of a pool are kept, and replaced as a whole', async (t) => {
  const dir = t.testdir({ pool: { 'lang=en': {}, 'lang=de': { deep: {} } } });
  const write = (name: string, docid: string) =>
    writeTestParquet(join(dir, 'pool', name), { docid: [docid] });
  await write('lang=en/part-0.parquet', 'a');
  await write('lang=de/part-0.parquet', 'b');
  await write('lang=de/deep/part-0.parquet', 'c');
  const run = () =>
    runStages(
      [
        ['in', readParquet, { path: join(dir, 'pool') }],
        ['out', writeJsonl, { path: join(dir, 'out'), shards: 'input' }],
      ],
      { tempDir: dir },
    );
  const { files } = await run();
  t.strictSame(
    files.map((file) => file.slice(dir.length + 1)),
    ['out/lang=de/deep/part-0.jsonl', 'out/lang=de/part-0.jsonl', 'out/lang=en/part-0.jsonl'],
  );
  t.equal(await readFile(files[2]!, 'utf8'), '{"docid":"a","lang":"en"}\n');
  await run();
  await writeFile(join(dir, 'out', 'lang=de', 'notes.txt'), 'mine');
  await t.rejects(run(), { message: /holds other things than an earlier output \("lang=de\/notes\.txt"\)/ });
  t.equal(await readFile(join(dir, 'out', 'lang=de', 'notes.txt'), 'utf8'), 'mine');
});

t.test('a shard stays in its folder, wherever a pattern leads', async (t) => {
  const folder = t.testdir();
  const { bundle, ...rest } = batch('/x/a.parquet', [1]);
  const shards = await writeShards(
    batches({ ...rest, bundle: { ...bundle, name: '../../a.parquet' } }),
    folder,
  );
  t.strictSame(
    shards.map(({ name }) => name),
    ['a.jsonl'],
  );
});

const stages = (dir: string, options: object = {}): StageRow[] => [
  ['in', readJsonl, { path: join(dir, 'in', '*.jsonl') }],
  ['out', writeJsonl, { path: join(dir, 'out'), shards: 'input', ...options }],
];

async function inputs(t: Test): Promise<string> {
  const dir = t.testdir({ in: { 'a.jsonl': linesOf([1, 2]), 'b.jsonl': linesOf([3]) } });
  await runStages(stages(dir), { tempDir: dir });
  return dir;
}

t.test('the folder is replaced as a whole when it is ours, with what it held', async (t) => {
  const dir = await inputs(t);
  t.same((await readdir(join(dir, 'out'))).sort(), ['.nag-contents', 'a.jsonl', 'b.jsonl']);
  await writeFile(join(dir, 'in', 'b.jsonl'), '{"n":5}');
  const { files, stats } = await runStages(stages(join(dir)), { tempDir: dir });
  t.same(files, [join(dir, 'out', 'a.jsonl'), join(dir, 'out', 'b.jsonl')]);
  t.equal(stats.get('out')?.rowsOut, 3);
  t.equal(await readFile(join(dir, 'out', 'b.jsonl'), 'utf8'), linesOf([5]));
  t.same((await readdir(dir)).sort(), ['in', 'out']);
});

t.test('a folder with something else in it is kept: of the user, or the input', async (t) => {
  const dir = await inputs(t);
  await writeFile(join(dir, 'out', 'notes.txt'), 'mine');
  await t.rejects(runStages(stages(dir), { tempDir: dir }), {
    message: /out: is a folder that holds other things than an earlier output \("notes\.txt"\)/,
  });
  await t.rejects(runStages(stages(dir, { path: join(dir, 'in') }), { tempDir: dir }), {
    message: /in is a folder from which stage "in" reads .*, and would replace it/,
  });
  t.equal(await readFile(join(dir, 'in', 'a.jsonl'), 'utf8'), linesOf([1, 2]));
});

t.test('a failure in the middle leaves the earlier shards and nothing else', async (t) => {
  const dir = await inputs(t);
  const error = new Error('broken');
  const two = [recordBatch({ n: [new Int32(), [8]] }), recordBatch({ n: [new Int32(), [9]] })];
  const failing = memorySource([two], { failAt: { batch: 1, error } });
  const running = runStages([['in', failing], stages(dir)[1]!], { tempDir: dir });
  t.equal(await running.catch((thrown) => thrown), error);
  t.same((await readdir(dir)).sort(), ['in', 'out']);
  t.equal(await readFile(join(dir, 'out', 'a.jsonl'), 'utf8'), linesOf([1, 2]));
});

t.test('no rows: a folder without shards', async (t) => {
  const dir = t.testdir();
  const none = memorySource([[recordBatch({ n: [new Int32(), []] })]]);
  await runStages([['in', none], stages(dir)[1]!], { tempDir: dir });
  t.same(await readdir(join(dir, 'out')), ['.nag-contents']);
});

t.test('options that cannot be', async (t) => {
  const valid = (options: object) => writeJsonl.options.safeParse({ path: 'out', ...options }).success;
  t.ok(valid({ shards: 'input', order: 'input' }));
  t.notOk(valid({ shards: 'input', order: 'rank' }));
  t.notOk(valid({ shards: 'input', path: 'out.jsonl' }));
  t.notOk(valid({ columns: ['a', 'a'] }));
});
