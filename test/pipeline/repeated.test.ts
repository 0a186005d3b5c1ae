import { Int32 } from 'apache-arrow';
import t from 'tap';
import { collectSink, mapStage, memorySource, numbers, runStages } from '../fixtures/engine.js';
import { profileLike, sideUser } from '../fixtures/two-passes.js';

const source = memorySource(numbers(1, 1, 3, new Int32()), { roles: {} });

async function notesOf(dir: string, costly: boolean): Promise<string[]> {
  const notes: string[] = [];
  const work = mapStage((batch) => batch, costly ? { costly: () => false } : {});
  await runStages(
    [
      ['n', source],
      ['work', work],
      ['count', profileLike],
      ['use', sideUser, {}, ['work'], { value: 'count' }],
      ['out', collectSink()],
    ],
    { tempDir: dir, note: (text) => notes.push(text) },
  );
  return notes;
}

t.test('costly work that is done twice is told', async (t) => {
  t.strictSame(await notesOf(t.testdir(), true), [
    'work: runs 2 times over the same documents, as some of its readers wait for others; with a features stage behind top_k, or a state_dir, what was computed is read back',
  ]);
  t.strictSame(await notesOf(t.testdir(), false), []);
});
