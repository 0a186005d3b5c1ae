import { type Field, Schema } from 'apache-arrow';
import { z } from 'zod';
import { assumedSchema, type Batch, type Bundle } from '../pipeline/batch.js';
import {
  type Context,
  defineSource,
  type Needs,
  type OpenSource,
  type ReadOptions,
  type Reject,
} from '../pipeline/component.js';
import { DataError } from '../pipeline/errors.js';
import { orReject } from '../pipeline/faults.js';
import { assumedFields } from './jsonl/assumed.js';
import { type ColumnMaker, type Conversion, cellsOf, checkKeys, toRecordBatch } from './jsonl/convert.js';
import { exactnessFor } from './jsonl/exactness.js';
import { firstBeyond, join, namedShape, namedTypes, rowShape, type Shape, schemaOf } from './jsonl/infer.js';
import { type Line, linesOf } from './jsonl/lines.js';
import { type NumberNotes, numberNotes, silence } from './jsonl/number-notes.js';
import { parseLine, type Repairs, withoutOverflow } from './jsonl/parse-line.js';
import { finishBatch, type Reading } from './reading/finish.js';
import { type HiveLayout, hiveLayout } from './reading/hive-layout.js';
import { type ListedPath, listInputs, takesFile } from './reading/listing.js';
import { hiveOption, readingFacts, readingOptions } from './reading/options.js';
import { columnsOfDocuments, mapRoles, neededColumns, noteHidden } from './reading/roles.js';
import { type FileStamp, requireSameFile, stampOf } from './reading/same-file.js';
import { refuseTables } from './reading/tables.js';
import { compileWhere } from './reading/where.js';

/** Options of JSON lines. */
export const jsonlOptions = {
  types: z
    .record(z.string(), z.enum(namedTypes))
    .default({})
    .describe(
      'Types of columns instead of those that the rows suggest; json keeps any value as JSON text, string takes numbers as they are written, int and uint have 64 bits, float rounds to 64 bits',
    ),
  infer_rows: z
    .union([z.int().min(1), z.literal('all')])
    .default(1000)
    .describe('Rows of each file that are looked at for the columns and their types'),
  invalid_text: z
    .enum(['fail', 'replace'])
    .default('fail')
    .describe('Text that is no valid Unicode: stop, or put U+FFFD in its place and count it'),
  batch_rows: z.int().min(1).max(65536).default(1024).describe('Most rows in a batch'),
  hive: hiveOption,
} as const;

/** Endings of files of JSON lines in a folder; those that cannot be read are not passed over either. */
export const jsonlEndings = [
  '.jsonl',
  '.ndjson',
  ...['.jsonl', '.ndjson', '.json'].flatMap((ending) =>
    ['.gz', '.zst', '.bz2', '.xz'].map((packing) => `${ending}${packing}`),
  ),
];

const options = z.strictObject({ ...readingOptions, ...jsonlOptions });

type Options = z.output<typeof options>;

/** Source: files of one JSON object a line, plain or compressed with gzip or Zstandard. A file is one bundle. */
export const readJsonl = defineSource({
  name: 'read.jsonl',
  summary: 'Read documents from JSON lines files, plain, .gz or .zst',
  options,
  example: `
    - {id: target, use: read.jsonl, with: {path: "gsm8k/train.jsonl", columns: {text: "{question}\\n{answer}"}}}
    - {use: write.parquet, with: {path: out/gsm8k.parquet}}`,
  facts: ({ types, infer_rows, invalid_text, ...reading }) => ({
    ...readingFacts(reading),
    types,
    infer_rows,
    invalid_text,
  }),
  chain: { never: ['token ids', 'impacts', 'features'] },
  takes: ({ path }, file) => takesFile(path, jsonlEndings, file),
  open: async (settings, context, firstOrdinal) => {
    // A table may have no file under the names that are looked for.
    await refuseTables([settings.path].flat(), 'json');
    const inputs = await listInputs(settings.path, jsonlEndings);
    return await openJsonl(inputs, settings, context, firstOrdinal, new Map());
  },
});

/** What is worked out from the files, and who is told of their numbers. */
interface LinesReading extends Reading {
  /** The columns of the lines: keys that the path has too are among them. */
  readonly keys: ReadonlySet<string>;
  readonly hive: HiveLayout;
  readonly told: NumberNotes;
}

/** A batch is closed before it holds more than this many bytes of lines. */
const batchBytes = 16e6;

/**
 * Opens listed files of JSON lines.
 * @param makers columns by name that are made in a way of their own; they come after the others
 */
