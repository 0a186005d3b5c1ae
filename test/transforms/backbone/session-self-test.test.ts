import t from 'tap';
import {
  type Measurable,
  testBatch,
  testDevice,
  tolerances,
} from '../../../transforms/backbone/session-self-test.js';
import type { SessionResult } from '../../../transforms/backbone/types.js';

const batch = { ids: Int32Array.of(1, 2, 3), lengths: Int32Array.of(1, 2) };
const [documents, width, k] = [2, 10, 5];

/** Results of layers that can be told apart, changed as a test likes. */
function device(layers: number, change: (result: SessionResult) => void = () => {}): Measurable {
  const impacts = Float32Array.from({ length: documents * layers * width }, (_, i) => {
    const [document, layer] = [Math.floor(i / (layers * width)), Math.floor(i / width) % layers];
    return 1 + document + 10 * layer + (i % width) / 10;
  });
  const top = Int32Array.from({ length: documents * layers * k }, (_, i) => 9 - (i % k));
  return {
    device: `test with ${layers} layers`,
    layers,
    measure: async () => {
      const result = { top: { fwd_up: top.slice() }, impacts: { fwd_up: impacts.slice() } };
      change(result);
      return result;
    },
  };
}

const compare = (found: Measurable, reference = device(2)) =>
  testDevice(found, reference, batch, ['fwd_up'], tolerances.float32);

t.test('equal numbers pass, also where the device has more layers', async (t) => {
  await t.resolves(compare(device(2)));
  await t.resolves(compare(device(5)));
  await t.resolves(
    compare(device(5, ({ impacts }) => impacts.fwd_up?.fill(7, 4 * width, 5 * width))),
    'layer 4 is not compared',
  );
});

t.test('rounding passes', async (t) => {
  await t.resolves(
    compare(
      device(3, ({ impacts }) =>
        impacts.fwd_up?.forEach((v, i, all) => {
          all[i] = v * (1 + (i % 2 === 0 ? 1e-3 : -1e-3));
        }),
      ),
    ),
  );
});

t.test('wrong impacts are found in any document and layer', async (t) => {
  for (const at of [0, 2 * width - 1, 5 * width, 7 * width - 1]) {
    const wrong = device(5, ({ impacts }) => impacts.fwd_up?.set([3.5], at));
    const layer = Math.floor(at / width) % 5;
    const message = new RegExp(
      `^device test with 5 layers computes wrong numbers: fwd_up, layer ${layer}: impacts differ`,
    );
    await t.rejects(compare(wrong), { name: 'NagError', message }, `value ${at}`);
  }
});

t.test('numbers that are none are found', async (t) => {
  await t.rejects(
    compare(device(2, ({ impacts }) => impacts.fwd_up?.set([Number.NaN], 3))),
    /layer 0: impacts differ by NaN/,
  );
  await t.rejects(
    compare(device(2, ({ impacts }) => impacts.fwd_up?.fill(0))),
    /layer 0: impacts differ by 100\.00 %/,
  );
});

t.test('wrong top neurons are found where the impacts are right', async (t) => {
  const wrong = device(2, ({ top }) => top.fwd_up?.set([0, 1], k));
  await t.rejects(compare(wrong), {
    name: 'NagError',
    message: /fwd_up, layer 1: only 80 % of the top neurons agree/,
  });
  await t.resolves(compare(device(2, ({ top }) => top.fwd_up?.reverse())), 'their order does not matter');
});

t.test('the documents are long, of mixed lengths, and always the same', async (t) => {
  const first = testBatch(320, 512);
  t.same(testBatch(320, 512), first);
  t.ok(Math.max(...first.lengths) > 64);
  t.ok(new Set(first.lengths).size > 1);
  t.equal(
    first.ids.length,
    first.lengths.reduce((sum, length) => sum + length, 0),
  );
  t.ok(first.ids.every((id) => id >= 0 && id < 320));
  t.ok(new Set(first.ids).size > 100, 'many different ids');
  t.same([...testBatch(320, 5).lengths], [5, 5, 5]);
});

t.test('wrong log-probabilities are found', async (t) => {
  const withHead = (values: readonly number[]): Measurable => {
    const body = device(2);
    return {
      ...body,
      measure: async (...request) => ({
        ...(await body.measure(...request)),
        logProbabilities: [new Float32Array(0), Float32Array.from(values)],
      }),
    };
  };
  const expected = withHead([-4, -1]);
  await t.resolves(compare(withHead([-4, -1]), expected));
  await t.resolves(compare(withHead([-4.01, -1]), expected), 'rounding');
  const message = /log-probabilities, document 1: differ by 25\.00 % of the largest, compared with the CPU/;
  await t.rejects(compare(withHead([-4, -2]), expected), { name: 'NagError', message });
  await t.rejects(compare(withHead([-4, Number.NaN]), expected), /document 1: differ by NaN/);
  await t.rejects(compare(device(2), expected), /document 1: differ by NaN/, 'none at all');
});
