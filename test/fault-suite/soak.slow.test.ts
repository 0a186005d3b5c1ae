import t from 'tap';
import { nights, soak } from './soak.js';

t.test('a process of many runs is watched', async (t) => {
  const rows = await nights({ folder: t.testdir(), seed: 1, minutes: 0.3, workers: 1 });
  t.equal(rows.length, 3);
  for (const row of rows) {
    t.ok(row.tried > 1, `${row.tried} runs in one process`);
    t.notOk(
      row.defects.some((defect) => /ends with/.test(defect)),
      'all of them complete',
    );
    t.match([...row.outcomes.keys()][0], /^start \d+, median \d+ then \d+/);
  }
});

t.test('a long run is watched, and stopped', async (t) => {
  const rows = await soak({ folder: t.testdir(), seed: 1, minutes: 0.3, workers: 1 });
  t.equal(rows.length, 3);
  for (const row of rows) {
    t.notOk(
      row.defects.some((defect) => /ends with/.test(defect)),
      row.defects.join(),
    );
    t.match([...row.outcomes.keys()][0], /^start \d+, median \d+ then \d+/);
  }
});
