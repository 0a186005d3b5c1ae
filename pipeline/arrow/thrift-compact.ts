/**
 * The values of Thrift's compact protocol, in which Parquet footers are written, kept with their types, so that what is
 * not known here is written back as it was (the small Parquet libraries keep values only). Source: Apache Thrift,
 * "Thrift Compact protocol encoding".
 */
export type ThriftValue = boolean | number | bigint | Uint8Array | ThriftList | ThriftStruct | Undecoded;

/** A value that was passed over: its encoded bytes. */
export interface Undecoded {
  readonly undecoded: Uint8Array;
}

export interface ThriftList {
  readonly element: ThriftType;
  readonly values: readonly ThriftValue[];
}

/** Fields by id. */
export type ThriftStruct = ReadonlyMap<number, ThriftField>;

export interface ThriftField {
  readonly type: ThriftType;
  readonly value: ThriftValue;
}

/** Type codes of the protocol. A field of a boolean holds its value in its type. */
export const ThriftType = {
  TRUE: 1,
  FALSE: 2,
  BYTE: 3,
  I16: 4,
  I32: 5,
  I64: 6,
  DOUBLE: 7,
  BINARY: 8,
  LIST: 9,
  STRUCT: 12,
} as const;

export type ThriftType = (typeof ThriftType)[keyof typeof ThriftType];

/** Structs nest a few deep; more is damage, and must not exhaust the stack. */
const DEEPEST = 64;

/**
 * The struct at the start of `bytes`; what follows it is passed over.
 * @param passed a field of it that is not decoded, as it is long and not needed
 * Errors: RangeError for bytes that are no struct of the protocol.
 */
export function decodeThrift(bytes: Uint8Array, passed?: number): ThriftStruct {
  return new Decoder(bytes).struct(0, passed);
}

export function encodeThrift(struct: ThriftStruct): Uint8Array {
  const encoder = new Encoder();
  encoder.struct(struct);
  return encoder.bytes.subarray(0, encoder.at);
}

class Decoder {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  struct(depth: number, passed?: number): ThriftStruct {
    const fields = new Map<number, ThriftField>();
    for (let id = 0; ; ) {
      const head = this.#byte();
      if (head === 0) return fields;
      id = head >> 4 === 0 ? Number(this.#zigzag()) : id + (head >> 4);
      const type = typeOf(head & 15);
      fields.set(id, {
        type,
        value:
          id === passed && type > ThriftType.FALSE ? this.#undecoded(type) : this.#fieldValue(type, depth),
      });
    }
  }

  #undecoded(type: ThriftType): Undecoded {
    const start = this.at;
    this.#pass(type, 0);
    return { undecoded: this.#bytes.subarray(start, this.at) };
  }

  /** Moves past a value, and makes nothing of it. */
  #pass(type: ThriftType, depth: number): void {
    if (type === ThriftType.BINARY) this.#take(this.#varint());
    else if (type === ThriftType.LIST) {
      const head = this.#byte();
      const length = head >> 4 === 15 ? this.#varint() : head >> 4;
      const element = length === 0 ? ThriftType.BYTE : typeOf(head & 15);
      for (let i = 0; i < length; i++) this.#pass(element, depth + 1);
    } else if (type !== ThriftType.STRUCT) this.#value(type, depth);
    else {
      if (depth > DEEPEST) throw new RangeError('structs nest too deep');
      for (let head = this.#byte(); head !== 0; head = this.#byte()) {
        if (head >> 4 === 0) this.#zigzag();
        const own = typeOf(head & 15);
        if (own !== ThriftType.TRUE && own !== ThriftType.FALSE) this.#pass(own, depth + 1);
      }
    }
  }

