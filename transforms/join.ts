import type { Field } from 'apache-arrow';
import { z } from 'zod';
import { type Batch, hasColumn, inputOrder, keepRows, placeOf, withColumn } from '../pipeline/batch.js';
import { schemaNote } from '../pipeline/columns-note.js';
import { type Context, defineCombine, defineTransform } from '../pipeline/component.js';
import { NagError, type Place, placeText } from '../pipeline/errors.js';
import { usableRows, withoutFaults } from '../pipeline/faults.js';
import { noColumn } from '../pipeline/nearest.js';
import type { KnownSides } from '../pipeline/preview.js';
import { featureColumns } from './columns.js';
import { KeyIndex } from './join/key-index.js';
import { RecordFormat } from './join/records.js';
import { noteReplaced } from './own-column.js';
import { type DocidKind, docidFaults, docidReader } from './rank/cells.js';

const faults = ['unmatched', 'duplicates'] as const;

const options = z.strictObject({
  on: z
    .string()
    .min(1)
    .default('docid')
    .describe('The column that both have; docid is the column that plays this role in each'),
  columns: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'Columns to take from the side input; without it its feature columns, or all where it has none',
    ),
  allow: z
    .array(z.enum(faults))
    .default([])
    .describe(
      'What is counted and told instead of being an error: unmatched rows are left out; of duplicates in the side input the first row is taken',
    ),
  memory_mb: z
    .number()
    .positive()
    .default(256)
    .describe(
      'Memory for building the index (32 bytes a row at once); larger ones are built in several parts',
    ),
});

type Options = z.output<typeof options>;

/** The rows of the side input, put together as an index. */
const gather = defineCombine<typeof options, KeyIndex, KeyIndex>({
  name: 'join index',
  summary: 'Index rows by a column',
  options,
  yields: 'value',
  example: '',
  preview: (input) => input,
  needs: ({ on, columns }) => ({
    ...(on === 'docid' ? { roles: ['docid' as const] } : {}),
    columns: columns ? [...(on === 'docid' ? [] : [on]), ...columns] : 'all',
  }),
  start: async (settings, context) => {
    const open: KeyIndex[] = [];
    return {
      create: () => {
        const index = new KeyIndex(context.tempDir, settings.memory_mb * 1e6);
        open.push(index);
        return index;
      },
      add: (index, batch) => addBatch(index, batch, settings, context),
      merge: (a, b) => {
        if (b.rows > 0) requireKind(a, b.kind);
        a.merge(b);
        return a;
      },
      extract: (index) => sealed(index, settings, context),
      close: async () => {
        for (const index of open) index.close();
      },
    };
  },
});

/** Transform: puts columns of other rows beside each row, found by a column that both have (NAG.md §4). */
export const join = defineTransform({
  name: 'join',
  summary: 'Join rows with features, or other columns, that were made elsewhere',
  options,
  sides: ['features'],
  gathers: { features: gather },
  example: `
    - {id: features, use: read.parquet, with: {path: "features/*.parquet"}}
    - {id: docs, use: read.parquet, with: {path: "pool/*.parquet"}}
    - {use: join, from: {main: docs, features: features}, with: {on: docid}}
    - {use: write.parquet, with: {path: out/joined.parquet}}`,
  needs: ({ on }) => (on === 'docid' ? { roles: ['docid'] } : { columns: [on] }),
  preview: previewJoined,
  run: joinAll,
});

/** What rows of the side input are joined with. */
type Joined = Pick<KeyIndex, 'fields' | 'columns'> & { kind: KeyIndex['kind'] };

function addBatch(index: KeyIndex, whole: Batch, { on, columns }: Options, context: Context): KeyIndex {
  const batch = withKeys(whole, on, context);
  if (batch.rows.length === 0 && index.fields.length > 0) return index;
  const keys = keysOf(batch, on);
  requireKind(index, keys.kind);
  const add = index.adder(batch.columns, columns ?? usualColumns(batch, keys.name));
  for (let row = 0; row < batch.rows.length; row++) add(row, keys.read(row), inputOrder(batch, row));
  return index;
}

function usualColumns(batch: Batch, key: string): string[] {
  const features = featureColumns(batch.columns);
  if (features.length > 0) return features;
  return batch.columns.schema.fields
    .map(({ name }) => name)
    .filter((name) => name !== key && !name.startsWith('#'));
}

/** Rows by their key, which plays the role of the docid. */
function keyed(batch: Batch, on: string): Batch {
  return on === 'docid' ? batch : { ...batch, roles: { ...batch.roles, docid: on } };
}

function withKeys(batch: Batch, on: string, context: Context): Batch {
  return withoutFaults(batch, docidFaults(keyed(batch, on)), context.reject);
}

function keysOf(batch: Batch, on: string) {
  const { roles } = keyed(batch, on);
  const keys = docidReader({ ...batch, roles });
  if (!keys)
    throw new NagError(
      `${batch.bundle.file}: there is no column "${roles.docid}" to join on${schemaNote(batch.columns.schema)}`,
    );
  return { ...keys, name: roles.docid ?? on };
}

function requireKind(index: Pick<Joined, 'kind'>, kind: DocidKind | undefined): void {
  index.kind ??= kind;
  if (kind === undefined || index.kind === kind) return;
  const words = { text: 'text', integer: 'whole numbers' };
  throw new NagError(
    `the keys are ${words[index.kind!]} in one input and ${words[kind]} in another, and cannot be equal: cast one of them (read.jsonl: types: {docid: string}; SQL: CAST(docid AS VARCHAR))`,
  );
}

