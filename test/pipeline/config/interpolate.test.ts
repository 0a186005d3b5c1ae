// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references as they are written in a configuration
import t from 'tap';
import { createFindings } from '../../../pipeline/config/findings.js';
import { interpolate } from '../../../pipeline/config/interpolate.js';
import type { Resolved } from '../../../pipeline/config/params.js';

const values = new Map<string, Resolved>([
  ['k', 20],
  ['on', true],
  ['text', 'a${k}'],
  ['unset', null],
  ['faulty', undefined],
]);

function put(value: unknown) {
  const findings = createFindings();
  const result = interpolate(value, values, ['at'], findings);
  return { result, problems: findings.problems, findings };
}

const cases: readonly [written: unknown, result: unknown][] = [
  ['${k}', 20],
  ['${ k }', 20],
  ['${on}', true],
  ['x${k}y${on}', 'x20ytrue'],
  ['$${k}', '${k}'],
  ['$$${k}', '$${k}'],
  ['a $ b {k} $k', 'a $ b {k} $k'],
  ['${text}', 'a${k}'],
  [
    ['${k}', { '${k}': '${k}' }],
    [20, { '${k}': 20 }],
  ],
  [{ a: '${unset}', b: 1 }, { b: 1 }],
  [5, 5],
  [null, null],
];

for (const [written, expected] of cases) {
  t.test(JSON.stringify(written), async (t) => {
    const { result, problems } = put(written);
    t.strictSame(result, expected);
    t.strictSame(problems, []);
  });
}

const faults: readonly [written: string, message: string][] = [
  ['${kk}', '${kk}: there is no such parameter, did you mean "k"?'],
  ['a ${constructor}', '${constructor}: there is no such parameter (there are: k, on, text, unset, faulty)'],
  ['${}', '${}: there is no such parameter (there are: k, on, text, unset, faulty)'],
  ['a${unset}', '${unset} has no value: give one with --set unset=…, or a default'],
  ['${k', '"${" without "}": write "$${" for these characters themselves'],
];

for (const [written, message] of faults) {
  t.test(`fault: ${written}`, async (t) => {
    const { problems, findings } = put({ x: [written] });
    t.strictSame(problems, [{ path: ['at', 'x', 0], message }]);
    t.ok(findings.isTouched(['at', 'x', 0]), 'what follows from it is not told');
  });
}

t.test('fault: a text that becomes longer than anyone means', async (t) => {
  const { problems } = put('${text}'.repeat(100_000));
  t.strictSame(problems, [{ path: ['at'], message: 'becomes longer than 100000 characters' }]);
});

t.test('a faulty parameter was told where it is declared', async (t) => {
  const { result, problems, findings } = put({ x: '${faulty}', y: 'a${faulty}' });
  t.strictSame(problems, []);
  t.strictSame(result, { y: 'a' });
  t.ok(findings.isTouched(['at', 'x']) && findings.isTouched(['at', 'y']));
});
