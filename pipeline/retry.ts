import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { NagError } from './errors.js';

/** What file systems, networks and a machine short of handles say, and often no longer say a minute later. */
const passingCodes = [
  'EIO',
  'EAGAIN',
  'EBUSY',
  'EINTR',
  'ETIMEDOUT',
  'EMFILE',
  'ENFILE',
  'ESTALE',
  'EREMOTEIO',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENOTCONN',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
];

const known: Readonly<Record<string, number>> = constants.errno;
/** By number too: Node has no code for some of them, such as ESTALE. */
const passingNumbers = new Set(passingCodes.flatMap((code) => known[code] ?? []));

const longestWait = 3600;

/** Whether an error, or one that it follows from, is of the kind that passes: no fault of data or configuration. */
export function isPassing(error: unknown): boolean {
  const seen = new Set<unknown>();
  for (let at = error; at instanceof Error && !seen.has(at); at = at.cause) {
    seen.add(at);
    if (at instanceof NagError && at.passing) return true;
    if (at instanceof AggregateError && at.errors.some(isPassing)) return true;
    if ('code' in at && passingCodes.includes(String(at.code))) return true;
    if ('errno' in at && passingNumbers.has(Math.abs(Number(at.errno)))) return true;
  }
  return false;
}

export interface RetryOptions {
  /** Tries after the first one. */
  readonly attempts: number;
  /** Seconds before the second try; before each later one twice as many, up to an hour. */
  readonly wait: number;
  readonly signal: AbortSignal;
  /** Told before each wait: what failed, the number of the try that failed, from 1, and the seconds to wait. */
  onRetry(error: unknown, attempt: number, seconds: number): void;
}

/**
 * Does work, and does it again where it fails for a reason that passes. After an interruption nothing is tried again.
 * @param work is given the number of the try, from 1
 * @throws what the last try threw; what the signal was aborted with, where that happens in a wait
 */
export async function withRetries<T>(
  work: (attempt: number) => Promise<T>,
  { attempts, wait, signal, onRetry }: RetryOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt > attempts || signal.aborted || !isPassing(error)) throw error;
      const seconds = Math.min(wait * 2 ** (attempt - 1), longestWait);
      onRetry(error, attempt, seconds);
      await pause(seconds, signal);
    }
  }
}

/** Waits. @throws what the signal is aborted with */
export async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal }).catch(() => undefined);
  signal.throwIfAborted();
}
