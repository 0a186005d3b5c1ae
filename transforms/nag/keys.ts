const NO_DOCID = new Uint8Array(0);
const FIXED = 8 + 2 + 8 + 4;

/** What a document is ranked by, and what it costs. */
export interface RankKey {
  readonly distance: number;
  /** Empty where documents have no docid. */
  readonly docid: Uint8Array;
  readonly tokens: number;
  readonly order: number;
}

/**
 * A ranking key as bytes that sort, byte by byte, by (distance, docid, order): the distance's bits, big-endian
 * and made monotonic; the docid with 00 escaped as 00 FF, ended by 00 00; the order; last, the tokens.
 * @param docid bytes in docid order; null counts as empty
 * @param tokens integer below 2^32
 * @param order place in the input, an integer below 2^53
 * @throws RangeError for a distance that is NaN and for integers out of range
 */
export function encodeKey(
  distance: number,
  docid: Uint8Array | null,
  tokens: number,
  order: number,
): Uint8Array {
  checkKey(distance, tokens, order);
  const id = docid ?? NO_DOCID;
  const bytes = new Uint8Array(FIXED + id.length + countZeros(id));
  const view = new DataView(bytes.buffer);
  writeDistance(view, distance);
  const end = writeEscaped(bytes, 8, id);
  view.setUint32(end, Math.floor(order / 2 ** 32));
  view.setUint32(end + 4, order >>> 0);
  view.setUint32(end + 8, tokens);
  return bytes;
}

/** The inverse of `encodeKey`. */
export function decodeKey(bytes: Uint8Array): RankKey {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = bytes.length - 12;
  return {
    distance: readDistance(view),
    docid: unescaped(bytes.subarray(8, end - 2)),
    tokens: view.getUint32(end + 8),
    order: view.getUint32(end) * 2 ** 32 + view.getUint32(end + 4),
  };
}

/** @throws RangeError for what cannot be ranked exactly */
export function checkKey(distance: number, tokens: number, order: number): void {
  if (Number.isNaN(distance)) throw new RangeError(`distance: expected a number, found NaN (order ${order})`);
  if (!Number.isInteger(tokens) || tokens < 0 || tokens >= 2 ** 32)
    throw new RangeError(`tokens: expected an integer from 0 to 2^32 - 1, found ${tokens} (order ${order})`);
  if (!Number.isSafeInteger(order) || order < 0)
    throw new RangeError(`order: expected an integer from 0 to 2^53 - 1, found ${order}`);
}

/** Positive numbers get their sign bit set, negative ones all bits flipped; -0 becomes 0, which it equals. */
function writeDistance(view: DataView, distance: number): void {
  view.setFloat64(0, distance + 0);
  const high = view.getUint32(0);
  if (high < 0x8000_0000) {
    view.setUint32(0, high | 0x8000_0000);
  } else {
    view.setUint32(0, ~high);
    view.setUint32(4, ~view.getUint32(4));
  }
}

function readDistance(view: DataView): number {
  const high = view.getUint32(0);
  const negative = high < 0x8000_0000;
  const bits = new DataView(new ArrayBuffer(8));
  bits.setUint32(0, negative ? ~high : high & 0x7fff_ffff);
  bits.setUint32(4, negative ? ~view.getUint32(4) : view.getUint32(4));
  return bits.getFloat64(0);
}

function countZeros(bytes: Uint8Array): number {
  let zeros = 0;
  for (const byte of bytes) if (byte === 0) zeros++;
  return zeros;
}

/** Returns the place after the terminating 00 00, which the array holds already. */
function writeEscaped(into: Uint8Array, at: number, bytes: Uint8Array): number {
  let end = at;
  for (const byte of bytes) {
    into[end++] = byte;
    if (byte === 0) into[end++] = 0xff;
  }
  return end + 2;
}

function unescaped(bytes: Uint8Array): Uint8Array {
  const plain = new Uint8Array(bytes.length - countZeros(bytes));
  let end = 0;
  for (let i = 0; i < bytes.length; i++) {
    plain[end++] = bytes[i]!;
    if (bytes[i] === 0) i++;
  }
  return plain;
}