export async function openJsonl(
  inputs: readonly ListedPath[],
  settings: Options,
  context: Context,
  firstOrdinal: number,
  makers: ReadonlyMap<string, ColumnMaker>,
): Promise<OpenSource> {
  await refuseTables(
    inputs.map(({ path }) => path),
    'json',
  );
  const hive = hiveLayout(inputs, settings.hive);
  const files = hive.pruned(settings.where, context);
  const first = files[0]!.path;
  const { shapes, rows } = await shapesOf(files, settings, makers, hive, context);
  const inferred = schemaOf(shapes).fields.filter(({ name }) => !makers.has(name));
  const lines = new Schema([...inferred, ...[...makers.values()].map(({ field }) => field)]);
  const known = new Schema([...hive.withoutColumns(lines, context).fields, ...hive.fields]);
  const schema = rows === 0 ? assumedSchema(known) : known;
  noteHidden(schema, context);
  const mapping = mapRoles(settings, schema, first);
  const reading: LinesReading = {
    schema,
    keys: new Set(lines.fields.map(({ name }) => name)),
    hive,
    told: numberNotes(context),
    mapping,
    filter: compileWhere(settings.where, schema, first, mapping.roles),
  };
  const stamps = await stampsOf(files, firstOrdinal, reading);
  return {
    schema,
    roles: reading.mapping.roles,
    bundles: [...stamps.keys()],
    rows: undefined,
    read: async function* (bundle, needs, how) {
      await requireSameFile(bundle.file, stamps.get(bundle)!);
      yield* readBundle(bundle, needs, how ?? {}, reading, settings, context, makers);
    },
    close: async () => undefined,
  };
}

/** The columns of the files' lines, by what their first rows hold and the options say, and how many rows were looked at. */
async function shapesOf(
  files: readonly ListedPath[],
  settings: Options,
  makers: ReadonlyMap<string, ColumnMaker>,
  hive: HiveLayout,
  context: Context,
): Promise<{ shapes: ReadonlyMap<string, Shape>; rows: number }> {
  let fields: ReadonlyMap<string, Shape> = new Map();
  let [rows, firstFault]: [number, unknown] = [0, undefined];
  const empty: string[] = [];
  // Lines are told when they are read.
  const overlook: Reject = (place, reason, { cause } = {}) => {
    if (!context.tolerant) context.reject(place, reason, { cause });
    firstFault ??= cause;
  };
  for (const { path } of files) {
    context.signal.throwIfAborted();
    const found = await shapeOfFile(path, settings, makers, overlook);
    rows += found.rows;
    if (found.lines === 0) empty.push(path);
    const shape = join({ kind: 'object', fields }, found.shape);
    if (shape.kind === 'object') fields = shape.fields;
  }
  if (firstFault !== undefined && rows === 0) throw firstFault;
  const ofPath = new Set(hive.fields.map(({ name }) => name));
  if (rows === 0) fields = assumedFields(settings, ofPath);
  noteEmpty(empty, files.length, context);
  const named = Object.entries(settings.types)
    .filter(([name]) => fields.has(name) || !ofPath.has(name))
    .map(([name, kind]) => [name, namedShape(kind)] as const);
  const shapes = new Map([...fields, ...named]);
  if (!context.tolerant) refuseBeyond(shapes);
  return { shapes, rows };
}

/** A bundle for each file, and what it was when it was listed. */
async function stampsOf(
  files: readonly ListedPath[],
  firstOrdinal: number,
  { mapping, hive }: LinesReading,
): Promise<Map<Bundle, FileStamp>> {
  const made = columnsOfDocuments(mapping);
  const stamps = new Map<Bundle, FileStamp>();
  for (const { path, name } of files) {
    const stamp = await stampOf(path);
    const bundle: Bundle = {
      ordinal: firstOrdinal + stamps.size,
      file: path,
      name,
      ...hive.identity(path, made),
      firstRow: 0,
      rows: undefined,
      bytes: stamp.bytes,
    };
    stamps.set(bundle, stamp);
  }
  return stamps;
}

/** A shard without rows is none that is damaged: a filter left nothing, or a day had no documents. */
function noteEmpty(empty: readonly string[], files: number, context: Context): void {
  const [first] = empty;
  if (first === undefined) return;
  if (empty.length < files) context.note(`${empty.length} of ${files} files hold no rows, as ${first}`);
  else context.note(`${first}: no file holds rows; the columns are those that this stage names`);
}

