import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nodeCommand } from '../fixtures/children.js';
import { mainFile } from '../fixtures/cli.js';
import { type Injection, injectionVariable } from './injection.js';

const preload = new URL('./inject.js', import.meta.url).href;

export interface ProgramOptions {
  readonly injection?: Injection;
  /** Milliseconds after which the program is killed. */
  readonly killAfter?: number;
  readonly uid?: number;
  /** Told of the process, for those who watch it. */
  onStart?(pid: number): void;
}

export interface Ended {
  /** null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly hung: boolean;
}

/** A run of the small pipelines takes about a second; whoever is not done by then never will be. */
const longest = 60_000;

/** Runs `nag-pipeline ARGS`, with a fault or without. */
export async function runProgram(args: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
  return await runNode([mainFile, ...args], options);
}

/** Runs a module beside this one as a process. */
export async function runModule(
  name: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Ended> {
  return await runNode([fileURLToPath(new URL(name, import.meta.url)), ...args], options);
}

async function runNode(args: readonly string[], options: ProgramOptions): Promise<Ended> {
  const { injection, killAfter, uid, onStart } = options;
  const before = injection === undefined ? [] : ['--import', preload];
  const child = spawn(...nodeCommand([...before, ...args]), {
    env: {
      ...process.env,
      [injectionVariable]: injection && JSON.stringify(injection),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  if (child.pid !== undefined) onStart?.(child.pid);
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      written[name] += text;
    });
  let hung = false;
  const timers = [
    killAfter !== undefined && setTimeout(() => child.kill('SIGKILL'), killAfter),
    killAfter === undefined &&
      onStart === undefined &&
      setTimeout(() => {
        hung = true;
        child.kill('SIGKILL');
      }, longest),
  ];
  return await new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      for (const timer of timers) if (timer) clearTimeout(timer);
      resolve({ code, signal, ...written, hung });
    });
  });
}

/** Works through items, some at a time. */
export async function each<T>(
  items: readonly T[],
  workers: number,
  work: (item: T, worker: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const drain = async (worker: number) => {
    for (let at = next++; at < items.length; at = next++) await work(items[at]!, worker);
  };
  await Promise.all(Array.from({ length: workers }, (_, worker) => drain(worker)));
}
