import { Field, Int32, List, makeData } from 'apache-arrow';
import pLimit from 'p-limit';
import { z } from 'zod';
import { isText, type TextReader, textReader } from '../pipeline/arrow/text.js';
import { type Batch, keepRows, roleColumn, withColumn } from '../pipeline/batch.js';
import { type Context, defineTransform } from '../pipeline/component.js';
import { DataError, isBadData } from '../pipeline/errors.js';
import { usableRows } from '../pipeline/faults.js';
import { idsColumn, idsMetadata } from './columns.js';
import { isOnHub, modelPath, openModelFolder } from './model.js';
import { columnName, withOwnColumn } from './own-column.js';
import { DocumentTokenizer } from './tokenizer/tokenizer.js';

/** Column of token counts made with `count: true`, where it has no other name. */
const countColumn = 'nag_tokens';

/** Documents being encoded at once: enough for all threads of the native library, few enough for its memory. */
const inFlight = 64;

const options = z.strictObject({
  model: modelPath().describe(
    'A HuggingFace model folder, a tokenizer.json, or owner/name@revision on the hub',
  ),
  max_length: z.int().min(1).default(120).describe('Tokens kept of each document, from its start'),
  count: z
    .boolean()
    .default(false)
    .describe(
      `Also count all tokens of each document, into the column ${countColumn}, for pools without a token column`,
    ),
  count_column: columnName(countColumn).describe('Name of the column of counts'),
  on_empty: z
    .enum(['fail', 'skip'])
    .default('fail')
    .describe('Documents without a token: stop, or leave them out and count them'),
});

type Options = z.output<typeof options>;

/** Transform: the first `max_length` token ids of each document, without special tokens, as `nag_input_ids`. */
export const tokenize = defineTransform({
  name: 'tokenize',
  summary: 'Turn text into token ids with a HuggingFace tokenizer',
  options,
  example: `
    - {use: read.jsonl, with: {path: "docs/*.jsonl"}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base, max_length: 120, on_empty: skip}}
    - {use: write.parquet, with: {path: out/ids.parquet}}`,
  needs: () => ({ roles: ['text'] }),
  mayDrop: ({ on_empty }) => on_empty === 'skip',
  facts: async ({ max_length, count, count_column, on_empty, model }, context) => {
    const { sha256 } = await openTokenizer(model, context);
    context.provenance.set('nag.tokenizer', sha256);
    // What was kept under the usual name was kept without naming it.
    const named = count && count_column !== countColumn ? { count_column } : {};
    return { tokenizer: sha256, max_length, count, on_empty, ...named };
  },
  chain: { makes: 'token ids' },
  preview: previewIds,
  provides: ({ count }) => (count ? ['tokens'] : []),
  run: tokenizeAll,
});

async function* tokenizeAll(
  input: AsyncIterable<Batch>,
  settings: Options,
  context: Context,
): AsyncGenerator<Batch> {
  const tokenizer = await openTokenizer(settings.model, context);
  context.provenance.set('nag.tokenizer', tokenizer.sha256);
  for await (const batch of input) yield await tokenizeBatch(batch, tokenizer, settings, context);
}

async function previewIds(
  input: readonly Batch[],
  settings: Options,
  context: Context,
): Promise<readonly Batch[] | undefined> {
  for (const batch of input) textsOf(batch);
  if (isOnHub(settings.model)) return undefined;
  const tokenizer = await openTokenizer(settings.model, context);
  return await Promise.all(input.map((batch) => tokenizeBatch(batch, tokenizer, settings, context)));
}

async function openTokenizer(model: string, context: Context): Promise<DocumentTokenizer> {
  const folder = await openModelFolder(model, 'tokenizer', context);
  const tokenizer = await context.resource(`tokenizer ${folder}`, () => DocumentTokenizer.open(folder));
  if (tokenizer.remark !== undefined) context.note(tokenizer.remark);
  return tokenizer;
}

