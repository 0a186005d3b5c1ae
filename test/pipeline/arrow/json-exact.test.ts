import t from 'tap';
import { intervalText, uuidText } from '../../../pipeline/arrow/json-exact.js';
import { goldenDir } from '../../fixtures/golden.js';
import { batchesOf, jsonOf } from '../../fixtures/parquet-rows.js';

t.test('UUIDs and intervals as text', (t) => {
  t.equal(
    uuidText(Buffer.from('0f8fad5bd9cb469fa16570867728950e', 'hex')),
    '"0f8fad5b-d9cb-469f-a165-70867728950e"',
  );
  const interval = (months: number, days: number, ms: number) =>
    intervalText(new Uint8Array(Uint32Array.from([months, days, ms]).buffer));
  t.strictSame(
    [interval(0, 0, 0), interval(14, 2, 3_061_007), interval(2 ** 32 - 1, 0, 999)],
    ['"P0M0DT0S"', '"P14M2DT3061.007S"', '"P4294967295M0DT0.999S"'],
  );
  t.end();
});

t.test('also inside of lists and structs of a file', async (t) => {
  const { batches } = await batchesOf(`${goldenDir('types')}/logical.parquet`, [
    'uuid',
    'span',
    'uuids',
    'nested',
  ]);
  t.strictSame(jsonOf(batches), [
    {
      uuid: '0f8fad5b-d9cb-469f-a165-70867728950e',
      span: 'P5M2DT3S',
      uuids: ['0f8fad5b-d9cb-469f-a165-70867728950e'],
      nested: { span: 'P3M0DT0S' },
    },
  ]);
});
