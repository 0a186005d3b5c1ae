import t from 'tap';
import { runText } from '../../pipeline/run-text.js';
import { localTime } from '../../pipeline/runs-text.js';
import { recordOf } from '../fixtures/records.js';

const at = (iso: string) => `${localTime(iso)} (${iso})`;

t.test('a complete run: everything that was asked of it', async (t) => {
  const lines = runText(recordOf(), 'complete').split('\n');
  t.strictSame(lines, [
    'nightly: complete in 65 min; everything was published',
    '',
    '  run            20261124T020000Z-1f3a',
    `  started        ${at('2026-11-24T02:00:00.000Z')}`,
    `  ended          ${at('2026-11-24T03:05:00.000Z')}`,
    '  config         nightly.yaml',
    '  hash           c0ffee',
    '  params         day=2026-11-24, sample=',
    '  version        0.2.0',
    '  process        4321 on night',
    '  peak memory    2,000 MB',
    '  attempts       1',
    '  nag.model      abcd',
    '  nag.tokenizer  ef01',
    '  quarantine     /state/quarantine.jsonl',
    '',
    'input',
    '  source  files     MB   rows  new  changed  gone  fingerprint',
    '  pool       41  5,000  1,000    1       21     0  feed',
    '  new in pool: /pool/z.parquet',
    '  changed in pool: /pool/b.parquet',
    '  changed in pool: 20 more',
    '',
    'stages',
    '  stage          rows in  rows out  left out  rejected  time   share',
    '  pool             1,000       990         7         3  2.0 s    0 %  7 lang is not en, 3 rejected (no token)',
    '  extract+top_k      990       990         0         0  10 s     0 %  99,000 tokens, 99 documents/s, 9,900 tokens/s',
    '  profile             50         -         0         0  1.0 s    0 %  0.5 drift',
    '  rank               990       100       890         0  1.5 s    0 %  890 beyond the budget, 9,900 tokens, 10,000 budget, 12 entered, 8 left, 88 stayed',
    '  out                100       100         0         0  0.5 s    0 %',
    '',
    'outputs',
    '  stage  rows  bytes  sha256  file',
    '  out     100  1,234  aa11    /out/selected/part-0.parquet',
    '                  99  bb22    /out/selected/part-1.parquet',
    '',
    'notes',
    '  - pool: 3 rows are rejected',
    '',
    'rank: selection since 2026-11-23: 12 entered',
  ]);
});

t.test('what happened, in words', async (t) => {
  const first = (...args: Parameters<typeof runText>) => runText(...args).split('\n')[0];
  const running = recordOf({ status: 'running', exitCode: null, endedAt: null, attempts: 2 });
  t.equal(
    first(running, 'running'),
    'nightly: goes on, in process 4321 on night, at attempt 2; this is how it stood after 65 min',
  );
  t.equal(
    first(running, 'killed'),
    'nightly: killed after 65 min or later, at attempt 2: its process 4321 on night ended without a record of how',
  );
  t.match(
    runText(running, 'killed'),
    `\n  last seen      ${at('2026-11-24T03:05:00.000Z')}\n`,
    'when its record was last written',
  );
  t.equal(first(recordOf({ exitCode: 143 }), 'stopped'), 'nightly: stopped after 65 min, exit code 143');
  t.equal(first(recordOf({ exitCode: 4 }), 'failed'), 'nightly: failed after 65 min, exit code 4');
});

t.test('a run that failed early: its error, and no empty tables', async (t) => {
  const record = recordOf({
    status: 'failed',
    exitCode: 1,
    error: 'pool.parquet: row 3: bad\nmore',
    config: { ...recordOf().config, params: {} },
    inputs: {},
    stages: [],
    outputs: [],
    notes: [],
    reports: [],
    quarantine: null,
    endedAt: null,
  });
  const text = runText(record, 'failed');
  t.match(text, '\n\nerror\n  pool.parquet: row 3: bad\n  more');
  t.notMatch(text, /^(input|stages|outputs|notes)$/m);
  t.notMatch(text, /^ {2}(params|ended|quarantine)/m);
});
