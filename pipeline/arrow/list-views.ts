/** Of Arrow's union of types, by their numbers: lists that are views, and the plain ones. */
const plainLists: ReadonlyMap<number, number> = new Map([
  [25, 12],
  [26, 21],
]);

/**
 * An encoded Arrow schema in which lists that are views are plain lists: of a schema with one of them, Arrow's library
 * for JavaScript reads nothing. Undefined where there is none.
 * @param encoded an IPC stream's first message; see Message.fbs and Schema.fbs of Arrow's format
 */
export function withoutListViews(encoded: Uint8Array): Uint8Array | undefined {
  const bytes = Uint8Array.from(encoded);
  const view = new DataView(bytes.buffer);
  const start = view.getUint32(0, true) === 0xffffffff ? 8 : 4;
  const message = start + view.getUint32(start, true);
  const schema = follow(view, slot(view, message, 2));
  return schema !== undefined && replaceIn(view, slot(view, schema, 1)) ? bytes : undefined;
}

/** @param fields where the reference to a vector of fields is */
function replaceIn(view: DataView, fields: number | undefined): boolean {
  const vector = follow(view, fields);
  if (vector === undefined) return false;
  let replaced = false;
  for (let i = 0; i < view.getUint32(vector, true); i++) {
    const field = follow(view, vector + 4 + 4 * i)!;
    const type = slot(view, field, 2);
    const plain = type === undefined ? undefined : plainLists.get(view.getUint8(type));
    if (plain !== undefined) view.setUint8(type!, plain);
    const inside = replaceIn(view, slot(view, field, 5));
    replaced ||= plain !== undefined || inside;
  }
  return replaced;
}

/** Where a field of a flatbuffers table is; undefined where it has none. */
function slot(view: DataView, table: number, index: number): number | undefined {
  const layout = table - view.getInt32(table, true);
  const at = 4 + 2 * index;
  const offset = at < view.getUint16(layout, true) ? view.getUint16(layout + at, true) : 0;
  return offset === 0 ? undefined : table + offset;
}

function follow(view: DataView, reference: number | undefined): number | undefined {
  return reference === undefined ? undefined : reference + view.getUint32(reference, true);
}
