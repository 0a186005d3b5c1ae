import t, { type Test } from 'tap';
import { type Batch, keepRows, withColumn } from '../../pipeline/batch.js';
import { type FeatureInfo, featureData, featureMetadata, impactData } from '../../transforms/columns.js';
import { neurons } from '../../transforms/neurons.js';
import { combineContext, combineSplit, startCombine } from '../fixtures/combine.js';
import { emptyBatches } from '../fixtures/engine.js';
import { decode, readGolden } from '../fixtures/golden.js';
import { values } from './context.js';
import { randomIntegers } from './nag/random.js';

/** What test/reference/neurons.py writes. */
interface Golden {
  readonly layers: number;
  readonly width: number;
  readonly k: number;
  readonly features: string;
  readonly target: string;
  readonly contrast: string;
  readonly frequency: Choice;
  readonly frequency_all: Choice;
  readonly high_mean: Choice;
  readonly high_delta: Choice;
  readonly random: Readonly<Record<string, Keys>>;
}

type Keys = Readonly<Record<string, readonly number[]>>;
interface Choice {
  readonly keys: Keys;
  readonly scores: readonly number[];
}

const golden = readGolden<Golden>('neurons', 'choices');
const { layers, width, k } = golden;
const info: FeatureInfo = { neurons: 'fwd_up', layers, k, width, model: 'a', tokenizer: 'b', maxLength: 120 };
const allInfo = { ...info, k: width };

/** Batches of `sizes[i]` documents, the last of the rest. */
function cut<T extends { length: number; subarray(from: number, to: number): T }>(
  all: T,
  stride: number,
  sizes: readonly number[],
): { part: T; rows: number }[] {
  const ends = [...sizes.map((_, i) => sizes.slice(0, i + 1).reduce((a, b) => a + b)), all.length / stride];
  return ends.map((end, i) => {
    const start = ends[i - 1] ?? 0;
    return { part: all.subarray(start * stride, end * stride), rows: end - start };
  });
}

function featureBatches(sizes: readonly number[] = [], own = info): Batch[] {
  const all = Int32Array.from(decode.uint16(golden.features));
  return cut(all, layers * k, sizes).map(({ part, rows }) =>
    withColumn(emptyBatches([rows])[0]!, 'fwd_up_feature', featureData(part, rows, info), {
      metadata: featureMetadata(own),
    }),
  );
}

function impactBatches(which: 'target' | 'contrast', sizes: readonly number[] = [], own = allInfo): Batch[] {
  return cut(decode.float32(golden[which]), layers * width, sizes).map(({ part, rows }) =>
    withColumn(emptyBatches([rows])[0]!, 'fwd_up_impact', impactData(part.slice(), rows, allInfo), {
      metadata: featureMetadata(own),
    }),
  );
}

const nothing = async function* () {};
const contrastCombine = neurons.kind === 'combine' ? neurons.gathers!['contrast']! : undefined;

interface Chosen {
  readonly keys: Keys;
  readonly scores: readonly unknown[];
  readonly notes: readonly string[];
}

async function choose(
  options: Record<string, unknown>,
  batches: readonly Batch[],
  contrast?: readonly Batch[],
  parts = 1,
  random: (n: number) => number = () => 0,
): Promise<Chosen> {
  const context = combineContext('', nothing);
  const sides =
    contrast === undefined
      ? {}
      : {
          contrast: await combineSplit(
            await startCombine<unknown>(contrastCombine!, options, context),
            contrast,
            parts,
            random,
          ),
        };
  const accumulator = await startCombine<AsyncIterable<Batch>>(neurons, options, context, sides);
  const out: Batch[] = [];
  for await (const batch of await combineSplit(accumulator, batches, parts, random)) out.push(batch);
  const [layer, neuron] = [values(out, 'layer'), values(out, 'neuron')];
  const keys: Record<string, number[]> = Object.fromEntries(
    Array.from({ length: layers }, (_, i) => [String(i), []]),
  );
  for (const [i, own] of layer.entries()) keys[String(own)]?.push(Number(neuron[i]));
  if (layer.some((own, i) => i > 0 && Number(own) < Number(layer[i - 1])))
    throw new Error(`the neurons do not come layer by layer: ${layer}`);
  const scored = out[0]?.columns.schema.fields.some(({ name }) => name === 'score');
  return { keys, scores: scored ? values(out, 'score') : [], notes: context.notes };
}

