import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './process.js';
import { type Row, startRow, tried } from './row.js';
import { faultsOfText, lastLine } from './scenario.js';
import type { PartSettings } from './settings.js';

const stages = 'version: 1\nstages:\n  - {use: read.jsonl, with: {path: a.jsonl}}\n';
const times = (count: number, text: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join('');

/** Small or large texts that ask for more time or memory than there is. */
const bombs: readonly { readonly name: string; readonly text: () => string }[] = [
  {
    name: 'billion laughs',
    text: () =>
      `a0: &a0 [lol]\n${times(12, (i) => `a${i + 1}: &a${i + 1} [${times(10, () => `*a${i},`)}]\n`)}${stages}`,
  },
  {
    name: 'billion laughs of mappings',
    text: () =>
      `a0: &a0 {k: lol}\n${times(12, (i) => `a${i + 1}: &a${i + 1} {${times(10, (k) => `k${k}: *a${i},`)}}\n`)}${stages}`,
  },
  {
    name: 'a large value many times',
    text: () => `a: &a [${times(20_000, () => 'x,')}]\nb: [${times(20_000, () => '*a,')}]\n${stages}`,
  },
  { name: 'merge keys', text: () => `a: &a {k: v}\nb: {${times(1000, () => '<<: *a,')}}\n${stages}` },
  { name: 'an alias in its own anchor', text: () => `a: &a [*a]\n${stages}` },
  {
    name: '100,000 anchors',
    text: () => `${times(100_000, (i) => `? &a${i} x\n`).slice(0, 990_000)}${stages}`,
  },
  { name: '100 MB of comments', text: () => `${`#${'x'.repeat(99)}\n`.repeat(1_000_000)}${stages}` },
  { name: '100 MB of keys', text: () => `${times(5_000_000, (i) => `key${i}: value\n`)}${stages}` },
  { name: 'one scalar of 900 KB', text: () => `name: ${'x'.repeat(900_000)}\n${stages}` },
  { name: '60,000 unknown keys', text: () => `${times(60_000, (i) => `k${i}: v\n`)}${stages}` },
  { name: '100,000 open brackets', text: () => `a: ${'['.repeat(100_000)}` },
  { name: '100,000 open braces', text: () => `a: ${'{a: '.repeat(100_000)}` },
  { name: '20,000 closed brackets', text: () => `a: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n${stages}` },
  {
    name: '600 levels of blocks',
    text: () => `${times(600, (i) => `${' '.repeat(i)}a:\n`)}${' '.repeat(600)}b\n`,
  },
  { name: '100,000 dashes', text: () => `a: ${'- '.repeat(100_000)}x` },
  { name: '300,000 question marks', text: () => '? '.repeat(300_000) },
  {
    name: 'templates of templates',
    text: () =>
      `version: 1\ntemplates:\n  t0: [{use: rank}]\n${times(12, (i) => `  t${i + 1}: [${times(10, () => `{template: t${i}},`)}]\n`)}stages: [{template: t12}]\n`,
  },
  {
    name: 'a template in itself',
    text: () => 'version: 1\ntemplates:\n  t: [{template: t}]\nstages: [{template: t}]\n',
  },
  {
    name: 'parameters of parameters',
    text: () =>
      `version: 1\nparams:\n  p0: {type: string, default: xxxxxxxxxx}\n${times(12, (i) => `  p${i + 1}: {type: string, default: "${`\${p${i}}`.repeat(10)}"}\n`)}stages: [{use: read.jsonl, with: {path: "\${p12}"}}]\n`,
  },
  {
    name: 'a long parameter many times',
    text: () =>
      `version: 1\nparams:\n  p: {type: string, default: ${'x'.repeat(400_000)}}\nstages: [{use: read.jsonl, with: {path: "${'$' + '{p}'}${`\${p}`.repeat(100_000)}"}}]\n`,
  },
  {
    name: '20,000 stages that are wrong',
    text: () => `version: 1\nstages:\n${times(20_000, (i) => `  - {use: nothing${i}}\n`)}`,
  },
];

/** `check` of each: refused in little time and memory. */
export async function yamlBombs(settings: PartSettings): Promise<Row> {
  const row = startRow('YAML bombs: aliases, size, depth, templates');
  await mkdir(settings.folder, { recursive: true });
  for (const { name, text } of bombs) {
    const file = join(settings.folder, 'bomb.yaml');
    await writeFile(file, text());
    await judge(row, name, file);
  }
  await judge(row, 'a device without end', '/dev/zero');
  await judge(row, 'a folder', settings.folder);
  return row.done();
}

/** A refusal of that length is read by nobody. */
const longestMessage = 25_000;

async function judge(row: Row, name: string, file: string): Promise<void> {
  const { code, stderr, hung } = await runProgram(['check', file]);
  const defects = faultsOfText(stderr);
  if (hung) defects.push('hangs');
  else if (code !== 2) defects.push(`ends with ${code}: ${lastLine(stderr)}`);
  if (stderr.length > longestMessage)
    defects.push(`a message of ${stderr.length} characters: ${stderr.slice(0, 100)}`);
  tried(row, 'refused', defects, name);
}
