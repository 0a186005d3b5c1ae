import t from 'tap';
import { addTo, createStats, type StageStats } from '../../pipeline/stats.js';
import { summaryText } from '../../pipeline/summary.js';

function done(stats: StageStats, rowsIn: number, rowsOut: number, ms: number): StageStats {
  return Object.assign(stats, { rowsIn, rowsOut, startedAt: 1000, endedAt: 1000 + ms, state: 'done' });
}

t.test('rows in = rows out + left out, for every stage', async (t) => {
  const read = done(createStats('read', 'source'), 12_345, 12_000, 2000);
  addTo(read.leftOut, 'language is not en', 345);
  const model = done(createStats('extract+top_k', 'transform'), 12_000, 11_990, 2000);
  addTo(model.leftOut, 'empty', 10);
  addTo(model.figures, 'tokens', 1_000_000);
  const profile = done(createStats('profile', 'combine'), 11_990, 0, 500);
  const write = done(createStats('write', 'sink'), 11_990, 11_990, 90_000);
  const stats = new Map(Object.entries({ read, model, profile, write }));
  for (const [stage, ms] of [
    [read, 1170],
    [model, 2000],
  ] as const)
    stage.busy.milliseconds = ms;
  write.busy.milliseconds = 90_000;
  const text = summaryText(
    'nightly',
    { stats, files: ['/out/a', '/out/b'], outputs: [], provenance: new Map(), reports: ['A report'] },
    3900,
  );
  const lines = text.split('\n');
  t.match(lines[0], /^nightly: done in 65 min, peak memory [\d,]+ MB$/);
  t.strictSame(lines.slice(1), [
    '  stage          rows in  rows out  left out  time   share',
    '  read            12,345    12,000       345  1.2 s    0 %  345 language is not en',
    '  extract+top_k   12,000    11,990        10  2.0 s    0 %  10 empty, 1,000,000 tokens, 5,995 documents/s, 500,000 tokens/s',
    '  profile         11,990         -         0  0.0 s    0 %',
    '  write           11,990    11,990         0  2 min    2 %',
    '',
    'A report',
    '',
    'wrote /out/a',
    'wrote /out/b',
    '',
  ]);
});
