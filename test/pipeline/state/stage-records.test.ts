import t from 'tap';
import { stageRecords } from '../../../pipeline/state/stage-records.js';
import { addTo, createStats } from '../../../pipeline/stats.js';

t.test('stages as they stand: done, running, waiting', async (t) => {
  const read = Object.assign(createStats('read.jsonl', 'source'), { rowsIn: 5, rowsOut: 3, startedAt: 1000 });
  addTo(read.leftOut, 'empty', 2);
  read.busy.milliseconds = 500;
  Object.assign(read, { state: 'done', endedAt: 3500 });
  const model = Object.assign(createStats('extract+top_k', 'transform'), {
    startedAt: 2000,
    state: 'running',
  });
  addTo(model.figures, 'tokens', 7);
  const stats = new Map([
    ['pool', read],
    ['extract', model],
    ['rank', createStats('rank', 'combine')],
  ]);
  const records = stageRecords(stats, 10_000);
  t.strictSame(records[0], {
    id: 'pool',
    label: 'read.jsonl',
    kind: 'source',
    rowsIn: 5,
    rowsOut: 3,
    leftOut: { empty: 2 },
    rejected: 0,
    rejectedFor: {},
    figures: {},
    seconds: 2.5,
    busySeconds: 0.5,
  });
  t.match(records[1], { id: 'extract', label: 'extract+top_k', figures: { tokens: 7 }, seconds: 8 });
  t.match(records[2], { id: 'rank', rowsIn: 0, seconds: 0 });
});
