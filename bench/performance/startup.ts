import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { mainFile } from '../../test/fixtures/cli.js';
import { projectRoot } from '../../test/fixtures/paths.js';
import { median } from './median.js';
import { atMost, type Part } from './part.js';

/** How long commands take before they do anything. */
export const startup: Part = async ({ folder, quick }) => {
  const config = join(projectRoot, 'configs/quickstart.yaml');
  const rounds = quick ? 2 : 9;
  const [node, check, first, run]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let round = 0; round < rounds; round++) {
    node.push((await timed(['-e', ''], folder)).seconds);
    check.push((await timed([mainFile, 'check', config], folder)).seconds);
    const whole = await timed([mainFile, 'run', config, '--log', 'json'], projectRoot);
    run.push(whole.seconds);
    first.push(whole.firstBatch ?? Number.NaN);
  }
  return {
    part: 'startup',
    title: 'Start-up',
    how: `\`configs/quickstart.yaml\`, medians of ${rounds} processes each, in turns. The first batch has come when the model has seen the first documents.`,
    figures: [
      { what: 'Node alone', value: median(node), unit: 's' },
      {
        what: '`check`',
        value: median(check),
        unit: 's',
        aim: atMost(0.5),
        predicted: '0.3 above Node: zod, apache-arrow and yargs, bundled',
        limit: 'compiling 2 MB of JavaScript at each start; Node’s own start is in it',
      },
      {
        what: '`run` until the first batch',
        value: median(first),
        unit: 's',
        aim: atMost(2),
        predicted: '1',
      },
      { what: '`run`, whole', value: median(run), unit: 's' },
    ],
  };
};

/** Runs Node; with a JSON log also tells when the first stage was done. */
function timed(
  args: readonly string[],
  cwd: string,
): Promise<{ seconds: number; firstBatch: number | undefined }> {
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    let firstBatch: number | undefined;
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (firstBatch === undefined && /"event":"stage done".*"label":"extract/.test(text))
        firstBatch = (performance.now() - startedAt) / 1000;
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve({ seconds: (performance.now() - startedAt) / 1000, firstBatch });
      else reject(new Error(`node ${args.join(' ')} ended with ${code}`));
    });
  });
}
