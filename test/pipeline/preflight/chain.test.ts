import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadForCommand, planOf } from '../../../pipeline/cli/load.js';
import { NagError } from '../../../pipeline/errors.js';

const stages = {
  parquet: '{use: read.parquet, with: {path: "pool/*.parquet"}}',
  jsonl: '{use: read.jsonl, with: {path: "pool/*.jsonl"}}',
  features: '{use: read.features, with: {path: "pool/*.jsonl", layers: 2}}',
  target:
    '{id: target, use: read.features, with: {path: "target/*.jsonl", layers: 2}}\n  - {id: profile, use: profile}',
  tokenize: '{use: tokenize, with: {model: model}}',
  count: '{use: tokenize, with: {model: model, count: true}}',
  extract: '{use: extract, with: {model: model}}',
  top_k: '{use: top_k, with: {k: 3}}',
  filter: '{use: filter, with: {where: {lang: en}}}',
  label: '{use: label, with: {columns: {a: 1}}}',
  score: '{use: score, from: {profile: profile}}',
  rank: '{use: rank, with: {fraction: 0.5}}',
  write: '{use: write.parquet, with: {path: out/a.parquet}}',
  keys: '{use: write.parquet, with: {path: out/a.parquet, columns: [docid]}}',
};

/** What check says of a chain: its component and what that needs; `-` where nothing. */
async function verdict(t: Test, names: string): Promise<string> {
  const file = join(t.testdir(), 'c.yaml');
  const list = names.split(' ').map((name) => `  - ${stages[name as keyof typeof stages]}\n`);
  const target = names.includes('score') ? `  - ${stages.target}\n` : '';
  await writeFile(file, `version: 1\nstages:\n${target}${list.join('')}`);
  try {
    planOf(await loadForCommand(file, []));
    return '-';
  } catch (error) {
    if (!(error instanceof NagError) || error.exitCode !== 2) throw error;
    return error.message.replace(/^\S+:\d+:5 {2}|,.*$/g, '');
  }
}

t.test('a chain that lacks a stage is told without looking at a file', async (t) => {
  const chains: Record<string, string> = {
    'jsonl extract top_k write': 'extract needs token ids',
    'parquet extract top_k keys': 'extract needs token ids',
    'parquet extract top_k score rank write': 'extract needs token ids',
    'jsonl tokenize top_k write': 'top_k needs impacts',
    'parquet tokenize extract score rank write': 'score needs features',
    'parquet tokenize extract filter score rank write': 'score needs features',
    'jsonl tokenize score rank write': 'score needs features',
    'parquet tokenize extract top_k rank write': 'rank needs distances',
    'features rank write': 'rank needs distances',
    'parquet rank write': 'rank needs distances',
  };
  const found: [string, string][] = [];
  for (const names of Object.keys(chains)) found.push([names, await verdict(t, names)]);
  t.strictSame(Object.fromEntries(found), chains);
});

t.test('a chain that may be complete is let be', async (t) => {
  const chains = [
    'jsonl tokenize extract top_k score rank write',
    'jsonl filter tokenize label extract top_k filter score label rank filter write',
    'features score rank write',
    'parquet score rank write',
    'parquet count score rank write',
    'parquet extract top_k write',
    'parquet tokenize extract write',
    'parquet filter write',
  ];
  const found: string[] = [];
  for (const names of chains) found.push(await verdict(t, names));
  t.strictSame(
    found,
    chains.map(() => '-'),
  );
});
