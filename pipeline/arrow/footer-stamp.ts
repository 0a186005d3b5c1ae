import type { FileHandle } from 'node:fs/promises';
import { DataType, type Field, type Schema } from 'apache-arrow';
import { encodeHint } from './arrow-hint.js';
import { readExactly } from './file-blob.js';
import { ARROW_SCHEMA } from './footer-help.js';
import {
  ChunkField,
  ColumnField,
  changed,
  type Element,
  elementsOf,
  FileField,
  int,
  isStruct,
  Physical,
  pairsOf,
  structList,
  structsOf,
  withPairs,
} from './parquet-elements.js';
import { type Mark, markOf, stamped } from './parquet-marks.js';
import { writtenSchema } from './store.js';
import { decodeThrift, encodeThrift, type ThriftStruct, ThriftType } from './thrift-compact.js';

/**
 * Gives columns of a file just written the Parquet types that their marks tell of, in its footer: the encoder only knows
 * Arrow's types. Without marks the file stays as it is.
 * @param schema what was written, with marks
 * @param size bytes of the file
 * @returns its bytes afterwards
 */
export async function stampFooter(handle: FileHandle, size: number, schema: Schema): Promise<number> {
  const marks = marksOf(schema);
  if (marks.leaves.every((mark) => mark === undefined) && marks.groups.size === 0) return size;
  const end = await readExactly(handle, size - 8, 8);
  const length = new DataView(end.buffer).getUint32(0, true);
  const at = size - 8 - length;
  const footer = encodeThrift(
    stampedFooter(decodeThrift(await readExactly(handle, at, length)), marks, schema),
  );
  const tail = Buffer.alloc(footer.length + 8);
  tail.set(footer);
  tail.writeUInt32LE(footer.length, footer.length);
  tail.write('PAR1', footer.length + 4, 'latin1');
  await handle.truncate(at);
  for (let done = 0; done < tail.length; )
    done += (await handle.write(tail, done, tail.length - done, at + done)).bytesWritten;
  return at + tail.length;
}

interface Marks {
  /** Of the stored columns, in their order. */
  readonly leaves: readonly (Mark | undefined)[];
  /** Of groups, by their path. */
  readonly groups: ReadonlyMap<string, Mark>;
}

function marksOf(schema: Schema): Marks {
  const leaves: (Mark | undefined)[] = [];
  const groups = new Map<string, Mark>();
  const visit = (field: Field, path: readonly string[] | undefined): void => {
    const mark = markOf(field);
    const own = mark && fits(mark, field.type) ? mark : undefined;
    const children: Field[] | null | undefined = field.type.children;
    if (!children || children.length === 0) {
      leaves.push(own);
      return;
    }
    if (own && path) groups.set(path.join('\0'), own);
    const inside = DataType.isStruct(field.type) ? path : undefined;
    for (const child of children) visit(child, inside && [...inside, child.name]);
  };
  for (const field of schema.fields) visit(field, [field.name]);
  return { leaves, groups };
}

/** A stage may have made another column of it. */
function fits({ kind }: Mark, type: DataType): boolean {
  if (kind === 'INT96') return DataType.isTimestamp(type);
  if (kind === 'VARIANT') return DataType.isStruct(type);
  if (kind === 'TIME') return DataType.isTime(type);
  if (kind === 'UUID' || kind === 'INTERVAL')
    return DataType.isFixedSizeBinary(type) && type.byteWidth === (kind === 'UUID' ? 16 : 12);
  const plain = DataType.isDictionary(type) ? type.dictionary : type;
  if (kind === 'JSON' || kind === 'ENUM') return DataType.isUtf8(plain) || DataType.isLargeUtf8(plain);
  return DataType.isBinary(plain) || DataType.isLargeBinary(plain);
}

function stampedFooter(footer: ThriftStruct, marks: Marks, schema: Schema): ThriftStruct {
  const flat = structsOf(footer, FileField.SCHEMA);
  const elements = elementsOf(footer);
  const leaves = elements.filter(({ leaf }) => leaf);
  if (leaves.length !== marks.leaves.length)
    throw new RangeError(`${marks.leaves.length} columns were written, the footer has ${leaves.length}`);
  const stamp = (element: Element, mark: Mark | undefined): void => {
    if (mark) flat[element.index] = stamped(element.fields, mark);
  };
  for (const [i, leaf] of leaves.entries()) stamp(leaf, marks.leaves[i]);
  for (const element of elements)
    if (!element.leaf) stamp(element, marks.groups.get(element.path.join('\0')));
  const groups = structsOf(footer, FileField.ROW_GROUPS).map((group) => {
    const chunks = structsOf(group, 1).map((chunk, i) => stampedChunk(chunk, marks.leaves[i]));
    return changed(group, [[1, structList(chunks)]]);
  });
  const whole = changed(footer, [
    [FileField.SCHEMA, structList(flat)],
    [FileField.ROW_GROUPS, structList(groups)],
  ]);
  const pairs = pairsOf(whole).filter(([key]) => key !== ARROW_SCHEMA);
  return withPairs(whole, [...pairs, [ARROW_SCHEMA, encodeHint(writtenSchema(schema))]]);
}

/** Statistics of bytes say nothing of times and intervals, which have no order in Parquet. */
function stampedChunk(chunk: ThriftStruct, mark: Mark | undefined): ThriftStruct {
  const meta = chunk.get(ChunkField.META)?.value;
  if (!isStruct(meta) || (mark?.kind !== 'INT96' && mark?.kind !== 'INTERVAL')) return chunk;
  const value = changed(meta, [
    [ColumnField.STATISTICS, undefined],
    ...(mark.kind === 'INT96' ? [[ColumnField.TYPE, int(Physical.INT96)] as const] : []),
  ]);
  return changed(chunk, [
    [ChunkField.META, { type: ThriftType.STRUCT, value }],
    ...ChunkField.PAGE_INDEX.slice(2).map((id) => [id, undefined] as const),
  ]);
}
