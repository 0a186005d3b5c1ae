import { Int32 } from 'apache-arrow';
import t from 'tap';
import { collectSink, mapStage, memorySource, numbers, runStages } from '../fixtures/engine.js';

const int = new Int32();

t.test('resources are opened once for each key, and closed, last first, also after a failure', async (t) => {
  const tempDir = t.testdir();
  for (const failing of [false, true]) {
    const events: string[] = [];
    const using = (key: string) =>
      mapStage(async (batch, context) => {
        await context.resource(key, async () => {
          events.push(`open ${key}`);
          return { close: () => void events.push(`close ${key}`) };
        });
        return batch;
      });
    const end = mapStage((batch) => {
      if (failing) throw new Error('broken');
      return batch;
    });
    const running = runStages(
      [
        ['source', memorySource(numbers(1, 3, 2, int))],
        ['first', using('a')],
        ['second', using('b')],
        ['third', using('a')],
        ['end', end],
        ['out', collectSink()],
      ],
      { tempDir },
    );
    await (failing ? t.rejects(running, { message: 'broken' }) : running);
    t.strictSame(events, ['open a', 'open b', 'close b', 'close a']);
  }
});

t.test('what no later segment can want is closed before it runs', async (t) => {
  const events: string[] = [];
  const model = mapStage(
    async (batch, context) => {
      await context.resource('model', async () => {
        events.push('open');
        return { close: () => void events.push('close') };
      });
      events.push(context.stage);
      return batch;
    },
    { name: 'test.model' },
  );
  const plain = mapStage((batch, context) => {
    events.push(context.stage);
    return batch;
  });
  await runStages(
    ['one', 'two', 'three'].flatMap((id) => [
      [id, memorySource(numbers(1, 1, 2, int))] as const,
      [`work on ${id}`, id === 'three' ? plain : model] as const,
      [`write ${id}`, collectSink()] as const,
    ]),
    { tempDir: t.testdir() },
  );
  t.strictSame(events, ['open', 'work on one', 'work on two', 'close', 'work on three']);
});
