import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { linesOf } from '../../pipeline/arrow/json-row.js';
import { readJsonl } from '../../transforms/read-jsonl.js';
import { openSource, readAll, testContext } from './context.js';

interface Read {
  /** The column `x`, its type and values as write.jsonl writes them. */
  readonly type: string;
  readonly values: readonly string[];
  readonly notes: readonly string[];
}

/** The column `x` of lines that have these values in it. */
async function read(t: Test, tokens: readonly string[], options: object = {}): Promise<Read> {
  const path = join(t.testdir({}), 'a.jsonl');
  await writeFile(path, tokens.map((token) => `{"docid": "d", "x": ${token}}\n`).join(''));
  const context = testContext(t);
  const batches = await readAll(await openSource(readJsonl, { path, ...options }, context));
  const { schema } = batches[0]!.columns;
  const { type, metadata } = schema.fields.find(({ name }) => name === 'x')!;
  const lines = batches
    .map(({ columns }) => linesOf(columns))
    .join('')
    .trim()
    .split('\n');
  return {
    type: `${String(type)}${metadata.has('nag.json') ? ' json' : ''}`,
    values: lines.map((line) => line.slice('{"docid":"d","x":'.length, -1)),
    notes: context.notes.map((note) => note.replace(/^.*a\.jsonl/, 'a.jsonl')),
  };
}

const big = '1234567890123456789';

t.test('digits are kept in every kind of column', async (t) => {
  const cases: [string, string[], object, string, string[]?][] = [
    ['int64', [big, '-9223372036854775808', '1'], {}, 'Int64'],
    ['uint64', ['18446744073709551615', '0'], {}, 'Uint64'],
    ['both signs of 64 bits', ['18446744073709551615', '-1'], {}, 'Utf8 json'],
    ['beside text', [big, '"abc"', '1.0', '2.50', '-0.0', '1e16', '[1.0]'], {}, 'Utf8 json'],
    ['in lists', [`[${big},1]`, '[]'], {}, 'List<Int64>'],
    ['in lists of mixtures', [`[${big},"a",{"b":${big}}]`], {}, 'List<Utf8>'],
    [
      'in objects',
      [`{"id":${big},"of":[{"h":18446744073709551615}]}`],
      {},
      'Struct<{id:Int64, of:List<Struct<{h:Uint64}>>}>',
    ],
    ['beside fractions', [big, '0.5'], {}, 'Utf8 json'],
    [
      'beside fractions, where a float has the number',
      ['1152921504606846976', '0.5'],
      {},
      'Float64',
      ['1152921504606847000.0', '0.5'],
    ],
    [
      'exponents are floats',
      ['1e16', '1.0', '-0.0', '1E2'],
      {},
      'Float64',
      ['10000000000000000.0', '1.0', '-0.0', '100.0'],
    ],
    ['objects without keys', ['{}', 'null'], {}, 'Utf8 json'],
    ['objects without keys in others', ['{"a":{},"b":[{}]}'], {}, 'Struct<{a:Utf8, b:List<Utf8>}>'],
    [
      'types: string',
      [big, '"1"', '1.50', 'true', 'null'],
      { types: { x: 'string' } },
      'Utf8',
      [`"${big}"`, '"1"', '"1.50"', '"true"', 'null'],
    ],
    ['types: json', [big, '"1"', '1.50', '{"a":1.0}'], { types: { x: 'json' } }, 'Utf8 json'],
    ['types: uint', ['1', '18446744073709551615'], { types: { x: 'uint' }, infer_rows: 1 }, 'Uint64'],
    [
      'whole numbers after those that were looked at',
      ['1', '9007199254740993', '2.0', '1e16'],
      { infer_rows: 1 },
      'Int64',
      ['1', '9007199254740993', '2', '10000000000000000'],
    ],
  ];
  const found = [];
  for (const [name, tokens, options] of cases) {
    const { type, values, notes } = await read(t, tokens, options);
    found.push([name, type, values, notes]);
  }
  t.strictSame(
    found,
    cases.map(([name, tokens, , type, values]) => [name, type, values ?? tokens, []]),
  );
});

