import type { Schema } from 'apache-arrow';
import { z } from 'zod';
import type { Batch, Bundle } from '../pipeline/batch.js';
import {
  type Context,
  defineSource,
  type Needs,
  type OpenSource,
  type ReadOptions,
} from '../pipeline/component.js';
import { DataError, messageOf } from '../pipeline/errors.js';
import { type Conversion, checkKeys, type ParsedRow, toRecordBatch } from './jsonl/convert.js';
import { join, type Shape, schemaOf, shapeOf } from './jsonl/infer.js';
import { type Line, readLines } from './jsonl/lines.js';
import { finishBatch, type Reading } from './reading/finish.js';
import { listFiles } from './reading/listing.js';
import { readingFacts, readingOptions } from './reading/options.js';
import { mapRoles, neededColumns, noteHidden } from './reading/roles.js';
import { type FileStamp, requireSameFile, stampOf } from './reading/same-file.js';
import { compileWhere } from './reading/where.js';

const options = z.strictObject({
  ...readingOptions,
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
});

type Options = z.output<typeof options>;

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
  open: openFiles,
});

/** A batch is closed before it holds more than this many bytes of lines. */
const batchBytes = 16e6;

async function openFiles(settings: Options, context: Context, firstOrdinal: number): Promise<OpenSource> {
  const paths = await listFiles(settings.path, ['.jsonl', '.jsonl.gz']);
  let fields: ReadonlyMap<string, Shape> = new Map();
  const stamps = new Map<Bundle, FileStamp>();
  for (const file of paths) {
    context.signal.throwIfAborted();
    const shape = join({ kind: 'object', fields }, await shapeOfFile(file, settings));
    if (shape.kind === 'object') fields = shape.fields;
    const stamp = await stampOf(file);
    stamps.set(
      { ordinal: firstOrdinal + stamps.size, file, firstRow: 0, rows: undefined, bytes: stamp.bytes },
      stamp,
    );
  }
  const named = new Map<string, Shape>(
    Object.entries(settings.types).map(([name, kind]) => [name, { kind }]),
  );
  const schema = schemaOf(new Map([...fields, ...named]));
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
      yield* readBundle(bundle, needs, how ?? {}, reading, settings, context);
    },
    close: async () => undefined,
  };
}

async function shapeOfFile(file: string, settings: Options): Promise<Shape> {
  let shape: Shape = { kind: 'object', fields: new Map() };
  let rows = 0;
  for await (const line of readLines(file)) {
    shape = join(shape, shapeOf(parseLine(line, file, settings, { texts: 0 }).value));
    if (++rows === settings.infer_rows) break;
  }
  if (rows === 0) throw new DataError({ file }, 'is empty; expected one JSON object a line');
  return shape;
}

async function* readBundle(
  bundle: Bundle,
  needs: Needs,
  how: ReadOptions,
  reading: Reading,
  settings: Options,
  context: Context,
): AsyncGenerator<Batch> {
  const { file } = bundle;
  const schema = projected(reading, needs, file);
  const known = new Set(reading.schema.fields.map((field) => field.name));
  const repairs: Repairs = { texts: 0 };
  let row = 0;
  let next = 0;
  let pending: ParsedRow[] = [];
  let numbers: number[] = [];
  let bytes = 0;
  const conversion: Conversion = {
    invalidText: settings.invalid_text,
    replaced: () => repairs.texts++,
  };
  const flush = () => {
    const columns = toRecordBatch(pending, schema, conversion);
    const batch = finishBatch(columns, Uint32Array.from(numbers), bundle, needs, reading, how);
    pending = [];
    numbers = [];
    bytes = 0;
    return batch;
  };
  for await (const line of how.only?.length === 0 ? [] : readLines(file)) {
    context.signal.throwIfAborted();
    const number = row++;
    if (how.only && how.only[next] !== number) continue;
    next++;
    const parsed = parseLine(line, file, settings, repairs);
    checkKeys(parsed, known);
    pending.push(parsed);
    numbers.push(number);
    bytes += line.bytes.length;
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

function parseLine(line: Line, file: string, settings: Options, repairs: Repairs): ParsedRow {
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
