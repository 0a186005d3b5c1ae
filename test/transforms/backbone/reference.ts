import { readFileSync } from 'node:fs';
import type { Architecture, Checkpoint, NeuronType, Tensor } from '../../../transforms/backbone/types.js';

/** A matrix of rows: one a token, or one an output of a weight. */
type Rows = Float64Array[];

/** One layer's mean absolute outputs. */
export type LayerImpacts = Record<NeuronType, Float64Array>;

/**
 * The forward pass of one document in float64 and plain loops, written from the equations: no batch, no padding, no
 * ONNX. One result a layer.
 * @param prepare what becomes of a linear layer's inputs and of its outputs' weights before they are multiplied
 */
export function referenceImpacts(
  checkpoint: Checkpoint,
  ids: readonly number[],
  prepare: (values: Float64Array) => Float64Array = (values) => values,
): LayerImpacts[] {
  const { architecture } = checkpoint;
  const read = reader(checkpoint);
  const embedding = read('model.embed_tokens.weight');
  let stream: Rows = ids.map((id) => embedding[id] ?? new Float64Array(0));
  const impacts: LayerImpacts[] = [];
  for (let layer = 0; layer < architecture.layers; layer++) {
    const weights = (name: string) => read(`model.layers.${layer}.${name}`);
    const linear: Linear = (rows, name, biased) =>
      linearLayer(
        rows.map(prepare),
        weights(`${name}.weight`).map(prepare),
        biased ? weights(`${name}.bias`)[0] : undefined,
      );
    const rotated = architecture.ropeLayers[layer] ?? true;
    const attention = attentionBlock(architecture, weights, linear, stream, rotated);
    const middle = addRows(stream, attention.output);
    const mlp = mlpBlock(architecture, weights, linear, middle);
    stream = addRows(middle, mlp.output);
    impacts.push({ ...attention.impacts, ...mlp.impacts });
  }
  return impacts;
}

type Weights = (name: string) => Rows;
type Linear = (rows: Rows, name: string, biased: boolean) => Rows;

function attentionBlock(a: Architecture, weights: Weights, linear: Linear, stream: Rows, rotated: boolean) {
  const x = rmsNorm(stream, weights('input_layernorm.weight'), a.normEpsilon);
  const project = (name: string) => linear(x, `self_attn.${name}`, a.attentionBias);
  const norm = (rows: Rows, name: string) =>
    a.headNorm
      ? perHead(rows, a.headDim, (h) => rmsNorm(h, weights(`self_attn.${name}.weight`), a.normEpsilon))
      : rows;
  const queries = norm(project('q_proj'), 'q_norm');
  const keys = norm(project('k_proj'), 'k_norm');
  const values = project('v_proj');
  const turn = (rows: Rows) => (rotated ? rotate(rows, a) : rows);
  const mixed = attend(turn(queries), turn(keys), values, a);
  const output = linear(mixed, 'self_attn.o_proj', a.attentionBias);
  const impacts = {
    att_q: meanAbsolute(queries),
    att_k: repeatHeads(meanAbsolute(keys), a),
    att_v: repeatHeads(meanAbsolute(values), a),
    att_o: meanAbsolute(output),
  };
  return { output, impacts };
}

function mlpBlock(a: Architecture, weights: Weights, linear: Linear, stream: Rows) {
  const x = rmsNorm(stream, weights('post_attention_layernorm.weight'), a.normEpsilon);
  const up = linear(x, 'mlp.up_proj', a.mlpBias);
  const gate = linear(x, 'mlp.gate_proj', a.mlpBias);
  const gated = gate.map((row, t) => row.map((g, i) => (g / (1 + Math.exp(-g))) * at(up, t, i)));
  const output = linear(gated, 'mlp.down_proj', a.mlpBias);
  return { output, impacts: { fwd_up: meanAbsolute(up), fwd_down: meanAbsolute(output) } };
}

function attend(queries: Rows, keys: Rows, values: Rows, a: Architecture): Rows {
  return queries.map((query, t) => {
    const mixed = new Float64Array(a.heads * a.headDim);
    for (let head = 0; head < a.heads; head++) {
      const own = head * a.headDim;
      const group = Math.floor(head / (a.heads / a.kvHeads)) * a.headDim;
      const scores = keys.slice(0, t + 1).map((key) => {
        let sum = 0;
        for (let i = 0; i < a.headDim; i++) sum += (query[own + i] ?? 0) * (key[group + i] ?? 0);
        return sum / Math.sqrt(a.headDim);
      });
      const highest = Math.max(...scores);
      const powers = scores.map((score) => Math.exp(score - highest));
      const total = powers.reduce((sum, power) => sum + power, 0);
      powers.forEach((power, u) => {
        for (let i = 0; i < a.headDim; i++) mixed[own + i]! += (power / total) * at(values, u, group + i);
      });
    }
    return mixed;
  });
}

