import { readdirSync } from 'node:fs';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { runCli } from '../fixtures/cli.js';
import { projectRoot } from '../fixtures/paths.js';

t.test('the configurations of deactivation run, and what one writes the next can read', async (t) => {
  const dir = t.testdir({});
  const configs = join(dir, 'configs');
  await mkdir(configs);
  for (const name of ['nag-mini', 'quickstart'])
    await symlink(join(projectRoot, 'configs', name), join(configs, name));
  const run = async (name: string, ...more: string[]) => {
    await writeFile(join(configs, name), await readFile(join(projectRoot, 'configs', name)));
    const result = await runCli(['run', join(configs, name), ...more]);
    t.equal(result.code, 0, `${name}: ${result.stderr}`);
    return result;
  };
  const read = async (name: string) =>
    Object.values<number[]>(JSON.parse(await readFile(join(dir, 'out', 'deactivate', name), 'utf8')));

  await run('deactivate.yaml', '--set', 'k=7');
  await run('deactivate-by-impact.yaml');
  for (const [name, k] of [
    ['keys.json', 7],
    ['random-keys.json', 7],
    ['high-mean-keys.json', 10],
    ['high-delta-keys.json', 10],
  ] as const)
    t.strictSame(
      (await read(name)).map((neurons) => neurons.length),
      Array(6).fill(k),
      name,
    );
  t.ok(readdirSync(join(dir, 'out', 'deactivate', 'model')).includes('tokenizer.json'));

  const inGraph = await run('deactivated-features.yaml');
  t.match(inGraph.stderr, '42 neurons are deactivated');
  t.match(inGraph.stdout, /science +16 /);
  await run('deactivate.yaml', '--set', 'k=7', '--set', 'target=code');
});
