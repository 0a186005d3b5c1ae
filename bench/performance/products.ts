import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import '../../transforms/backbone/no-telemetry.js';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { openCheckpoint } from '../../transforms/backbone/checkpoint.js';
import { buildGraph } from '../../transforms/backbone/graph.js';
import {
  addConstant,
  addInput,
  addNodeTo,
  addOutput,
  createGraph,
  encodeModel,
  onnxType,
} from '../../transforms/backbone/onnx.js';
import { k, maxLength } from './extraction-runs.js';
import { median } from './median.js';
import { atLeast, atMost, type Part } from './part.js';

/** As many documents of full length as batch_tokens: 2048 allows. */
const documents = 17;
const rows = documents * maxLength;
/** Products of one shape measured alone, each with weights of its own, as in the model. */
const alone = 6;

/** Where the model's time goes: matrix products, compared with the same products alone, and everything else. */
export const products: Part = async ({ material, folder, quick, say }) => {
  const runs = quick ? 1 : 4;
  const checkpoint = await openCheckpoint(await material.checkpoint());
  const graph = buildGraph(checkpoint, {
    layers: checkpoint.architecture.layers,
    top: new Map([['fwd_up', k]]),
    impacts: [],
    maxLength,
    operators: 'cpu',
  });
  const ids = Int32Array.from({ length: rows }, (_, i) => (i * 7919) % checkpoint.architecture.vocabulary);
  const model = await profile(graph.bytes, graph.folder, join(folder, 'model'), runs, {
    ids: new Tensor('int32', ids, [documents, maxLength]),
    lengths: new Tensor('int32', new Int32Array(documents).fill(maxLength), [documents]),
  });
  const perRun = (nodes: readonly NodeTime[]) => nodes.reduce((sum, { ms }) => sum + ms, 0) / runs;
  const gemms = model.filter(({ operator }) => operator === 'Gemm');
  const shapes = byShape(gemms);
  let ideal = 0;
  let work = 0;
  for (const [shape, nodes] of shapes) {
    const [inputs, outputs] = shape.split(' → ').map(Number) as [number, number];
    const single = await productAlone(inputs, outputs, folder, runs);
    ideal += (single * nodes.length) / runs;
    work += (2 * rows * inputs * outputs * nodes.length) / runs;
    say(`${shape}: ${((2e-6 * rows * inputs * outputs) / single).toFixed(0)} GFLOP/s alone`);
  }
  const all = perRun(model);
  const inGemm = perRun(gemms);
  const others = groupOperators(model.filter(({ operator }) => operator !== 'Gemm'));
  const [first, second, third] = others;
  const share = (nodes: { ms: number } | undefined) => (100 * (nodes?.ms ?? 0)) / runs / all;
  return {
    part: 'products',
    title: 'Where the model’s time goes',
    how: `onnxruntime's own profile of a batch of ${documents} × ${maxLength} tokens through the graph that \`extract\` runs, ${runs} runs; then each product's shape alone, ${alone} products a run with weights of their own.`,
    figures: [
      { what: 'matrix products in the model', value: (work / inGemm) * 1e-6, unit: 'GFLOP/s' },
      { what: 'the same products alone', value: (work / ideal) * 1e-6, unit: 'GFLOP/s' },
      {
        what: 'products in the model, of the rate that they reach alone',
        value: (100 * ideal) / inGemm,
        unit: '%',
        aim: atLeast(90),
        predicted: '95 to 100: nothing else runs meanwhile',
      },
      {
        what: 'everything that is no product, of the model’s time',
        value: 100 - (100 * inGemm) / all,
        unit: '%',
        aim: atMost(12),
        predicted: '15: attention 7, impacts 3 to 4, norms and activations the rest',
        limit: [first, second, third]
          .flatMap((nodes) => (nodes ? [`${nodes.operator} ${share(nodes).toFixed(1)} %`] : []))
          .join(', '),
      },
    ],
  };
};

