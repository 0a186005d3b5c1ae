import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openSession } from '../../../transforms/backbone/session.js';
import { type NeuronType, neuronTypes, type SessionResult } from '../../../transforms/backbone/types.js';
import { allSame, type Same } from '../../fixtures/all-same.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';
import { decode, readGolden, sha256 } from '../../fixtures/golden.js';
import { goldenCheckpoints } from '../../fixtures/make-checkpoints.js';
import { needsRealData, realData } from '../../fixtures/paths.js';

/** What test/reference/impacts.py writes. */
interface Golden {
  readonly sha256: Readonly<Record<string, string>>;
  readonly layers: number;
  readonly top: Readonly<Record<NeuronType, number>>;
  readonly types: Readonly<Record<NeuronType, { width: number; impacts: string; top: string }>>;
}

/** [documents, layers, width] and [documents, layers, k] */
interface Expected {
  readonly type: NeuronType;
  readonly width: number;
  readonly k: number;
  readonly impacts: Float32Array;
  readonly top: Int32Array;
}

/** Of a layer's largest impact. float32 itself costs PyTorch 1e-6, counted against float64. */
const tolerance = 1e-5;

const { documents } = readGolden<{ documents: number[][] }>('impacts', 'documents');

for (const { name, family, options } of goldenCheckpoints) {
  t.test(`${name}: impacts and top neurons as PyTorch's`, async (t) => {
    const dir = t.testdir();
    await writeCheckpoint(dir, family, options);
    await compareWithGolden(t, dir, readGolden<Golden>('impacts', name), documents);
  });
}

t.test("tinyllama-260k, a trained model: impacts and top neurons as PyTorch's", needsRealData, async (t) => {
  const name = 'tinyllama-260k';
  const golden = readGolden<Golden>('impacts', name);
  const { documents } = readGolden<{ documents: number[][] }>('impacts', `${name}-documents`);
  await compareWithGolden(t, join(realData, 'models', name), golden, documents);
});

/** All documents in one batch, so that most of them are padded. */
async function compareWithGolden(
  t: Test,
  model: string,
  golden: Golden,
  documents: number[][],
): Promise<void> {
  for (const [file, expected] of Object.entries(golden.sha256)) {
    t.equal(sha256(join(model, file)), expected, `${file} is the one that the golden was made with`);
  }
  const lengths = Int32Array.from(documents, (ids) => ids.length);
  const session = await openSession({
    model,
    neurons: neuronTypes,
    impacts: neuronTypes,
    top: golden.top,
    maxLength: Math.max(...lengths),
    device: 'cpu',
    threads: 1,
  });
  t.teardown(() => session.close());
  t.equal(session.layers, golden.layers, 'layers');
  const result = await session.run({ ids: Int32Array.from(documents.flat()), lengths });
  allSame(t, 'impacts and top neurons', (same) => {
    for (const type of neuronTypes) {
      same(session.width(type), golden.types[type].width, `${type}: width`);
      compareType(same, result, expectedOf(golden, type), documents.length * golden.layers);
    }
  });
}

function expectedOf(golden: Golden, type: NeuronType): Expected {
  const { width, impacts, top } = golden.types[type];
  const k = Math.min(golden.top[type], width);
  return { type, width, k, impacts: decode.float32(impacts), top: decode.int32(top) };
}

/** `rows`: a layer of a document each. */
function compareType(same: Same, result: SessionResult, expected: Expected, rows: number): void {
  const { type, width, k } = expected;
  const impacts = result.impacts[type] ?? new Float32Array();
  const top = result.top[type] ?? new Int32Array();
  same(impacts.length, rows * width, `${type}: every impact`);
  same(top.length, rows * k, `${type}: every top index`);
  same(expected.impacts.length, rows * width, `${type}: the golden has as many`);

  let worst = 0;
  let decided = 0;
  const wrong: string[] = [];
  for (let row = 0; row < rows; row++) {
    const reference = expected.impacts.subarray(row * width, (row + 1) * width);
    worst = Math.max(worst, scaledError(impacts.subarray(row * width, (row + 1) * width), reference));
    const positions = decidedPositions(type, reference, k);
    decided += positions.length;
    for (const p of positions) {
      const [found, wanted] = [top[row * k + p], expected.top[row * k + p]];
      if (found !== wanted) wrong.push(`row ${row}, position ${p}: ${found} instead of ${wanted}`);
    }
  }
  same(worst <= tolerance || worst, true, `${type}: the largest scaled error is small`);
  same(wrong, [], `${type}: ${decided} of ${rows * k} top positions are decided, and equal`);
  same(decided >= 0.95 * rows * k || decided, true, `${type}: nearly all positions are decided`);
}

/** max |a − b| / max |b|; NaN counts as infinite. */
function scaledError(found: Float32Array, reference: Float32Array): number {
  const differences = reference.map((value, i) => Math.abs(value - (found[i] ?? Number.NaN)));
  const error = Math.max(...differences) / Math.max(...reference);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}

/**
 * The ranks below k whose neuron float32 rounding cannot change. Equal impacts of keys and values are decided too:
 * their heads are repeated for several query heads, and the lower index is first.
 */
function decidedPositions(type: NeuronType, reference: Float32Array, k: number): number[] {
  const repeated = type === 'att_k' || type === 'att_v';
  const sorted = reference.slice().sort().reverse();
  const clear = tolerance * (sorted[0] ?? 0);
  const positions: number[] = [];
  for (let p = 0; p < k; p++) {
    const value = sorted[p] ?? 0;
    const above = repeated ? sorted.findLast((other) => other > value) : sorted[p - 1];
    const below = repeated ? sorted.find((other) => other < value) : sorted[p + 1];
    const isClear = (other: number | undefined) => other === undefined || Math.abs(other - value) > clear;
    if (isClear(above) && isClear(below)) positions.push(p);
  }
  return positions;
}
