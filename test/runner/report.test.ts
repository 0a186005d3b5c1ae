import { join } from 'node:path';
import { Readable } from 'node:stream';
import t from 'tap';
import { Parser } from 'tap-parser';
import { filesOf } from './files.js';
import { emptySummary, endText, fileText, follow } from './report.js';
import { runFile } from './run-file.js';

const tap = `TAP version 14
# Subtest: sums
    ok 1 - one
    not ok 2 - two
      ---
      diff: |
        --- expected
        +++ actual
        -2
        +3
      at:
        fileName: test/a.test.ts
        lineNumber: 7
      ...
    ok 3 - three # SKIP no GPU
    1..3
not ok 1 - sums # time=5ms
# Subtest: fine
    ok 1 - four
    1..1
ok 2 - fine # time=1ms
1..2
`;

t.test('a line a file; failures last, with file, test, expected and found', async (t) => {
  const parser = new Parser();
  const summary = follow(parser, 'a.test.js');
  const done = new Promise((resolve) => parser.once('complete', resolve));
  Readable.from([tap]).pipe(parser);
  await done;
  t.equal(fileText('a.test.js', 1.52, summary), '   1.5 s     2 passed, 1 FAILED, 1 skipped  a.test.js');
  t.equal(
    endText([summary, { ...emptySummary(), passed: 1 }]),
    `skipped 1: no GPU
FAILED a.test.js > sums > two
    at test/a.test.ts:7
  --- expected
  +++ actual
  -2
  +3
3 passed, 1 failed, 1 skipped`,
  );
});

t.test('a file that ends otherwise than by its tests has failed', async (t) => {
  const dir = t.testdir({
    'killed.mjs': "console.log('TAP version 14\\nok 1 - one'); process.kill(process.pid, 'SIGKILL');",
    'thrown.mjs': "throw new Error('before any test');",
  });
  const killed = await runFile(join(dir, 'killed.mjs'));
  t.match(
    endText([killed]),
    /^FAILED .*killed\.mjs[\s\S]*the file ended with SIGKILL[\s\S]*1 passed, 1 failed$/,
  );
  const thrown = await runFile(join(dir, 'thrown.mjs'));
  t.match(endText([thrown]), /FAILED .*thrown\.mjs[\s\S]*0 passed, [1-9] failed$/);
});

t.test('files by group or by name', async (t) => {
  const compiled = ['dist/test/a.test.js', 'dist/test/b/a.test.js', 'dist/test/b/kills.slow.test.js'];
  t.strictSame(filesOf(['quick'], compiled), compiled.slice(0, 2));
  t.strictSame(filesOf(['rest'], compiled), compiled.slice(2));
  t.strictSame(filesOf(['./test/b/a.test.ts', 'kills.slow.test.ts'], compiled), compiled.slice(1));
  t.strictSame(filesOf(['dist/test/a.test.js'], compiled), compiled.slice(0, 1));
  t.throws(() => filesOf([], compiled), /name test files/);
  t.throws(() => filesOf(['c.test.ts'], compiled), /there is no test file c\.test\.ts/);
});
