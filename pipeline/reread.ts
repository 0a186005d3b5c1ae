import { type Batch, type Bundle, fromInputOrder, hasColumn, type Role, withoutColumns } from './batch.js';
import type { Needs, OpenSource, Reject } from './component.js';
import { NagError } from './errors.js';
import { rejectError } from './rejects.js';

/** What is wanted of rows that are read again. */
export interface Wanted {
  /** Columns that stages have taken away. */
  readonly removed: ReadonlySet<string>;
  /** Paths of the columns that stages below read; undefined for all. */
  readonly asked?: ReadonlySet<string> | undefined;
  /** Given besides where the source can: text put together from a template. */
  readonly roles: readonly Role[];
}

/**
 * Reads chosen rows of the sources again, with the columns that are asked for.
 *
 * @param orders `inputOrder` of each row, ascending and without repetition
 */
export async function* reread(
  orders: Float64Array,
  wanted: Wanted,
  sources: readonly OpenSource[],
  signal: AbortSignal,
): AsyncGenerator<Batch> {
  const bundles = new Map(
    sources.flatMap((source) =>
      source.bundles.map((bundle) => [bundle.ordinal, { source, bundle }] as const),
    ),
  );
  const groups = orders.length > 0 ? byBundle(orders) : noRows(bundles.keys());
  for (const { ordinal, rows } of groups) {
    const { source, bundle } = bundles.get(ordinal)!;
    let found = 0;
    const how = { only: rows, reject: refuse };
    const columns = columnsOf(source, wanted);
    for await (const batch of source.read(bundle, { columns, optionalRoles: wanted.roles }, how)) {
      signal.throwIfAborted();
      found += batch.rows.length;
      yield withoutColumns(batch, [...wanted.removed]);
    }
    if (found !== rows.length) throw changed(bundle, rows.length, found);
  }
}

/** All columns that are asked for, but those that were removed: features cost more to decode than all others. */
function columnsOf({ schema }: OpenSource, { asked, removed }: Wanted): NonNullable<Needs['columns']> {
  const isKept = (path: string) => !removed.has(path) && !removed.has(path.split('.')[0]!);
  if (asked) return [...asked].filter((path) => hasColumn(schema, path) && isKept(path));
  const names = schema.fields.map(({ name }) => name);
  const kept = names.filter((name) => !removed.has(name));
  return kept.length === 0 || kept.length === names.length ? 'all' : kept;
}

/** What was chosen was readable: it is no longer a matter of a row that can be done without. */
const refuse: Reject = (place, reason, { cause } = {}) => {
  throw rejectError(place, reason, cause);
};

/** Nothing of the first bundle: a batch without rows, for its columns. */
function noRows(ordinals: Iterable<number>): { ordinal: number; rows: Uint32Array }[] {
  const [first] = ordinals;
  return first === undefined ? [] : [{ ordinal: first, rows: new Uint32Array(0) }];
}

/** Runs of orders that lie in the same bundle. */
function* byBundle(orders: Float64Array): Generator<{ ordinal: number; rows: Uint32Array }> {
  for (let start = 0; start < orders.length; ) {
    const { ordinal } = fromInputOrder(orders[start]!);
    let end = start + 1;
    while (end < orders.length && fromInputOrder(orders[end]!).ordinal === ordinal) end++;
    yield {
      ordinal,
      rows: Uint32Array.from(orders.subarray(start, end), (order) => fromInputOrder(order).row),
    };
    start = end;
  }
}

function changed(bundle: Bundle, wanted: number, found: number): NagError {
  return new NagError(
    `${bundle.file}: ${wanted} chosen rows were to be read again, found ${found}: the file changed during the run; run again`,
  );
}
