import { Schema } from 'apache-arrow';
import { z } from 'zod';
import { type Batch, hasColumn, selectColumns } from '../pipeline/batch.js';
import { type Context, defineSource, type OpenSource, type Reject } from '../pipeline/component.js';
import { DataError } from '../pipeline/errors.js';
import { orReject, withoutFaults } from '../pipeline/faults.js';
import { type NeuronType, neuronTypes } from './backbone/types.js';
import { featureColumn, featureField } from './columns.js';
import { featureMakers, hasIndices } from './features/jsonl.js';
import type { Layout } from './features/layout.js';
import { firstLayout, saidLayouts, withFeatures } from './features/parquet.js';
import { openStore, storeFolder } from './features/store.js';
import type { ParsedRow } from './jsonl/convert.js';
import { linesOf } from './jsonl/lines.js';
import { parseLine } from './jsonl/parse-line.js';
import { docidFaults } from './rank/cells.js';
import { jsonlEndings, jsonlOptions, openJsonl } from './read-jsonl.js';
import { openParquet, parquetOptions } from './read-parquet.js';
import { type ListedPath, listInputs, takesFile } from './reading/listing.js';
import { readingOptions } from './reading/options.js';

const options = z.strictObject({
  ...readingOptions,
  layers: z
    .int()
    .min(1)
    .optional()
    .describe('Layers of the features; needed where files do not say it (those of write.parquet do)'),
  width: z
    .int()
    .min(1)
    .optional()
    .describe(
      'Neurons a layer; 65536 where neither this nor the files tell, with the same distances for power 1 and 2 of profile',
    ),
  neurons: z.array(z.enum(neuronTypes)).min(1).optional().describe('Read features of these types only'),
  trust: z
    .boolean()
    .default(false)
    .describe(
      'Compare features of files that do not say how they were made with any others: you know that they were made alike',
    ),
  ...parquetOptions,
  ...jsonlOptions,
});

type Options = z.output<typeof options>;

/** Of files in a folder. */
const extensions = [...jsonlEndings, '.parquet'];

const typeColumns = neuronTypes.map(featureColumn);

/**
 * Source: features that were extracted before, by this program or the reference implementation (NAG.md §2), from files or
 * from a store that `features` filled; no model is needed. All other columns of the files come along.
 */
export const readFeatures = defineSource({
  name: 'read.features',
  summary: 'Read features from a store, Parquet or JSON lines instead of extracting them',
  options,
  example: `
    - {use: read.features, with: {path: "features/target/*.jsonl", layers: 28}}
    - {id: target, use: profile}
    - {use: read.features, with: {path: "features/pool/*.jsonl", layers: 28}}
    - {use: score, from: {profile: target}}
    - {use: write.parquet, with: {path: out/scored.parquet}}`,
  chain: { makes: 'features' },
  takes: ({ path }, file) => takesFile(path, extensions, file),
  open: async (settings, context, firstOrdinal) => {
    const folder = await storeFolder(settings.path);
    if (folder !== undefined) return await openStored(folder, settings, context, firstOrdinal);
    const inputs = await listInputs(settings.path, extensions);
    const paths = inputs.map(({ path }) => path);
    const parquet = paths.filter((path) => path.endsWith('.parquet'));
    if (parquet.length === 0) return await openLines(inputs, settings, context, firstOrdinal);
    const other = paths.find((path) => !path.endsWith('.parquet'));
    if (other === undefined) return await openTables(inputs, settings, context, firstOrdinal);
    throw new DataError(
      { file: other },
      `cannot be read together with ${parquet[0]}: read Parquet and JSON lines in two stages`,
    );
  },
});

async function openStored(
  folder: string,
  settings: Options,
  context: Context,
  firstOrdinal: number,
): Promise<OpenSource> {
  const source = await openStore(folder, settings, context, firstOrdinal);
  const found = typeColumns.filter((name) => hasColumn(source.schema, name));
  const wanted = settings.neurons?.map(featureColumn) ?? found;
  const missing = wanted.find((name) => !found.includes(name));
  if (missing !== undefined)
    throw new DataError({ file: folder }, `has no "${missing}"; it has ${found.join(', ')}`);
  return withOnly(source, wanted, context, (batch) => batch);
}

