import type { Test } from 'tap';
import type { Checkpoint } from '../../../transforms/backbone/types.js';
import { neuronTypes } from '../../../transforms/backbone/types.js';
import { allSame } from '../../fixtures/all-same.js';
import { referenceImpacts } from './reference.js';
import { randomDocuments, runGraph, sortedTop } from './run-graph.js';

const lengths = [9, 1, 30, 2];
const everyTop = new Map(neuronTypes.map((type) => [type, 7]));

/**
 * Every impact must be that of the float64 forward pass, and every top index that of the sorted impacts, with both
 * kinds of operators.
 */
export async function compareWithReference(t: Test, checkpoint: Checkpoint): Promise<void> {
  const { layers, vocabulary } = checkpoint.architecture;
  const docs = randomDocuments(lengths, vocabulary);
  const expected = docs.map((doc) => referenceImpacts(checkpoint, doc));
  for (const operators of ['cpu', 'plain'] as const) {
    const result = await runGraph(
      checkpoint,
      { layers, operators, impacts: neuronTypes, top: everyTop },
      docs,
    );
    let worst = 0;
    allSame(t, `${operators}: the top neurons`, (same) => {
      for (const [d, forward] of expected.entries())
        for (const [layer, impacts] of forward.entries())
          for (const type of neuronTypes) {
            const found = result.impacts(type, d, layer);
            worst = Math.max(worst, scaledError(found, impacts[type]));
            same(result.top(type, d, layer), sortedTop(found, 7), `${type} of document ${d}, layer ${layer}`);
          }
    });
    t.ok(worst > 0 && worst <= 1e-5, `${operators}: scaled error ${worst}, must be at most 1e-5`);
  }
}

/** Largest difference as a share of the largest expected value. */
export function scaledError(found: readonly number[], expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  const largest = Math.max(...Array.from(expected));
  return Math.max(...found.map((value, i) => Math.abs(value - (expected[i] ?? Number.NaN)))) / largest;
}
