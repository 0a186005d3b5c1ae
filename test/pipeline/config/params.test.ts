import t from 'tap';
import { createFindings } from '../../../pipeline/config/findings.js';
import { type ParamInputs, resolveParams } from '../../../pipeline/config/params.js';
import { allSame } from '../../fixtures/all-same.js';

function resolve(params: Record<string, unknown>, inputs: Partial<ParamInputs> = {}) {
  const findings = createFindings();
  const all = { set: new Map<string, string>(), env: {}, today: '2026-11-23', ...inputs };
  const values = resolveParams(params, all, findings);
  return { values: Object.fromEntries(values), messages: findings.problems.map(({ message }) => message) };
}

t.test('--set wins over the environment, and that over the default', async (t) => {
  const params = { a: { default: 'file', env: 'A' } };
  const set = new Map([['a', 'set']]);
  t.strictSame(resolve(params).values, { a: 'file' });
  t.strictSame(resolve(params, { env: { A: 'env' } }).values, { a: 'env' });
  t.strictSame(resolve(params, { env: { A: '' } }).values, { a: 'file' }, 'empty is unset');
  t.strictSame(resolve(params, { env: { A: 'env' }, set }).values, { a: 'set' });
  t.strictSame(resolve(params, { set: new Map([['a', '']]) }).values, { a: '' });
});

t.test('a date is today, other parameters have no value', async (t) => {
  t.strictSame(resolve({ day: { type: 'date' }, x: {} }).values, { day: '2026-11-23', x: null });
  t.strictSame(resolve({ day: { type: 'date', required: true } }).messages, [
    'has no value: give one with --set day=…',
  ]);
});

const texts: readonly [type: string, text: string, value: string | number | boolean | undefined][] = [
  ['string', '010', '010'],
  ['string', 'true', 'true'],
  ['path', 'a b', 'a b'],
  ['glob', '*.x', '*.x'],
  ['int', '-12', -12],
  ['int', '+12', 12],
  ['int', '1.0', undefined],
  ['int', '0x10', undefined],
  ['int', '', undefined],
  ['int', '9007199254740993', undefined],
  ['number', '1e-3', 0.001],
  ['number', '.5', 0.5],
  ['number', 'Infinity', undefined],
  ['number', '1e999', undefined],
  ['number', ' ', undefined],
  ['number', '0x10', undefined],
  ['bool', 'true', true],
  ['bool', 'false', false],
  ['bool', 'yes', undefined],
  ['bool', '1', undefined],
  ['date', '2024-02-29', '2024-02-29'],
  ['date', '2026-02-29', undefined],
  ['date', '2026-2-9', undefined],
];

allSame(t, 'each type from text', (same) => {
  for (const [type, text, value] of texts) {
    const name = `${type} from ${JSON.stringify(text)}`;
    const { values, messages } = resolve({ p: { type } }, { set: new Map([['p', text]]) });
    same(values, { p: value }, name);
    const fault = messages.join().replace(/^expected .*, found ".*" \(from --set p\)$/, 'told');
    same(fault, value === undefined ? 'told' : '', `${name}: the message`);
  }
});

t.test('text in the file is text', async (t) => {
  t.strictSame(resolve({ p: { default: 1.1 } }).messages, [
    'expected text (numbers in quotes, or with "type"), found 1.1 (from its default)',
  ]);
  t.strictSame(resolve({ p: { default: '1.10' } }).values, { p: '1.10' });
});

t.test('choices', async (t) => {
  const params = { k: { type: 'int', choices: [10, '20'], default: 20 } };
  t.strictSame(resolve(params).values, { k: 20 });
  t.strictSame(resolve(params, { set: new Map([['k', '30']]) }).messages, [
    'expected one of 10, 20, found "30" (from --set k)',
  ]);
  t.strictSame(resolve({ k: { type: 'int', choices: ['x'] } }).messages, [
    'expected a whole number, found "x"',
  ]);
});

t.test('what is wrong with a parameter itself', async (t) => {
  t.strictSame(resolve({ 'a b': {}, c: { typ: 'int' }, d: 5 }).messages, [
    'a name starts with a letter and goes on with letters, digits, _ . -',
    'unknown option "typ", did you mean "type"?',
    'expected a mapping, found 5',
  ]);
  t.strictSame(resolve({ c: 5 }).values, { c: undefined }, 'its uses are no faults of their own');
});
