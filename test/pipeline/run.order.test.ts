import { Int32 } from 'apache-arrow';
import t from 'tap';
import { type Component, defineTransform } from '../../pipeline/component.js';
import { z } from '../../pipeline/index.js';
import { windowMs } from '../../transforms/extract/pace.js';
import { collectSink, gate, memorySource, numbers, runStages, type StageRow } from '../fixtures/engine.js';

const source = memorySource(numbers(1, 1, 3, new Int32()), { roles: {} });

t.test('reports come in the order of the file, whichever sink is done first', async (t) => {
  const done = gate();
  const reporting = (name: string, wait: boolean): Component => {
    const sink = collectSink();
    return {
      ...sink,
      run: async (input, options, context, sides) => {
        const prepared = await sink.run(input, options, context, sides);
        if (wait) await done.opened;
        else done.open();
        context.report(`told by ${name}`);
        return { ...prepared, files: [name], report: `made by ${name}` };
      },
    };
  };
  const stages: StageRow[] = [
    ['n', source],
    ['slow', reporting('slow', true)],
    ['quick', reporting('quick', false), {}, ['n']],
  ];
  const { reports, files } = await runStages(stages, { tempDir: t.testdir() });
  t.strictSame(reports, ['told by slow', 'told by quick', 'made by slow', 'made by quick']);
  t.strictSame(files, ['slow', 'quick']);
});

t.test('a run that is killed has lost a minute of work at most', async (t) => {
  let seconds = Infinity;
  const store = defineTransform({
    name: 'test.store',
    summary: 'Keeps nothing',
    options: z.strictObject({}),
    example: '',
    needs: () => ({}),
    store: async (_options, _making, context) => {
      seconds = context.pieceSeconds;
      return {
        covered: async () => 0,
        read: (_bundle, rows) => rows,
        keep: (_parts, batches) => batches,
        close: async () => undefined,
      };
    },
    run: (input) => input,
  });
  await runStages(
    [
      ['n', source],
      ['store', store],
      ['out', collectSink()],
    ],
    { tempDir: t.testdir() },
  );
  // A piece that is not closed, what the model has given and what it works on.
  t.ok(seconds * 1000 + 2 * windowMs <= 60_000, `${seconds} s a piece`);
});
