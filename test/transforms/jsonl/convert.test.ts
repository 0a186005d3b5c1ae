import type { Schema } from 'apache-arrow';
import t from 'tap';
import { cellsOf, checkKeys, toRecordBatch } from '../../../transforms/jsonl/convert.js';
import { join, schemaOf, shapeOf } from '../../../transforms/jsonl/infer.js';
import { WrittenNumber } from '../../../transforms/jsonl/written-numbers.js';

type Row = Record<string, unknown>;

function schemaFor(rows: readonly Row[]): Schema {
  const shape = rows.map(shapeOf).reduce(join);
  if (shape.kind !== 'object') throw new Error('rows are objects');
  return schemaOf(shape.fields);
}

const placed = (rows: readonly Row[]) =>
  rows.map((value, i) => ({ value, place: { file: 'pool.jsonl', line: i + 1 } }));

/** Rows as they come out; `like` are the rows that gave the types. */
function converted(rows: readonly Row[], like = rows, invalidText: 'fail' | 'replace' = 'fail') {
  let replaced = 0;
  const schema = schemaFor(like);
  const conversion = { invalidText, replaced: () => replaced++ };
  const cells = placed(rows).map((row) => cellsOf(row, schema.fields, conversion));
  const batch = toRecordBatch(cells, schema, undefined);
  const text = JSON.stringify(batch.toArray(), (_, value: unknown) =>
    typeof value === 'bigint' ? Number(value) : value,
  );
  return { rows: JSON.parse(text) as Row[], batch, replaced };
}

t.test('rows come out as they came in, with null for what is missing', async (t) => {
  const rows: Row[] = [
    { s: 'é👩‍👩‍👧', i: 9007199254740991, f: 1, b: false, l: [1, null], o: { x: 'y', z: [{ q: 1 }] } },
    { s: '', i: -1, f: -0.5, b: null, l: [], o: { x: null, z: [] } },
    { s: null, i: null, f: null, b: true, l: null, o: null },
  ];
  t.same(converted(rows).rows, rows);
  t.same(converted([{ a: 1 }, {}, { b: 'x' }]).rows, [
    { a: 1, b: null },
    { a: null, b: null },
    { a: null, b: 'x' },
  ]);
  t.same(converted([{ o: { x: 1 } }, { o: {} }]).rows, [{ o: { x: 1 } }, { o: { x: null } }]);
  t.equal(converted([], [{ a: 1, o: { x: 'y' }, l: [1] }]).batch.numRows, 0);
});

t.test('mixtures and empty objects are kept as JSON', async (t) => {
  const rows = [{ a: 'x' }, { a: 1.5 }, { a: { b: [null, 'é'] } }, { a: null }];
  t.same(
    converted(rows).rows.map(({ a }) => a),
    ['"x"', '1.5', '{"b":[null,"é"]}', null],
  );
  t.same(converted([{ a: {} }, { a: null }]).rows, [{ a: '{}' }, { a: null }]);
});

t.test('keys that every object has are no values', async (t) => {
  const rows: Row[] = [
    { constructor: 'x', toString: 'y', o: { valueOf: 1 } },
    { o: { valueOf: 2 } },
    { o: {} },
  ];
  t.same(converted(rows).rows, [
    { constructor: 'x', toString: 'y', o: { valueOf: 1 } },
    { constructor: null, toString: null, o: { valueOf: 2 } },
    { constructor: null, toString: null, o: { valueOf: null } },
  ]);
});

t.test('values that their type cannot hold', async (t) => {
  const cases: [Row, Row, RegExp][] = [
    [
      { a: 1 },
      { a: 'x' },
      /^pool\.jsonl: line 1, column "a": expected a whole number, as in the rows before, found .*; name the column's type under types: \{a: json\}, or set infer_rows: all$/,
    ],
    [{ a: 1 }, { a: 1.5 }, /expected a whole number/],
    [{ a: 'x' }, { a: 1 }, /expected text, /],
    [{ a: true }, { a: 0 }, /expected true or false, /],
    [{ a: 1.5 }, { a: '1' }, /expected a number, /],
    [{ a: [1] }, { a: {} }, /expected a list, /],
    [{ a: [1] }, { a: [2, 'x'] }, /column "a": expected a whole number, .* under types: \{a: json\}/],
    [{ o: { x: 1 } }, { o: [] }, /expected an object, /],
    [
      { o: { x: 1 } },
      { o: { x: 'y' } },
      /column "o\.x": expected a whole number, .*under types: \{o: json\}/,
    ],
    [
      { o: { p: { x: 1 } } },
      { o: { p: { z: 1 } } },
      /column "o\.p": has the key "z", .*under types: \{o: json\}/,
    ],
    [{ 'a.b': 1 }, { 'a.b': 'x' }, /under types: \{a\.b: json\}/],
    [
      { a: 1 },
      { a: new WrittenNumber('9223372036854775808') },
      /the whole number 9223372036854775808 is beyond the 64-bit integers of the column; keep its digits with types: \{a: uint\}, .* or types: \{a: json\}$/,
    ],
    [
      { o: { a: 1 } },
      { o: { a: new WrittenNumber('-9223372036854775809') } },
      /column "o\.a": the whole number -9223372036854775809 .* types: \{o: json\}$/,
    ],
    [
      { a: 0.5 },
      { a: new WrittenNumber('9007199254740993') },
      /the whole number 9007199254740993 is none of the 64-bit floats .* types: \{a: json\}, or accept that it is rounded under types: \{a: float\}$/,
    ],
    [{ a: 0.5 }, { a: new WrittenNumber('1e400') }, /the number 1e400 is beyond the 64-bit floats/],
    [
      { a: 1 },
      { a: 0.5 },
      /expected a whole number, .* found 0\.5; .* types: \{a: float\}, or set infer_rows: all$/,
    ],
    [{ a: 'x' }, { a: 7 }, /expected text, .* found 7; .* types: \{a: string\}/],
    [{ a: 'x' }, { a: 'b \ud83d' }, /column "a": holds half a surrogate pair/],
  ];
  for (const [like, row, message] of cases)
    t.throws(() => converted([row], [like]), { message }, JSON.stringify(row));
  t.same(
    converted([{ a: new WrittenNumber(String(2n ** 60n)) }], [{ a: 0.5 }]).rows,
    [{ a: 2 ** 60 }],
    'a whole number that is a float',
  );
});

t.test('text that is no valid Unicode may be replaced, and is counted', async (t) => {
  const { rows, replaced } = converted([{ a: 'b \ud83d c', l: ['\udc00', 'ok'] }], undefined, 'replace');
  t.same(rows, [{ a: 'b \ufffd c', l: ['\ufffd', 'ok'] }]);
  t.equal(replaced, 2);
});

t.test('columns that were not seen before', async (t) => {
  const [row] = placed([{ a: 1, b: 2 }]);
  t.throws(() => checkKeys(row!, new Set(['a'])), {
    message:
      /^pool\.jsonl: line 1: has the column "b", which the rows that were looked at for types do not have/,
  });
  checkKeys(row!, new Set(['a', 'b', 'c']));
  t.pass();
});
