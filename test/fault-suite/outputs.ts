import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { snapshot } from '../faults/pipeline.js';
import { runProgram } from './process.js';
import { type Row, startRow, tried } from './row.js';
import { faultsOfText, lastLine } from './scenario.js';
import type { PartSettings } from './settings.js';

const line = '{"docid": "a", "doc": "some text", "token_num": 2}\n';

/** Stages of a pipeline, and the exit code that a run of it must have; then nothing may have changed. */
interface Case {
  readonly stages: readonly string[];
  readonly top?: string;
  readonly code: number;
}

const read = '{id: pool, use: read.jsonl, with: {path: "pool/*.jsonl"}}';
const write = (path: string) => `{use: write.jsonl, from: pool, with: {path: "${path}"}}`;
const one = (path: string, top?: string): Case => ({
  stages: [read, write(path)],
  code: 2,
  ...(top !== undefined && { top }),
});

const inputs: readonly Case[] = [
  one('pool/a.jsonl'),
  one('./pool/../pool/a.jsonl'),
  one('pool/new.jsonl'),
  one('pool'),
  one('link/a.jsonl'),
  one('to-pool.jsonl'),
  one('c.yaml'),
  one('.'),
  one('pipe'),
  one('null'),
  one('self'),
];

const sinks: readonly Case[] = [
  { stages: [read, write('x.jsonl'), write('x.jsonl')], code: 2 },
  { stages: [read, write('x.jsonl'), write('out/../x.jsonl')], code: 2 },
  { stages: [read, write('x'), write('x/y.jsonl')], code: 2 },
  { stages: [read, write('empty/x.jsonl'), write('to-empty/x.jsonl')], code: 2 },
  one('m.json', 'state_dir: state\nmanifest: m.json\n'),
  one('state/work/x.jsonl', 'state_dir: state\n'),
  one('state', 'state_dir: state\n'),
  one('q.jsonl', 'on_error: {policy: quarantine, path: q.jsonl}\n'),
  one('m.prom', 'metrics: {textfile: m.prom}\n'),
];

const late: readonly Case[] = [
  { stages: [read, write('c.yaml/x.jsonl')], code: 1 },
  { stages: [read, write('full')], code: 1 },
  { stages: [read, '{use: show, with: {by: typo}}'], code: 1 },
  { stages: [read, '{use: write.jsonl, with: {path: x.jsonl, columns: [docidd]}}'], code: 1 },
  {
    stages: [read, '{use: tokenize, with: {model: nowhere}}', '{use: write.jsonl, with: {path: x.jsonl}}'],
    code: 1,
  },
  {
    stages: [read, '{use: extract, with: {model: nowhere}}', '{use: write.jsonl, with: {path: x.jsonl}}'],
    code: 2,
  },
  { stages: ['{id: pool, use: read.jsonl, with: {path: "s3://pool/*.jsonl"}}', write('x.jsonl')], code: 2 },
  { stages: ['{id: pool, use: read.jsonl, with: {path: "none/*.jsonl"}}', write('x.jsonl')], code: 1 },
];

/** Outputs that are inputs, two sinks with one path, and what a run must find before its first stage. */
export async function outputTricks(settings: PartSettings): Promise<Row[]> {
  return [
    await tryAll('an output is an input, or no file', inputs, settings),
    await tryAll('two sinks, or what is kept, with one path', sinks, settings),
    await tryAll('faults that are found before the first stage', late, settings),
  ];
}

async function tryAll(
  what: string,
  cases: readonly Case[],
  { folder: base, count }: PartSettings,
): Promise<Row> {
  const row = startRow(what, 'nothing may have changed');
  for (const own of cases.slice(0, count)) {
    const folder = join(base, 'outputs');
    await makeFolder(folder, own);
    const before = await snapshot(folder);
    const ended = await runProgram(['run', join(folder, 'c.yaml')]);
    await rm(join(folder, 'state'), { recursive: true, force: true });
    const same = JSON.stringify(await snapshot(folder)) === JSON.stringify(before);
    const defects = [
      ...faultsOfText(ended.stderr),
      ...(ended.code === own.code
        ? []
        : [`exit code ${ended.code} instead of ${own.code}: ${lastLine(ended.stderr)}`]),
      ...(same ? [] : ['something was changed']),
    ];
    tried(row, `exit code ${ended.code}`, defects, JSON.stringify(own.stages));
  }
  return row.done();
}

async function makeFolder(folder: string, { stages, top = '' }: Case): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  for (const name of ['pool', 'empty', 'full']) await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'pool', 'a.jsonl'), line);
  await writeFile(join(folder, 'full', 'thesis.txt'), 'years of work');
  const text = stages.map((stage) => `  - ${stage}\n`).join('');
  await writeFile(join(folder, 'c.yaml'), `version: 1\n${top}stages:\n${text}`);
  const links = {
    link: 'pool',
    'to-pool.jsonl': 'pool/a.jsonl',
    'to-empty': 'empty',
    null: '/dev/null',
    self: 'self',
  };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(folder, name));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
}
