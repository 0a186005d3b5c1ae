import t from 'tap';
import {
  decodeThrift,
  encodeThrift,
  type ThriftField,
  type ThriftStruct,
  ThriftType,
} from '../../../pipeline/arrow/thrift-compact.js';

const fields: [number, ThriftField][] = [
  [1, { type: ThriftType.TRUE, value: true }],
  [2, { type: ThriftType.FALSE, value: false }],
  [3, { type: ThriftType.BYTE, value: -3 }],
  [4, { type: ThriftType.I16, value: -300 }],
  [5, { type: ThriftType.I32, value: 2 ** 31 - 1 }],
  [40, { type: ThriftType.I64, value: -(2 ** 40) }],
  [41, { type: ThriftType.I64, value: 2n ** 62n + 1n }],
  [42, { type: ThriftType.I64, value: -(2n ** 63n) }],
  [43, { type: ThriftType.DOUBLE, value: -0.5 }],
  [44, { type: ThriftType.BINARY, value: new Uint8Array([0, 255]) }],
  [45, { type: ThriftType.LIST, value: { element: ThriftType.BINARY, values: [] } }],
  [46, { type: ThriftType.LIST, value: { element: ThriftType.I32, values: [...Array(20).keys()] } }],
  [47, { type: ThriftType.LIST, value: { element: ThriftType.TRUE, values: [true, false] } }],
];
const struct: ThriftStruct = new Map([...fields, [48, { type: ThriftType.STRUCT, value: new Map(fields) }]]);

t.test('every type comes back, and what was passed over too', (t) => {
  const encoded = encodeThrift(struct);
  t.strictSame(decodeThrift(encoded), struct);
  t.strictSame(
    [...struct.keys()].map((id) => Buffer.from(encodeThrift(decodeThrift(encoded, id))).equals(encoded)),
    [...struct.keys()].map(() => true),
  );
  t.end();
});

t.test('bytes that are no struct', (t) => {
  const encoded = encodeThrift(struct);
  const thrown = (bytes: Uint8Array): string => {
    try {
      decodeThrift(bytes);
      return 'nothing';
    } catch (error) {
      return error instanceof Error ? error.name : 'something else';
    }
  };
  t.strictSame(
    new Set([...encoded.keys()].map((end) => thrown(encoded.subarray(0, end)))),
    new Set(['RangeError']),
  );
  t.equal(thrown(Buffer.alloc(200, 0x1c)), 'RangeError', 'structs without an end');
  t.end();
});
