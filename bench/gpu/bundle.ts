import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArchitecture } from '../../transforms/backbone/architecture.js';
import { buildGraph } from '../../transforms/backbone/graph.js';
import {
  type Architecture,
  type Checkpoint,
  floatPrecisions,
  type Tensor,
} from '../../transforms/backbone/types.js';
import { bodyWeights } from '../../transforms/backbone/weights.js';

/** What is measured: documents of `length` tokens, of which the k largest `fwd_up` impacts a layer are wanted. */
export interface Job {
  readonly length: number;
  readonly k: number;
}

/** All weights lie in one file, in bfloat16, each where its header in `bundle.json` says. */
const weightsFile = 'weights.bin';
const bytesPerWeight = 2;

/**
 * Writes all that a machine with a GPU needs to measure a model's shape, without any weights: `bundle.json`, the graphs
 * that this program runs on GPUs, one a precision, and the script, which makes the weights itself.
 * @param config of a HuggingFace model: a config.json, parsed
 */
export async function writeBundle(
  folder: string,
  config: unknown,
  script: string,
  { length, k }: Job,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const architecture = parseArchitecture(config, 'config.json');
  refuseOthers(architecture);
  const checkpoint = checkpointOf(folder, architecture);
  for (const precision of floatPrecisions) {
    const graph = buildGraph(checkpoint, {
      layers: architecture.layers,
      top: new Map([['fwd_up', k]]),
      impacts: ['fwd_up'],
      maxLength: length,
      operators: 'plain',
      precision,
    });
    await writeFile(join(folder, `${precision}.onnx`), graph.bytes);
  }
  const tensors = [...checkpoint.tensors.values()].map(({ name, shape, offset }) => ({
    name,
    shape,
    offset,
  }));
  const bundle = { architecture, length, k, weightsFile, tensors };
  await writeFile(join(folder, 'bundle.json'), `${JSON.stringify(bundle, null, 1)}\n`);
  await copyFile(script, join(folder, 'measure.py'));
}

/** The script's own forward pass is that of Qwen3 and of plain Llamas. */
function refuseOthers({ attentionBias, mlpBias, rope, ropeLayers }: Architecture): void {
  if (attentionBias || mlpBias || rope.scaling !== null || ropeLayers.includes(false))
    throw new Error('only models without biases, RoPE scaling and layers without RoPE can be measured');
}

function checkpointOf(dir: string, architecture: Architecture): Checkpoint {
  const realFile = join(dir, weightsFile);
  const tensors = new Map<string, Tensor>();
  let offset = 0;
  for (const { name, shape } of bodyWeights(architecture)) {
    const bytes = shape.reduce((product, extent) => product * extent, bytesPerWeight);
    tensors.set(name, { name, dtype: 'BF16', shape, file: weightsFile, realFile, offset, bytes });
    offset += bytes;
  }
  return { dir, architecture, tensors, files: new Map([[weightsFile, realFile]]) };
}
