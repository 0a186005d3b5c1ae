import t from 'tap';
import { localTime, runsText } from '../../pipeline/runs-text.js';
import { recordOf, stageRecordOf } from '../fixtures/records.js';

const inputs = recordOf().inputs['pool']!;

t.test('a line for each run', async (t) => {
  const records = [
    recordOf({ id: 'a', status: 'running', exitCode: null, stages: [], inputs: {}, seconds: 34 }),
    recordOf({ id: 'b', attempts: 2, notes: [] }),
    recordOf({
      id: 'c',
      status: 'failed',
      exitCode: 1,
      error: `${'long '.repeat(40)}\nsecond line`,
      notes: ['x', 'y'],
      stages: [],
    }),
    recordOf({
      id: 'd',
      status: 'running',
      exitCode: null,
      inputs: { pool: { ...inputs, counts: { new: 0, changed: 0, gone: 3 } } },
    }),
  ];
  const seen = localTime('2026-11-24T03:05:00.000Z');
  const text = runsText(records, ({ id, status }) => (id === 'd' ? 'killed' : status));
  const at = localTime(records[0]!.startedAt);
  t.strictSame(text.split('\n'), [
    '  run  started              took      status    exit  rows in  selected  files',
    `  a    ${at}  34 s      running      -        0         -  as before          process 4321 on night`,
    `  b    ${at}  65 min    complete     0    1,000       100  1 new, 21 changed  2 attempts, 3 rejected`,
    `  c    ${at}  65 min    failed       1        0         -  1 new, 21 changed  ${'long '.repeat(20).slice(0, 99)}…, 2 notes`,
    `  d    ${at}  > 65 min  killed       -    1,000         -  3 gone             last seen ${seen}; extract+top_k had done 990 rows, 3 rejected, 1 note`,
  ]);
});

t.test('where nothing chooses, the largest output is what was selected', async (t) => {
  const [output] = recordOf().outputs;
  const outputs = [
    { ...output!, rows: 5 },
    { ...output!, rows: 7 },
  ];
  const selected = (record: ReturnType<typeof recordOf>) =>
    runsText([record], ({ status }) => status)
      .split('\n')[1]!
      .split(/ {2,}/)[7];
  t.equal(selected(recordOf({ stages: [stageRecordOf('pool', { kind: 'source' })], outputs })), '7');
  t.equal(selected(recordOf({ stages: [], outputs: [] })), '0');
});

t.test('times are those of where one is', async (t) => {
  t.match(localTime('2026-11-24T02:00:00.000Z'), /^2026-11-2[345] \d\d:\d\d:00$/);
  const date = new Date('2026-11-24T02:00:00.000Z');
  t.equal(new Date(localTime(date.toISOString()).replace(' ', 'T')).getTime(), date.getTime());
});
