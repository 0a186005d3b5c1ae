import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Float64, Int32, Int64, Utf8 } from 'apache-arrow';
import t from 'tap';
import { writeJsonl } from '../../sinks/write-jsonl.js';
import { memorySource, recordBatch, runStages } from '../fixtures/engine.js';

const batches = [0, 1, 2].map((batch) =>
  recordBatch({
    docid: [new Utf8(), [`a${batch}`, `b\u{1F600}${batch}`]],
    n: [new Int64(), [2n ** 62n + BigInt(batch), null]],
  }),
);
const lines = [0, 1, 2].flatMap((batch) => [
  `{"docid":"a${batch}","n":${2n ** 62n + BigInt(batch)}}`,
  `{"docid":"b\u{1F600}${batch}","n":null}`,
]);

t.test('a line a row, plain or gzipped', async (t) => {
  const dir = t.testdir();
  for (const name of ['out.jsonl', 'deep/folder/out.jsonl.gz']) {
    const path = join(dir, name);
    const { files, stats } = await runStages(
      [
        ['pool', memorySource([batches])],
        ['out', writeJsonl, { path }],
      ],
      { tempDir: dir },
    );
    const bytes = await readFile(path);
    t.equal(String(name.endsWith('.gz') ? gunzipSync(bytes) : bytes), `${lines.join('\n')}\n`);
    t.strictSame(files, [path]);
    t.equal(stats.get('out')?.rowsOut, 6);
  }
});

t.test('no rows: an empty file', async (t) => {
  const path = join(t.testdir(), 'out.jsonl');
  const none = memorySource([[recordBatch({ n: [new Int32(), []] })]]);
  await runStages(
    [
      ['pool', none],
      ['out', writeJsonl, { path }],
    ],
    { tempDir: t.testdir() },
  );
  t.equal((await readFile(path)).length, 0);
});

t.test('a failure in the middle leaves the earlier output and nothing else', async (t) => {
  const dir = t.testdir({ 'out.jsonl.gz': 'earlier' });
  const error = new Error('broken');
  for (const name of ['out.jsonl', 'out.jsonl.gz']) {
    const source = memorySource([batches], { failAt: { batch: 2, error } });
    const running = runStages(
      [
        ['pool', source],
        ['out', writeJsonl, { path: join(dir, name) }],
      ],
      { tempDir: dir },
    );
    t.equal(await running.catch((thrown) => thrown), error);
  }
  t.strictSame(await readdir(dir), ['out.jsonl.gz']);
  t.equal(String(await readFile(join(dir, 'out.jsonl.gz'))), 'earlier');
});

t.test('a path that cannot be written is told', async (t) => {
  const dir = t.testdir({ file: '' });
  const running = runStages(
    [
      ['pool', memorySource([batches])],
      ['out', writeJsonl, { path: join(dir, 'file', 'x.jsonl') }],
    ],
    { tempDir: dir },
  );
  await t.rejects(running, { message: /x\.jsonl: cannot be written/ });
});

t.test('NaN and infinity are written as null, reported once a column', async (t) => {
  const path = join(t.testdir(), 'out.jsonl');
  const batch = recordBatch({
    a: [new Float64(), [0.5, Number.NaN, -Infinity]],
    b: [new Float64(), [1, 2, 3]],
  });
  const notes: string[] = [];
  await runStages(
    [
      ['pool', memorySource([[batch, batch]])],
      ['out', writeJsonl, { path }],
    ],
    { tempDir: t.testdir(), note: (text) => notes.push(text) },
  );
  t.equal(
    String(await readFile(path)),
    '{"a":0.5,"b":1.0}\n{"a":null,"b":2.0}\n{"a":null,"b":3.0}\n'.repeat(2),
  );
  t.strictSame(notes, ['out: column "a": NaN or infinity is written as null: JSON has neither']);
});

t.test('an ending that says how a file is compressed is kept to, or refused', async (t) => {
  const accepted = ['a.jsonl', 'a.jsonl.gz', 'a.jsonl.zst', 'a.jsonl.bz2', 'a.jsonl.xz', 'a.zip'].map(
    (path) => writeJsonl.options.safeParse({ path }).success,
  );
  t.strictSame(accepted, [true, true, false, false, false, false]);
});
