import { readFile } from 'node:fs/promises';
import t from 'tap';
import { failureOf } from '../../../pipeline/cli/failure.js';
import { ConfigError } from '../../../pipeline/config/problems.js';

const error = new ConfigError('a: wrong\nb: wrong', { cause: new Error('deep') });

t.test('text', async (t) => {
  t.strictSame(failureOf(error, ['run']), { exitCode: 2, text: 'a: wrong\nb: wrong\n' });
  t.match(
    failureOf(error, ['--debug']).text,
    /^ConfigError: a: wrong\nb: wrong\n +at [\s\S]*\ncaused by: Error: deep\n +at /,
  );
  const defect = failureOf(new TypeError('x'), []);
  t.equal(defect.exitCode, 1);
  t.match(defect.text, /^nag-pipeline failed in a way it should not: x\nRun again with --debug/);
  t.match(failureOf('a string', []).text, /: a string\n/);
  const refused = await readFile('/nowhere/file').catch((cause: unknown) => cause);
  t.strictSame(failureOf(refused, []), {
    exitCode: 1,
    text: "ENOENT: no such file or directory, open '/nowhere/file'\n",
  });
});

t.test('json: a line, whatever the message', async (t) => {
  for (const args of [['--log', 'json'], ['--log=json'], ['--log', 'text', '--log', 'json']]) {
    const { exitCode, text } = failureOf(error, ['run', ...args]);
    t.equal(exitCode, 2);
    t.match(text, /^\{[^\n]*\}\n$/);
    const { time, ...others } = JSON.parse(text) as Record<string, unknown>;
    t.match(time, /^\d{4}-.*Z$/);
    t.strictSame(others, { level: 'error', event: 'error', message: 'a: wrong\nb: wrong', exit_code: 2 });
  }
  t.match(JSON.parse(failureOf(error, ['--log=json', '--debug']).text), {
    stack: /caused by: Error: deep\n +at /,
  });
  t.match(JSON.parse(failureOf(new TypeError('x'), ['--log=json']).text), {
    exit_code: 1,
    message: /should not: x/,
  });
  for (const args of [['--log'], ['--log', 'json', '--log=text'], ['json']])
    t.equal(failureOf(error, args).text, 'a: wrong\nb: wrong\n');
});
