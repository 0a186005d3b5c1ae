import { Schema } from 'apache-arrow';
import { z } from 'zod';
import type { Batch, Bundle } from '../pipeline/batch.js';
import {
  type Context,
  defineSource,
  type Needs,
  type OpenSource,
  type ReadOptions,
  type Reject,
} from '../pipeline/component.js';
import { DataError, messageOf } from '../pipeline/errors.js';
import { orReject } from '../pipeline/faults.js';
import {
  type ColumnMaker,
  type Conversion,
  cellsOf,
  checkKeys,
  type ParsedRow,
  toRecordBatch,
} from './jsonl/convert.js';
import { join, type Shape, schemaOf, shapeOf } from './jsonl/infer.js';
import { type Line, linesOf } from './jsonl/lines.js';
import { finishBatch, type Reading } from './reading/finish.js';
import { listFiles, takesFile } from './reading/listing.js';
import { readingFacts, readingOptions } from './reading/options.js';
import { mapRoles, neededColumns, noteHidden } from './reading/roles.js';
import { type FileStamp, requireSameFile, stampOf } from './reading/same-file.js';
import { compileWhere } from './reading/where.js';

/** Options of JSON lines. */
export const jsonlOptions = {
  types: z
    .record(z.string(), z.enum(['string', 'int', 'float', 'bool', 'json']))
    .default({})
    .describe('Types of columns instead of those that the rows suggest; json keeps any value as JSON text'),
  infer_rows: z
    .union([z.int().min(1), z.literal('all')])
    .default(1000)
    .describe('Rows of each file that are looked at for the columns and their types'),
  invalid_text: z
    .enum(['fail', 'replace'])
    .default('fail')
    .describe('Text that is no valid Unicode: stop, or put U+FFFD in its place and count it'),
  batch_rows: z.int().min(1).max(65536).default(1024).describe('Most rows in a batch'),
} as const;

const options = z.strictObject({ ...readingOptions, ...jsonlOptions });

type Options = z.output<typeof options>;

/** Of files in a folder. */
const extensions = ['.jsonl', '.jsonl.gz'];

/** Source: files of one JSON object a line, plain or gzipped. A file is one bundle. */
export const readJsonl = defineSource({
  name: 'read.jsonl',
  summary: 'Read documents from JSON lines files, plain or .gz',
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
  takes: ({ path }, file) => takesFile(path, extensions, file),
  open: async (settings, context, firstOrdinal) => {
    const paths = await listFiles(settings.path, extensions);
    return await openJsonl(paths, settings, context, firstOrdinal, new Map());
  },
});

/** A batch is closed before it holds more than this many bytes of lines. */
const batchBytes = 16e6;

/**
 * Opens listed files of JSON lines.
 * @param makers columns by name that are made in a way of their own; they come after the others
 */
export async function openJsonl(
  paths: readonly string[],
  settings: Options,
  context: Context,
  firstOrdinal: number,
  makers: ReadonlyMap<string, ColumnMaker>,
): Promise<OpenSource> {
  let fields: ReadonlyMap<string, Shape> = new Map();
  const stamps = new Map<Bundle, FileStamp>();
  let [rows, firstFault]: [number, unknown] = [0, undefined];
  // Lines are told when they are read.
  const overlook: Reject = (place, reason, { cause } = {}) => {
    if (!context.tolerant) context.reject(place, reason, { cause });
    firstFault ??= cause;
  };
  for (const file of paths) {
    context.signal.throwIfAborted();
    const found = await shapeOfFile(file, settings, makers, overlook);
    rows += found.rows;
    if (found.lines === 0) {
      const empty = new DataError({ file }, 'is empty; expected one JSON object a line');
      context.reject(empty.place, empty.reason, { rows: undefined, cause: empty });
      firstFault ??= empty;
      continue;
    }
    const shape = join({ kind: 'object', fields }, found.shape);
    if (shape.kind === 'object') fields = shape.fields;
    const stamp = await stampOf(file);
    stamps.set(
      { ordinal: firstOrdinal + stamps.size, file, firstRow: 0, rows: undefined, bytes: stamp.bytes },
      stamp,
    );
  }
  if (rows === 0) throw firstFault;
  const named = new Map<string, Shape>(
    Object.entries(settings.types).map(([name, kind]) => [name, { kind }]),
  );
  const inferred = schemaOf(new Map([...fields, ...named])).fields.filter(({ name }) => !makers.has(name));
  const schema = new Schema([...inferred, ...[...makers.values()].map(({ field }) => field)]);
  noteHidden(schema, context);
  const reading: Reading = {
    schema,
    mapping: mapRoles(settings, schema, paths[0]!),
    filter: compileWhere(settings.where, schema, paths[0]!),
  };
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
    const parsed = orReject(() => parseLine(line, file, settings, { texts: 0 }), reject);
    if (!parsed) continue;
    const entries = Object.entries(parsed.value);
    shape = join(shape, shapeOf(Object.fromEntries(entries.filter(([name]) => !makers.has(name)))));
    if (++rows === settings.infer_rows) break;
  }
  return { shape, rows, lines };
}

async function* readBundle(
  bundle: Bundle,
  needs: Needs,
  how: ReadOptions,
  reading: Reading,
  settings: Options,
  context: Context,
  makers: ReadonlyMap<string, ColumnMaker>,
): AsyncGenerator<Batch> {
  const { file } = bundle;
  const schema = projected(reading, needs, file);
  const known = new Set(reading.schema.fields.map((field) => field.name));
  const reject = how.reject ?? context.reject;
  const repairs: Repairs = { texts: 0 };
  let row = 0;
  let next = 0;
  let pending: unknown[][] = [];
  let numbers: number[] = [];
  let bytes = 0;
  const conversion: Conversion = {
    invalidText: settings.invalid_text,
    replaced: () => repairs.texts++,
    makers,
  };
  // Where the run goes on without a line, it must not be chosen first and then be bad for a column that nobody read.
  const unread = context.tolerant
    ? reading.schema.fields.filter((field) => !schema.fields.includes(field))
    : [];
  const parse = (line: Line) => {
    const parsed = parseLine(line, file, settings, repairs);
    checkKeys(parsed, known);
    cellsOf(parsed, unread, { ...conversion, replaced: () => undefined });
    return cellsOf(parsed, schema.fields, conversion);
  };
  const flush = () => {
    const columns = toRecordBatch(pending, schema, makers);
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

/** How many texts had to be made valid. */
interface Repairs {
  texts: number;
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder('utf-8', { ignoreBOM: true });

/** The object on a line. Throws a `DataError` with file and line where there is none. */
export function parseLine(line: Line, file: string, settings: Options, repairs: Repairs): ParsedRow {
  const place = { file, line: line.number };
  const text = decode(line, place, settings, repairs);
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value))
      return { value: value as Record<string, unknown>, place };
  } catch (error) {
    throw new DataError(place, `is not JSON: ${messageOf(error)}; expected one JSON object a line`, {
      cause: error,
    });
  }
  throw new DataError(place, `expected a JSON object, found ${text.slice(0, 40)}`);
}

function decode(
  line: Line,
  place: { file: string; line: number },
  settings: Options,
  repairs: Repairs,
): string {
  try {
    return strict.decode(line.bytes);
  } catch (error) {
    if (settings.invalid_text === 'fail') {
      throw new DataError(place, 'is not valid UTF-8; convert the file, or set invalid_text: replace', {
        cause: error,
      });
    }
    repairs.texts++;
    return lenient.decode(line.bytes);
  }
}
