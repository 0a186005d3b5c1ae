import { closeSync, fsyncSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError, messageOf, NagError, type Place, placeText } from './errors.js';
import { publishAll } from './publication/publish.js';
import { makeStagingFolder } from './publication/staging.js';

/** Rows that cannot be used: where they stand, which stage says so, and why. */
export interface RejectedRows extends Place {
  readonly stage: string;
  readonly reason: string;
  /** From the place on; undefined where that is not known, as of the rest of a file. */
  readonly rows: number | undefined;
}

export interface RejectSettings {
  /** To end the run with the first; to count them; to count them and write each to the quarantine file. */
  readonly policy: 'fail' | 'skip' | 'quarantine';
  /** Most of them, as a share of the rows read; likewise of files. */
  readonly maxRatio: number;
  /** The quarantine file. */
  readonly path?: string | undefined;
}

/** What rejects are a share of. */
export interface InputSize {
  /** Undefined before it is known. */
  readonly rows: number | undefined;
  readonly files: number;
}

/** How many are told where there are too many. */
const shown = 5;

/** A file that stands for an earlier one is replaced; a folder is something else. */
const noFolder = async (): Promise<string> => '.';

/**
 * What a run could not use. The quarantine file has a JSON object a line, in the order in which they came; it is written
 * aside, and seen when this is closed, however the run ended. Where nothing was rejected there is none, nor an older one.
 */
export class Rejects {
  #rows = 0;
  #files = 0;
  #input: InputSize = { rows: undefined, files: Number.POSITIVE_INFINITY };
  #staging: string | undefined;
  #file: number | undefined;
  #bytes = 0;
  readonly #first: RejectedRows[] = [];
  readonly #listeners = new Set<(rows: RejectedRows) => void>();

  constructor(
    private readonly settings: RejectSettings,
    staging?: string,
    /** Why the quarantine file cannot be made: what is checked before a run tells it with all else. */
    readonly fault?: NagError,
  ) {
    this.#staging = staging;
  }

  /** Where the quarantine file cannot be made, `fault` says why, and nothing may be rejected. */
  static async open(settings: RejectSettings): Promise<Rejects> {
    const { policy, path } = settings;
    if (policy !== 'quarantine') return new Rejects(settings);
    if (path === undefined) throw new TypeError('a quarantine needs a path');
    try {
      return new Rejects(settings, await makeStagingFolder(path, noFolder));
    } catch (error) {
      if (error instanceof NagError) return new Rejects(settings, undefined, error);
      throw error;
    }
  }

  /** Whether the run goes on without rows that cannot be used. */
  get tolerant(): boolean {
    return this.settings.policy !== 'fail';
  }

  get rows(): number {
    return this.#rows;
  }

  /** Files of which all rows, or an unknown number, are rejected. */
  get files(): number {
    return this.#files;
  }

  /** The quarantine file, where this run has one. */
  get path(): string | undefined {
    return this.#file === undefined ? undefined : this.settings.path;
  }

  /** Calls `told` with each reject, also with those that come again; the function returned ends that. */
  listen(told: (rows: RejectedRows) => void): () => void {
    this.#listeners.add(told);
    return () => this.#listeners.delete(told);
  }

