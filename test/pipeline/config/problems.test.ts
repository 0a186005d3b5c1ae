import t from 'tap';
import { z } from 'zod';
import { didYouMean, nearest, pathText, problemsOf } from '../../../pipeline/config/problems.js';

t.test('paths', async (t) => {
  t.equal(pathText(['stages', 3, 'with', 'k']), 'stages[3].with.k');
  t.equal(pathText([]), '');
});

t.test('nearest names', async (t) => {
  t.equal(nearest('tokenise', ['token', 'tokenize']), 'tokenize');
  t.equal(nearest('TOP_K', ['top_k']), 'top_k');
  t.equal(nearest('k', ['n', 'model']), undefined, 'every short name is near to another');
  t.equal(nearest('zebra', ['rank']), undefined);
  t.equal(didYouMean('zebra', ['rank', 'show']), ' (there are: rank, show)');
  t.equal(didYouMean('zebra', []), '');
});

const schema = z.strictObject({
  n: z.int().min(1).max(9).optional(),
  x: z.number().positive().optional(),
  s: z.string().min(3).optional(),
  list: z.array(z.strictObject({ name: z.enum(['one', 'two']) })).optional(),
  few: z.array(z.int()).max(1).optional(),
  either: z.union([z.literal('all'), z.strictObject({ rows: z.int() })]).optional(),
  flag: z.boolean().optional(),
  map: z.record(z.string(), z.strictObject({ deep: z.int().optional() })).optional(),
  need: z.string().default('d'),
});

const cases: readonly [value: unknown, messages: string[]][] = [
  [{ n: 0 }, ['n: expected a number of at least 1, found 0']],
  [{ n: 10 }, ['n: expected a number of at most 9, found 10']],
  [{ n: 1.5 }, ['n: expected a whole number, found 1.5']],
  [{ x: 0 }, ['x: expected a number above 0, found 0']],
  [{ x: '0' }, ['x: expected a number, found "0"']],
  [{ s: 'ab' }, ['s: expected at least 3 characters, found "ab"']],
  [{ few: [1, 2] }, ['few: expected at most 1 entry, found a list of 2']],
  [{ flag: 'yes' }, ['flag: expected true or false, found "yes"']],
  [{ flag: null }, ['flag: expected true or false, found nothing (null)']],
  [{ list: {} }, ['list: expected a list, found a mapping with no keys']],
  [{ list: [{ name: 'tow' }] }, ['list[0].name: expected one of one, two, found "tow", did you mean "two"?']],
  [
    { list: [{}, { name: 'one', naem: 1 }] },
    [
      'list[0].name: is required: one of one, two',
      'list[1].naem: unknown option "naem", did you mean "name"?',
    ],
  ],
  [{ map: { a: { deeep: 1 } } }, ['map.a.deeep: unknown option "deeep", did you mean "deep"?']],
  [{ either: 5 }, ['either: expected "all", or a mapping, found 5']],
  [
    { either: { row: 5 } },
    ['either: expected "all", or a mapping with rows (a number), found a mapping with row'],
  ],
  [[], [': expected a mapping, found a list of 0']],
];

for (const [value, messages] of cases) {
  t.test(JSON.stringify(value), async (t) => {
    const { error } = schema.safeParse(value);
    const problems = error ? problemsOf(error, value, [], schema) : [];
    t.strictSame(
      problems.map(({ path, message }) => `${pathText(path)}: ${message}`).sort(),
      messages.sort(),
    );
  });
}
