import { Int32, type RecordBatch, Utf8 } from 'apache-arrow';
import t from 'tap';
import type { Batch } from '../../pipeline/batch.js';
import { outputBatches } from '../../sinks/output.js';
import { featureData, featureField } from '../../transforms/columns.js';
import { batchOf, cells, recordBatch } from '../fixtures/engine.js';
import { withField } from '../transforms/features/with-field.js';

const int = new Int32();

function ranked(ranks: readonly number[], ordinal = 0, computed = ['nag_rank', '#hidden']): Batch {
  const columns = recordBatch({
    nag_rank: [int, ranks],
    '#hidden': [int, ranks],
    n: [int, ranks.map((rank) => rank * 10)],
  });
  return { ...batchOf(columns, ordinal), computed: new Set(computed) };
}

async function output(
  batches: readonly Batch[],
  order: 'rank' | 'input' | undefined,
  onEnd = () => {},
  names?: readonly string[],
) {
  const input = (async function* () {
    try {
      yield* batches;
    } finally {
      onEnd();
    }
  })();
  const out: RecordBatch[] = [];
  for await (const batch of outputBatches(input, order, '/tmp', names)) out.push(batch);
  return out;
}

t.test('ranked rows by rank unless input order is asked for; hidden columns never', async (t) => {
  const batches = [ranked([3, 1], 0), ranked([0, 2], 1)];
  for (const [order, expected] of [
    [undefined, [0, 10, 20, 30]],
    ['rank', [0, 10, 20, 30]],
    ['input', [30, 10, 0, 20]],
  ] as const) {
    const out = await output(batches, order);
    t.strictSame(cells(out, 'n'), expected);
    t.strictSame(
      out[0]?.schema.fields.map((field) => field.name),
      ['nag_rank', 'n'],
    );
  }
});

t.test('only columns that are named, by rank also where the rank is not', async (t) => {
  const batches = [ranked([3, 1], 0), ranked([0, 2], 1)];
  for (const names of [['n'], ['nag_rank', 'n'], ['n', 'nag_rank']]) {
    const out = await output(batches, undefined, undefined, names);
    t.strictSame(cells(out, 'n'), [0, 10, 20, 30]);
    t.strictSame(
      out[0]?.schema.fields.map((field) => field.name),
      names,
    );
  }
});

t.test('features that were made differently are not written together', async (t) => {
  const made = (model: string) => {
    const info = {
      neurons: 'fwd_up' as const,
      layers: 1,
      k: 1,
      width: 9,
      model,
      tokenizer: 't',
      maxLength: 9,
    };
    const data = featureData(Int32Array.from([5]), 1, info);
    return batchOf(withField(recordBatch({ n: [int, [1]] }), featureField(info), data), 0);
  };
  t.equal((await output([made('m'), made('m')], undefined)).length, 2);
  await t.rejects(output([made('m'), made('other')], undefined), {
    message:
      /column "fwd_up_feature" was made differently \(model weights: m and other\); leave .* or write them with a sink/,
  });
});

t.test('the ranks of an earlier run are a column like others', async (t) => {
  const batches = [ranked([3, 3], 0, []), ranked([0, 3], 1, [])];
  t.strictSame(cells(await output(batches, undefined), 'n'), [30, 30, 0, 30]);
  await t.rejects(output(batches, 'rank'), {
    message: /order: rank needs the column nag_rank; put rank before/,
  });
});

t.test('batches without rows give columns', async (t) => {
  const out = await output([ranked([])], undefined);
  t.equal(out.length, 1);
  t.strictSame(
    out[0]?.schema.fields.map((field) => field.name),
    ['nag_rank', 'n'],
  );
});

t.test('ends its input where it cannot go on', async (t) => {
  let ended = 0;
  const end = () => {
    ended++;
  };
  const other = batchOf(recordBatch({ n: [new Utf8(), ['a']] }), 1);
  const first = batchOf(recordBatch({ n: [int, [1]] }), 0);
  await t.rejects(output([first, other, first], undefined, end), {
    message:
      /memory-1: its rows cannot be written with those before: column "n" is Utf8, and Int32 in the first/,
  });
  await t.rejects(output([first, first], 'rank', end), { message: /order: rank/ });
  await t.rejects(output([], undefined, end), { message: /nothing came in, not even columns/ });
  t.equal(ended, 3);
});
