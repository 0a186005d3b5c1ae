import { BufferType, Data, type DataType } from 'apache-arrow';

/** The buffers and children of a column; which of them there are depends on its type. */
export interface Parts {
  readonly validity?: Uint8Array | undefined;
  readonly offsets?: Int32Array | BigInt64Array;
  readonly values?: DataType['TArray'];
  readonly typeIds?: Int8Array;
  readonly children?: Data[];
  readonly variadic?: Uint8Array[];
}

/** A column of `rows` rows, of the type of `like`, that starts at its buffers' beginning. */
export function assemble(
  like: Data,
  rows: number,
  nulls: number,
  parts: Parts,
  dictionary = like.dictionary,
): Data {
  const { offsets, values, validity, typeIds, children = [], variadic = [] } = parts;
  const buffers = {
    ...(offsets && { [BufferType.OFFSET]: offsets }),
    ...(values && { [BufferType.DATA]: values }),
    ...(validity && { [BufferType.VALIDITY]: validity }),
    ...(typeIds && { [BufferType.TYPE]: typeIds }),
  };
  return new Data(like.type, 0, rows, nulls, buffers, children, dictionary, variadic);
}