/** Pairs (i, i + headDim / 2) of each head turn by position × frequency. */
function rotate(rows: Rows, a: Architecture): Rows {
  const half = a.headDim / 2;
  return rows.map((row, position) => {
    const turned = row.slice();
    for (let start = 0; start < row.length; start += a.headDim) {
      for (let i = 0; i < half; i++) {
        const angle = position * frequency(a, i);
        const [x, y] = [row[start + i] ?? 0, row[start + half + i] ?? 0];
        turned[start + i] = x * Math.cos(angle) - y * Math.sin(angle);
        turned[start + half + i] = y * Math.cos(angle) + x * Math.sin(angle);
      }
    }
    return turned;
  });
}

/** Llama 3.1's scaling in the form of its own source: by wavelengths. */
function frequency({ rope, headDim }: Architecture, i: number): number {
  const plain = 1 / rope.theta ** ((2 * i) / headDim);
  if (rope.scaling === null) return plain;
  const { factor, lowFrequencyFactor, highFrequencyFactor, originalPositions } = rope.scaling;
  const wavelength = (2 * Math.PI) / plain;
  if (wavelength < originalPositions / highFrequencyFactor) return plain;
  if (wavelength > originalPositions / lowFrequencyFactor) return plain / factor;
  const smooth =
    (originalPositions / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor);
  return (1 - smooth) * (plain / factor) + smooth * plain;
}

function linearLayer(rows: Rows, matrix: Rows, bias: Float64Array | undefined): Rows {
  return rows.map((row) =>
    Float64Array.from(matrix, (output, n) => {
      let sum = bias?.[n] ?? 0;
      for (let k = 0; k < row.length; k++) sum += (row[k] ?? 0) * (output[k] ?? 0);
      return sum;
    }),
  );
}

function rmsNorm(rows: Rows, [gain]: Rows, epsilon: number): Rows {
  return rows.map((row) => {
    const square = row.reduce((sum, value) => sum + value * value, 0) / row.length;
    return row.map((value, i) => (value / Math.sqrt(square + epsilon)) * (gain?.[i] ?? 0));
  });
}

function perHead(rows: Rows, headDim: number, change: (heads: Rows) => Rows): Rows {
  return rows.map((row) => {
    const heads = Array.from({ length: row.length / headDim }, (_, head) =>
      row.slice(head * headDim, (head + 1) * headDim),
    );
    return Float64Array.from(change(heads).flatMap((head) => [...head]));
  });
}

function repeatHeads(impact: Float64Array, a: Architecture): Float64Array {
  return Float64Array.from({ length: a.heads * a.headDim }, (_, i) => {
    const group = Math.floor(Math.floor(i / a.headDim) / (a.heads / a.kvHeads));
    return impact[group * a.headDim + (i % a.headDim)] ?? 0;
  });
}

function meanAbsolute(rows: Rows): Float64Array {
  const mean = new Float64Array(rows[0]?.length ?? 0);
  return mean.map((_, i) => rows.reduce((sum, row) => sum + Math.abs(row[i] ?? 0), 0) / rows.length);
}

function addRows(a: Rows, b: Rows): Rows {
  return a.map((row, t) => row.map((value, i) => value + at(b, t, i)));
}

function at(rows: Rows, t: number, i: number): number {
  return rows[t]?.[i] ?? 0;
}

/** Reads tensors as rows, each file and tensor once. */
function reader(checkpoint: Checkpoint): Weights {
  const files = new Map<string, Buffer>();
  const tensors = new Map<string, Rows>();
  return (name) => {
    const tensor = checkpoint.tensors.get(name);
    if (tensor === undefined) throw new Error(`no tensor ${name}`);
    const file = files.get(tensor.realFile) ?? readFileSync(tensor.realFile);
    files.set(tensor.realFile, file);
    const rows = tensors.get(name) ?? rowsOf(tensor, file);
    tensors.set(name, rows);
    return rows;
  };
}

function rowsOf(tensor: Tensor, file: Buffer): Rows {
  const width = tensor.shape[tensor.shape.length - 1] ?? 1;
  const size = tensor.dtype === 'F32' ? 4 : 2;
  const count = tensor.bytes / size;
  const all = Float64Array.from({ length: count }, (_, i) =>
    decode(tensor.dtype, file, tensor.offset + i * size),
  );
  return Array.from({ length: count / width }, (_, r) => all.slice(r * width, (r + 1) * width));
}

function decode(dtype: Tensor['dtype'], file: Buffer, offset: number): number {
  if (dtype === 'F32') return file.readFloatLE(offset);
  const bits = file.readUInt16LE(offset);
  if (dtype === 'F16') return half(bits);
  const wide = Buffer.alloc(4);
  wide.writeUInt16LE(bits, 2);
  return wide.readFloatLE(0);
}

/** IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of fraction. */
function half(bits: number): number {
  const sign = bits >> 15 === 1 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