/** Reading would refuse it as well, but perhaps hours later. */
function refuseBeyond(fields: ReadonlyMap<string, Shape>): void {
  const found = firstBeyond({ kind: 'object', fields });
  if (!found) return;
  const [top] = found.path;
  throw new DataError(
    { ...found.place, column: found.path.join('.') },
    `the whole number ${found.text} has more than 64 bits; keep its digits with types: {${top}: json}, or write it as text`,
  );
}

/** The shape of a file's first rows; `lines` counts what is there, good or bad. */
async function shapeOfFile(
  file: string,
  settings: Options,
  makers: ReadonlyMap<string, ColumnMaker>,
  reject: Reject,
): Promise<{ shape: Shape; rows: number; lines: number }> {
  let shape: Shape = { kind: 'object', fields: new Map() };
  let [rows, lines] = [0, 0];
  const broken: Reject = (...fault) => {
    lines++;
    reject(...fault);
  };
  for await (const line of linesOf(file, broken)) {
    lines++;
    const parsed = orReject(
      () => parseLine(line, file, settings.invalid_text, { texts: 0 }, 'digits'),
      reject,
    );
    if (!parsed) continue;
    const entries = Object.entries(parsed.value);
    const own = Object.fromEntries(entries.filter(([name]) => !makers.has(name)));
    shape = join(shape, rowShape(own, parsed.place));
    if (++rows === settings.infer_rows) break;
  }
  return { shape, rows, lines };
}

async function* readBundle(
  bundle: Bundle,
  needs: Needs,
  how: ReadOptions,
  reading: LinesReading,
  settings: Options,
  context: Context,
  makers: ReadonlyMap<string, ColumnMaker>,
): AsyncGenerator<Batch> {
  const { file } = bundle;
  const { fields: asked, metadata } = projected(reading, needs, file);
  const isFromPath = (field: Field) => reading.hive.fields.includes(field);
  const fromPath = asked.filter(isFromPath);
  const schema = new Schema(
    asked.filter((field) => !isFromPath(field)),
    metadata,
  );
  const reject = how.reject ?? context.reject;
  const repairs: Repairs = { texts: 0 };
  let row = 0;
  let next = 0;
  let pending: unknown[][] = [];
  let numbers: number[] = [];
  let bytes = 0;
  const conversion: Conversion = {
    ...reading.told,
    invalidText: settings.invalid_text,
    replaced: () => repairs.texts++,
    types: settings.types,
    docid: reading.mapping.roles.docid,
    makers,
  };
  // Where the run goes on without a line, it must not be chosen first and then be bad for a column that nobody read.
  const unread = context.tolerant
    ? reading.schema.fields.filter((field) => !asked.includes(field) && !isFromPath(field))
    : [];
  const exactness = exactnessFor(
    [...schema.fields, ...unread].filter(({ name }) => !makers.has(name)),
    settings.types,
  );
  const silent: Conversion = { ...conversion, ...silence };
  const parse = (line: Line) => {
    const parsed = parseLine(line, file, settings.invalid_text, repairs, exactness);
    checkKeys(parsed, reading.keys);
    return withoutOverflow(parsed.place, () => {
      cellsOf(parsed, unread, silent);
      return cellsOf(parsed, schema.fields, conversion);
    });
  };
  const flush = () => {
    const lines = toRecordBatch(pending, schema, makers);
    const columns = reading.hive.withColumns(lines, fromPath, file);
    const batch = finishBatch(columns, Uint32Array.from(numbers), bundle, needs, reading, how);
    pending = [];
    numbers = [];
    bytes = 0;
    return batch;
  };
  for await (const line of how.only?.length === 0 ? [] : linesOf(file, reject)) {
    context.signal.throwIfAborted();
    const number = row++;
    if (how.only && how.only[next] !== number) continue;
    next++;
    const cells = orReject(() => parse(line), reject);
    if (cells) {
      pending.push(cells);
      numbers.push(number);
      bytes += line.bytes.length;
    }
    if (pending.length === settings.batch_rows || bytes > batchBytes) yield flush();
    if (how.only && next === how.only.length) break;
  }
  // The last batch may have no rows, but it has the columns.
  yield flush();
  if (repairs.texts > 0)
    context.note(`${file}: ${repairs.texts} texts were no valid Unicode and hold U+FFFD now`);
}

/** The columns to build; types stay those of the whole. */
function projected(reading: Reading, needs: Needs, file: string): Schema {
  const columns = neededColumns(needs, reading.mapping, reading.schema, file);
  if (!columns) return reading.schema;
  const tops = [...columns, ...(reading.filter?.columns ?? [])].map((path) =>
    reading.schema.fields.some((field) => field.name === path) ? path : path.split('.')[0]!,
  );
  return reading.schema.select([...new Set(tops)]);
}
