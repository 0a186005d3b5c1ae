import { Float64, Int32, Utf8 } from 'apache-arrow';
import t from 'tap';
import { rank } from '../../../transforms/rank.js';
import { collectSink, mapStage, memorySource, recordBatch, runStages } from '../../fixtures/engine.js';
import { scoredBatch } from './pool.js';
import { ranked, rows } from './several-pool.js';

/** Documents of one token each, at these distances. */
function documents(distances: readonly number[], quality: readonly (number | null)[] = distances) {
  return memorySource([
    [
      recordBatch({
        docid: [new Utf8(), distances.map((_, row) => `d${100 + row}`)],
        token_num: [new Int32(), distances.map(() => 1)],
        d: [new Float64(), distances],
        quality: [new Float64(), quality],
      }),
    ],
  ]);
}

const score = mapStage(scoredBatch, { needs: () => ({ columns: ['d'] }), mayDrop: () => false });

async function notesOf(
  dir: string,
  source: ReturnType<typeof documents>,
  options: Record<string, unknown>,
): Promise<string[]> {
  const notes: string[] = [];
  await runStages(
    [
      ['pool', source],
      ['score', score],
      ['rank', rank, options],
      ['out', collectSink()],
    ],
    { tempDir: dir, note: (text) => notes.push(text) },
  );
  return notes;
}

const tied = (count: number, of: number, share: number) =>
  `rank: ${count} of the ${of} selected documents (${share} %) are as near as others that are left out: the docid decides between them (equal texts, or a small K on top_k)`;

t.test('ties at the cut are told where they are more than a few percent', async (t) => {
  const dir = t.testdir();
  const same = documents([0, ...Array<number>(9).fill(0.5)]);
  t.strictSame(await notesOf(dir, same, { tokens: 5 }), [tied(4, 5, 80)], 'in memory');
  t.strictSame(await notesOf(dir, same, { tokens: 5, memory_mb: 1e-6 }), [
    'rank: the ranking was sorted on disk',
    tied(4, 5, 80),
  ]);
  t.strictSame(await notesOf(dir, same, { fraction: 0.5 }), [tied(4, 5, 80)], 'a share');
  t.strictSame(await notesOf(dir, same, { tokens: 10 }), [], 'all are in');
  t.strictSame(await notesOf(dir, same, { fraction: 1 }), [], 'all of the pool');
  t.strictSame(await notesOf(dir, same, { tokens: 1000 }), [], 'more than the pool has');
  t.strictSame(await notesOf(dir, documents([0, 0.1, 0.1, 0.2]), { tokens: 3 }), [], 'the cut is between');
  t.strictSame(
    await notesOf(dir, documents([0, 0.1, 0.1]), { tokens: 2 }),
    [],
    'one is no tie of the selection',
  );
  t.strictSame(await notesOf(dir, documents([0.3]), { tokens: 1 }), [], 'one document');
  const hundred = Array.from({ length: 100 }, (_, row) => row / 100);
  t.strictSame(await notesOf(dir, documents([...hundred, 0.99]), { tokens: 100 }), [], 'one of a hundred');
});

t.test('a pool in which no document has a quality stops the run', async (t) => {
  const dir = t.testdir();
  const quality = { column: 'quality' };
  await t.rejects(notesOf(dir, documents([0, 1], [null, null]), { tokens: 1, quality }), {
    name: 'NagError',
    message: /^rank: none of the 2 documents has a quality: the column "quality" is null in every row;/,
  });
  t.strictSame(await notesOf(dir, documents([0, 1], [null, 1]), { tokens: 1, quality }), []);
});

t.test('what deduplicate leaves of the budget is told', async (t) => {
  const total = rows.length;
  t.ok(total > 0);
  const { context } = await ranked({ fraction: 0.5, deduplicate: true }, t.testdir());
  const [unused, budget] = [/leaves (\d+) of the (\d+) tokens/.exec(context.notes.join())].flatMap((found) =>
    (found ?? []).slice(1).map(Number),
  );
  t.ok(unused! > 0 && context.figures.get('budget') === budget);
  t.ok(context.figures.get('tokens')! + unused! <= budget!);
  const { context: other } = await ranked({ fraction: 0.5 }, t.testdir());
  t.notMatch(other.notes.join(), 'deduplicate');
});
