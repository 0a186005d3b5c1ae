const SIGN = 2n ** 63n;
const TOP = 2n ** 64n;

/**
 * A docid as bytes whose order is the docids' order: strings by code point (their UTF-8), integers by value.
 * Integers take 8 bytes, big-endian with the sign flipped; those of 2^63 and more (uint64 columns) 16, the
 * largest int64 and then themselves. Strings and integers are not meant to be mixed in one order.
 * @throws RangeError when a number is not a safe integer, or a bigint has more than 64 bits
 */
export function docidBytes(docid: string | bigint | number): Uint8Array {
  return docidEncoder()(docid).slice();
}

/** `docidBytes` without an allocation each: the result is valid until the next call. */
export function docidEncoder(): (docid: string | bigint | number) => Uint8Array {
  const utf8 = new TextEncoder();
  const integer = new Uint8Array(16);
  const view = new DataView(integer.buffer);
  let text = new Uint8Array(256);
  return (docid) => {
    if (typeof docid !== 'string') return integer.subarray(0, writeInteger(view, docid));
    if (text.length < docid.length * 3) text = new Uint8Array(docid.length * 3);
    return text.subarray(0, utf8.encodeInto(docid, text).written);
  };
}

/** Negative, 0 or positive as `a` sorts before, with or after `b`, byte by byte; a prefix comes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function writeInteger(view: DataView, docid: bigint | number): number {
  if (typeof docid === 'number') {
    if (!Number.isSafeInteger(docid))
      throw new RangeError(`docid: expected a string or an integer, found ${docid}`);
    view.setInt32(0, Math.floor(docid / 2 ** 32) ^ 0x8000_0000);
    view.setUint32(4, docid >>> 0);
    return 8;
  }
  if (docid < -SIGN || docid >= TOP)
    throw new RangeError(`docid: expected an integer of 64 bits, found ${docid}`);
  if (docid < SIGN) {
    view.setBigUint64(0, docid + SIGN);
    return 8;
  }
  view.setBigUint64(0, TOP - 1n);
  view.setBigUint64(8, docid);
  return 16;
}
