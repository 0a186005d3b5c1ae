import {
  type Data,
  type DataType,
  Field,
  Int32,
  List,
  makeData,
  Null,
  RecordBatch,
  Schema,
  Struct,
  Utf8,
} from 'apache-arrow';
import t from 'tap';
import { gatherBatch } from '../../../pipeline/arrow/gather.js';
import { allSame, type Same } from '../../fixtures/all-same.js';
import { batchOf, dataOf, sampleBatches, throughIpc, values } from '../../fixtures/columns.js';

for (const { name, batch } of sampleBatches()) {
  allSame(t, `rows of ${name}`, (same) => checkGather(same, batch));
}

t.test('a gathered batch owns its memory', async (t) => {
  const source = batchOf(dataOf(new Utf8(), ['one', 'two', 'three']));
  const gathered = gatherBatch(source, Int32Array.of(2, 0));
  source.data.children[0]!.values.fill(0);
  t.same(values(gathered), ['"three"', '"one"']);
});

t.test('the schema survives: names, nullability, metadata', async (t) => {
  const field = new Field('x', new Int32(), false, new Map([['unit', 'tokens']]));
  const whole = new RecordBatch({ x: dataOf(new Int32(), [1, 2, 3]) });
  const schema = new Schema([field], new Map([['made', 'here']]));
  const gathered = gatherBatch(new RecordBatch(schema, whole.data), Int32Array.of(1));
  t.equal(gathered.schema.fields[0]?.nullable, false);
  t.equal(gathered.schema.fields[0]?.metadata.get('unit'), 'tokens');
  t.equal(gathered.schema.metadata.get('made'), 'here');
});

t.test('a batch without columns keeps its row count', async (t) => {
  const nothing = new RecordBatch(
    new Schema([]),
    makeData({ type: new Struct([]), length: 5, nullCount: 0, children: [] }),
  );
  t.equal(gatherBatch(nothing, Int32Array.of(4, 1)).numRows, 2);
});

t.test('an index outside the batch is an error', async (t) => {
  const batch = batchOf(dataOf(new Int32(), [1, 2, 3]));
  t.throws(() => gatherBatch(batch, Int32Array.of(0, 3)), {
    name: 'NagError',
    message: /row 3 of a batch of 3/,
  });
  t.throws(() => gatherBatch(batch, Int32Array.of(-1)), { name: 'NagError' });
});

t.test('more text than 32-bit offsets can address is an error that names the column', async (t) => {
  const batch = batchOf(dataOf(new Utf8(), ['x'.repeat(2 ** 20)]));
  t.throws(() => gatherBatch(batch, new Int32Array(2048)), {
    name: 'DataError',
    message: /column "x".*at most/,
  });
});

/** Gathers from a batch and from a slice of it that starts within a byte of its bitmaps. */
function checkGather(same: Same, whole: RecordBatch): void {
  for (const [name, batch] of [
    ['whole', whole],
    ['a slice', whole.slice(13, whole.numRows - 9)],
    ['a slice of a slice', whole.slice(3, 150).slice(6, 100)],
  ] as const) {
    const all = values(batch);
    const orders: Record<string, Int32Array | Uint32Array> = {
      'any order with repeats': shuffledRows(300, batch.numRows, 7),
      runs: Uint32Array.from([...Array(40).keys()].map((row) => row + 9)),
      'a few': Int32Array.from([5, 6, 7, 2, 2, 50, 51]),
      none: new Int32Array(0),
    };
    for (const [order, rows] of Object.entries(orders)) {
      const gathered = gatherBatch(batch, rows);
      const expected = Array.from(rows, (row) => all[row]);
      same(values(gathered), expected, `${name}: ${order}`);
      if (name === 'whole')
        same(values(throughIpc(gathered)), expected, `${order}, as another library reads it`);
    }
  }
}

/** Bits that look random, the same in every run. */
function shuffledRows(count: number, below: number, seed: number): Int32Array {
  let state = seed;
  return Int32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % below;
  });
}

t.test('nulls inside lists are counted when they are written', async (t) => {
  const list = (item: DataType) => new List(new Field('item', item, true));
  const inner = new Struct([new Field('a', new Null(), true)]);
  const batches = [
    batchOf(dataOf(list(new Null()), [[null, null], [], null])),
    batchOf(dataOf(list(list(new Null())), [[[null]], [], null])),
    batchOf(dataOf(list(inner), [[{ a: null }], [], null])),
  ];
  const copies = batches.map(throughIpc);
  t.strictSame(copies.map(values), batches.map(values));
  t.strictSame(
    copies.map((copy) => leaf(copy.data).nullCount),
    [2, 1, 1],
  );
});

function leaf(data: Data): Data {
  return data.children[0] ? leaf(data.children[0]) : data;
}
