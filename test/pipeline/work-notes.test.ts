import { Int32 } from 'apache-arrow';
import t from 'tap';
import { makePlan } from '../../pipeline/plan.js';
import { runPlan } from '../../pipeline/run.js';
import { collectSink, mapStage, memorySource, numbers, runStages, stagesOf } from '../fixtures/engine.js';
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

t.test('costly work that no store can keep is told, where it is to be kept', async (t) => {
  const dir = t.testdir();
  const notes: string[] = [];
  const stages = stagesOf([
    ['n', source],
    ['work', mapStage((batch) => batch, { costly: () => true })],
    ['out', collectSink()],
    ['other', collectSink(), {}, ['n']],
  ]);
  await runPlan(makePlan(stages, { checkpoints: dir }), {
    signal: new AbortController().signal,
    tempDir: dir,
    note: (text) => notes.push(text),
  });
  t.strictSame(notes, [
    'work: what it computes is not kept, and lost when the run is interrupted: "n" is read by "other" too: give that one a source of its own',
  ]);
});
