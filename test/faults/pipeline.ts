import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { main } from '../../pipeline/cli/main.js';
import { NagError } from '../../pipeline/errors.js';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import { writeTestParquet } from '../fixtures/parquet.js';

/** What differs from a pipeline that works: the options of its stages, as YAML between braces. */
export interface Changes {
  readonly target?: string;
  /** The pool's source, and what may stand between it and the model. */
  readonly pool?: string;
  readonly tokenize?: string;
  readonly extract?: string;
  readonly rank?: string;
  readonly out?: string;
  readonly source?: 'read.parquet' | 'read.jsonl';
  readonly sink?: 'write.parquet' | 'write.jsonl';
  /** Takes the features along to the output: much that has to be kept aside. */
  readonly keep?: boolean;
  readonly tempDir?: string;
  /** A second output, of the target's features: it is complete before the pool is read. */
  readonly early?: string;
}

/** A pipeline that fails. */
export interface Fault {
  readonly name: string;
  /** Spoils something in a folder in which the pipeline works. */
  readonly prepare?: (dir: string) => Promise<unknown>;
  readonly changes?: Changes;
  /** The whole message, less the folder's name. */
  readonly message: RegExp;
}

/** Runs each fault, and checks that it gives one message, exit code 1, and changes nothing on the disk. */
export function testFaults(t: Test, faults: readonly Fault[]): void {
  for (const fault of faults) {
    t.test(fault.name, async (t) => {
      const dir = await makePipeline(t, fault.changes);
      await fault.prepare?.(dir);
      const before = await snapshot(dir);
      t.match(await failure(dir), { exitCode: 1, message: fault.message });
      t.same(await snapshot(dir), before, 'the older output is as it was, and nothing was left behind');
    });
  }
}

/** What the command line ends with, run in this process: many times faster than a process for each. */
export async function failure(dir: string): Promise<{ exitCode: number; message: string }> {
  try {
    await main(['run', join(dir, 'pipeline.yaml')], 'test');
  } catch (error) {
    if (!(error instanceof NagError)) throw error;
    return { exitCode: error.exitCode, message: withoutStage(error.message.replaceAll(`${dir}/`, '')) };
  }
  throw new Error('the pipeline did not fail');
}

/** What a command finds: its exit code, and the lines of its message without the folder. */
export async function found(
  dir: string,
  ...command: string[]
): Promise<{ exitCode: number; lines: string[] }> {
  try {
    await main([...command, join(dir, 'pipeline.yaml')], 'test');
    return { exitCode: 0, lines: [] };
  } catch (error) {
    if (!(error instanceof NagError)) throw error;
    return { exitCode: error.exitCode, lines: error.message.replaceAll(`${dir}/`, '').split('\n') };
  }
}

/** A message without the stage in which the error arose: that every error has one, the test of stage-error tells. */
export function withoutStage(message: string): string {
  return message.replace(/ \(stage "[^()]*\.yaml:\d+:\d+\)$/gm, '');
}

/** A folder with a target, a pool, a model, an older output and a pipeline.yaml that uses them. */
export async function makePipeline(t: Test, changes: Changes = {}): Promise<string> {
  const dir = t.testdir({ out: { 'selected.parquet': 'an older output' }, temp: {} });
  await writeModelFolder(join(dir, 'model'), 'qwen3', { config: { num_hidden_layers: 2 } });
  await writeTestParquet(join(dir, 'target.parquet'), documents('t', 3));
  await writeTestParquet(join(dir, 'pool.parquet'), documents('p', 8), { rowGroupRows: 5 });
  await writeFile(join(dir, 'pipeline.yaml'), pipelineText(changes));
  return dir;
}

/** Documents with all the columns that the pipeline uses, and one that it does not. */
export function documents(
  prefix: string,
  count: number,
): Record<'docid' | 'doc' | 'token_num' | 'lang', unknown[]> {
  const rows = Array.from({ length: count }, (_, row) => row);
  return {
    docid: rows.map((row) => `${prefix}${row}`),
    doc: rows.map((row) => `the ${prefix} number ${row} and ${'more of '.repeat(row % 4)}it`),
    token_num: rows.map((row) => 10 + row),
    lang: rows.map((row) => (row % 2 === 0 ? 'en' : 'de')),
  };
}

/** All files below a folder with their content, hidden ones and empty folders too. */
export async function snapshot(dir: string): Promise<Record<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries.map(async (entry): Promise<[string, string]> => {
    const path = join(entry.parentPath, entry.name);
    return [path, entry.isFile() ? (await readFile(path)).toString('base64') : 'no file'];
  });
  return Object.fromEntries((await Promise.all(files)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function pipelineText(changes: Changes): string {
  const { source = 'read.parquet' } = changes;
  return `version: 1
temp_dir: ${changes.tempDir ?? 'temp'}
templates:
  nag:
    - {use: tokenize, with: ${changes.tokenize ?? '{model: model}'}}
    - {use: extract, with: ${changes.extract ?? '{model: model, device: cpu, threads: 1}'}}
    - {use: top_k, with: {k: 3}}
stages:
  - {use: ${source}, with: ${changes.target ?? '{path: target.parquet}'}}
  - {id: features, template: nag}
${changes.early === undefined ? '' : `  - {use: write.jsonl, with: ${changes.early}}`}
  - {id: profile, use: profile, from: features}
  - {use: ${source}, with: ${changes.pool ?? '{path: pool.parquet}'}}
  - {template: nag}
  - {use: score, from: {profile: profile}, with: {keep_features: ${changes.keep ?? false}}}
  - {use: rank, with: ${changes.rank ?? '{fraction: 0.5}'}}
  - {use: ${changes.sink ?? 'write.parquet'}, with: ${changes.out ?? '{path: out/selected.parquet}'}}
`;
}
