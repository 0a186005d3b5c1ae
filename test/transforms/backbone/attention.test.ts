import t from 'tap';
import { openCheckpoint } from '../../../transforms/backbone/checkpoint.js';
import type { CheckpointOptions, Family } from '../../fixtures/checkpoint.js';
import { writeCheckpoint } from '../../fixtures/checkpoint.js';
import { compareWithReference } from './compare.js';

/** Heads of a multiple of 16 can be fused; the others use plain operators on the CPU, too. */
const cases: readonly [name: string, family: Family, config: CheckpointOptions['config']][] = [
  ['fused, one key head', 'llama', { head_dim: 32, num_key_value_heads: 1 }],
  ['fused, without groups', 'llama', { head_dim: 16, num_key_value_heads: 4 }],
  ['fused, no layer rotated', 'smollm3', { no_rope_layers: [0, 0, 0, 0] }],
  ['heads of 2', 'llama', { head_dim: 2 }],
  ['heads of 24, one key head', 'qwen3', { head_dim: 24, num_key_value_heads: 1 }],
];

for (const [name, family, config = {}] of cases) {
  t.test(`${name}: what follows from attention is that of a float64 forward pass`, async (t) => {
    const dir = t.testdir();
    await writeCheckpoint(dir, family, { config: { num_hidden_layers: 3, ...config } });
    await compareWithReference(t, await openCheckpoint(dir));
  });
}
