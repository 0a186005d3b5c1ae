import t from 'tap';
import { join, type Shape, schemaOf, shapeOf } from '../../../transforms/jsonl/infer.js';

/** Columns of rows as `name type`. */
function columns(...rows: object[]): string[] {
  const shape = rows.map(shapeOf).reduce(join);
  if (shape.kind !== 'object') throw new Error('rows are objects');
  return schemaOf(shape.fields).fields.map(
    (field) =>
      `${field.name} ${String(field.type)}${field.metadata.get('nag.json') === 'true' ? ' json' : ''}`,
  );
}

t.test('types', async (t) => {
  const cases: [object[], string[]][] = [
    [[{ a: 'x', b: 1, c: 1.5, d: true, e: null }], ['a Utf8', 'b Int64', 'c Float64', 'd Bool', 'e Utf8']],
    [[{ a: 1 }, { a: 0.5 }], ['a Float64']],
    [[{ a: null }, { a: 1 }, {}], ['a Int64']],
    [
      [{ a: 1 }, { b: 'x' }, { a: 2 }],
      ['a Int64', 'b Utf8'],
    ],
    [[{ a: 1 }, { a: 'x' }], ['a Utf8 json']],
    [[{ a: true }, { a: 1 }], ['a Utf8 json']],
    [[{ a: 1 }, { a: 'x' }, { a: 0.5 }], ['a Utf8 json']],
    [[{ a: [] }], ['a List<Utf8>']],
    [[{ a: [] }, { a: [1, null, 2.5] }], ['a List<Float64>']],
    [[{ a: [1] }, { a: 1 }], ['a Utf8 json']],
    [[{ a: {} }], ['a Utf8 json']],
    [[{ a: {} }, { a: { x: 1 } }], ['a Struct<{x:Int64}>']],
    [[{ a: { x: 1 } }, { a: { y: 'z', x: null } }], ['a Struct<{x:Int64, y:Utf8}>']],
    [[{ a: [{ x: 1 }, { y: [true] }] }], ['a List<Struct<{x:Int64, y:List<Bool>}>>']],
    [[{ a: { x: 1 } }, { a: [] }], ['a Utf8 json']],
    [[{ 中文: 1, é: 2, '': 3, 'a.b': 4 }], ['中文 Int64', 'é Int64', ' Int64', 'a.b Int64']],
    [
      [JSON.parse('{"__proto__": 1, "constructor": "x"}') as object, {}],
      ['__proto__ Int64', 'constructor Utf8'],
    ],
  ];
  for (const [rows, expected] of cases) t.same(columns(...rows), expected, JSON.stringify(rows));
});

t.test('joining does not depend on how rows are grouped', async (t) => {
  const rows = [{ a: 1 }, { a: null, b: [] }, { a: 'x', b: [1] }, { c: { d: 1 } }, { c: {} }, { a: 0.5 }].map(
    shapeOf,
  );
  const whole = rows.reduce(join);
  for (let cut = 1; cut < rows.length; cut++)
    t.same(join(rows.slice(0, cut).reduce(join), rows.slice(cut).reduce(join)), whole);
  const empty: Shape = { kind: 'null' };
  t.same(join(empty, whole), whole);
});
