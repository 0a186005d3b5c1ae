import { join } from 'node:path';
import t from 'tap';
import { openSession } from '../../../transforms/backbone/session.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';
import { readGolden } from '../../fixtures/golden.js';
import { writtenCheckpoints } from '../../fixtures/make-checkpoints.js';
import { scaledError } from './compare.js';

/** What test/reference/checkpoints.py writes. */
interface Golden {
  readonly ids: number[];
  readonly models: Readonly<Record<string, { fwd_up: number[]; att_q: number[]; loss: number }>>;
}

/** Of the largest value. */
const tolerance = 1e-5;

const { ids, models } = readGolden<Golden>('checkpoints', 'written');

for (const { name, family, options } of writtenCheckpoints)
  t.test(`${name}: impacts and loss as transformers'`, async (t) => {
    const dir = join(t.testdir(), 'model');
    await writeCheckpoint(dir, family, options);
    const found = await measured(dir);
    const expected = models[name]!;
    const errors = {
      fwd_up: scaledError(found.fwd_up, expected.fwd_up),
      att_q: scaledError(found.att_q, expected.att_q),
      loss: Math.abs(found.loss / expected.loss - 1),
    };
    const far = Object.entries(errors).filter(([, error]) => !(error <= tolerance));
    t.strictSame(far, []);
  });

t.test('what shall make no difference makes none in transformers either, and all else does', async (t) => {
  const seen = Object.entries(models).map(([name, { loss }]) => [loss.toFixed(5), name] as const);
  const same = seen.filter(([loss], i) => seen.findIndex(([other]) => other === loss) !== i);
  t.strictSame(
    same.map(([, name]) => name),
    [
      'layer types of an older name',
      'linear rope with factor 1',
      'llama3, original positions in both',
      'partial rotation with rope of type default',
      'tied, with a different head',
      'unused tensors',
    ],
  );
});

/** Impacts of the last layer, and the loss, of one document. */
async function measured(model: string): Promise<{ fwd_up: number[]; att_q: number[]; loss: number }> {
  const session = await openSession({
    model,
    neurons: ['fwd_up', 'att_q'],
    impacts: ['fwd_up', 'att_q'],
    logProbabilities: true,
    maxLength: ids.length,
    device: 'cpu',
    threads: 1,
  });
  try {
    const batch = { ids: Int32Array.from(ids), lengths: Int32Array.of(ids.length) };
    const { impacts, logProbabilities } = await session.run(batch);
    const last = (type: 'fwd_up' | 'att_q') => Array.from(impacts[type]!.subarray(-session.width(type)));
    const sum = logProbabilities![0]!.reduce((total, value) => total + value, 0);
    return { fwd_up: last('fwd_up'), att_q: last('att_q'), loss: -sum / (ids.length - 1) };
  } finally {
    await session.close();
  }
}
