import { dirname, isAbsolute, relative, sep } from 'node:path';
import { NagError } from '../../pipeline/errors.js';
import { widthOf } from './architecture.js';
import { attention } from './attention.js';
import type { Build, Operators } from './blocks.js';
import {
  addAndNorm,
  asRows,
  deriveInputs,
  narrow,
  orderAfter,
  rmsNorm,
  silu,
  storedWeight,
  wide,
  withoutWeights,
} from './blocks.js';
import { checkHeadNorms, checkImpacts, checkResidual, outputChecks } from './finite.js';
import { outputLogProbabilities } from './head.js';
import { meanImpact, outputImpacts, outputTop, repeatedImpact, stackLayers } from './impacts.js';
import type { Int8Weights } from './int8-weights.js';
import { linear } from './linear.js';
import { addInput, addNode, createGraph, encodeModel, nextName, onnxType } from './onnx.js';
import type { Checkpoint, Deactivation, FloatPrecision, NeuronType } from './types.js';
import { embeddingName, finalNorm, layerPrefix } from './weights.js';

/** Which outputs a graph has. */
export interface GraphRequest {
  /** Number of layers from the first. */
  readonly layers: number;
  /** k of each type whose top indices leave the model. */
  readonly top: ReadonlyMap<NeuronType, number>;
  /** Types whose impacts leave it whole. */
  readonly impacts: readonly NeuronType[];
  /** Whether the log-probabilities of the documents' tokens leave the model. */
  readonly logProbabilities?: boolean;
  /** Neurons that are switched off: those of the model, in whatever order. */
  readonly deactivate?: Deactivation;
  /** The linear layers' weights as int8, for the CPU; without them the checkpoint's own. */
  readonly int8?: Int8Weights | undefined;
  /** Tokens of the longest document: rows of the RoPE table. */
  readonly maxLength: number;
  readonly operators: Operators;
  /** By default float32. Others need `plain` operators. */
  readonly precision?: FloatPrecision | undefined;
}

/** A model for onnxruntime. Its weights stay in the checkpoint's files. */
export interface ModelGraph {
  /** ONNX protobuf. */
  readonly bytes: Uint8Array;
  /** The folder that the weights' locations start from. */
  readonly folder: string;
  /** The columns of `checks`: each one's layer. */
  readonly checks: readonly { readonly layer: number }[];
}

/**
 * Writes the forward pass of a checkpoint, up to the last output asked for, as an ONNX graph.
 *
 * Inputs: `ids` int32 [documents, length], padded on the right with any id, and `lengths` int32 [documents].
 * Outputs: `top_<type>` int32 [documents, layers, min(k, width)], `impacts_<type>` float32 [documents, layers, width],
 * `log_probabilities` float32 [documents, length, 1] (of the id that follows each position), `checks` float32
 * [documents, n], of which one is not finite where a number of the document was not.
 */
export function buildGraph(checkpoint: Checkpoint, request: GraphRequest): ModelGraph {
  const { folder, locations } = placeFiles(checkpoint, request.int8);
  const graph = createGraph();
  addInput(graph, 'ids', onnxType.int32, ['documents', 'length']);
  addInput(graph, 'lengths', onnxType.int32, ['documents']);
  const { architecture, tensors } = checkpoint;
  const { operators, precision = 'float32', maxLength } = request;
  const derived = deriveInputs(graph);
  const build: Build = {
    graph,
    architecture,
    tensors,
    operators,
    precision,
    maxLength,
    locations,
    int8: request.int8,
    ...derived,
    residual: '',
    checks: [],
    shared: new Map(),
  };
  const { impacts, stream } = addLayers(build, request);
  for (const [type, layers] of impacts) {
    const stacked = stackLayers(build, layers);
    const k = request.top.get(type);
    if (k !== undefined)
      outputTop(build, type, stacked, layers.length, Math.min(k, widthOf(architecture, type)));
    if (request.impacts.includes(type)) outputImpacts(build, type, stacked, layers.length);
  }
  if (stream?.delta) {
    const { normed } = addAndNorm(build, stream.sum, stream.delta, finalNorm);
    outputLogProbabilities(build, normed);
  }
  checkResidual(build, request.layers - 1);
  outputChecks(build);
  return { bytes: encodeModel(graph), folder, checks: build.checks };
}

/** Names of the layers' impacts, for each type wanted. */
type Impacts = ReadonlyMap<NeuronType, string[]>;

/** The residual stream: what the next layer's norm adds `delta` to, if there is one. */
interface Stream {
  readonly sum: string;
  readonly delta: string | null;
}

/** The layers, each type's impacts, and what comes out of the last layer where the head needs it. */
function addLayers(build: Build, request: GraphRequest): { impacts: Impacts; stream: Stream | null } {
  const { graph, architecture } = build;
  const impacts = new Map<NeuronType, string[]>();
  for (const type of [...request.top.keys(), ...request.impacts]) impacts.set(type, []);
  // Only the rows that occur are cast: the embedding stays as it is stored.
  const rows = addNode(graph, 'Gather', [storedWeight(build, embeddingName), 'ids']);
  const cast = addNode(graph, 'Cast', [rows], { to: onnxType.float });
  const ends = (layer: number) => layer === request.layers - 1 && !request.logProbabilities;
  build.residual = asRows(build, cast, architecture.hidden);
  let stream: Stream | null = { sum: build.residual, delta: null };
  for (let layer = 0; layer < request.layers && stream !== null; layer++) {
    const off = request.deactivate?.[layer] ?? [];
    stream = addLayer(build, stream, layer, impacts, off, ends(layer));
    const measured = [...impacts.values()].flatMap((layers) => layers[layer] ?? []);
    if (stream !== null) orderAfter(build, measured);
  }
  return { impacts, stream };
}

