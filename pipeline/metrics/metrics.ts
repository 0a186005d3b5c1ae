import { readFile } from 'node:fs/promises';
import type { Settings } from '../config/settings.js';
import { replaceDurably } from '../durable.js';
import { DataError, messageOf } from '../errors.js';
import { outputPlace } from '../publication/place.js';
import type { RunRecord } from '../state/record.js';
import type { StageStats } from '../stats.js';
import { contentType, exposition, lastSuccessName } from './exposition.js';
import { Health } from './health.js';
import { serve } from './server.js';

const tickMs = 15_000;

/** What is told of. */
export interface Observed {
  /** The run as it stands. */
  record(): RunRecord;
  /** Live figures; empty before the run has any. */
  stats(): ReadonlyMap<string, StageStats>;
  /** When the last complete run ended, in seconds since 1970, as the records say; undefined where they know none. */
  readonly lastSuccess: number | undefined;
  note(text: string): void;
}

export interface Metrics {
  /** Where the server listens: `http://127.0.0.1:9464`. */
  readonly url: string | undefined;
  /** Tells the record as it is then, the last time; closes everything. */
  close(): Promise<void>;
}

/**
 * Tells of a run from now on until `close`; it keeps no process alive. Without settings it does nothing.
 * Errors, at once: NagError where the address cannot be had, DataError where the file cannot be written. A file that cannot be
 * written later is a note.
 */
export async function openMetrics(settings: Settings['metrics'], observed: Observed): Promise<Metrics> {
  const { textfile, listen } = settings;
  const before = Math.max(
    observed.lastSuccess ?? 0,
    textfile ? await lastSuccessIn(textfile, observed.record().name) : 0,
  );
  const health = new Health(performance.now());
  const text = () => {
    const record = observed.record();
    const now = record.status === 'complete' && record.endedAt ? Date.parse(record.endedAt) / 1000 : 0;
    const lastSuccess = Math.max(before, now) || undefined;
    return exposition(record, { residentBytes: process.memoryUsage.rss(), lastSuccess });
  };
  const write = async () => {
    if (textfile !== undefined) await writeTextfile(textfile, await text());
  };
  const server =
    listen === undefined
      ? undefined
      : await serve(listen, {
          '/metrics': async () => ({ code: 200, type: contentType, body: await text() }),
          '/healthz': async () => {
            health.look(observed.stats(), performance.now());
            const { code, body } = health.answer(observed.record(), performance.now());
            return { code, type: 'application/json', body: `${JSON.stringify(body)}\n` };
          },
        });
  await write().catch(async (error: unknown) => {
    await server?.close();
    throw error;
  });
  // One write at a time: the last one must be that of `close`.
  let writing = Promise.resolve();
  let told = false;
  const writeNoted = () => {
    writing = writing.then(write).then(
      () => {
        told = false;
      },
      (error: unknown) => {
        if (!told) observed.note(messageOf(error));
        told = true;
      },
    );
    return writing;
  };
  const timer = setInterval(() => {
    health.look(observed.stats(), performance.now());
    writeNoted();
  }, tickMs).unref();
  return {
    url: server?.url,
    close: async () => {
      clearInterval(timer);
      await writeNoted();
      await server?.close();
    },
  };
}

/** Others must be able to read it. */
async function writeTextfile(path: string, text: string): Promise<void> {
  try {
    await replaceDurably(await outputPlace(path), text, 0o644);
  } catch (cause) {
    throw new DataError({ file: path }, `metrics cannot be written: ${messageOf(cause)}`, { cause });
  }
}

/** What the file of an earlier run says; 0 where there is none. */
async function lastSuccessIn(path: string, name: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const line = text
    .split('\n')
    .find((own) => own.startsWith(`${lastSuccessName}{`) && own.includes(`name=${JSON.stringify(name)}`));
  return Number(line?.split(' ').at(-1) ?? 0) || 0;
}