  /**
   * @param again they were told of in an earlier pass over the same rows, and are neither counted nor written
   * @param cause thrown under policy `fail`, where it is a NagError
   * Errors: under `fail`, the reject; TooManyRejects; DataError where the quarantine file cannot be written.
   */
  add(rejected: RejectedRows, { again = false, cause }: { again?: boolean; cause?: unknown } = {}): void {
    const { reason, rows } = rejected;
    if (!this.tolerant) throw rejectError(rejected, reason, cause);
    for (const told of this.#listeners) told(rejected);
    if (again) return;
    if (isFile(rejected)) this.#files++;
    this.#rows += rows ?? 0;
    if (this.#first.length < shown) this.#first.push(rejected);
    this.#write(rejected);
    this.#check();
  }

  /** Errors: TooManyRejects, as soon as it is certain. */
  countInput(input: InputSize): void {
    this.#input = input;
    this.#check();
  }

  /** For the summary. */
  report(): string[] {
    if (this.#first.length === 0) return [];
    const where = this.path === undefined ? '' : `: see ${this.path}`;
    return [`rejected ${this.#counts()}${where}`];
  }

  /** Makes the quarantine file visible, durably. May be called twice. Errors: DataError. */
  async close(): Promise<void> {
    const [staging, { path }] = [this.#staging, this.settings];
    if (staging === undefined || path === undefined) return;
    this.#staging = undefined;
    try {
      const file = this.#file;
      if (file === undefined) await rm(path, { force: true });
      else {
        this.#tryWriting(path, () => fsyncSync(file));
        closeSync(file);
        const output = { temporary: stagedFile(staging), final: path, foreign: noFolder };
        await publishAll([output], { together: false });
      }
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }

  #write({ stage, file, row, line, column, rows, reason }: RejectedRows): void {
    if (this.#staging === undefined) return;
    const staged = stagedFile(this.#staging);
    const values = [stage, file, row, line, column, rows, reason].map((value) => value ?? null);
    const names = ['stage', 'file', 'row', 'line', 'column', 'rows', 'reason'];
    const text = Buffer.from(
      `${JSON.stringify(Object.fromEntries(names.map((name, i) => [name, values[i]])))}\n`,
    );
    this.#tryWriting(this.settings.path, () => {
      this.#file ??= openSync(staged, 'a');
      writeFileSync(this.#file, text);
    });
    this.#bytes += text.length;
  }

  #tryWriting(path: string | undefined, work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.#dropPart();
      throw new DataError({ file: path }, `cannot be written: ${messageOf(cause)}`, { cause });
    }
  }

  /** What is there of a line that did not fit would be taken for one. */
  #dropPart(): void {
    try {
      if (this.#file !== undefined) ftruncateSync(this.#file, this.#bytes);
    } catch {
      // It must not hide why the line was not written.
    }
  }

  #check(): void {
    const { rows = Number.POSITIVE_INFINITY, files } = this.#input;
    const { maxRatio } = this.settings;
    // A quotient is as exact as the ratio that the user wrote: a product is not.
    if (this.#rows / Math.max(1, rows) <= maxRatio && this.#files / Math.max(1, files) <= maxRatio) return;
    throw new TooManyRejects(
      [
        `rejected ${this.#counts()}, more than max_ratio: ${maxRatio} allows; nothing was published`,
        ...this.#first.map(
          (rejected) =>
            `  ${rejected.stage}: ${[placeText(rejected), rejected.reason].filter(Boolean).join(': ')}`,
        ),
        ...(this.path === undefined ? [] : [`all so far are in ${this.path}`]),
      ].join('\n'),
    );
  }

  /** `3 of 40 rows (7.5 %) and 1 of 2 files (50 %)` */
  #counts(): string {
    const { rows, files } = this.#input;
    const counts = [share(this.#rows, rows, 'rows')];
    if (this.#files > 0) counts.push(share(this.#files, files, 'files'));
    return counts.join(' and ');
  }
}

/** The run rejected more of its input than it may: it publishes nothing. */
export class TooManyRejects extends NagError {
  override readonly name = 'TooManyRejects';
  override readonly exitCode = 4;
}

/** The error that a reject is where none is allowed. */
export function rejectError(place: Place, reason: string, cause: unknown): NagError {
  return cause instanceof NagError ? cause : new DataError(place, reason, { cause });
}

function isFile({ row, line, rows }: RejectedRows): boolean {
  return rows === undefined || (row === undefined && line === undefined);
}

function share(count: number, all: number | undefined, what: string): string {
  if (all === undefined || !Number.isFinite(all)) return `${count} ${what}`;
  const percent = Number(((100 * count) / Math.max(1, all)).toPrecision(2));
  return `${count} of ${all} ${what} (${percent} %)`;
}

function stagedFile(staging: string): string {
  return join(staging, 'rejects.jsonl');
}