  #fieldValue(type: ThriftType, depth: number): ThriftValue {
    if (type === ThriftType.TRUE || type === ThriftType.FALSE) return type === ThriftType.TRUE;
    return this.#value(type, depth);
  }

  #value(type: ThriftType, depth: number): ThriftValue {
    if (depth > DEEPEST) throw new RangeError('structs nest too deep');
    switch (type) {
      case ThriftType.TRUE:
      case ThriftType.FALSE:
        return this.#byte() === 1;
      case ThriftType.BYTE:
        return (this.#byte() << 24) >> 24;
      case ThriftType.I16:
      case ThriftType.I32:
      case ThriftType.I64:
        return this.#zigzag();
      case ThriftType.DOUBLE:
        return this.#view.getFloat64(this.#take(8), true);
      case ThriftType.BINARY: {
        const length = this.#varint();
        const start = this.#take(length);
        return this.#bytes.subarray(start, start + length);
      }
      case ThriftType.LIST:
        return this.#list(depth);
      case ThriftType.STRUCT:
        return this.struct(depth + 1);
    }
  }

  #list(depth: number): ThriftList {
    const head = this.#byte();
    const length = head >> 4 === 15 ? this.#varint() : head >> 4;
    // An empty list may leave its type out.
    if (length === 0) return { element: (head & 15 || ThriftType.BYTE) as ThriftType, values: [] };
    const element = typeOf(head & 15);
    if (length > this.#bytes.length - this.at) throw new RangeError('a list is longer than what holds it');
    return { element, values: Array.from({ length }, () => this.#value(element, depth + 1)) };
  }

  #byte(): number {
    return this.#bytes[this.#take(1)]!;
  }

  #take(length: number): number {
    const start = this.at;
    if (start + length > this.#bytes.length) throw new RangeError('ends in the middle of a value');
    this.at = start + length;
    return start;
  }

  #varint(): number {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  /** A number where it is exact, otherwise a bigint. */
  #zigzag(): number | bigint {
    const start = this.at;
    const value = this.#varint();
    if (value <= Number.MAX_SAFE_INTEGER) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    let exact = 0n;
    for (let at = this.at - 1; at >= start; at--) exact = (exact << 7n) | BigInt(this.#bytes[at]! & 127);
    return (exact >> 1n) ^ -(exact & 1n);
  }
}

class Encoder {
  bytes: Uint8Array = new Uint8Array(4096);
  at = 0;

  struct(struct: ThriftStruct): void {
    let last = 0;
    for (const [id, { type, value }] of [...struct].sort(([a], [b]) => a - b)) {
      const isBool = type === ThriftType.TRUE || type === ThriftType.FALSE;
      const code = isBool ? (value ? ThriftType.TRUE : ThriftType.FALSE) : type;
      if (id > last && id - last <= 15) this.#byte(((id - last) << 4) | code);
      else {
        this.#byte(code);
        this.#zigzag(id);
      }
      last = id;
      if (!isBool) this.#value(type, value);
    }
    this.#byte(0);
  }

  #value(type: ThriftType, value: ThriftValue): void {
    if (typeof value === 'boolean') this.#byte(value ? 1 : 2);
    else if (value instanceof Uint8Array) {
      this.#varint(BigInt(value.length));
      this.#put(value);
    } else if (typeof value === 'object') {
      if ('undecoded' in value) this.#put(value.undecoded);
      else if ('element' in value) this.#list(value);
      else this.struct(value);
    } else if (type === ThriftType.DOUBLE)
      this.#put(new Uint8Array(new Float64Array([Number(value)]).buffer));
    else if (type === ThriftType.BYTE) this.#byte(Number(value) & 255);
    else this.#zigzag(value);
  }

  #list({ element, values }: ThriftList): void {
    if (values.length < 15) this.#byte((values.length << 4) | element);
    else {
      this.#byte(0xf0 | element);
      this.#varint(BigInt(values.length));
    }
    for (const value of values) this.#value(element, value);
  }

  #zigzag(value: number | bigint): void {
    const wide = BigInt(value);
    this.#varint(BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n)));
  }

  #varint(value: bigint): void {
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) this.#byte(Number(rest & 127n) | 128);
    this.#byte(Number(rest));
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.bytes[this.at++] = byte;
  }

  #put(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  #reserve(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const wider = new Uint8Array(Math.max(2 * this.bytes.length, this.at + more));
    wider.set(this.bytes.subarray(0, this.at));
    this.bytes = wider;
  }
}

const types: ReadonlySet<number> = new Set(Object.values(ThriftType));

function typeOf(code: number): ThriftType {
  // Parquet has no sets, maps or UUIDs.
  if (!types.has(code)) throw new RangeError(`type ${code} is none that Parquet has`);
  return code as ThriftType;
}
