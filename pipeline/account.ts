import { hostname } from 'node:os';
import { messageOf, NagError } from './errors.js';
import type { Job } from './job.js';
import { peakMemoryBytes } from './peak-memory.js';
import { Interrupted, type RunResult } from './run.js';
import type { InputRecord, RunRecord } from './state/record.js';
import { stageRecords } from './state/stage-records.js';
import type { StageStats } from './stats.js';

/** Keeps account of a run while it goes on: its record can be had at any moment. */
export class Account {
  readonly #job: Job;
  readonly #startedAt = new Date();
  readonly #started = performance.now();
  readonly #notes: string[] = [];
  #stats: ReadonlyMap<string, StageStats> = new Map();
  #inputs: Readonly<Record<string, InputRecord>> = {};
  #result: RunResult | undefined;
  #ended: Pick<RunRecord, 'status' | 'exitCode' | 'error' | 'endedAt' | 'seconds'> | undefined;
  /** How often the run has been tried. */
  attempts = 1;
  manifest: string | null = null;
  quarantine: string | null = null;

  constructor(job: Job) {
    this.#job = job;
  }

  /** Live figures of all stages; empty before the run has any. */
  get stats(): ReadonlyMap<string, StageStats> {
    return this.#stats;
  }

  /** Since it started. */
  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  follow(stats: ReadonlyMap<string, StageStats>): void {
    this.#stats = stats;
  }

  note(text: string): void {
    this.#notes.push(text);
  }

  reads(inputs: Readonly<Record<string, InputRecord>>): void {
    this.#inputs = inputs;
  }

  /** The outputs are visible. */
  published(result: RunResult): void {
    this.#result = result;
  }

  complete(): void {
    this.#end('complete', 0, null);
  }

  /** @returns the exit code */
  failed(error: unknown): number {
    const exitCode = error instanceof NagError ? error.exitCode : 1;
    this.#end(error instanceof Interrupted ? 'stopped' : 'failed', exitCode, messageOf(error));
    return exitCode;
  }

  record(): RunRecord {
    const { id, config, version } = this.#job;
    const result = this.#result;
    return {
      format: 1,
      id,
      name: config.name,
      version,
      config: { file: config.file, hash: config.hash, params: Object.fromEntries(config.params) },
      process: { pid: process.pid, host: hostname() },
      startedAt: this.#startedAt.toISOString(),
      ...(this.#ended ?? {
        status: 'running',
        exitCode: null,
        error: null,
        endedAt: null,
        seconds: this.seconds,
      }),
      attempts: this.attempts,
      inputs: this.#inputs,
      provenance: Object.fromEntries(result?.provenance ?? []),
      stages: stageRecords(this.#stats, performance.now()),
      peakMemoryBytes: peakMemoryBytes(),
      outputs: result?.outputs ?? [],
      manifest: this.manifest,
      quarantine: this.quarantine,
      notes: this.#notes,
      reports: result?.reports ?? [],
    };
  }

  #end(status: RunRecord['status'], exitCode: number, error: string | null): void {
    const endedAt = new Date().toISOString();
    this.#ended = { status, exitCode, error, endedAt, seconds: this.seconds };
  }
}
