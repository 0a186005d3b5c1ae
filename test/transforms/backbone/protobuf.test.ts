import t from 'tap';
import { bytes, float, integer, message, string } from '../../../transforms/backbone/protobuf.js';

const hex = (field: Uint8Array) => Buffer.from(field).toString('hex');

t.test('fields are those of the protobuf documentation', async (t) => {
  t.equal(hex(integer(1, 150)), '089601');
  t.equal(hex(string(2, 'testing')), '120774657374696e67');
  t.equal(hex(bytes(3, integer(1, 150))), '1a03089601');
  t.equal(hex(integer(1, -2)), '08feffffffffffffffff01', 'negative: ten bytes of two’s complement');
  t.equal(hex(integer(1, 2 ** 40)), '08808080808020');
  t.equal(hex(integer(16, 0)), '800100', 'a field number that takes two bytes');
  t.equal(hex(float(2, 0.5)), '150000003f');
});

t.test('a message is its fields, one after the other', async (t) => {
  t.equal(hex(message([])), '');
  t.equal(hex(message([integer(1, 1), string(2, 'é')])), '08011202c3a9');
});
