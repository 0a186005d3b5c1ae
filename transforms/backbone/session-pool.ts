import { availableParallelism } from 'node:os';
import { openSession } from './session.js';
import type { Session, SessionOptions } from './types.js';

/** `device` and `threads` as in a session's options; several devices are of one kind. */
export interface PoolOptions extends Omit<SessionOptions, 'device'> {
  readonly devices: readonly string[];
}

/**
 * Opens a model on each of the devices, one after the other, as a single session.
 * @throws what `openSession` throws for the first device that cannot be opened; then none is left open
 */
export async function openPool({ devices, ...options }: PoolOptions): Promise<Session> {
  const opened: Session[] = [];
  try {
    for (const device of devices)
      opened.push(await openSession({ ...sharedThreads(device, devices.length), ...options, device }));
    return poolOf(opened);
  } catch (error) {
    await closeEach(opened);
    throw error;
  }
}

/**
 * Sessions of one model as one: a run goes to whichever has the fewest under way. Results may come in another order
 * than runs were asked for.
 * @param sessions at least one
 */
export function poolOf(sessions: readonly Session[]): Session {
  const members = sessions.map((session) => ({ session, underWay: 0 }));
  const [first] = sessions;
  if (first === undefined) throw new Error('a pool without sessions');
  if (sessions.length === 1) return first;
  return {
    ...first,
    device: [...new Set(sessions.map(({ device }) => device))].join(', '),
    concurrency: sessions.reduce((sum, { concurrency }) => sum + concurrency, 0),
    run: async (batch) => {
      const freest = members.reduce((best, member) => (member.underWay < best.underWay ? member : best));
      freest.underWay++;
      try {
        return await freest.session.run(batch);
      } finally {
        freest.underWay--;
      }
    },
    close: () => closeEach(sessions),
  };
}

async function closeEach(sessions: readonly Session[]): Promise<void> {
  await Promise.all(sessions.map((session) => session.close()));
}

/** Sessions that share the CPU share its cores. */
function sharedThreads(device: string, sessions: number) {
  if (device !== 'cpu' || sessions === 1) return {};
  return { threads: Math.max(1, Math.floor(availableParallelism() / sessions)) };
}