const same = (t: Test, found: Chosen, expected: Choice, name: string) => {
  const { keys, scores } = found;
  t.strictSame({ keys, scores }, { keys: expected.keys, scores: expected.scores }, name);
};

t.test("choices and scores as NumPy's, to the bit", async (t) => {
  same(t, await choose({}, featureBatches()), golden.frequency, 'frequency, with the K of the features');
  same(t, await choose({ method: 'high_mean', k }, impactBatches('target')), golden.high_mean, 'high_mean');
  const delta = await choose({ method: 'high_delta', k }, impactBatches('target'), impactBatches('contrast'));
  same(t, delta, golden.high_delta, 'high_delta');
});

t.test('the draw is that of an independent generator, from features or impacts', async (t) => {
  for (const [name, expected] of Object.entries(golden.random)) {
    const [seed, count] = name.split(',').map(Number);
    for (const batches of [featureBatches(), impactBatches('target')]) {
      const found = await choose({ method: 'random', seed, k: count }, batches);
      t.strictSame(found, { keys: expected, scores: [], notes: [] }, name);
    }
  }
});

t.test('only neurons that are in some NAG are frequent, and that is said', async (t) => {
  const found = await choose({ k: 1000 }, featureBatches());
  same(t, found, golden.frequency_all, 'all');
  const few = featureBatches([2]).slice(0, 1);
  const { keys, notes } = await choose({ k: width }, few);
  t.ok(Object.values(keys).every((own) => own.length < width));
  t.strictSame(notes, [
    `some layers have fewer than ${width} neurons that are in any NAG: only these were taken`,
  ]);
});

t.test('of impacts, 20 neurons a layer unless k says otherwise', async (t) => {
  const { keys } = await choose({ method: 'high_mean' }, impactBatches('target'));
  t.strictSame(
    Object.values(keys).map((own) => own.length),
    [20, 20, 20],
  );
});

t.test('no split of the documents changes a choice or a score', async (t) => {
  const random = randomIntegers(8);
  for (let trial = 0; trial < 12; trial++) {
    const sizes = [random(6), random(6), random(6), 0];
    const parts = 2 + random(4);
    same(t, await choose({}, featureBatches(sizes), undefined, parts, random), golden.frequency, 'frequency');
    const target = impactBatches('target', sizes);
    const mean = await choose({ method: 'high_mean', k }, target, undefined, parts, random);
    same(t, mean, golden.high_mean, 'mean');
    const others = impactBatches('contrast', sizes);
    const delta = await choose({ method: 'high_delta', k }, target, others, parts, random);
    same(t, delta, golden.high_delta, 'delta');
  }
});

t.test('no documents are an error, of the target and of the contrast', async (t) => {
  const none = featureBatches().map((batch) => keepRows(batch, new Uint32Array(0)));
  for (const batches of [[], none])
    await t.rejects(choose({}, batches), { name: 'NagError', message: /no document reached it/ });
  const options = { method: 'high_delta' };
  await t.rejects(choose(options, impactBatches('target'), []), /no document reached it/);
});

t.test('a contrast belongs to high_delta, and to no other method', async (t) => {
  await t.rejects(choose({ method: 'high_delta' }, impactBatches('target')), {
    name: 'NagError',
    message: /high_delta compares with other documents; .* from: \{main: target, contrast: others\}/,
  });
  await t.rejects(choose({ method: 'high_mean' }, impactBatches('target'), impactBatches('contrast')), {
    name: 'NagError',
    message: /a contrast is for method: high_delta/,
  });
});

t.test('methods say what they need, and what cannot be put together is not', async (t) => {
  await t.rejects(choose({}, impactBatches('target')), /there is no feature column: put extract and top_k/);
  await t.rejects(
    choose({ method: 'high_mean' }, featureBatches()),
    /there is no impact column: put extract, and no/,
  );
  await t.rejects(choose({ feature: 'att_q' }, featureBatches()), /there is no feature column of att_q/);
  const other = { ...allInfo, model: 'another' };
  const mixed = [...impactBatches('target'), ...impactBatches('contrast', [], other)];
  await t.rejects(choose({ method: 'high_mean' }, mixed), /model weights: a and another/);
  const delta = choose(
    { method: 'high_delta' },
    impactBatches('target'),
    impactBatches('contrast', [], other),
  );
  await t.rejects(delta, /cannot be compared with the contrast, .*model weights: a and another/);
});
