import t from 'tap';
import { BudgetHeap, type Selection } from '../../../transforms/nag/budget-heap.js';
import { docidBytes } from '../../../transforms/nag/docid.js';
import { allSame } from '../../fixtures/all-same.js';
import { randomIntegers } from './random.js';

interface Document {
  readonly distance: number;
  readonly docid: string | null;
  readonly tokens: number;
  readonly order: number;
}

/** The rule in the plainest words: sort everything, add up, stop. Docids are compared by code point. */
function plainSelection(documents: readonly Document[], budget: number): string {
  const ranked = [...documents].sort(
    (a, b) => a.distance - b.distance || compareCodePoints(a.docid ?? '', b.docid ?? '') || a.order - b.order,
  );
  const selected: number[] = [];
  let tokens = 0;
  for (const document of ranked) {
    tokens += document.tokens;
    if (tokens > budget) break;
    selected.push(document.order);
  }
  return (selected.length > 0 ? selected : ranked.slice(0, 1).map((document) => document.order)).join();
}

function compareCodePoints(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function offer(heap: BudgetHeap, documents: readonly Document[]): BudgetHeap {
  for (const { distance, docid, tokens, order } of documents)
    heap.add(distance, docid === null ? null : docidBytes(docid), tokens, order);
  return heap;
}

function orders(selection: Selection): string {
  return selection.order.join();
}

type Shape = (random: (n: number) => number, order: number) => Document;

const shapes: Readonly<Record<string, Shape>> = {
  'all distances different': (random, order) => ({
    distance: order * 7919,
    docid: `d${random(1000)}`,
    tokens: random(50),
    order,
  }),
  'ties in masses': (random, order) => ({
    distance: random(3) / 3,
    docid: `doc-${random(40)}`,
    tokens: random(9),
    order,
  }),
  'mostly zero tokens': (random, order) => ({
    distance: random(20) / 7,
    docid: `${random(9)}`,
    tokens: random(5) === 0 ? random(30) : 0,
    order,
  }),
  'no docids': (random, order) => ({ distance: random(4), docid: null, tokens: random(6), order }),
  'docids beyond ASCII': (random, order) => ({
    distance: random(2),
    docid: ['é', 'e', 'ｅ', '😀', '\uffee', '', 'éa', '漢', '\0', '\0a'][random(10)]!,
    tokens: 1 + random(4),
    order,
  }),
  'negative and infinite distances': (random, order) => ({
    distance: [-Infinity, -1, -0, 0, 1, Infinity][random(6)]!,
    docid: `${random(3)}`,
    tokens: random(4),
    order,
  }),
  'long docids': (random, order) => ({
    distance: random(5),
    docid: 'x'.repeat(random(300)) + random(2),
    tokens: random(7),
    order,
  }),
};

for (const [name, shape] of Object.entries(shapes)) {
  allSame(t, `equals the plain sort: ${name}`, (same) => {
    const random = randomIntegers(name.length);
    for (let trial = 0; trial < 25; trial++) {
      const documents = shuffled(
        Array.from({ length: random(250) }, (_, order) => shape(random, order)),
        random,
      );
      const total = documents.reduce((sum, document) => sum + document.tokens, 0);
      for (const budget of [
        0,
        1,
        random(total + 1),
        random(total + 1),
        Math.max(0, total - 1),
        total,
        total + 5,
      ]) {
        const expected = plainSelection(documents, budget);
        const heap = offer(new BudgetHeap(budget), documents);
        same(orders(heap.result()), expected, `trial ${trial}, budget ${budget} of ${total}`);
        const smaller = random(budget + 1);
        same(
          orders(heap.result(smaller)),
          plainSelection(documents, smaller),
          `trial ${trial}, budget ${budget}, cut to the smaller budget ${smaller}`,
        );
        const parts = Array.from({ length: 1 + random(4) }, () => new BudgetHeap(budget));
        for (const document of documents) offer(parts[random(parts.length)]!, [document]);
        const merged = new BudgetHeap(budget);
        for (const part of parts) merged.merge(part);
        same(
          orders(merged.result()),
          expected,
          `trial ${trial}, budget ${budget}, merged from ${parts.length} parts`,
        );
      }
    }
  });
}

function shuffled<T>(items: T[], random: (n: number) => number): T[] {
  return items
    .map((item) => ({ item, at: random(1 << 20) }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

const plain = (distance: number, tokens: number, order: number): Document => ({
  distance,
  docid: null,
  tokens,
  order,
});

t.test('the first document that does not fit ends the selection', async (t) => {
  const documents = [plain(0.1, 5, 0), plain(0.2, 10, 1), plain(0.3, 1, 2), plain(0.4, 0, 3)];
  t.equal(orders(offer(new BudgetHeap(7), documents).result()), '0', 'nothing is squeezed in');
  const free = [plain(0.1, 5, 0), plain(0.2, 0, 1), plain(0.3, 2, 2), plain(0.4, 0, 3), plain(0.5, 1, 4)];
  t.equal(orders(offer(new BudgetHeap(5), free).result()), '0,1', 'free documents count until the end');
  t.equal(orders(offer(new BudgetHeap(7), free).result()), '0,1,2,3');
});

t.test('the single best, where nothing fits', async (t) => {
  const selection = offer(new BudgetHeap(3), [plain(0.2, 9, 0), plain(0.1, 4, 1), plain(0.3, 1, 2)]).result();
  const { docid, ...rest } = selection;
  t.strictSame(docid(0), new Uint8Array(0));
  t.strictSame(
    {
      ...rest,
      order: orders(selection),
      distance: [...selection.distance],
      tokens: [...selection.tokens],
    },
    { order: '1', distance: [0.1], tokens: [4], totalTokens: 4, single: true, next: 0.2 },
  );
  t.equal(offer(new BudgetHeap(4), [plain(0.1, 4, 1)]).result().single, false);
  t.equal(orders(new BudgetHeap(4).result()), '', 'of no documents, none');
});

t.test('tells what it accepts, and what it holds', async (t) => {
  const heap = new BudgetHeap(10);
  t.equal(heap.threshold, Infinity);
  t.equal(heap.add(0.5, null, 10, 0), true);
  t.equal(heap.threshold, Infinity, 'one document more belongs to an exact end');
  t.equal(heap.add(0.7, null, 3, 1), true);
  t.equal(heap.threshold, 0.7);
  t.equal(heap.add(0.71, null, 0, 2), false);
  t.equal(heap.add(0.7, null, 0, 3), false, 'a tie that comes later');
  t.equal(heap.add(0.6, docidBytes('a'), 1, 4), true);
  t.strictSame([heap.size, heap.tokens, heap.threshold], [2, 11, 0.6]);
  t.equal(orders(heap.result()), '0');
  t.equal(orders(heap.result()), '0', 'asking changes nothing');
  t.equal(heap.add(0.1, null, 1, 5), true, 'and more may come');
  t.equal(orders(heap.result()), '5');
});

t.test('memory follows the selection, not the input', async (t) => {
  const random = randomIntegers(11);
  const heap = new BudgetHeap(1000);
  const docids = Array.from({ length: 64 }, (_, i) => docidBytes(`document-${i}`.padEnd(40)));
  for (let order = 0; order < 200_000; order++) heap.add(1 / (order + 1), docids[random(64)]!, 1, order);
  t.equal(heap.size, 1001);
  t.ok(heap.bytes >= 1001 * 72 && heap.bytes <= 2 * 1001 * 72, `${heap.bytes} bytes for 1001 × (32 + 40)`);
});

t.test('refuses what cannot be ranked exactly', async (t) => {
  const heap = new BudgetHeap(5);
  t.throws(() => heap.add(NaN, null, 1, 7), /distance: expected a number, found NaN \(order 7\)/);
  t.throws(() => heap.add(0, null, -1, 0), /tokens/);
  t.throws(() => heap.add(0, null, 1.5, 0), /tokens/);
  t.throws(() => heap.add(0, null, 2 ** 32, 0), /tokens/);
  t.throws(() => heap.add(0, null, 1, 2 ** 53), /order/);
  t.throws(() => new BudgetHeap(-1), /budget/);
  t.throws(() => new BudgetHeap(NaN), /budget/);
  t.throws(() => heap.result(6), /larger than the heap's/);
  t.throws(() => heap.merge(new BudgetHeap(6)), /cannot merge/);
  t.equal(heap.size, 0, 'and keeps nothing of it');
});
