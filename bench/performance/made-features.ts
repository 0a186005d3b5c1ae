import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Field, Int32, makeData, RecordBatch, Schema, Struct, Utf8, vectorFromArray } from 'apache-arrow';
import { writeParquet } from '../../pipeline/arrow/parquet-writer.js';
import { type FeatureInfo, featureData, featureMetadata } from '../../transforms/columns.js';

/** Features of Qwen3-0.6B, as many a layer as the reference keeps. */
export const made: FeatureInfo = {
  neurons: 'fwd_up',
  layers: 28,
  k: 20,
  width: 3072,
  model: 'none',
  tokenizer: 'none',
  maxLength: 120,
};
const values = made.layers * made.k;
const batchRows = 5000;

interface Columns {
  readonly features?: boolean;
  /** Characters of a text column `doc`; none where it is left out. */
  readonly text?: number;
  readonly tokens?: boolean;
}

/**
 * Writes documents `first` … `first + count − 1`, not compressed. Some neurons occur far more often than others, as in
 * real features, and every document is another.
 */
export async function writeDocuments(
  file: string,
  first: number,
  count: number,
  columns: Columns,
): Promise<void> {
  const fields = [
    new Field('docid', new Utf8(), false),
    ...(columns.text ? [new Field('doc', new Utf8(), false)] : []),
    ...(columns.tokens ? [new Field('token_num', new Int32(), false)] : []),
    ...(columns.features
      ? [new Field('fwd_up_feature', featuresOf(0, 1).type, false, featureMetadata(made))]
      : []),
  ];
  const schema = new Schema(fields);
  const utf8 = (texts: string[]) => vectorFromArray(texts, new Utf8()).data[0]!;
  async function* batches() {
    for (let at = first; at < first + count; at += batchRows) {
      const length = Math.min(batchRows, first + count - at);
      const rows = Array.from({ length }, (_, i) => at + i);
      const children = [
        utf8(rows.map(docidOf)),
        ...(columns.text ? [utf8(rows.map((row) => textOf(row, columns.text!)))] : []),
        ...(columns.tokens
          ? [makeData({ type: new Int32(), data: Int32Array.from(rows, tokensOf), nullCount: 0 })]
          : []),
        ...(columns.features ? [featuresOf(at, length)] : []),
      ];
      const data = makeData({ type: new Struct(fields), length, nullCount: 0, children });
      yield new RecordBatch(schema, data);
    }
  }
  await mkdir(dirname(file), { recursive: true });
  await writeParquet(file, schema, batches(), { compression: 'none', rowGroupRows: 20_000, metadata: {} });
}

export const docidOf = (row: number) => `document-${String(row).padStart(9, '0')}`;
export const tokensOf = (row: number) => 40 + ((row * 7919) % 1000);

const words = 'of the model and a data point in some layer that was seen by neurons far away from home'.split(
  ' ',
);

function textOf(row: number, length: number): string {
  let text = `${((row * 2654435761) >>> 0).toString(36)} `;
  for (let i = row; text.length < length; i += 3) text += `${words[(i * 31 + (i >>> 3)) % words.length]} `;
  return text;
}

function featuresOf(first: number, count: number) {
  const all = new Int32Array(count * values);
  let state = (first + 1) * 2654435761;
  for (let i = 0; i < all.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const share = (state >>> 0) / 2 ** 32;
    all[i] = Math.floor(share * share * made.width);
  }
  return featureData(all, count, made);
}
