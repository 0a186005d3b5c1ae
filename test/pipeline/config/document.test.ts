import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { configError, parseConfig, readDocument } from '../../../pipeline/config/document.js';
import { ConfigError } from '../../../pipeline/config/problems.js';

t.test('places of values and keys', async (t) => {
  const document = parseConfig('a: 1\nlist:\n  - {x: y,   "z": [1, 22]}\nb: &b {c: 3}\nd: *b\n', 'f.yaml');
  t.equal(document.locate([]), 'f.yaml:1:1');
  t.equal(document.locate(['list', 0, 'z', 1]), 'f.yaml:3:23');
  t.equal(document.locate(['list', 0, 'z'], true), 'f.yaml:3:14');
  t.equal(document.locate(['list', 0, 'missing', 7]), 'f.yaml:3:5', 'the nearest that is written');
  t.equal(document.locate(['d', 'c']), 'f.yaml:4:11', 'through an alias');
  t.equal(parseConfig('{}', 'f.yaml').locate(['a']), 'f.yaml:1:1');
  t.equal(parseConfig('', 'f.yaml').locate(['a']), 'f.yaml:1:1');
});

t.test('problems in the order of the file, each once', async (t) => {
  const lines = Array.from({ length: 12 }, (_, i) => `k${i}: ${i}`).join('\n');
  const document = parseConfig(lines, 'f.yaml');
  const problem = (n: number) => ({ path: [`k${n}`], message: `wrong ${n}` });
  t.equal(
    configError(document, [problem(10), problem(2), problem(10)]).message,
    'f.yaml:3:5  k2  wrong 2\nf.yaml:11:6  k10  wrong 10',
  );
});

const refused: readonly { name: string; yaml: string; lines: string[] }[] = [
  {
    name: 'every syntax error, in order',
    yaml: 'version: 1\nstages: [\n  {use: a\n b: "x\n',
    lines: [
      'f:3:9  Implicit keys need to be on a single line',
      'f:3:9  Block collections are not allowed within flow collections',
      'f:5:1  Missing closing "quote',
      'f:5:1  Flow map in block collection must be sufficiently indented and end with a }',
      'f:5:1  Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
  },
  {
    name: 'keys that are there twice',
    yaml: 'a: 1\nb: {"c": 1, "c": 2}\na: 2\n',
    lines: ['f:2:13  the key "c" is there twice', 'f:3:1  the key a is there twice'],
  },
  {
    name: 'tags',
    yaml: 'a: !!js/function "x"\nb: !own {c: 1}\n',
    lines: [
      'f:1:4  Unresolved tag: tag:yaml.org,2002:js/function: tags have no meaning here, remove it',
      'f:2:4  Unresolved tag: !own: tags have no meaning here, remove it',
    ],
  },
  {
    name: 'several documents',
    yaml: 'a: 1\n---\nb: 1\n',
    lines: [
      'f:2:1  a configuration is one document: remove this line and what follows, or put it into a file of its own',
    ],
  },
  {
    name: 'keys that are no names, merge keys',
    yaml: 'a: &a {b: 1}\n__proto__: {c: 1}\n? [x]\n: 1\nd: {<<: *a}\n? \n',
    lines: [
      'f:2:1  the key __proto__ is not allowed',
      'f:3:3  a key must be text',
      'f:5:5  merge keys ("<<") have no meaning here: use params or a template',
      'f:6:3  a key must be text',
    ],
  },
  {
    name: 'aliases that lead nowhere, or into themselves',
    yaml: 'a: &a\n  - {b: *a}\nc: *d\nd: &d 1\n',
    lines: [
      'f:2:9  the alias *a stands inside what it stands for',
      'f:3:4  the alias *d has no anchor &d above it',
    ],
  },
];

for (const { name, yaml, lines } of refused) {
  t.test(`refused: ${name}`, async (t) => {
    const error = thrownBy(() => parseConfig(yaml, 'f'));
    t.type(error, ConfigError);
    t.strictSame(error.message.split('\n'), lines);
  });
}

t.test('refused: an alias bomb', async (t) => {
  const row = (name: string, of: string) => `${name}: &${name} [${Array(10).fill(of).join(', ')}]\n`;
  const bomb = row('a', 'x') + row('b', '*a') + row('c', '*b') + row('d', '*c');
  t.match(thrownBy(() => parseConfig(bomb, 'f')).message, /^f:1:1 {2}aliases expand to too much/);
  const few = parseConfig(row('a', 'x') + row('b', '*a'), 'f').value;
  t.equal((few as { b: string[][] }).b[9]?.[9], 'x', 'aliases as such are welcome');
});

t.test('refused: more than anyone writes', async (t) => {
  const many = (count: number, text: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => text(i)).join('');
  const messageFor = (yaml: string) => thrownBy(() => parseConfig(yaml, 'f')).message;
  t.equal(
    messageFor(`a: &a 1\nb: [${many(20_000, () => '*a,')}]\n`),
    'f:2:305  expected at most 100 aliases: use params or a template',
  );
  for (const depth of [60, 1000, 100_000])
    t.match(
      messageFor(`a: ${'['.repeat(depth)}${']'.repeat(depth)}`),
      /is nested too deeply: at most 50 levels$/m,
    );
  t.ok(parseConfig(`a: ${'['.repeat(49)}${']'.repeat(49)}`, 'f'), 'a depth that is allowed');
  t.match(messageFor(`a: ${'}'.repeat(1000)}`), /^(f:.*\n){10}f: and \d+ more faults$/);
  const keys = parseConfig(
    many(30_000, (i) => `k${i}: v\n`),
    'f',
  );
  const problems = Array.from({ length: 30_000 }, (_, i) => ({ path: [`k${i}`], message: 'wrong' }));
  t.match(configError(keys, problems).message, /^(f:.*\n){50}f: and 29950 more faults$/);
});

t.test('nothing gets into the prototype of objects', async (t) => {
  const { value } = parseConfig('constructor: {prototype: {x: 1}}\ntoString: 2\n', 'f');
  t.strictSame(Object.keys(value as object), ['constructor', 'toString']);
  t.equal(Reflect.get({}, 'x'), undefined);
});

t.test('files', async (t) => {
  const folder = t.testdir({ 'bom.yaml': '\ufeffa: 1\r\nb: 2\r\n' });
  const document = await readDocument(join(folder, 'bom.yaml'));
  t.strictSame(document.value, { a: 1, b: 2 });
  t.equal(document.locate(['a']), `${join(folder, 'bom.yaml')}:1:4`, 'a byte order mark takes no column');
  await writeFile(join(folder, 'latin1.yaml'), Buffer.from('name: caf\xe9\n', 'latin1'));
  await refuse(t, join(folder, 'latin1.yaml'), 'is not UTF-8 text');
  await refuse(t, join(folder, 'none.yaml'), 'there is no such file');
  await refuse(t, folder, 'is a folder; expected a YAML file');
  await writeFile(join(folder, 'large.yaml'), '#'.repeat(1_000_001));
  const large = 'is longer than 1000000 bytes; expected a pipeline, a YAML file';
  await refuse(t, join(folder, 'large.yaml'), large);
  if (process.platform !== 'win32') await refuse(t, '/dev/zero', large);
});

async function refuse(t: Test, file: string, message: string) {
  await t.rejects(readDocument(file), new ConfigError(`${file}: ${message}`));
}

function thrownBy(action: () => unknown): Error {
  try {
    action();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('must be refused');
}
