import { Readable } from 'node:stream';
import t from 'tap';
import { Parser } from 'tap-parser';
import { filesOf } from './files.js';
import { endText, fileText, follow } from './report.js';

const tap = `TAP version 14
# Subtest: dist/test/a.test.js
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
            fileName: dist/test/a.test.js
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
    # failed 1 test of 2
not ok 1 - dist/test/a.test.js # time=1500ms
  ---
  exitCode: 1
  ...
# Subtest: dist/test/killed.test.js
    # Subtest: begun
        ok 1 - five
not ok 2 - dist/test/killed.test.js # time=20ms
  ---
  exitCode: null
  signal: SIGKILL
  ...
1..2
`;

t.test('a line a file; failures last, with file, test, expected and found', async (t) => {
  const parser = new Parser();
  const lines: string[] = [];
  const summary = follow(parser, (file, own) => lines.push(fileText(file, own)));
  const done = new Promise((resolve) => parser.once('complete', resolve));
  Readable.from([tap]).pipe(parser);
  await done;
  t.strictSame(lines, [
    '   1.5 s     2 passed, 1 FAILED, 1 skipped  dist/test/a.test.js',
    '   0.0 s     1 passed, 1 FAILED  dist/test/killed.test.js',
  ]);
  t.equal(
    endText(summary),
    `skipped 1: no GPU
FAILED dist/test/a.test.js > sums > two
    at dist/test/a.test.js:7
  --- expected
  +++ actual
  -2
  +3
FAILED dist/test/killed.test.js
  the file ended with SIGKILL
3 passed, 2 failed, 1 skipped`,
  );
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
