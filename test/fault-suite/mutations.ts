import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Answer, Asked } from './mutation-worker.js';
import { each } from './process.js';
import { type Row, startRow, tried } from './row.js';
import type { PartSettings } from './settings.js';

/** Files of each kind, of 10,000 in all; the model has to be loaded for some. */
const counts = new Map([
  ['yaml', 3000],
  ['parquet', 2500],
  ['safetensors', 2000],
  ['tokenizer', 2000],
  ['config.json', 500],
  ['jsonl', 500],
  ['model', 300],
]);

/** Milliseconds for one case, many times what the slowest takes; and for one that is tried again, by itself. */
const [patience, morePatience] = [20_000, 60_000];

/** Mutates files and lets the program take them: it does, or says why not. A crash or a hang ends a worker only. */
export async function mutations(settings: PartSettings): Promise<Row[]> {
  const rows: Row[] = [];
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  for (const [kind, count] of counts) {
    const share = settings.count === undefined ? count : Math.ceil((settings.count * count) / total);
    rows.push(await mutationsOf(kind, share, settings));
  }
  return rows;
}

export async function mutationsOf(kind: string, count: number, settings: PartSettings): Promise<Row> {
  const row = startRow(`mutated ${kind}`, `seeds ${settings.seed} to ${settings.seed + count - 1}`);
  const workers = Array.from({ length: settings.workers }, (_, i) =>
    startWorker(join(settings.folder, `worker-${i}`)),
  );
  const cases = Array.from({ length: count }, (_, i): Asked => ({ kind, seed: settings.seed + i }));
  try {
    await each(cases, workers.length, async (asked, at) => {
      let told = await workers[at]!.ask(asked, patience);
      // A busy machine is no hang.
      if (told.outcome === 'hang') told = await workers[at]!.ask(asked, morePatience);
      tried(row, told.outcome, told.defect === undefined ? [] : [told.defect], `seed ${told.seed}`);
    });
  } finally {
    for (const worker of workers) worker.stop();
  }
  return row.done();
}

interface Worker {
  ask(asked: Asked, limit: number): Promise<Answer>;
  stop(): void;
}

/** A process that tries cases; another takes its place when it dies or has to be ended. */
function startWorker(folder: string): Worker {
  const file = fileURLToPath(new URL('mutation-worker.js', import.meta.url));
  let child: ChildProcess | undefined;
  let errors = '';
  const start = () => {
    const started = fork(file, [folder], { execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    errors = '';
    started.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-1000);
    });
    return started;
  };
  const stop = () => {
    child?.kill('SIGKILL');
    child = undefined;
  };
  const ask = async (asked: Asked, limit: number) => {
    child ??= start();
    const own = child;
    return await new Promise<Answer>((resolve) => {
      const settle = (answer: Answer) => {
        clearTimeout(timer);
        own.removeAllListeners('message').removeAllListeners('exit');
        resolve(answer);
      };
      const timer = setTimeout(() => {
        stop();
        settle({ ...asked, outcome: 'hang', defect: `no answer within ${limit / 1000} s` });
      }, limit);
      own.once('exit', (code, signal) => {
        child = undefined;
        settle({ ...asked, outcome: 'crash', defect: `the process ended with ${code ?? signal}: ${errors}` });
      });
      own.once('message', (answer: Answer) => settle(answer));
      own.send(asked);
    });
  };
  return { ask, stop };
}
