import t from 'tap';
import { createFindings } from '../../../pipeline/config/findings.js';

t.test('one fault is told once', async (t) => {
  const findings = createFindings();
  findings.markFaulty(['stages', 1, 'with']);
  for (const path of [
    ['stages', 1, 'with', 'k'],
    ['stages', 1, 'with'],
    ['stages', 1],
    ['stages', 10, 'with'],
  ])
    findings.report({ path, message: 'wrong' });
  t.strictSame(
    findings.problems.map(({ path }) => path),
    [
      ['stages', 1],
      ['stages', 10, 'with'],
    ],
  );
  t.ok(findings.isTouched(['stages', 1]), 'it holds a fault');
  t.ok(findings.isTouched(['stages', 1, 'with', 'k']), 'it lies in one');
  t.notOk(findings.isTouched(['stages', 2]));
});
