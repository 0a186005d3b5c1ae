import t from 'tap';
import { judge } from './soak.js';

const samples = (of: (i: number) => number) =>
  Array.from({ length: 100 }, (_, i) => ({ at: i * 5, megabytes: of(i), handles: 20, threads: 12 }));

t.test('flat is what does not grow once it is warm', async (t) => {
  t.ok(
    judge(
      samples((i) => (i < 15 ? 100 + i * 10 : 250)),
      'megabytes',
    ).flat,
    'the start does not count',
  );
  t.ok(
    judge(
      samples((i) => 250 + (i % 7)),
      'megabytes',
    ).flat,
    'what is collected goes up and down',
  );
  t.notOk(
    judge(
      samples((i) => 250 + i),
      'megabytes',
    ).flat,
  );
  t.match(
    judge(
      samples((i) => 250 + i),
      'megabytes',
    ).text,
    /^start 250, median 290 then 330, end 349, most 349, 720\.0 an hour$/,
  );
  t.ok(
    judge(
      samples(() => 1),
      'handles',
    ).flat,
  );
  t.notOk(judge([], 'threads').flat, 'nothing seen is nothing known');
});
