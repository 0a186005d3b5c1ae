import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openCheckpoint } from '../../../transforms/backbone/checkpoint.js';
import { buildGraph } from '../../../transforms/backbone/graph.js';
import { logProbabilitiesName } from '../../../transforms/backbone/head.js';
import { openSession } from '../../../transforms/backbone/session.js';
import { SessionThread } from '../../../transforms/backbone/session-thread.js';
import { padBatch, unpadRows } from '../../../transforms/backbone/token-batch.js';
import { allWeights } from '../../../transforms/backbone/weights.js';
import { allSame, within } from '../../fixtures/all-same.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';
import { readGolden, sha256 } from '../../fixtures/golden.js';
import { headCheckpoints } from '../../fixtures/make-checkpoints.js';
import { needsRealData, realData } from '../../fixtures/paths.js';

/** What test/reference/log_probabilities.py writes. */
interface Golden {
  readonly sha256: Readonly<Record<string, string>>;
  readonly documents: readonly { log_probabilities: number[]; loss: number | null }[];
}

/** Of a document's largest value. */
const tolerance = 1e-5;

const { documents } = readGolden<{ documents: number[][] }>('impacts', 'documents');

for (const { name, family, options } of headCheckpoints) {
  t.test(`${name}: log-probabilities as PyTorch's, with both kinds of operators`, async (t) => {
    const dir = t.testdir();
    await writeCheckpoint(dir, family, options);
    const golden = readGolden<Golden>('log-probabilities', name);
    compare(t, await throughSession(t, dir, documents), golden, dir);
    compare(t, await throughPlainGraph(t, dir, documents), golden, dir);
  });
}

t.test("tinyllama-260k, a trained model: log-probabilities as PyTorch's", needsRealData, async (t) => {
  const name = 'tinyllama-260k';
  const dir = join(realData, 'models', name);
  const texts = readGolden<{ documents: number[][] }>('impacts', `${name}-documents`);
  compare(
    t,
    await throughSession(t, dir, texts.documents),
    readGolden<Golden>('log-probabilities', name),
    dir,
  );
});

type Found = readonly Float32Array[];

const batchOf = (docs: readonly (readonly number[])[]) => ({
  ids: Int32Array.from(docs.flat()),
  lengths: Int32Array.from(docs, (ids) => ids.length),
});
const longest = Math.max(...documents.map((ids) => ids.length));

async function throughSession(t: Test, model: string, docs: number[][]): Promise<Found> {
  const maxLength = Math.max(longest, ...docs.map((ids) => ids.length));
  const request = { model, neurons: [], logProbabilities: true, maxLength, device: 'cpu', threads: 1 };
  const session = await openSession(request);
  t.teardown(() => session.close());
  return (await session.run(batchOf(docs))).logProbabilities ?? [];
}

async function throughPlainGraph(t: Test, dir: string, docs: number[][]): Promise<Found> {
  const checkpoint = await openCheckpoint(dir, allWeights);
  const { layers, vocabulary } = checkpoint.architecture;
  const graph = buildGraph(checkpoint, {
    layers,
    top: new Map(),
    impacts: [],
    logProbabilities: true,
    maxLength: longest,
    operators: 'plain',
  });
  const device = { provider: 'cpu', index: 0 } as const;
  const thread = await SessionThread.open({
    model: graph.bytes,
    folder: graph.folder,
    device,
    threads: 1,
  });
  t.teardown(() => thread.close());
  const batch = batchOf(docs);
  const padded = padBatch(batch, { vocabulary, maxLength: longest });
  const found = await thread.run({ ...padded, outputs: [logProbabilitiesName] });
  return unpadRows(found[logProbabilitiesName], batch.lengths);
}

function compare(t: Test, found: Found, golden: Golden, model: string): void {
  for (const [file, expected] of Object.entries(golden.sha256))
    t.equal(sha256(join(model, file)), expected, `${file} is the one that the golden was made with`);
  t.equal(found.length, golden.documents.length, 'every document');
  allSame(t, 'every token but the first, and the losses', (same) => {
    for (const [i, { log_probabilities: expected, loss }] of golden.documents.entries()) {
      const values = found[i] ?? new Float32Array();
      const largest = Math.max(0, ...expected.map(Math.abs));
      const near = [...values].map((value, at) => within(tolerance * largest, value, expected[at] ?? NaN));
      same(near, expected, `document ${i}`);
      if (loss === null) continue;
      const mean = -values.reduce((sum, value) => sum + value, 0) / values.length;
      same(within(tolerance * loss, mean, loss), loss, `document ${i}: the loss`);
    }
  });
}