t.test('what no column can hold is refused with its place', async (t) => {
  const cases: [string[], object, RegExp][] = [
    [
      ['1', '18446744073709551616'],
      {},
      /a\.jsonl: line 2, column "x": .* more than 64 bits; .* types: \{x: json\}/,
    ],
    [
      ['1', `{"a":[${big}0]}`],
      { types: { x: 'int' } },
      /line 2, column "x": expected a whole number, as types: \{x: int\} says, found a mapping/,
    ],
    [
      ['1', big, '1.00000000000000001'],
      { infer_rows: 1 },
      /line 3, .* found 1\.00000000000000001; .* types: \{x: float\}/,
    ],
    [
      ['0.5', '9007199254740993'],
      { infer_rows: 1 },
      /line 2, .* is none of the 64-bit floats .* types: \{x: json\}, or accept/,
    ],
    [
      ['1', '9007199254740993'],
      { types: { x: 'float' }, columns: { docid: 'x' } },
      /line 2, .* types: \{x: json\}$/,
    ],
    [['0.5', '1e400'], {}, /line 2, .* beyond the 64-bit floats/],
    [['1', '18446744073709551615'], { infer_rows: 1 }, /line 2, .* types: \{x: uint\}/],
    [[`${'['.repeat(50000)}${']'.repeat(50000)}`], {}, /line 1: has lists or objects nested too deeply/],
  ];
  const found = [];
  for (const [tokens, options] of cases)
    found.push(
      await read(t, tokens, options).then(
        ({ type }) => type,
        (error: unknown) => String(error),
      ),
    );
  t.match(
    found,
    cases.map(([, , message]) => message),
  );
});

t.test('two docids never become one', async (t) => {
  const docids = [
    '9007199254740992',
    '9007199254740993',
    '"9007199254740993"',
    '9007199254740993.0',
    '"1"',
    '1',
    '1.0',
  ];
  const { values } = await read(t, docids);
  t.strictSame(values, docids);
});

t.test('NaN and Infinity of json.dumps', async (t) => {
  const note = 'a.jsonl: line 2, column "x": NaN or Infinity, which JSON does not have,';
  const floats = await read(t, ['1', 'NaN', '-Infinity', 'NaN']);
  t.match(floats, {
    type: 'Float64',
    values: ['1.0', 'null', 'null', 'null'],
    notes: [new RegExp(`^${note} .*`)],
  });
  t.equal(floats.notes.length, 1, 'reported once');
  const mixed = await read(t, ['"a"', 'NaN', '{"b": Infinity}']);
  t.match(mixed, {
    type: 'Utf8 json',
    values: ['"a"', 'null', '{"b":null}'],
    notes: [/^a\.jsonl: line 2, .* becomes null/],
  });
  t.equal(mixed.notes.length, 1);
});

t.test('types: float accepts rounding, and reports it', async (t) => {
  const { type, values, notes } = await read(t, ['1', '9007199254740993'], { types: { x: 'float' } });
  t.strictSame([type, values], ['Float64', ['1.0', '9007199254740992.0']]);
  t.match(notes, [/^a\.jsonl: line 2, column "x": 9007199254740993 has more digits than a 64-bit float/]);
});

t.test('fractions of more digits than a float are read as the nearest, and reported', async (t) => {
  const { values, notes } = await read(t, ['0.5', '0.1234567890123456789', '12345678901234567.25']);
  t.strictSame(values, ['0.5', '0.12345678901234568', '12345678901234568.0']);
  t.match(notes, [
    /^a\.jsonl: line 2, column "x": 0\.1234567890123456789 has more digits .*types: \{x: json\}/,
  ]);
});

t.test('objects that are nested deep are kept as JSON', async (t) => {
  const deep = `${'{"a":'.repeat(300)}1.0${'}'.repeat(300)}`;
  const { values } = await read(t, [deep, deep]);
  t.strictSame(values, [deep, deep]);
});