function sealed(index: KeyIndex, { allow }: Options, context: Context): KeyIndex {
  index.seal();
  context.count('rows', index.rows);
  const found = index.duplicates();
  if (!found) return index;
  context.count('duplicates', found.rows);
  const example = index.kind === 'text' ? ` (such as "${new TextDecoder().decode(found.example)}")` : '';
  const what = `${found.rows} rows of the side input have a key that an earlier one has${example}`;
  if (!allow.includes('duplicates'))
    throw new NagError(`${context.stage}: ${what}; remove them, or take the first with allow: [duplicates]`);
  context.note(`${what}: the first of each is taken`);
  return index;
}

/** Undefined where a column would be read of both inputs, or of one, depending on who asks for it. */
function previewJoined(
  input: readonly Batch[],
  { on, columns }: Options,
  _context: Context,
  sides: KnownSides,
): readonly Batch[] | undefined {
  const keys = input.map((batch) => keysOf(batch, on));
  const [side] = sides.get('features')?.[0] ?? [];
  if (!side) return undefined;
  const { kind, name } = keysOf(side, on);
  const missing = columns?.find((column) => !hasColumn(side.columns.schema, column));
  if (missing !== undefined)
    throw new NagError(`${side.bundle.file}: columns: ${noColumn(missing, side.columns.schema)}`);
  const format = new RecordFormat(side.columns, columns ?? usualColumns(side, name));
  const index: Joined = { fields: format.fields, columns: (rows) => format.columns(rows), kind };
  for (const own of keys) requireKind(index, own.kind);
  if (input.some((batch) => inBoth(batch, index).length > 0)) return undefined;
  return input.map((batch) => withCells(batch, index, []));
}

async function* joinAll(
  input: AsyncIterable<Batch>,
  settings: Options,
  context: Context,
  sides: ReadonlyMap<string, unknown>,
): AsyncGenerator<Batch> {
  const index = sides.get('features') as KeyIndex;
  let unmatched = 0;
  let first: Place | undefined;
  for await (const whole of input) {
    const batch = withKeys(whole, settings.on, context);
    const { kind, read } = keysOf(batch, settings.on);
    requireKind(index, kind);
    requireNewColumns(batch, index, context);
    const found = Array.from(batch.rows, (_, row) => index.find(read(row)));
    const rejects = context.tolerant && !settings.allow.includes('unmatched');
    const faultOf = (row: number) => (found[row] === undefined ? alone : undefined);
    const kept = rejects ? usableRows(batch, faultOf, context.reject) : matched(found);
    const missing = batch.rows.length - kept.length;
    if (missing > 0 && !rejects) {
      first ??= placeOf(batch, found.indexOf(undefined));
      unmatched += missing;
      context.leftOut('not in the side input', missing);
    }
    yield withCells(
      keepRows(batch, kept),
      index,
      found.filter((cells) => cells !== undefined),
    );
  }
  checkMatches(unmatched, first, index, settings, context);
}

const alone = { reason: 'has nothing in the side input' };

function matched(found: readonly unknown[]): Uint32Array {
  return Uint32Array.from(found.keys()).filter((row) => found[row] !== undefined);
}

/**
 * A column that both have is refused where it was read; where it was not, a note says that it is replaced. What only
 * has the name of a feature column is kept aside while there is one.
 */
function requireNewColumns(batch: Batch, index: Joined, context: Context): void {
  const both = inBoth(batch, index);
  if (both.length > 0)
    throw new NagError(
      `both inputs have the columns ${both.join(', ')}: say with columns: […] which are taken from the side input`,
    );
  for (const field of index.fields)
    if (!isFeature(field)) noteReplaced(batch, field.name, 'columns: […] without it', context);
}

function inBoth(batch: Batch, index: Joined): string[] {
  const own = new Map(batch.columns.schema.fields.map((field) => [field.name, field]));
  const isBesides = (field: Field, other: Field) =>
    isFeature(field) && !isFeature(other) && !batch.computed.has(other.name);
  return index.fields.flatMap((field) => {
    const other = own.get(field.name);
    return other && !isBesides(field, other) ? [field.name] : [];
  });
}

/** Features are there for stages that follow: those of the documents come back. */
function isFeature({ metadata }: Field): boolean {
  return metadata.has('nag.neurons');
}

function withCells(batch: Batch, index: Joined, cells: readonly Uint8Array[]): Batch {
  const columns = index.columns(cells);
  return index.fields.reduce((out, field, i) => {
    const { name, metadata, nullable } = field;
    return withColumn(out, name, columns[i]!, { nullable, metadata, temporary: isFeature(field) });
  }, batch);
}

function checkMatches(
  unmatched: number,
  first: Place | undefined,
  index: KeyIndex,
  { allow }: Options,
  context: Context,
): void {
  const { unfound } = index;
  if (unfound > 0) context.count('unmatched in the side input', unfound);
  const faults = [
    ...(unmatched > 0 && first
      ? [`${unmatched} rows have nothing in the side input (the first: ${placeText(first)})`]
      : []),
    ...(unfound > 0 ? [`${unfound} rows of the side input belong to no row`] : []),
  ];
  if (faults.length === 0) return;
  const what = faults.join(', and ');
  // The rows to which they belong may have been rejected.
  if (!context.tolerant && !allow.includes('unmatched'))
    throw new NagError(
      `${context.stage}: ${what}; complete the inputs, or leave them out with allow: [unmatched]`,
    );
  context.note(what);
}
