import { Bool, Int32, type RecordBatch, Utf8 } from 'apache-arrow';
import t from 'tap';
import { evenBatches } from '../../../pipeline/arrow/even-batches.js';
import { cells, recordBatch } from '../../fixtures/engine.js';

const rows = Array.from({ length: 40 }, (_, row) => row);
const whole = recordBatch({
  n: [new Int32(), rows],
  text: [new Utf8(), rows.map((row) => (row % 9 === 0 ? null : 'x'.repeat(row)))],
  flag: [new Bool(), rows.map((row) => row % 3 === 0)],
});

async function even(pieces: readonly RecordBatch[], bytes: number): Promise<RecordBatch[]> {
  async function* input() {
    yield* pieces;
  }
  const out: RecordBatch[] = [];
  for await (const batch of evenBatches(input(), { rows: 7, bytes })) out.push(batch);
  return out;
}

t.test('batches are the same, however their rows came', async (t) => {
  for (const bytes of [1, 100, 1e9]) {
    const expected = await even([whole], bytes);
    for (const cut of [1, 3, 7, 8, 20]) {
      const pieces = rows
        .filter((row) => row % cut === 0)
        .map((row) => whole.slice(row, Math.min(40, row + cut)));
      const out = await even([whole.slice(0, 0), ...pieces], bytes);
      const shape = (batches: readonly RecordBatch[]) =>
        batches.map((batch) => ['n', 'text', 'flag'].map((name) => cells([batch], name)));
      t.strictSame(shape(out), shape(expected), `in pieces of ${cut}`);
    }
    t.ok(expected.every((batch) => batch.numRows <= 7));
    t.equal(expected.length, { 1: 40, 1e9: 6 }[bytes] ?? expected.length);
  }
});

t.test('no rows: one batch for its columns; no batches: none', async (t) => {
  const empty = whole.slice(0, 0);
  t.strictSame(await even([empty, empty], 10), [empty]);
  t.strictSame(await even([], 10), []);
});
