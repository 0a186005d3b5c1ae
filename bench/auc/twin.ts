import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensorsHeader } from '../../transforms/backbone/safetensors.js';

/** Standard deviation of a new model's weights, as transformers initializes them (`initializer_range`). */
const spread = 0.02;

/** A model like another, with its config and tokenizer, but as it would be before training: norms are 1. */
export async function writeTwin(model: string, folder: string, seed: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of ['config.json', 'tokenizer.json']) await copyFile(join(model, name), join(folder, name));
  const tensors = [...(await readSafetensorsHeader(join(model, 'model.safetensors'))).tensors];
  const normal = normalNumbers(seed);
  let end = 0;
  const header: Record<string, unknown> = {};
  const parts = tensors.map(([name, { shape }]) => {
    const values = new Float32Array(shape.reduce((product, n) => product * n, 1));
    const norm = shape.length === 1;
    const bytes = new Uint8Array(values.map(() => (norm ? 1 : spread * normal())).buffer);
    header[name] = { dtype: 'F32', shape, data_offsets: [end, end + bytes.length] };
    end += bytes.length;
    return bytes;
  });
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await writeFile(join(folder, 'model.safetensors'), Buffer.concat([length, json, ...parts]));
}

/** Normal numbers by Box and Muller, from mulberry32. */
function normalNumbers(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return (((x ^ (x >>> 14)) >>> 0) + 1) / (2 ** 32 + 1);
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