async function tokenizeBatch(
  batch: Batch,
  tokenizer: DocumentTokenizer,
  settings: Options,
  context: Context,
): Promise<Batch> {
  const read = textsOf(batch);
  const limit = pLimit(inFlight);
  // A text is read when its turn comes: never are all texts of a batch strings at once.
  const unusable = new Map<number, DataError>();
  const forEach = <T>(work: (text: string) => Promise<T>, otherwise: T) =>
    Promise.all(
      Array.from(batch.rows, (_, row) =>
        limit(() => work(read(row) ?? '')).catch((error: unknown) => {
          if (!isBadData(error)) throw error;
          unusable.set(row, error);
          return otherwise;
        }),
      ),
    );
  const ids = await forEach((text) => tokenizer.first(text, settings.max_length), new Int32Array(0));
  const counted = settings.count ? await forEach((text) => tokenizer.count(text), 0) : undefined;
  const metadata = idsMetadata({
    tokenizer: tokenizer.sha256,
    vocabulary: tokenizer.vocabulary,
    maxLength: settings.max_length,
  });
  const withIds = withColumn(batch, idsColumn, idsData(ids), { metadata, temporary: true });
  const done = counted ? withCounts(withIds, counted, settings.count_column, context) : withIds;
  return notEmpty(done, ids, unusable, settings, context);
}

/** Reads the texts of a batch. @throws DataError for a column that holds something else */
export function textsOf(batch: Batch): TextReader {
  const { vector, name } = roleColumn(batch, 'text');
  const field = batch.columns.schema.fields.find((own) => own.name === name);
  const mixed = field?.metadata.get('nag.json') === 'true';
  if (mixed || !isText(vector.type)) {
    const found = mixed ? 'values of several types (kept as JSON text)' : String(vector.type);
    throw new DataError(
      { file: batch.bundle.file, column: name },
      `expected text, found ${found}; name the text column with columns: {text: …}`,
    );
  }
  return textReader(vector);
}

/** The rows that have tokens; the others are rejected, or left out where texts may be empty. */
function notEmpty(
  batch: Batch,
  ids: readonly Int32Array[],
  unusable: ReadonlyMap<number, DataError>,
  { on_empty }: Options,
  context: Context,
): Batch {
  const column = batch.roles.text;
  const empty = 'the text is empty or null and has no token; remove the row, or set on_empty: skip';
  const faultOf = (row: number) => {
    const cause = unusable.get(row);
    if (cause) return { reason: cause.reason, column, cause };
    return ids[row]!.length === 0 && on_empty === 'fail' ? { reason: empty, column } : undefined;
  };
  const usable = usableRows(batch, faultOf, context.reject);
  const kept = usable.filter((row) => ids[row]!.length > 0);
  if (kept.length < usable.length) context.leftOut('no token', usable.length - kept.length);
  return keepRows(batch, kept);
}

function idsData(ids: readonly Int32Array[]) {
  const valueOffsets = new Int32Array(ids.length + 1);
  for (const [row, own] of ids.entries()) valueOffsets[row + 1] = valueOffsets[row]! + own.length;
  const values = new Int32Array(valueOffsets[ids.length]!);
  for (const [row, own] of ids.entries()) values.set(own, valueOffsets[row]!);
  const child = makeData({ type: new Int32(), data: values, nullCount: 0 });
  return makeData({
    type: new List(new Field('item', new Int32(), false)),
    length: ids.length,
    nullCount: 0,
    valueOffsets,
    child,
  });
}

function withCounts(batch: Batch, counts: readonly number[], name: string, context: Context): Batch {
  const data = makeData({ type: new Int32(), data: Int32Array.from(counts), nullCount: 0 });
  const named = withOwnColumn(batch, name, data, { option: 'count_column: …' }, context);
  return { ...named, roles: { ...batch.roles, tokens: name } };
}
