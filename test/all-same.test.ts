import t, { type Test } from 'tap';
import { allSame, type Same } from './fixtures/all-same.js';

/** What one assertion says of the cases that `body` compares: its name, and what was found and expected. */
function outcome(body: (same: Same) => void) {
  const said: { name: string; found?: unknown; wanted?: unknown; file?: string | undefined }[] = [];
  const recorder = {
    pass: (name: string) => void said.push({ name }),
    fail: (name: string, extra?: { found: unknown; wanted: unknown; at?: { fileName: string } }) =>
      void said.push({
        name,
        found: extra?.found,
        wanted: extra?.wanted,
        file: extra?.at?.fileName.replace(/^dist\/|\.[jt]s$/g, ''),
      }),
  };
  allSame(recorder as unknown as Test, 'all', body);
  return said;
}

const file = 'test/all-same.test';

t.test('all cases are one assertion', async (t) => {
  const all = (same: Same) => [1, 2, 3].forEach((n) => void same([n, { n }], [n, { n }], `case ${n}`));
  t.strictSame(outcome(all), [{ name: 'all: 3 compared' }]);
});

t.test('the first case that differs is named, with its place, and the others are counted', async (t) => {
  const some = (same: Same) =>
    [1, 2, 3].forEach((n) => void same([0, { n }], [0, { n: n % 2 }], () => `case ${n}`));
  t.strictSame(outcome(some), [{ name: 'all: case 2[1][n] (2 of 3 differ)', found: '2', wanted: '0', file }]);
});

t.test('to the bit: -0, NaN, types, lengths', async (t) => {
  const cases: [found: unknown, expected: unknown, place: string, shownFound: string, shown: string][] = [
    [Float64Array.of(1, -0), Float64Array.of(1, 0), '[1]', '-0', '0'],
    [[Number.NaN, 1], [Number.NaN, 2], '[1]', '1', '2'],
    [Int32Array.of(1), [1], '', 'Int32Array(1) [ 1 ]', '[ 1 ]'],
    [[1, 2, 3], [1, 2], '[2]', '3', 'nothing'],
    [{ a: 1 }, { a: 1, b: 2 }, '[b]', 'nothing', '2'],
    [new Map([['k', 1]]), new Map([['k', 2]]), "['k']", '1', '2'],
    [1, '1', '', '1', "'1'"],
    [undefined, null, '', 'undefined', 'null'],
    [
      `${'x'.repeat(90)}abcdefghij1`,
      `${'x'.repeat(90)}abcdefghij2`,
      ', character 100',
      `'…${'x'.repeat(10)}abcdefghij1'`,
      `'…${'x'.repeat(10)}abcdefghij2'`,
    ],
  ];
  for (const [found, expected, place, shownFound, shown] of cases)
    t.strictSame(
      outcome((same) => same(found, expected, 'case')),
      [{ name: `all: case${place} (1 of 1 differ)`, found: shownFound, wanted: shown, file }],
    );
});

t.test('no case at all fails, and an error does not hide a difference', async (t) => {
  t.strictSame(
    outcome(() => undefined).map(({ name }) => name),
    ['all: nothing was compared'],
  );
  const failed: string[] = [];
  const recorder = { fail: (name: string) => void failed.push(name) } as unknown as Test;
  const broken = () => {
    throw new Error('broken');
  };
  t.throws(() => allSame(recorder, 'all', (same) => [same(1, 2, 'case'), broken()] as never), /broken/);
  await t.rejects(
    allSame(recorder, 'later', async (same) => {
      await null;
      same(1, 2, 'case');
      broken();
    }),
    /broken/,
  );
  t.strictSame(failed, ['all: case (1 of 1 differ)', 'later: case (1 of 1 differ)']);
});
