import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import t from 'tap';
import { builtins } from '../pipeline/builtins.js';
import { runCli } from './fixtures/cli.js';
import { projectRoot } from './fixtures/paths.js';

/** The code blocks of a document in a language. */
async function blocks(document: string, language: string): Promise<string[]> {
  const text = await readFile(join(projectRoot, document), 'utf8');
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    (match) => match[1]!,
  );
}

t.test("CONTRIBUTING's stage of one's own runs as it stands", async (t) => {
  const dir = t.testdir({ docs: {} });
  const [plugin] = await blocks('CONTRIBUTING.md', 'js');
  const [stages] = await blocks('CONTRIBUTING.md', 'yaml');
  await writeFile(join(dir, 'keep-long.mjs'), plugin!);
  await writeFile(join(dir, 'long.yaml'), `version: 1\n${stages}`);
  const docs = [
    { docid: 'a', doc: 'x'.repeat(600) },
    { docid: 'b', doc: 'short' },
    { docid: 'c', doc: 'y'.repeat(500) },
  ];
  await writeFile(join(dir, 'docs', 'docs.jsonl'), docs.map((doc) => `${JSON.stringify(doc)}\n`).join(''));
  await mkdir(join(dir, 'out'));
  const { code, stdout, stderr } = await runCli(['run', join(dir, 'long.yaml')]);
  t.equal(code, 0, stderr);
  t.match(stdout, /keep\.long +3 +2 +1 .*1 too short/);
  const written = await readFile(join(dir, 'out', 'long.jsonl'), 'utf8');
  t.same(
    written
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { docid: string }).docid),
    ['a', 'c'],
  );
});

t.test("the README's pipeline passes check", async (t) => {
  const dir = t.testdir({});
  const [pipeline] = await blocks('README.md', 'yaml');
  await writeFile(join(dir, 'select.yaml'), pipeline!);
  const { code, stderr } = await runCli(['check', join(dir, 'select.yaml'), '--set', 'model=model']);
  t.equal(code, 0, stderr);
});

t.test('docs/components.md has a line for every component', async (t) => {
  const text = await readFile(join(projectRoot, 'docs', 'components.md'), 'utf8');
  const missing = [...builtins.keys()].filter((name) => !new RegExp(`^\\| .*\`${name}\``, 'm').test(text));
  t.strictSame(missing, []);
});

t.test('links of the documents lead somewhere, and the README stays short', async (t) => {
  const docs = (await readdir(join(projectRoot, 'docs'))).filter((name) => name.endsWith('.md'));
  const documents = ['README.md', 'CONTRIBUTING.md', ...docs.map((name) => join('docs', name))];
  const broken: string[] = [];
  for (const document of documents) {
    const text = await readFile(join(projectRoot, document), 'utf8');
    for (const [, link = ''] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g))
      if (!existsSync(join(projectRoot, dirname(document), link))) broken.push(`${document}: ${link}`);
  }
  t.strictSame(broken, []);
  const readme = await readFile(join(projectRoot, 'README.md'), 'utf8');
  t.ok(readme.split('\n').length <= 151, `${readme.split('\n').length} lines`);
  const unlinked = docs.filter((name) => !readme.includes(`docs/${name}`));
  t.strictSame(unlinked, [], 'every page is reachable from the README');
});

t.test("the README shows the quickstart's real output", async (t) => {
  const readme = await readFile(join(projectRoot, 'README.md'), 'utf8');
  const config = await readFile(join(projectRoot, 'configs', 'quickstart.yaml'), 'utf8');
  const dir = t.testdir({});
  const here = config
    .replaceAll('nag-mini', join(projectRoot, 'configs', 'nag-mini'))
    .replaceAll(/path: "?quickstart/g, (found) =>
      found.replace('quickstart', join(projectRoot, 'configs', 'quickstart')),
    )
    .replace('../out', 'out');
  await writeFile(join(dir, 'quickstart.yaml'), here);
  const { code, stdout, stderr } = await runCli(['run', join(dir, 'quickstart.yaml')]);
  t.equal(code, 0, stderr);
  // Other processors may round a near tie between neurons the other way: digits may differ, the picture may not.
  const categories = (text: string) =>
    [...text.matchAll(/^ +(science|news|recipes|narrative|code) +16 +([\d.]+)/gm)].map(([, name, mean]) => ({
      name,
      mean: Number(mean),
    }));
  const shown = categories(readme);
  const found = categories(stdout);
  t.equal(shown.length, 5);
  t.same(
    found.map(({ name }) => name),
    shown.map(({ name }) => name),
  );
  for (const [i, { name, mean }] of shown.entries()) t.ok(Math.abs(found[i]!.mean - mean) < 0.01, name ?? '');
  t.match(stdout, /^ +0 +science-\d+ +science /m);
});
