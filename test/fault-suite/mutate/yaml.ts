import type { Random } from '../random.js';
import { mutateBytes } from './bytes.js';

/** A configuration's text with 1 to 3 faults that people, editors and generators make; now and then of its bytes. */
export function mutateYaml(text: string, numbers: Random): Uint8Array {
  if (numbers.below(5) === 0) return mutateBytes(Buffer.from(text), numbers);
  let lines = text.split('\n');
  for (let times = 1 + numbers.below(3); times > 0; times--) lines = numbers.pick(faults)(lines, numbers);
  return Buffer.from(lines.join('\n'));
}

type Fault = (lines: readonly string[], numbers: Random) => string[];

/** Values that stand for all that a value may be mistaken for. */
const values = [
  '',
  '~',
  'null',
  'true',
  'NO',
  '-1',
  '0',
  '1.5',
  '1e999',
  '-.inf',
  '.nan',
  '0x7fffffffffffffff',
  '9007199254740993',
  '12345678901234567890123456789',
  '"',
  "'",
  '[]',
  '{}',
  '[[[]]]',
  '{a: {b: {c: d}}}',
  '*a',
  '&a b',
  '&a [*a]',
  '!!binary aGk=',
  '!!js/function "x"',
  '!!set {a, b}',
  '!!timestamp 2026-11-24',
  '!x y',
  '| ',
  '"\\u0000"',
  '"\\ud800"',
  '$' + '{',
  '$' + '{x',
  '$' + '{target}',
  '$' + '{__proto__}',
  '$' + '{constructor}',
  '"$' + '{target}$' + '{target}"',
  '../../../../etc/passwd',
  '/etc/passwd',
  '/dev/zero',
  '~/x',
  '$(reboot)',
  '"a\\nb"',
  '**/**/**/**',
  '{a,b,{c,d}}*[!x]',
  '2026-13-45',
  '@x',
  '`x`',
  '%x',
  '? x',
  '- x',
  '8GB',
  '10min',
  '__proto__',
  'constructor',
  'toString',
];

const lineFaults: readonly ((line: string, numbers: Random) => string | string[])[] = [
  () => [],
  (line) => [line, line],
  (line) => `  ${line}`,
  (line) => line.replace(/^ {1,2}/, ''),
  (line) => line.replace(/^( *)/, '$1\t'),
  (line, numbers) => line.replace(/: .*$/, () => `: ${numbers.pick(values)}`),
  (line, numbers) => line.replace(/: [^,{}]+(?=[,}])/, () => `: ${numbers.pick(values)}`),
  (line, numbers) =>
    line.replace(/[\w.]+(?=: )/, () => numbers.pick(['x', '<<', '__proto__', '', '?', '1', '[a]', 'use'])),
  (line) => line.replace(':', ''),
  (line) => line.replace(/[{}[\]]/, ''),
  (line) => line.replace(/["']/, ''),
  (line, numbers) => line.slice(0, numbers.below(line.length + 1)),
  (line, numbers) =>
    line.replace(/\w+/, (word) =>
      numbers.pick([`${word}s`, word.toUpperCase(), word.slice(1), '&a', '*a', '!t']),
    ),
  (line, numbers) =>
    `${line}${numbers.pick([' #', ' &a', ' *a', ':', ',', '}', ']', ' |', ' >-', '\u0000', '\u2028', '\ufeff', '…'])}`,
];

const faults: readonly Fault[] = [
  ...lineFaults.map((fault): Fault => {
    return (lines, numbers) => {
      const at = numbers.below(lines.length);
      return lines.flatMap((line, i) => (i === at ? fault(line, numbers) : line));
    };
  }),
  // Two lines change places.
  (lines, numbers) => {
    const [a, b] = [numbers.below(lines.length), numbers.below(lines.length)];
    return lines.map((line, i) => (i === a ? lines[b]! : i === b ? lines[a]! : line));
  },
  // A part of the file again, at another place.
  (lines, numbers) => {
    const start = numbers.below(lines.length);
    const part = lines.slice(start, start + 1 + numbers.below(6));
    const at = numbers.below(lines.length + 1);
    return [...lines.slice(0, at), ...part, ...lines.slice(at)];
  },
  (lines, numbers) => lines.slice(0, numbers.below(lines.length + 1)),
  (lines) => [...lines, '---', ...lines],
  (lines, numbers) => [...lines, `x: ${'['.repeat(numbers.pick([5, 100, 2000]))}`],
  (lines, numbers) => {
    const depth = numbers.pick([5, 100, 2000]);
    return [...lines, `x: ${'{a: '.repeat(depth)}1${'}'.repeat(depth)}`];
  },
  (lines, numbers) => [
    ...lines,
    `${numbers.pick(['state_dir', 'retries', 'limits', 'keep', 'on_error', 'hooks', 'metrics', 'if_running', 'plugins', 'params', 'temp_dir', 'name'])}: ${numbers.pick(values)}`,
  ],
];
