import type { Schema } from 'apache-arrow';
import { decodeHint, encodeHint, helpedSchema, isSound, type ReadAs } from './arrow-hint.js';
import {
  ChunkField,
  ColumnField,
  changed,
  decodeFooter,
  type Element,
  ElementField,
  elementsOf,
  FileField,
  int,
  isStruct,
  numberOf,
  Physical,
  pairsOf,
  structList,
  structsOf,
  text,
  withPairs,
} from './parquet-elements.js';
import { asBytes, isTextElement, markOfElement } from './parquet-marks.js';
import {
  decodeThrift,
  encodeThrift,
  type ThriftField,
  type ThriftStruct,
  ThriftType,
} from './thrift-compact.js';

/** Key of the Arrow schema that a file was written from, encoded. */
export const ARROW_SCHEMA = 'ARROW:schema';

/** A footer that the decoder can do more with than with the file's own. */
export interface HelpedFooter {
  /** Of the Parquet types alone. */
  readonly bare: Uint8Array;
  /** As `bare`, with an Arrow schema. @param inferred what the decoder makes of `bare` */
  typed(inferred: Schema): Uint8Array;
  /** Paths of leaves that cannot be decoded, and why. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/**
 * Helps where a file has types that the decoder changes or trips over, or columns that it cannot decode: undefined where
 * it needs no help. Values are read as they are stored, and get their types afterwards (`restoreBatch`).
 * Errors: RangeError for a footer that is damaged.
 */
export function helpFooter(bytes: Uint8Array, how: ReadAs): HelpedFooter | undefined {
  const { textAsBytes = false } = how;
  const footer = decodeFooter(bytes);
  const elements = elementsOf(footer);
  const pairs = pairsOf(footer);
  const encoded = pairs.find(([key]) => key === ARROW_SCHEMA)?.[1];
  const hint = encoded === undefined ? undefined : decodeHint(encoded);
  const encrypted = footer.has(FileField.ENCRYPTION);
  const sound = encoded === undefined || (hint !== undefined && !hint.views && isSound(hint.schema));
  const marked = elements.some((element) => markOfElement(element) !== undefined);
  if (sound && !marked && !encrypted && !textAsBytes) return undefined;
  const { groups, unreadable } = helpedGroups(bytes, elements, encrypted);
  const others = pairs.filter(([key]) => key !== ARROW_SCHEMA);
  const plain = changed(footer, [
    [FileField.SCHEMA, structList(helpedElements(footer, elements, textAsBytes))],
    [FileField.ENCRYPTION, undefined],
    [FileField.SIGNING_KEY, undefined],
    ...(groups ? [[FileField.ROW_GROUPS, structList(groups)] as const] : []),
  ]);
  return {
    bare: encodeThrift(withPairs(plain, others)),
    typed: (inferred) => {
      const schema = helpedSchema(inferred, hint?.schema, elements, how);
      return encodeThrift(withPairs(plain, [...others, [ARROW_SCHEMA, encodeHint(schema)]]));
    },
    unreadable,
  };
}

function helpedElements(
  footer: ThriftStruct,
  elements: readonly Element[],
  textAsBytes: boolean,
): ThriftStruct[] {
  const flat = structsOf(footer, FileField.SCHEMA);
  for (const element of elements) {
    const kind = markOfElement(element)?.kind;
    if (kind === 'INT96' || kind === 'INTERVAL' || (textAsBytes && isTextElement(element)))
      flat[element.index] = asBytes(element.fields);
  }
  return flat;
}

/** The row groups, where something in them has to change. */
function helpedGroups(
  bytes: Uint8Array,
  elements: readonly Element[],
  encrypted: boolean,
): { groups: ThriftStruct[] | undefined; unreadable: Map<string, string> } {
  const unreadable = new Map<string, string>();
  const leaves = elements.filter(({ leaf }) => leaf);
  const isInt96 = ({ fields }: Element) => numberOf(fields, ElementField.TYPE) === Physical.INT96;
  if (!encrypted && !leaves.some(isInt96)) return { groups: undefined, unreadable };
  const groups = structsOf(decodeThrift(bytes), FileField.ROW_GROUPS).map((group) => {
    const chunks = structsOf(group, 1).map((chunk, at) => {
      const leaf = leaves[at];
      if (!leaf) throw new RangeError('a row group has more columns than the schema');
      if (chunk.has(ChunkField.CRYPTO)) {
        unreadable.set(leaf.path.join('.'), 'is encrypted');
        return placeholder(leaf);
      }
      const typed = isInt96(leaf) ? asFixed(chunk) : chunk;
      return encrypted ? withoutPageIndex(typed) : typed;
    });
    return changed(group, [[1, structList(chunks)]]);
  });
  return { groups, unreadable };
}

/** 12 bytes a value, of which the statistics say nothing. */
function asFixed(chunk: ThriftStruct): ThriftStruct {
  const meta = chunk.get(ChunkField.META)?.value;
  if (!isStruct(meta)) return chunk;
  const value = changed(meta, [
    [ColumnField.TYPE, int(Physical.FIXED)],
    [ColumnField.STATISTICS, undefined],
  ]);
  return changed(chunk, [[ChunkField.META, { type: ThriftType.STRUCT, value }]]);
}

/** The decoder reads the page index of all columns, or of none. */
function withoutPageIndex(chunk: ThriftStruct): ThriftStruct {
  return changed(
    chunk,
    ChunkField.PAGE_INDEX.map((id) => [id, undefined] as const),
  );
}

/** What the decoder wants to know of a column, although it will not be asked for it. */
function placeholder(leaf: Element): ThriftStruct {
  const long = (value: number) => ({ type: ThriftType.I64, value });
  const list = (element: ThriftType, values: (number | Uint8Array)[]) => ({
    type: ThriftType.LIST,
    value: { element, values },
  });
  const value: ThriftStruct = new Map([
    [1, int(numberOf(leaf.fields, ElementField.TYPE) ?? 0)],
    [2, list(ThriftType.I32, [0])],
    [
      3,
      list(
        ThriftType.BINARY,
        leaf.path.map((name) => text(name).value as Uint8Array),
      ),
    ],
    [4, int(0)],
    [5, long(0)],
    [6, long(0)],
    [7, long(0)],
    [9, long(4)],
  ]);
  return new Map<number, ThriftField>([
    [ChunkField.OFFSET, long(0)],
    [ChunkField.META, { type: ThriftType.STRUCT, value }],
  ]);
}