/** One run of a node. */
interface NodeTime {
  readonly operator: string;
  /** Of a product. */
  readonly shape: string;
  readonly ms: number;
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly ts: number;
  readonly dur: number;
  readonly args?: {
    readonly op_name?: string;
    readonly input_type_shape?: Shapes;
    readonly output_type_shape?: Shapes;
  };
}

/** Of each input or output its dimensions, by the name of its type. */
type Shapes = readonly Readonly<Record<string, readonly number[]>>[];

/** The last dimension of the first of them. */
function lastExtent([first = {}]: Shapes = []): number | undefined {
  return Object.values(first)[0]?.at(-1);
}

/** Runs a model once to warm up and `runs` times more, of which the nodes' times are given. */
async function profile(
  bytes: Uint8Array,
  external: string,
  prefix: string,
  runs: number,
  feeds: Record<string, Tensor>,
): Promise<NodeTime[]> {
  const session = await InferenceSession.create(bytes, {
    executionProviders: ['cpu'],
    enableProfiling: true,
    profileFilePrefix: prefix,
    logSeverityLevel: 4,
    extra: { session: { model_external_initializers_file_folder_path: external } },
  });
  for (let run = 0; run <= runs; run++) await session.run(feeds);
  session.endProfiling();
  await session.release();
  const events = await readProfile(prefix);
  const begins = events.filter(({ name }) => name === 'model_run').map(({ ts }) => ts);
  const from = begins.sort((a, b) => a - b)[1] ?? 0;
  return events.flatMap(({ cat, name, ts, dur, args }) => {
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || ts < from) return [];
    // Weights that were packed when the model was opened are no inputs any more.
    const shape = `${lastExtent(args?.input_type_shape)} → ${lastExtent(args?.output_type_shape)}`;
    return [{ operator: args?.op_name ?? '', shape, ms: dur / 1000 }];
  });
}

async function readProfile(prefix: string): Promise<ProfileEvent[]> {
  const folder = join(prefix, '..');
  const name = (await readdir(folder)).find((file) => join(folder, file).startsWith(`${prefix}_`));
  if (name === undefined) throw new Error(`onnxruntime wrote no profile ${prefix}_…`);
  const events = JSON.parse(await readFile(join(folder, name), 'utf8')) as ProfileEvent[];
  await rm(join(folder, name));
  return events;
}

/** Milliseconds of a product `[rows, inputs] · [outputs, inputs]ᵀ` with nothing else in the model. */
async function productAlone(inputs: number, outputs: number, folder: string, runs: number): Promise<number> {
  const graph = createGraph();
  addInput(graph, 'x', onnxType.float, [rows, inputs]);
  for (let i = 0; i < alone; i++) {
    const values = Float32Array.from(
      { length: inputs * outputs },
      (_, at) => ((at * 31 + i) % 17) / 17 - 0.5,
    );
    const weights = addConstant(graph, `w${i}`, onnxType.float, [outputs, inputs], values);
    addNodeTo(graph, 'Gemm', ['x', weights], [`y${i}`], { transB: 1 });
    addOutput(graph, `y${i}`, onnxType.float, [rows, outputs]);
  }
  const x = new Tensor('float32', new Float32Array(rows * inputs).fill(0.5), [rows, inputs]);
  const nodes = await profile(encodeModel(graph), '.', join(folder, `gemm-${inputs}-${outputs}`), runs, {
    x,
  });
  return median(nodes.filter(({ operator }) => operator === 'Gemm').map(({ ms }) => ms));
}

function byShape(nodes: readonly NodeTime[]): Map<string, NodeTime[]> {
  const groups = new Map<string, NodeTime[]>();
  for (const node of nodes) groups.set(node.shape, [...(groups.get(node.shape) ?? []), node]);
  return groups;
}

/** Time of each operator, the longest first. */
function groupOperators(nodes: readonly NodeTime[]): { operator: string; ms: number }[] {
  const times = new Map<string, number>();
  for (const { operator, ms } of nodes) times.set(operator, (times.get(operator) ?? 0) + ms);
  return [...times].map(([operator, ms]) => ({ operator, ms })).sort((a, b) => b.ms - a.ms);
}
