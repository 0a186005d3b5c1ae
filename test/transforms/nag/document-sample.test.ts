import t from 'tap';
import {
  createSample,
  mergeSamples,
  offer,
  sampledFeatures,
} from '../../../transforms/nag/document-sample.js';
import { randomIntegers } from './random.js';

const documents = Array.from({ length: 500 }, (_, order) => ({ order, key: randomIntegers(order + 9)(90) }));
const expected = [...documents].sort((a, b) => a.key - b.key || a.order - b.order).map(({ order }) => order);

function sampleOf(size: number, own: readonly { order: number; key: number }[]) {
  const sample = createSample(size);
  for (const { key, order } of own) offer(sample, key, order, Uint16Array.from([order]));
  return sample;
}

t.test('the smallest keys, then the smallest orders, however the documents are split', async (t) => {
  for (const size of [1, 7, 100, 500, 600]) {
    const whole = sampledFeatures(sampleOf(size, documents)).map(([order]) => order);
    t.strictSame(whole, expected.slice(0, size), `${size} at once`);
    const random = randomIntegers(size);
    const parts: (typeof documents)[] = [[], [], []];
    for (const document of documents) parts[random(3)]!.push(document);
    const [first, ...others] = parts.map((part) => sampleOf(size, part));
    for (const other of others) mergeSamples(first!, other);
    t.strictSame(
      sampledFeatures(first!).map(([order]) => order),
      whole,
      `${size} in three parts`,
    );
  }
});

t.test('no more than twice the size is held', async (t) => {
  const falling = Array.from({ length: 1000 }, (_, i) => ({ order: i, key: 1000 - i }));
  const sample = createSample(10);
  let most = 0;
  for (const { key, order } of falling) {
    offer(sample, key, order, Uint16Array.from([order]));
    most = Math.max(most, sample.members.length);
  }
  t.ok(most <= 20, `${most}`);
});
