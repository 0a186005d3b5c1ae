import { Field, makeData, RecordBatch, Schema, Struct, Uint32 } from 'apache-arrow';
import { gatherBatch } from '../arrow/gather.js';
import { type Batch, findColumn, keepRows, type Roles, withColumn, withoutColumns } from '../batch.js';
import { NagError } from '../errors.js';

/** Column of each row's number within its bundle. */
export const rowColumn = 'nag_row';

/** In the metadata of a docid that is kept for others to read: the source has it already. */
const docidMark = 'nag.docid';

/** The columns of a batch that cannot be read from its source again, its docids, and its rows' numbers. */
export function keptColumns(batch: Batch): RecordBatch {
  const { fields, metadata } = batch.columns.schema;
  const docid = docidOf(batch);
  const computed = fields.flatMap((field, i) =>
    batch.computed.has(field.name) && !field.name.startsWith('#')
      ? [{ field, data: batch.columns.data.children[i]! }]
      : [],
  );
  const numbers = makeData({ type: new Uint32(), data: batch.rows.slice(), nullCount: 0 });
  const all = [{ field: new Field(rowColumn, new Uint32(), false), data: numbers }, ...docid, ...computed];
  const schema = new Schema(
    all.map(({ field }) => field),
    new Map([...metadata, ['nag.file', batch.bundle.file], ['nag.changes', changesOf(batch)]]),
  );
  const children = all.map(({ data }) => data);
  const data = makeData({
    type: new Struct(schema.fields),
    length: batch.rows.length,
    nullCount: 0,
    children,
  });
  return new RecordBatch(schema, data);
}

function docidOf(batch: Batch) {
  const name = batch.roles.docid;
  const vector = name === undefined ? undefined : findColumn(batch.columns, name);
  const data = vector?.data[0];
  if (!data || batch.computed.has('docid')) return [];
  return [{ field: new Field('docid', data.type, true, new Map([[docidMark, 'true']])), data }];
}

/** What the stages have removed, and which computed columns play a role or are temporary. */
function changesOf({ computed, removed, roles, temporary = new Set() }: Batch): string {
  const played = Object.entries(roles).filter(([, name]) => name !== undefined && computed.has(name));
  const changes: Changes = {
    removed: [...removed],
    roles: Object.fromEntries(played),
    temporary: [...temporary],
  };
  return JSON.stringify(changes);
}

/**
 * Puts kept columns beside the rows of their bundle, which come in order. Rows that were not kept are left out and
 * counted. At least one batch comes out where one comes in, if only for its columns.
 */
export async function* attachKept(
  rows: AsyncIterable<Batch>,
  kept: AsyncGenerator<RecordBatch>,
  leftOut: (rows: number) => void,
): AsyncGenerator<Batch> {
  const parts = partsOf(kept);
  try {
    let part = await parts.next();
    let none: Batch | undefined;
    let some = false;
    for await (const batch of rows) {
      if (!part.done) none ??= joined(batch, part.value, nowhere, nowhere);
      for (let at = 0; at < batch.rows.length; ) {
        while (!part.done && part.value.last < batch.rows[at]!) part = await parts.next();
        const end = part.done ? batch.rows.length : firstAfter(batch.rows, part.value.last, at);
        const { here, there } = part.done ? nothing : common(batch.rows, at, end, part.value.rows);
        leftOut(end - at - here.length);
        if (!part.done && here.length > 0) {
          some = true;
          yield joined(batch, part.value, here, there);
        }
        at = end;
      }
    }
    if (!some && none) yield none;
  } finally {
    await kept.return(undefined);
  }
}

const nowhere = new Uint32Array(0);
const nothing = { here: nowhere, there: nowhere };

/** Kept columns of some rows. */
interface Part {
  readonly columns: RecordBatch;
  /** Numbers of the rows within the bundle, ascending. */
  readonly rows: Uint32Array;
  /** The last of them, or -1. */
  readonly last: number;
  readonly roles: Roles;
  readonly removed: readonly string[];
  readonly temporary: readonly string[];
}

async function* partsOf(kept: AsyncIterable<RecordBatch>): AsyncGenerator<Part, undefined> {
  for await (const columns of kept) {
    const rows: unknown = columns.getChild(rowColumn)?.toArray();
    if (!(rows instanceof Uint32Array)) throw new NagError(`what was kept has no column ${rowColumn}`);
    // Written by `changesOf`, in a file that is found by how it was made.
    const changes = JSON.parse(columns.schema.metadata.get('nag.changes') ?? '{}') as Partial<Changes>;
    const { roles = {}, removed = [], temporary = [] } = changes;
    yield { columns, rows, last: rows.at(-1) ?? -1, roles, removed, temporary };
  }
  return undefined;
}

interface Changes {
  readonly roles: Roles;
  readonly removed: readonly string[];
  readonly temporary: readonly string[];
}

/** Positions of the rows that are in both, among `ours[from…end)` and `theirs`. */
function common(ours: Uint32Array, from: number, end: number, theirs: Uint32Array) {
  const here = new Uint32Array(end - from);
  const there = new Uint32Array(end - from);
  let count = 0;
  for (let at = from, other = 0; at < end; at++) {
    while (other < theirs.length && theirs[other]! < ours[at]!) other++;
    if (theirs[other] !== ours[at]) continue;
    here[count] = at;
    there[count++] = other;
  }
  return { here: here.subarray(0, count), there: there.subarray(0, count) };
}

function joined(batch: Batch, part: Part, here: Uint32Array, there: Uint32Array): Batch {
  const columns = gatherBatch(part.columns, there);
  const rows = { ...keepRows(batch, here), roles: { ...batch.roles, ...part.roles } };
  const cleared = withoutColumns(rows, part.removed);
  return columns.schema.fields.reduce(
    (out, { name, nullable, metadata }, i) =>
      name === rowColumn || metadata.has(docidMark)
        ? out
        : withColumn(out, name, columns.data.children[i]!, {
            nullable,
            metadata,
            temporary: part.temporary.includes(name),
          }),
    cleared,
  );
}

function firstAfter(rows: Uint32Array, row: number, from: number): number {
  let at = from;
  while (at < rows.length && rows[at]! <= row) at++;
  return at;
}
