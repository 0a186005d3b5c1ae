import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { messageOf } from './errors.js';

/** What a hook is told, in its environment. */
export interface HookFacts {
  /** NAG_RUN: the run's id. */
  readonly run: string;
  /** NAG_NAME: the pipeline's name. */
  readonly name: string;
  /** NAG_STATUS: `complete`, `failed`, `stopped`. */
  readonly status: string;
  /** NAG_EXIT_CODE */
  readonly exitCode: number;
  /** NAG_ERROR: its message, cut to 8,000 characters; empty where there is none. */
  readonly error: string | null;
  /** NAG_RECORD: path of the record's JSON; empty where there is none. */
  readonly record: string | undefined;
  /** NAG_MANIFEST: path of the manifest; empty where there is none. */
  readonly manifest: string | undefined;
}

/** Where a hook's words go. */
export interface HookOptions {
  /** A line that it wrote. */
  line(text: string): void;
  /** What went wrong with it. */
  note(text: string): void;
  readonly limitMs?: number;
}

const longestError = 8_000;
/** What a hook leaves running in the background may keep its output open: that is not waited for. */
const graceMs = 1_000;

/**
 * Runs a shell command after a run. It never throws: a hook that cannot start, fails, or takes longer than 60 seconds and is
 * killed with all that it started, is a note.
 */
export async function runHook(command: string, facts: HookFacts, options: HookOptions): Promise<void> {
  const { line, note, limitMs = 60_000 } = options;
  let child: ChildProcess;
  try {
    child = spawn(command, {
      shell: true,
      // A process group of its own, which can be killed whole.
      detached: process.platform !== 'win32',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environmentOf(facts) },
    });
  } catch (error) {
    return note(`the hook "${command}" cannot start: ${messageOf(error)}`);
  }
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    killAll(child);
  }, limitMs);
  for (const stream of [child.stdout!, child.stderr!]) createInterface({ input: stream }).on('line', line);
  const problem = await endOf(child);
  clearTimeout(timer);
  if (late) note(`the hook "${command}" took longer than ${limitMs / 1000} s and was killed`);
  else if (problem !== undefined) note(`the hook "${command}" ${problem}`);
}

/** Why it failed; undefined where it did not. */
function endOf(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(`cannot start: ${error.message}`));
    child.once('exit', (code, signal) => {
      const problem = signal
        ? `was ended by ${signal}`
        : code === 0
          ? undefined
          : `failed with exit code ${code}`;
      const finish = () => {
        clearTimeout(grace);
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve(problem);
      };
      const grace = setTimeout(finish, graceMs);
      child.once('close', finish);
    });
  });
}

function killAll(child: ChildProcess): void {
  try {
    if (process.platform === 'win32' || child.pid === undefined) child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

function environmentOf({ run, name, status, exitCode, error, record, manifest }: HookFacts) {
  return {
    NAG_RUN: run,
    NAG_NAME: name,
    NAG_STATUS: status,
    NAG_EXIT_CODE: String(exitCode),
    // The environment takes no zero bytes, and not much of anything.
    NAG_ERROR: (error ?? '').replaceAll('\0', '').slice(0, longestError),
    NAG_RECORD: record ?? '',
    NAG_MANIFEST: manifest ?? '',
  };
}
