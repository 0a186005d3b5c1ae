import { Bool, Field, Float64, Int32, List, makeData } from 'apache-arrow';
import { type Batch, placeOf, withColumn } from '../../pipeline/batch.js';
import { DataError } from '../../pipeline/errors.js';
import type { Documents } from '../extract/batching.js';
import { choose } from './choose.js';
import type { Question } from './questions.js';
import { logLikelihood, type Sequence } from './sequences.js';

/** Rows and the sequences that a model is run over for them. */
export interface Measured extends Documents {
  /** For each row its sequences: one, or one a choice. All of them are `ids`, in their order. */
  readonly sequences: readonly (readonly Sequence[])[];
  /** For each row its question; undefined where losses are measured. */
  readonly questions: readonly Question[] | undefined;
}

/** Names of the columns that are added. */
export function likelihoodColumns(
  asks: boolean,
  { suffix, answer }: { readonly suffix: string; readonly answer?: string | undefined },
): string[] {
  const choices = ['log_likelihoods', 'choice', 'choice_norm'];
  const names = !asks
    ? ['loss', 'predicted_tokens']
    : answer === undefined
      ? choices
      : [...choices, 'correct', 'correct_norm'];
  return names.map((name) => name + suffix);
}

/** Adds `loss` and `predicted_tokens`. `found` holds the log-probabilities of each sequence. */
export function withLoss(measured: Measured, found: readonly Float32Array[], suffix: string): Batch {
  const sums = sumsOf(measured, found).flat();
  const tokens = Int32Array.from(measured.ids, (ids) => ids.length - 1);
  const losses = Float64Array.from(sums, (sum, row) => -sum / tokens[row]!);
  const batch = withColumn(measured.batch, `loss${suffix}`, floats(losses));
  return withColumn(batch, `predicted_tokens${suffix}`, integers(tokens));
}

/** Adds each choice's log-likelihood, what is chosen, and where answers are asked for whether it is right. */
export function withChoices(
  measured: Measured,
  questions: readonly Question[],
  found: readonly Float32Array[],
  { suffix, answer }: { readonly suffix: string; readonly answer?: string | undefined },
): Batch {
  const sums = sumsOf(measured, found);
  const chosen = sums.map((own, row) => choose(own, questions[row]!.choices));
  const plain = Int32Array.from(chosen, (choice) => choice.plain);
  const byLength = Int32Array.from(chosen, (choice) => choice.byLength);
  let batch = withColumn(measured.batch, `log_likelihoods${suffix}`, lists(sums));
  batch = withColumn(batch, `choice${suffix}`, integers(plain));
  batch = withColumn(batch, `choice_norm${suffix}`, integers(byLength));
  if (answer === undefined) return batch;
  const right = (choices: Int32Array) => flags(questions.map((own, row) => own.answer === choices[row]));
  batch = withColumn(batch, `correct${suffix}`, right(plain));
  return withColumn(batch, `correct_norm${suffix}`, right(byLength));
}

/** Each row's log-likelihoods, one a sequence. */
function sumsOf({ batch, sequences }: Measured, found: readonly Float32Array[]): number[][] {
  let at = 0;
  return sequences.map((own, row) =>
    own.map((sequence) => {
      const sum = logLikelihood(found[at++]!, sequence);
      if (Number.isFinite(sum)) return sum;
      throw new DataError(
        placeOf(batch, row),
        `the model gives a log-likelihood of ${sum}: its weights are damaged`,
      );
    }),
  );
}

function floats(data: Float64Array) {
  return makeData({ type: new Float64(), data, nullCount: 0 });
}

function integers(data: Int32Array) {
  return makeData({ type: new Int32(), data, nullCount: 0 });
}

function flags(values: readonly boolean[]) {
  const data = new Uint8Array(Math.ceil(values.length / 8));
  for (const [row, value] of values.entries()) if (value) data[row >> 3]! |= 1 << (row & 7);
  return makeData({ type: new Bool(), length: values.length, nullCount: 0, data });
}

function lists(rows: readonly (readonly number[])[]) {
  const valueOffsets = new Int32Array(rows.length + 1);
  for (const [row, own] of rows.entries()) valueOffsets[row + 1] = valueOffsets[row]! + own.length;
  return makeData({
    type: new List(new Field('item', new Float64(), false)),
    length: rows.length,
    nullCount: 0,
    valueOffsets,
    child: floats(Float64Array.from(rows.flat())),
  });
}
