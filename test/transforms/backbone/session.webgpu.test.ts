import '../../../transforms/backbone/no-telemetry.js';
import { listSupportedBackends } from 'onnxruntime-node';
import t, { type Test } from 'tap';
import { openSession } from '../../../transforms/backbone/session.js';
import { resolveDevice } from '../../../transforms/backbone/session-device.js';
import type { FloatPrecision, Session } from '../../../transforms/backbone/types.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';
import { scaledError } from './compare.js';
import { randomDocuments } from './run-graph.js';

const missing = await resolveDevice('webgpu').then(
  () => undefined,
  (error: Error) => error.message,
);
const needsWebGpu = missing === undefined ? {} : { skip: `NOT RUN: needs WebGPU; ${missing}` };

t.test('onnxruntime says that it has WebGPU', async (t) => {
  t.ok(listSupportedBackends().some(({ name, bundled }) => name === 'webgpu' && bundled));
});

/** Longer than the groups of threads of any hardware, and padded. */
const documents = randomDocuments([90, 7, 65], 320);
const batch = {
  ids: Int32Array.from(documents.flat()),
  lengths: Int32Array.from(documents, ({ length }) => length),
};

async function compare(t: Test, precision: FloatPrecision, most: number): Promise<void> {
  const model = t.testdir();
  await writeCheckpoint(model, 'qwen3', { dtype: 'BF16', config: { num_hidden_layers: 2 } });
  const neurons = ['fwd_up', 'att_k'] as const;
  const options = { model, neurons, impacts: neurons, top: { fwd_up: 5 }, maxLength: 128 };
  const run = async (session: Session) => {
    const result = await session.run(batch);
    await session.close();
    return result;
  };
  const expected = await run(await openSession({ ...options, device: 'cpu' }));
  const session = await openSession({ ...options, device: 'webgpu', precision });
  t.match(session, { device: 'webgpu', concurrency: 2 });
  const found = await run(session);
  for (const type of neurons) {
    const error = scaledError([...found.impacts[type]!], expected.impacts[type]!);
    t.ok(error <= most, `${type}: scaled error ${error}`);
  }
  if (precision === 'float32') t.same(found.top, expected.top);
}

t.test('a model on WebGPU passes its self-test, and gives what the CPU gives', needsWebGpu, (t) =>
  compare(t, 'float32', 1e-5),
);

t.test('in float16 too, where the device has it', needsWebGpu, async (t) => {
  try {
    await compare(t, 'float16', 0.01);
  } catch (error) {
    if (!/use precision float32$/.test(String(error))) throw error;
    t.pass('near the CPU', { skip: `NOT RUN: needs WebGPU with float16; ${error}` });
  }
});
