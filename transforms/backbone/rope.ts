import type { Llama3Scaling, Rope } from './types.js';

/** Cosines and sines of every position, `[positions, headDim / 2]` each. */
export interface RopeTable {
  readonly cosines: Float32Array;
  readonly sines: Float32Array;
}

/**
 * Angles a position turns each pair of a head's dimensions by, in float64: `theta^(-2i / headDim)`, then Llama 3.1's
 * scaling by wavelength: long waves are slowed by `factor`, short ones kept, the band between interpolated.
 */
export function inverseFrequencies(rope: Rope, headDim: number): Float64Array {
  const plain = Float64Array.from({ length: headDim / 2 }, (_, i) => rope.theta ** ((-2 * i) / headDim));
  const { scaling } = rope;
  return scaling === null ? plain : plain.map((frequency) => scaled(frequency, scaling));
}

/** The table of the first `positions` positions, computed in float64. */
export function ropeTable(rope: Rope, headDim: number, positions: number): RopeTable {
  const frequencies = inverseFrequencies(rope, headDim);
  const half = frequencies.length;
  const cosines = new Float32Array(positions * half);
  const sines = new Float32Array(positions * half);
  for (let position = 0; position < positions; position++) {
    frequencies.forEach((frequency, i) => {
      cosines[position * half + i] = Math.cos(position * frequency);
      sines[position * half + i] = Math.sin(position * frequency);
    });
  }
  return { cosines, sines };
}

function scaled(frequency: number, scaling: Llama3Scaling): number {
  const { factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalPositions } = scaling;
  const waves = (originalPositions * frequency) / (2 * Math.PI);
  if (waves < low) return frequency / factor;
  if (waves > high) return frequency;
  const share = (waves - low) / (high - low);
  return ((1 - share) * frequency) / factor + share * frequency;
}
