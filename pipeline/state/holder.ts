import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { promisify } from 'node:util';
import { z } from 'zod';

const shape = z.object({
  pid: z.int().min(1),
  host: z.string(),
  bootId: z.string(),
  pidNamespace: z.string(),
  processStart: z.string(),
  startedAt: z.string(),
  name: z.string(),
  nonce: z.string(),
});

/** The process that holds a lock, and all that tells it from others. What a system does not tell is empty. */
export type Holder = Readonly<z.output<typeof shape>>;

/** This process, for a lock of its own. @param name of the run, for messages */
export async function ownHolder(name: string): Promise<Holder> {
  return {
    pid: process.pid,
    host: hostname(),
    bootId: await bootId(),
    pidNamespace: await readlink('/proc/self/ns/pid').catch(() => ''),
    processStart: (await startOf(process.pid)) ?? '',
    startedAt: new Date().toISOString(),
    name,
    nonce: randomUUID(),
  };
}

/** What a lock file says; undefined where it is damaged. */
export function parseHolder(text: string): Holder | undefined {
  try {
    return shape.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Whether a holder's process lives: `unseen` where that cannot be seen from here, as on another host. */
export async function lifeOf(holder: Holder, own: Holder): Promise<'alive' | 'dead' | 'unseen'> {
  const near = (['host', 'bootId', 'pidNamespace'] as const).every((key) => holder[key] === own[key]);
  if (!near) return 'unseen';
  const start = await startOf(holder.pid);
  if (start === undefined) return 'dead';
  if (start === '' || holder.processStart === '') return 'unseen';
  return start === holder.processStart ? 'alive' : 'dead';
}

const run = promisify(execFile);

/** Changes with every start of the machine. */
async function bootId(): Promise<string> {
  const read =
    process.platform === 'darwin'
      ? run('sysctl', ['-n', 'kern.bootsessionuuid']).then(({ stdout }) => stdout)
      : readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  return (await read.catch(() => '')).trim();
}

/**
 * When a process started, in whatever form the system tells it: a later process with the same number differs.
 * Empty where it exists and no more can be seen; undefined where it does not, or has ended and was not awaited.
 */
async function startOf(pid: number): Promise<string | undefined> {
  const [state, ...start] = process.platform === 'linux' ? await procStat(pid) : await processStatus(pid);
  if (state === undefined) return exists(pid) ? '' : undefined;
  return /^[ZX]/.test(state) ? undefined : start.join(' ');
}

/** State, and start in ticks since boot: fields 3 and 22 of proc_pid_stat(5). The name before may hold anything. */
async function procStat(pid: number): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return text === '' ? [] : [fields[0] ?? '', fields[19] ?? ''];
}

async function processStatus(pid: number): Promise<string[]> {
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
  const asked = run('ps', ['-o', 'stat=', '-o', 'lstart=', '-p', String(pid)], { env });
  const { stdout } = await asked.catch(() => ({ stdout: '' }));
  return stdout.split(/\s+/).filter(Boolean);
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
