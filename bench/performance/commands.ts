import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { mainFile } from '../../test/fixtures/cli.js';

const execute = promisify(execFile);

/** What a run of the program took. */
export interface Took {
  readonly seconds: number;
  readonly peakBytes: number;
}

/** Writes a pipeline and runs it. Throws where it fails. */
export async function runPipeline(config: string, yaml: string): Promise<Took> {
  await writeFile(config, yaml);
  const startedAt = performance.now();
  const { stderr } = await execute(process.execPath, [mainFile, 'run', config, '--log', 'json'], {
    maxBuffer: 1e9,
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const ended = stderr.split('\n').find((line) => line.includes('"event":"run ended"'));
  const { peak_memory_bytes: peakBytes } = JSON.parse(ended ?? '{}') as { peak_memory_bytes?: number };
  return { seconds, peakBytes: peakBytes ?? Number.NaN };
}
