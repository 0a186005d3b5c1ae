import { homedir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { z } from 'zod';
import { path } from '../../../pipeline/component.js';
import { createFindings } from '../../../pipeline/config/findings.js';
import { optionDocs, parseOptions } from '../../../pipeline/config/options.js';
import { configPaths } from '../../../pipeline/config/paths.js';
import { rank, read, transform } from '../../fixtures/components.js';

const at = (folder: string) => configPaths(folder, folder, new Map());

t.test('relative paths are relative to the file', async (t) => {
  const findings = createFindings();
  const parse = (given: Record<string, unknown>) =>
    parseOptions(read, given, ['with'], at('/conf'), findings);
  t.match(parse({ path: 'a/*.x' }), { path: '/conf/a/*.x' });
  t.match(parse({ path: ['../a', '/b', '/conf/./c'] }), { path: ['/a', '/b', '/conf/c'] });
  t.match(parse({ path: 'a', columns: { text: 'doc' } }), { columns: { text: 'doc' } }, 'other text stays');
  t.strictSame(findings.problems, []);
  t.equal(parse({ path: '' }), undefined);
  t.equal(findings.problems.length, 1);
});

t.test("a shell's ~ is no folder of that name", async (t) => {
  const findings = createFindings();
  parseOptions(read, { path: ['~/a', './~/a', 'a~'] }, ['with'], at('/conf'), findings);
  t.strictSame(
    findings.problems.map(({ message }) => message),
    [`~ is not expanded here: write ${homedir()}/a, or ./~/a for a folder of that name`],
  );
});

t.test('a name that may stand for a path stays, unless there is a file of that name', async (t) => {
  const dir = t.testdir({ owner: { there: {} } });
  const model = path({ orName: '^\\w+/\\w+$' });
  const component = {
    ...transform('x', {}),
    options: z.strictObject({ model, more: z.array(model).optional() }),
  };
  const parse = (given: Record<string, unknown>) =>
    parseOptions(component, given, ['with'], at(dir), createFindings());
  t.strictSame(parse({ model: 'owner/name' }), { model: 'owner/name' });
  t.strictSame(parse({ model: 'owner/there' }), { model: join(dir, 'owner', 'there') });
  t.strictSame(parse({ model: './owner/name', more: ['a', 'a/b'] }), {
    model: join(dir, 'owner', 'name'),
    more: [join(dir, 'a'), 'a/b'],
  });
});

t.test('a fault that was told hides what follows from it', async (t) => {
  const findings = createFindings();
  findings.markFaulty(['with', 'tokens']);
  t.equal(parseOptions(rank, { k: 1 }, ['with'], at('/'), findings), undefined);
  t.strictSame(
    findings.problems.map(({ path: at }) => at),
    [['with', 'k']],
  );
});

t.test('documentation comes from the schema', async (t) => {
  const options = z.strictObject({
    model: path().describe('A folder'),
    more: z.array(path()).optional(),
    k: z.int().min(1).default(20),
    share: z.number().positive().max(1).optional(),
    mode: z.enum(['a', 'b']).default('a'),
    any: z.union([z.int(), z.literal('all')]),
    names: z.record(z.string(), z.boolean()).default({}),
    inner: z.strictObject({ text: z.string() }).optional(),
  });
  const component = { ...transform('x', {}), options };
  t.strictSame(
    optionDocs(component).map(({ name, type, required }) => `${name}: ${type}${required ? '!' : ''}`),
    [
      'model: path!',
      'more: [path]',
      'k: whole number ≥ 1',
      'share: number > 0 ≤ 1',
      'mode: a | b',
      'any: whole number | "all"!',
      'names: {name: true | false}',
      'inner: {text: text}',
    ],
  );
  t.match(optionDocs(component)[0], { description: 'A folder', default: undefined });
  t.match(optionDocs(component)[2], { default: 20 });
});
