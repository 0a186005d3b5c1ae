import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { builtins } from '../../../pipeline/builtins.js';
import { describe, exampleConfig } from '../../../pipeline/cli/components.js';
import { loadConfig } from '../../../pipeline/config/load.js';
import { optionDocs } from '../../../pipeline/config/options.js';
import { makePlan } from '../../../pipeline/plan.js';
import { runCli } from '../../fixtures/cli.js';

const loading = {
  registry: builtins,
  set: new Map<string, string>(),
  env: {},
  today: '2026-11-23',
  loadPlugin: async () => [],
};

for (const component of builtins.values()) {
  t.test(component.name, async (t) => {
    t.match(component.summary, /^[A-Z].{10,90}[^.]$/, 'one line for the list');
    for (const { name, description, type } of optionDocs(component)) {
      t.match(description, /\S.{5,}/, `${name} is described`);
      t.notMatch(type, /any|undefined|object/, `${name} has a type`);
    }
    const text = describe(component);
    t.ok(text.startsWith(`${component.name} (${component.kind}): ${component.summary}\n`));
    const file = join(t.testdir(), 'example.yaml');
    await writeFile(file, exampleConfig(component));
    const { stages } = await loadConfig(file, loading);
    makePlan(stages);
    t.ok(
      stages.some((stage) => stage.component.name === component.name),
      'the example shows it',
    );
    t.ok(text.endsWith(exampleConfig(component)), 'and is what describe prints');
  });
}

t.test('list', async (t) => {
  const { code, stdout } = await runCli(['list']);
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
  const { code, stdout } = await runCli(['describe', 'rank']);
  t.equal(code, 0);
  t.match(stdout, /\n {2}fraction: number > 0 ≤ 1 \(optional\)\n {6}Budget/);
  t.match(stdout, /\n {2}memory_mb: number > 0 \(default 1024\)\n/);
  t.match((await runCli(['describe', 'score'])).stdout, '\nside inputs: profile (one or several)\n');
});
