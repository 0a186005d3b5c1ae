import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Batch } from '../../../pipeline/batch.js';
import { DeviceLost } from '../../../pipeline/errors.js';
import { modelFault } from '../../../transforms/backbone/session-faults.js';
import type { Session } from '../../../transforms/backbone/types.js';
import { extract } from '../../../transforms/extract.js';
import { likelihood } from '../../../transforms/likelihood.js';
import { readParquet } from '../../../transforms/read-parquet.js';
import { tokenize } from '../../../transforms/tokenize.js';
import { writeModelFolder } from '../../fixtures/checkpoint.js';
import { writeTestParquet } from '../../fixtures/parquet.js';
import { openSource, readAll, type TestContext, testContext, transformed, values } from '../context.js';

const model = t.testdir({});
await writeModelFolder(model, 'qwen3', { config: { num_hidden_layers: 2 } });

/** Texts of many lengths, each another one, and of the last two alike. */
const texts = Array.from(
  { length: 30 },
  (_, i) => `text ${i % 29} ${'and more '.repeat(((i % 29) * 7) % 11)}`,
);

const options = { model, device: 'cpu', threads: 1, batch_tokens: 400, window: 20 };

/** A context in which models of the CPU fail with this error where a batch, padded, has more tokens than `most`. */
function failingContext(t: Test, most: number, error: unknown) {
  const context = testContext(t);
  const runs: number[] = [];
  const failing = (session: Session): Session => ({
    ...session,
    run: async (batch) => {
      const padded = batch.lengths.length * Math.max(...batch.lengths);
      if (padded > most) throw error;
      runs.push(padded);
      return await session.run(batch);
    },
  });
  const resource: TestContext['resource'] = async (key, open) => {
    const opened = await context.resource(key, open);
    return key.startsWith('session ') ? { ...opened, ...failing(opened as unknown as Session) } : opened;
  };
  return { context: { ...context, resource }, runs };
}

const full = modelFault(
  new Error('Failed to allocate memory for requested buffer of size 1099511627776'),
  'cpu',
);

async function read(t: Test, context: TestContext): Promise<Batch[]> {
  const file = join(t.testdir({}), 'pool.parquet');
  await writeTestParquet(file, { doc: texts, n: texts.map((_, i) => i) });
  return await readAll(await openSource(readParquet, { path: file, batch_rows: 9 }, context));
}

async function tokenized(t: Test): Promise<Batch[]> {
  const context = testContext(t);
  return await transformed(tokenize, { model, max_length: 50 }, await read(t, context), context);
}

t.test('batches that do not fit are halved: the same impacts, every document once', async (t) => {
  const input = await tokenized(t);
  const usual = testContext(t);
  const expected = await transformed(extract, options, input, usual);
  t.equal(usual.figures.get('halved batches'), undefined);
  for (const most of [300, 150, 60]) {
    const { context, runs } = failingContext(t, most, full);
    const out = await transformed(extract, options, input, context);
    t.same(values(out, 'n'), values(expected, 'n'));
    t.same(values(out, 'fwd_up_impact'), values(expected, 'fwd_up_impact'), `${most} tokens fit`);
    t.equal(context.figures.get('tokens'), usual.figures.get('tokens'), 'every document once');
    t.ok(Math.max(...runs) <= most);
    t.equal(new Set(context.notes).size, 1, 'one remark');
    t.match(context.notes[0], /did not fit into the memory of cpu: it was halved.*batch_tokens/);
    const halved = context.figures.get('halved batches') ?? 0;
    t.ok(halved >= 1 && halved <= 7, `later batches are smaller at once: ${halved} halved`);
  }
});

t.test('likelihood too', async (t) => {
  const { context } = failingContext(t, 100, full);
  const input = await read(t, context);
  const expected = await transformed(likelihood, options, input, testContext(t));
  const out = await transformed(likelihood, options, input, context);
  t.same(values(out, 'loss'), values(expected, 'loss'));
  t.ok((context.figures.get('halved batches') ?? 0) >= 1);
});

t.test('a document that does not fit alone stops the run, named by its tokens', async (t) => {
  const { context } = failingContext(t, 30, full);
  const lengths = values(await tokenized(t), 'nag_input_ids').map((ids) => (ids as number[]).length);
  await t.rejects(transformed(extract, options, await tokenized(t), context), {
    name: 'NagError',
    passing: false,
    message: new RegExp(
      `^a document of ${Math.max(...lengths)} tokens .* memory of cpu.*batch_tokens.*Failed to allocate`,
    ),
    cause: full,
  });
});

t.test('other failures halve nothing', async (t) => {
  for (const error of [
    new DeviceLost('the device is gone'),
    modelFault(new Error('invalid dimensions'), 'cpu'),
  ]) {
    const { context, runs } = failingContext(t, 0, error);
    await t.rejects(transformed(extract, options, await tokenized(t), context), error);
    t.same(runs, []);
    t.equal(context.figures.get('halved batches'), undefined);
  }
});

t.test('an interruption ends the halving', async (t) => {
  const { context } = failingContext(t, 60, full);
  const stopping = new AbortController();
  const count = (figure: string) => {
    if (figure === 'halved batches') stopping.abort(new Error('stopped'));
  };
  const own = { ...context, count, signal: stopping.signal };
  await t.rejects(transformed(extract, options, await tokenized(t), own), { message: 'stopped' });
});