/** Adds a layer; where there is nothing behind it, it ends with the last output wanted, and gives no stream. */
function addLayer(
  build: Build,
  stream: Stream,
  layer: number,
  impacts: Impacts,
  off: readonly number[],
  last: boolean,
): Stream | null {
  const prefix = layerPrefix(layer);
  const norm = `${prefix}input_layernorm`;
  const { normed, sum } =
    stream.delta === null
      ? { normed: rmsNorm(build, stream.sum, norm), sum: stream.sum }
      : addAndNorm(build, stream.sum, stream.delta, norm);
  const wanted = (...types: readonly NeuronType[]) => types.some((type) => impacts.has(type));
  const attends = !last || wanted('att_o', 'fwd_up', 'fwd_down');
  const mixed = addAttention(build, normed, layer, impacts, attends);
  if (mixed === null) return null;
  if (last && !wanted('fwd_up', 'fwd_down')) return null;
  const after = addAndNorm(build, sum, mixed, `${prefix}post_attention_layernorm`);
  const delta = addMlp(build, after.normed, prefix, impacts, off, !last || wanted('fwd_down'));
  return last || delta === null ? null : { sum: after.sum, delta };
}

/** The attention block's output, or null where the layer ends with its projections. */
function addAttention(
  build: Build,
  x: string,
  layer: number,
  impacts: Impacts,
  attends: boolean,
): string | null {
  const { architecture } = build;
  const block = `${layerPrefix(layer)}self_attn.`;
  const project = (type: NeuronType, name: string) =>
    attends || impacts.has(type)
      ? linear(build, narrow(build, x), block + name, architecture.attentionBias)
      : null;
  const normed = (projected: string | null, name: string) => {
    const exact = projected && wide(build, projected);
    return exact !== null && architecture.headNorm ? normHeads(build, exact, block + name, layer) : exact;
  };
  const queries = normed(project('att_q', 'q_proj'), 'q_norm');
  const keys = normed(project('att_k', 'k_proj'), 'k_norm');
  const values = project('att_v', 'v_proj');
  if (queries !== null) measure(build, impacts, 'att_q', queries);
  if (keys !== null) measure(build, impacts, 'att_k', keys);
  if (values !== null) measure(build, impacts, 'att_v', wide(build, values));
  if (!attends || queries === null || keys === null || values === null) return null;
  const mixed = attention(build, { queries, keys, values }, architecture.ropeLayers[layer] ?? true);
  const output = wide(build, linear(build, mixed, `${block}o_proj`, architecture.attentionBias));
  measure(build, impacts, 'att_o', output);
  return output;
}

/** The MLP block's output, or null where the layer ends with `up_proj`. */
function addMlp(
  build: Build,
  x: string,
  prefix: string,
  impacts: Impacts,
  off: readonly number[],
  whole: boolean,
): string | null {
  const { graph, architecture } = build;
  const project = (from: string, name: string) =>
    linear(build, from, `${prefix}mlp.${name}`, architecture.mlpBias);
  const input = narrow(build, x);
  const projected = wide(build, project(input, 'up_proj'));
  const up =
    off.length === 0
      ? projected
      : withoutWeights(build, off, projected, `${prefix}mlp.up_proj`, architecture.mlpBias);
  measure(build, impacts, 'fwd_up', up);
  if (!whole) return null;
  const gate = silu(build, project(input, 'gate_proj'));
  const gated = addNode(graph, 'Mul', [gate, narrow(build, up)]);
  const down = wide(build, project(gated, 'down_proj'));
  measure(build, impacts, 'fwd_down', down);
  return down;
}

/** Records the impact of one layer's output, if its type is wanted. */
function measure(build: Build, impacts: Impacts, type: NeuronType, x: string): void {
  const repeated = type === 'att_k' || type === 'att_v';
  const layers = impacts.get(type);
  if (layers === undefined) return;
  const impact = repeated
    ? repeatedImpact(build, x)
    : meanImpact(build, x, widthOf(build.architecture, type));
  checkImpacts(build, impact, layers.length);
  layers.push(impact);
}

/** RMS norm of each head by itself. */
function normHeads(build: Build, x: string, name: string, layer: number): string {
  const { heads, kvHeads, headDim } = build.architecture;
  const rows = asRows(build, x, headDim);
  // Only the CPU's operator is known to give them.
  if (build.operators !== 'cpu') return rmsNorm(build, rows, name);
  const inverses = nextName(build.graph, 'inverses');
  const normed = rmsNorm(build, rows, name, inverses);
  checkHeadNorms(build, inverses, layer, name.endsWith('q_norm') ? heads : kvHeads);
  return normed;
}

/**
 * onnxruntime refuses weights outside the folder it is given, and links that leave it: so real paths, below the deepest
 * folder that holds them all.
 */
function placeFiles(
  checkpoint: Checkpoint,
  int8: Int8Weights | undefined,
): { folder: string; locations: Map<string, string> } {
  const own = [...checkpoint.tensors.values()].map((tensor) => tensor.realFile);
  const files = [...new Set([...own, ...(int8 ? [int8.realFile] : [])])];
  let folder = dirname(files[0] ?? checkpoint.dir);
  while (files.some((file) => leaves(folder, file))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new NagError(
        `${checkpoint.dir}: its weight files, and those of int8 where they are used, must lie on one drive`,
      );
    folder = parent;
  }
  const locations = files.map((file): [string, string] => [
    file,
    relative(folder, file).split(sep).join('/'),
  ]);
  return { folder, locations: new Map(locations) };
}

function leaves(folder: string, file: string): boolean {
  const path = relative(folder, file);
  return isAbsolute(path) || path === '..' || path.startsWith(`..${sep}`);
}