async function openLines(
  inputs: readonly ListedPath[],
  settings: Options,
  context: Context,
  firstOrdinal: number,
): Promise<OpenSource> {
  const firstRows: ParsedRow[] = [];
  for (const { path } of inputs) firstRows.push(...(await firstRow(path, settings, context)));
  if (firstRows.length === 0) {
    // That says what is wrong with the rows, if there are some.
    await openJsonl(inputs, settings, context, firstOrdinal, new Map());
    throw new DataError({ file: inputs[0]?.path }, 'is empty; expected one JSON object a line');
  }
  const makers = featureMakers(firstRows, settings, context.tolerant);
  const source = await openJsonl(inputs, settings, context, firstOrdinal, makers);
  if (!settings.neurons) requireFeatures(source, makers);
  return withOnly(source, [...makers.keys()], context, (batch) => batch);
}

/** The first row of a file, where others may be rejected the first with features; none where none can be read. */
async function firstRow(file: string, settings: Options, context: Context): Promise<ParsedRow[]> {
  const reject = context.tolerant ? () => undefined : context.reject;
  const names = settings.neurons?.map(featureColumn) ?? typeColumns;
  let first: ParsedRow | undefined;
  for await (const line of linesOf(file, reject)) {
    const row = orReject(() => parseLine(line, file, settings.invalid_text, { texts: 0 }), reject);
    if (row && (!context.tolerant || names.some((name) => hasIndices(row, name)))) return [row];
    first ??= row;
  }
  return first ? [first] : [];
}

/** A type that appears after the first row of each file would be taken for some other column. */
function requireFeatures({ schema, bundles }: OpenSource, makers: ReadonlyMap<string, unknown>): void {
  const late = typeColumns.find((name) => !makers.has(name) && hasColumn(schema, name));
  if (late === undefined) return;
  throw new DataError(
    { file: bundles[0]?.file, column: late },
    'only some rows have it; name the types that all rows have under neurons',
  );
}

async function openTables(
  inputs: readonly ListedPath[],
  settings: Options,
  context: Context,
  firstOrdinal: number,
): Promise<OpenSource> {
  let said = new Map<NeuronType, Layout | undefined>();
  const source = await openParquet(inputs, settings, context, firstOrdinal, (files) => {
    said = saidLayouts(files, settings);
  });
  const layouts: Layout[] = [];
  for (const [type, layout] of said)
    layouts.push(layout ?? (await firstLayout(source, type, settings, context)));
  const made = new Map(layouts.map(({ info }) => [featureColumn(info.neurons), featureField(info)]));
  const schema = new Schema(source.schema.fields.map((field) => made.get(field.name) ?? field));
  return withOnly({ ...source, schema }, [...made.keys()], context, (batch, reject) =>
    layouts.reduce((out, layout) => withFeatures(out, layout, reject), batch),
  );
}

/**
 * The source with these of the feature columns, converted. Features are joined and ranked by their docids: where there
 * are some, every row has one.
 */
function withOnly(
  source: OpenSource,
  names: readonly string[],
  context: Context,
  convert: (batch: Batch, reject: Reject) => Batch,
): OpenSource {
  const others = new Set(typeColumns.filter((name) => !names.includes(name)));
  const kept = source.schema.fields.map(({ name }) => name).filter((name) => !others.has(name));
  return {
    ...source,
    schema: source.schema.select(kept),
    async *read(bundle, needs, how = {}) {
      const reject = how.reject ?? context.reject;
      for await (const batch of source.read(bundle, needs, how)) {
        const faults = docidFaults(batch, 'the row has no docid');
        yield convert(without(withoutFaults(batch, faults, reject), others), reject);
      }
    },
  };
}

function without(batch: Batch, names: ReadonlySet<string>): Batch {
  const { fields } = batch.columns.schema;
  const kept = fields.flatMap(({ name }, i) => (names.has(name) ? [] : [i]));
  return kept.length === fields.length ? batch : { ...batch, columns: selectColumns(batch.columns, kept) };
}
