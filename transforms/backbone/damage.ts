import { NagError } from '../../pipeline/errors.js';
import { zeroRows } from './deactivation.js';
import { decodeWeights } from './quantize.js';
import type { Checkpoint, Deactivation, FloatPrecision, Tensor } from './types.js';
import type { WeightSpec } from './weights.js';

/** A model gave numbers that are not finite, or left the range of their type, for a document. */
export class NotFinite extends NagError {
  override readonly name = 'NotFinite';
  /** Counted from 0 in its batch. */
  readonly document: number;
  /** The message without the document. */
  readonly reason: string;

  constructor(document: number, reason: string) {
    super(`document ${document} of a batch: ${reason}`);
    this.document = document;
    this.reason = reason;
  }
}

/** What was not finite, and in which model. */
export interface Failure {
  readonly checkpoint: Checkpoint;
  /** The weights that the numbers depend on. */
  readonly weights: readonly WeightSpec[];
  readonly deactivate: Deactivation;
  readonly precision: FloatPrecision;
  readonly document: number;
  /** The first layer that shows it. */
  readonly layer: number;
}

/** The error of a run whose numbers are not finite. Reads the weights, up to the first that is not. */
export async function notFinite(failure: Failure): Promise<NotFinite> {
  const { checkpoint, precision, document, layer } = failure;
  const extreme = await worstWeight(failure);
  const from = `${checkpoint.dir}: the model's numbers`;
  if (extreme && !Number.isFinite(extreme.value)) {
    const { tensor, row, value } = extreme;
    const where = `tensor "${tensor.name}" of ${tensor.file} holds ${shownValue(value)} in row ${row}`;
    return new NotFinite(
      document,
      `${from} are not finite by layer ${layer}: its weights are damaged, ${where}; ${advice}`,
    );
  }
  if (precision !== 'float32') {
    const wider = precision === 'float16' ? 'bfloat16, whose range is wider, or float32' : 'float32';
    return new NotFinite(
      document,
      `${from} are beyond the range of ${precision} by layer ${layer}; use precision ${wider}`,
    );
  }
  const largest =
    extreme &&
    `; the largest weight is ${extreme.value.toPrecision(2)}, in row ${extreme.row} of tensor "${extreme.tensor.name}" of ${extreme.tensor.file}`;
  return new NotFinite(
    document,
    `${from} are beyond the range of float32 by layer ${layer}: its weights are damaged${largest ?? ''}; ${advice}`,
  );
}

const advice = 'fetch the checkpoint again, or convert or merge it again from its source';

interface Extreme {
  readonly tensor: Tensor;
  readonly row: number;
  /** Absolute. */
  readonly value: number;
}

/** The first weight that is not finite, or the largest. */
async function worstWeight({ checkpoint, weights, deactivate }: Failure): Promise<Extreme | undefined> {
  const zeros = zeroRows(deactivate);
  let worst: Extreme | undefined;
  for (const { name } of weights) {
    const tensor = checkpoint.tensors.get(name);
    if (tensor === undefined) continue;
    const found = await largestOf(tensor, zeros.get(name));
    if (!Number.isFinite(found.value)) return found;
    if (worst === undefined || found.value > worst.value) worst = found;
  }
  return worst;
}

async function largestOf(tensor: Tensor, zeros: readonly number[] | undefined): Promise<Extreme> {
  const columns = tensor.shape.slice(1).reduce((product, extent) => product * extent, 1);
  let [index, at, value] = [0, 0, 0];
  for await (const floats of decodeWeights(tensor, zeros)) {
    for (let i = 0; i < floats.length; i++) {
      const size = Math.abs(floats[i]!);
      if (size <= value) continue;
      [at, value] = [index + i, size];
      if (!Number.isFinite(size)) return { tensor, row: Math.floor(at / columns), value };
    }
    index += floats.length;
  }
  return { tensor, row: Math.floor(at / columns), value };
}

function shownValue(value: number): string {
  return Number.isNaN(value) ? 'NaN' : 'infinity';
}
