import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { projectRoot } from './fixtures/paths.js';

const run = promisify(execFile);
const minutes = 60_000;

t.setTimeout(8 * minutes);

/** npm, whose scripts run as they do for users; packages come from its cache where it has them. */
async function npm(cwd: string, ...args: string[]): Promise<string> {
  // What npm sets for this test's own package is none of the user's.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isOurs(name)));
  const { stdout } = await run('npm', args, { cwd, env, timeout: 4 * minutes });
  return stdout;
}

function isOurs(name: string): boolean {
  return /^npm_(package|lifecycle|command|config_(ignore_scripts|local_prefix))|^INIT_CWD$|^ONNXRUNTIME/i.test(
    name,
  );
}

/** Whether the packages can be had at all: from npm's cache, or its registry. */
async function canInstall(cwd: string): Promise<boolean> {
  return await npm(
    cwd,
    'install',
    '--dry-run',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    'nag-pipeline.tgz',
  ).then(
    () => true,
    () => false,
  );
}

t.test('the package installs into an empty folder without a flag, and runs there', async (t) => {
  const dir = t.testdir({ project: { 'package.json': '{"name": "mine", "version": "1.0.0"}' } });
  const project = join(dir, 'project');
  // Built already: what users get is what the other tests have tried.
  const packed = JSON.parse(
    await npm(projectRoot, 'pack', '--json', '--ignore-scripts', '--pack-destination', dir),
  ) as { filename: string; files: { path: string }[] }[];
  const { filename = '', files = [] } = packed[0] ?? {};
  const names = files.map(({ path }) => path);
  const wanted = [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'LICENSE',
    'docs/unattended.md',
    'dist/bin/main.js',
  ];
  t.strictSame(
    wanted.filter((name) => !names.includes(name)),
    [],
    'what the README links is in the package',
  );
  t.notOk(names.some((name) => /^(out|test|dist\/test)\//.test(name)));
  await writeFile(join(project, 'nag-pipeline.tgz'), await readFile(join(dir, filename)));
  if (!(await canInstall(project)))
    return t.pass('not installed', { skip: 'NOT RUN: neither cache nor registry has the packages' });
  await npm(project, 'install', '--prefer-offline', '--no-audit', '--no-fund', 'nag-pipeline.tgz');

  const program = join(project, 'node_modules/.bin/nag-pipeline');
  const cwd = join(project, 'work');
  await mkdir(cwd);
  const { stdout } = await run(program, ['quickstart'], { cwd });
  t.match(stdout, /How near are the categories/);
  t.ok(stdout.includes(`wrote ${join(cwd, 'out/quickstart.parquet')}`), 'into the current folder');
  t.strictSame(await readdir(cwd), ['out']);
  t.notOk(existsSync(join(project, 'node_modules/nag-pipeline/out')), 'and not into the package');

  await writeFile(
    join(cwd, 'own.yaml'),
    `version: 1
stages:
  - {use: read.jsonl, with: {path: "docs/*.jsonl", columns: {text: text}}}
  - {use: tokenize, with: {model: ../node_modules/nag-pipeline/configs/nag-mini}}
  - {use: extract, with: {model: ../node_modules/nag-pipeline/configs/nag-mini, device: auto}}
  - {use: top_k, with: {k: 5}}
  - {use: write.jsonl, with: {path: features.jsonl}}
`,
  );
  await mkdir(join(cwd, 'docs'));
  await writeFile(join(cwd, 'docs/a.jsonl'), '{"docid": "a", "text": "It is raining."}\n');
  await run(program, ['run', 'own.yaml'], { cwd });
  t.match(JSON.parse(await readFile(join(cwd, 'features.jsonl'), 'utf8')), { docid: 'a' });
});
