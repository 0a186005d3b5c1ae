import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { builtins } from '../../../pipeline/builtins.js';
import { describe, exampleConfig } from '../../../pipeline/cli/components.js';
import { loadConfig } from '../../../pipeline/config/load.js';
import { optionDocs } from '../../../pipeline/config/options.js';
import { makePlan } from '../../../pipeline/plan.js';
import { allSame } from '../../fixtures/all-same.js';
import { cliHere } from '../../fixtures/cli.js';

const loading = {
  registry: builtins,
  set: new Map<string, string>(),
  env: {},
  today: '2026-11-23',
  loadPlugin: async () => [],
};

/** Of a text that must match, and of one that must not: nothing where all is well, otherwise the text itself. */
const unlike = (text: string | undefined, pattern: RegExp) => (pattern.test(text ?? '') ? undefined : text);
const like = (text: string, pattern: RegExp) => (pattern.test(text) ? text : undefined);

t.test('every component is described, and its example shows it', async (t) => {
  const file = join(t.testdir(), 'example.yaml');
  await allSame(t, 'components', async (same) => {
    for (const component of builtins.values()) {
      const { name, kind, summary } = component;
      same(unlike(summary, /^[A-Z].{10,90}[^.]$/), undefined, `${name}: one line for the list`);
      for (const option of optionDocs(component)) {
        const { description, type } = option;
        same(/\S.{5,}/.test(description ?? ''), true, `${name}: ${option.name} is described`);
        same(like(type, /any|undefined|object/), undefined, `${name}: ${option.name} has a type`);
      }
      const text = describe(component);
      const [first] = text.split('\n');
      same(first, `${name} (${kind}): ${summary}`, `${name}: the first line`);
      await writeFile(file, exampleConfig(component));
      const { stages } = await loadConfig(file, loading);
      makePlan(stages);
      const used = stages.map((stage) => stage.component.name);
      same(used.includes(name), true, `${name}: the example shows it`);
      same(text.endsWith(exampleConfig(component)), true, `${name}: and is what describe prints`);
    }
  });
});

t.test('list', async (t) => {
  const { code, stdout } = await cliHere(['list']);
  t.equal(code, 0);
  t.strictSame(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ')[0]),
    [...builtins.keys()],
  );
});

t.test('describe shows options with types and defaults', async (t) => {
  const { code, stdout } = await cliHere(['describe', 'rank']);
  t.equal(code, 0);
  t.match(stdout, /\n {2}fraction: number > 0 ≤ 1 \(optional\)\n {6}Budget/);
  t.match(stdout, /\n {2}memory_mb: number > 0 \(default 1024\)\n/);
  t.match((await cliHere(['describe', 'score'])).stdout, '\nside inputs: profile (one or several)\n');
});
