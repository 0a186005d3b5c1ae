/** Encoders of protobuf's wire format: each returns one field, and `message` joins fields. */

const encoder = new TextEncoder();

/** Joins encoded fields. */
export function message(fields: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(fields.reduce((sum, field) => sum + field.length, 0));
  let at = 0;
  for (const field of fields) {
    joined.set(field, at);
    at += field.length;
  }
  return joined;
}

/** An integer field; negative numbers in two's complement, as int64 wants them. */
export function integer(number: number, value: number | bigint): Uint8Array {
  return message([varint(number * 8), varint(value)]);
}

/** A field of four bytes: float. */
export function float(number: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return message([varint(number * 8 + 5), bytes]);
}

/** Bytes, or a nested message. */
export function bytes(number: number, value: Uint8Array): Uint8Array {
  return message([varint(number * 8 + 2), varint(value.length), value]);
}

/** Text as UTF-8. */
export function string(number: number, value: string): Uint8Array {
  return bytes(number, encoder.encode(value));
}

function varint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const encoded: number[] = [];
  for (; rest > 127n; rest >>= 7n) encoded.push(Number(rest & 127n) | 128);
  encoded.push(Number(rest));
  return Uint8Array.from(encoded);
}
