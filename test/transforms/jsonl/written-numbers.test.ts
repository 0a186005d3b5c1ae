import t from 'tap';
import {
  type Exactness,
  parseExactly,
  WrittenNumber,
  wholeNumber,
} from '../../../transforms/jsonl/written-numbers.js';

/** The parsed line, numbers that are kept as written in angle brackets. */
function parsed(text: string, exactness: Exactness | undefined): unknown {
  const plain = (value: unknown): unknown => {
    if (value instanceof WrittenNumber) return `<${value.text}>`;
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  };
  return plain(parseExactly(text, exactness));
}

t.test('numbers that JavaScript would change are kept as written', async (t) => {
  const tokens = [
    '0',
    '-1',
    '9007199254740991',
    '9007199254740992',
    '-9007199254740993',
    '18446744073709551616',
    '1.0',
    '2.50',
    '0.1',
    '-0',
    '-0.0',
    '1e16',
    '1E-7',
    '1e400',
    '1e-400',
    '0.99999999999999999',
    '1234567890.1234567',
    '0.1234567890123456789',
    'NaN',
    '-Infinity',
  ];
  const kept = (exactness: Exactness) =>
    tokens.filter((token) => String(parsed(`[${token} ]`, exactness)).startsWith('<'));
  t.strictSame(kept('values'), [
    '9007199254740992',
    '-9007199254740993',
    '18446744073709551616',
    '1e16',
    '1e400',
    '1e-400',
    '0.99999999999999999',
    '0.1234567890123456789',
    'NaN',
    '-Infinity',
  ]);
  t.strictSame(kept('digits'), [
    '9007199254740992',
    '-9007199254740993',
    '18446744073709551616',
    '1.0',
    '2.50',
    '-0',
    '-0.0',
    '1e16',
    '1E-7',
    '1e400',
    '1e-400',
    '0.99999999999999999',
    '0.1234567890123456789',
    'NaN',
    '-Infinity',
  ]);
});

t.test('texts, keys and everything else are as JSON.parse gives them', async (t) => {
  const lines = [
    '{"a\\"9007199254740993": "12345678901234567 \\\\", "b": [9007199254740993, {"c":NaN}], "__proto__": 1.0}',
    '{"a": "\\u0000#1", "b": "\\u0000##NaN", "c": 1.0, "a": 2.0}',
    '{"9007199254740993" : "NaN", "é\\ud83d": -Infinity, "x": "\\\\\\""}',
  ];
  t.strictSame(
    lines.map((line) => parsed(line, 'digits')),
    [
      JSON.parse(
        '{"a\\"9007199254740993": "12345678901234567 \\\\", "b": ["<9007199254740993>", {"c":"<NaN>"}], "__proto__": "<1.0>"}',
      ),
      { a: '<2.0>', b: '\u0000##NaN', c: '<1.0>' },
      { '9007199254740993': 'NaN', 'é\ud83d': '<-Infinity>', x: '\\"' },
    ],
  );
  t.strictSame(parsed('{"a": NaN, "b": 1.0}', undefined), { a: '<NaN>', b: 1 }, 'literals in any case');
});

t.test('what is not JSON is refused as JSON.parse does', async (t) => {
  const lines = [
    '{"a": 01.0}',
    '{"a": 1.}',
    '{"a": +9007199254740993}',
    '{"a": .5}',
    '{NaN: 1}',
    '{9007199254740993 : 1}',
    '{"a": N}',
    '{"a": nan}',
    '{"a": -Inf}',
    '{"a": NaNs}',
    '{"a": 1e400, "b": }',
    '{"a": "x',
    '{"a": 9007199254740993',
    '',
  ];
  const messageOf = (parse: () => unknown): string => {
    try {
      return `parsed as ${JSON.stringify(parse())}`;
    } catch (error) {
      return String(error);
    }
  };
  t.strictSame(
    lines.map((line) => messageOf(() => parseExactly(line, 'digits'))),
    lines.map((line) => messageOf(() => JSON.parse(line.replace('NaNs', '0  s')))),
  );
});

t.test('whole numbers from their digits', async (t) => {
  const cases: [string, bigint | undefined][] = [
    ['1e16', 10n ** 16n],
    ['-12.50e1', -125n],
    ['9007199254740993.0', 9007199254740993n],
    ['0.99999999999999999', undefined],
    ['5e-1', undefined],
    ['0e-5', 0n],
    ['-0.0', 0n],
    ['1e400', undefined],
    ['NaN', undefined],
  ];
  t.strictSame(
    cases.map(([text]) => wholeNumber(text)),
    cases.map(([, value]) => value),
  );
});
