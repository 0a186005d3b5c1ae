import type { Field } from 'apache-arrow';
import { type Batch, withColumn, withoutColumns } from '../../pipeline/batch.js';
import type { Context } from '../../pipeline/component.js';
import { DataError, NagError } from '../../pipeline/errors.js';
import { withoutFaults } from '../../pipeline/faults.js';
import { widthOf } from '../backbone/architecture.js';
import type { Checkpoint, NeuronType, Session, SessionResult } from '../backbone/types.js';
import {
  type FeatureInfo,
  featureColumn,
  featureData,
  featureMetadata,
  idsColumn,
  impactColumn,
  impactData,
} from '../columns.js';
import { type KeepTop, resolveK } from '../top-k.js';
import type { Documents } from './batching.js';

/** Longest sequence that a session is prepared for; models for longer ones are rare among frozen extractors. */
export const longestSequence = 8192;

/** A model, and what identifies its features. */
export interface Described {
  readonly checkpoint: Checkpoint;
  readonly session: Pick<Session, 'layers' | 'vocabulary'>;
  readonly fingerprint: string;
  readonly precision: string | undefined;
}

/** A batch's documents, and how their ids were made. */
export interface TokenizedDocuments extends Documents {
  readonly tokenizer: string;
  readonly maxLength: number;
}

/** What is measured. */
export interface Measuring {
  readonly neurons: readonly NeuronType[];
  readonly top?: KeepTop | undefined;
}

/** The documents with a column for each type of neuron, and without their token ids. */
export function withMeasured(
  documents: Pick<TokenizedDocuments, 'batch' | 'tokenizer' | 'maxLength'>,
  result: Pick<SessionResult, 'top' | 'impacts'>,
  { neurons, top }: Measuring,
  backbone: Described,
): Batch {
  const { batch } = documents;
  let out = batch;
  for (const type of neurons) {
    const info = infoOf(type, top, backbone, documents);
    const rows = batch.rows.length;
    const name = top ? featureColumn(type) : impactColumn(type);
    const data = top
      ? featureData(result.top[type] ?? new Int32Array(0), rows, info)
      : impactData(result.impacts[type] ?? new Float32Array(0), rows, info);
    out = withColumn(out, name, data, {
      nullable: false,
      metadata: featureMetadata(info),
      temporary: true,
    });
  }
  return withoutColumns(out, [idsColumn]);
}

/** A batch's documents, checked against the model. */
export function documentsOf(
  whole: Batch,
  { session, checkpoint }: Pick<Described, 'session' | 'checkpoint'>,
  context: Context,
): TokenizedDocuments {
  const field = idsField(whole);
  const vocabulary = Number(field.metadata.get('nag.vocabulary'));
  if (vocabulary > session.vocabulary) {
    throw new DataError(
      { file: checkpoint.dir },
      `the model knows ${session.vocabulary} tokens and the tokenizer gives ids up to ${vocabulary - 1}: they do not belong together; give tokenize the model's own folder`,
    );
  }
  const { maxPositions, windowed } = checkpoint.architecture;
  const longest = Math.min(longestSequence, maxPositions);
  const found = idsOf(whole);
  const faultOf = (row: number) => {
    const { length } = found[row]!;
    if (length > 0 && length <= longest) return undefined;
    const why = windowed && longest === maxPositions ? ", the model's sliding window" : '';
    return { reason: `has ${length} tokens, expected 1 to ${longest}${why}; set max_length on tokenize` };
  };
  const batch = withoutFaults(whole, faultOf, context.reject);
  return {
    batch,
    ids: batch === whole ? found : idsOf(batch),
    tokenizer: field.metadata.get('nag.tokenizer') ?? '',
    maxLength: Number(field.metadata.get('nag.max_length')),
  };
}

export function idsField({ columns }: Batch): Field {
  const field = columns.schema.fields.find((f) => f.name === idsColumn);
  if (field?.metadata.has('nag.tokenizer')) return field;
  throw new NagError('there are no token ids: put tokenize before extract');
}

function idsOf(batch: Batch): Int32Array[] {
  const data = batch.columns.getChild(idsColumn)!.data[0]!;
  const offsets = data.valueOffsets as Int32Array;
  const values = data.children[0]!.values as Int32Array;
  return Array.from(batch.rows, (_, row) => values.subarray(offsets[row]!, offsets[row + 1]!));
}

function infoOf(
  type: NeuronType,
  top: KeepTop | undefined,
  backbone: Described,
  { tokenizer, maxLength }: Pick<TokenizedDocuments, 'tokenizer' | 'maxLength'>,
): FeatureInfo {
  const width = widthOf(backbone.checkpoint.architecture, type);
  const k = top ? resolveK(top, width) : width;
  return {
    neurons: type,
    layers: backbone.session.layers,
    k,
    width,
    model: backbone.fingerprint,
    tokenizer,
    maxLength,
    ...(backbone.precision === undefined ? {} : { precision: backbone.precision }),
  };
}
