import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { begin } from './busy.js';
import type {
  Accumulator,
  Context,
  Memory,
  OpenSource,
  Prepared,
  Rejection,
  StoreContext,
} from './component.js';
import { DataError, messageOf, type Place } from './errors.js';
import { besides, removeNowOrLater, sweepLeftovers } from './leftovers.js';
import { neededOf } from './needed.js';
import { type Node, type Plan, pathTo } from './plan.js';
import { keptIn } from './plan-questions.js';
import type { PathUse } from './preflight/path-uses.js';
import { preflight } from './preflight/preflight.js';
import { Provenance } from './provenance.js';
import { digestOutputs } from './publication/checksums.js';
import { publishAll } from './publication/publish.js';
import { Rejects } from './rejects.js';
import { closeAll, Resources } from './resources.js';
import { runSegment } from './segment.js';
import { requireJoint } from './several-sources.js';
import { sourceColumns } from './source-columns.js';
import { sourceAt } from './stage-error.js';
import type { OutputRecord } from './state/record.js';
import { addRejected, addTo, createStats, type StageStats } from './stats.js';
import { noteRepeated, noteUnkept } from './work-notes.js';

export { Interrupted } from './interrupted.js';

export interface RunOptions {
  /** Interrupts the run: nothing is published, everything is closed. */
  readonly signal: AbortSignal;
  /** Where the run makes a folder for its temporary files; made when missing. Without it, where the system has them. */
  readonly tempDir: string | undefined;
  /** Where stages keep what they can make again; without it, among the temporary files. */
  readonly cacheDir?: string | undefined;
  /** Outputs become visible at one moment, and are recorded with their checksums: what runs with a state folder do. */
  readonly together?: boolean;
  /** The paths of the configuration, besides those of stages: compared before anything is read. */
  readonly paths?: readonly PathUse[];
  /** Facts for the footers of outputs, such as the configuration's hash. Stages add theirs. */
  readonly provenance?: ReadonlyMap<string, string>;
  /** What each stage left for this run, by its id. */
  memory?(stage: string): Memory;
  /** Told what the sources have listed, before any of it is read; what it throws ends the run. */
  onSources?(sources: ReadonlyMap<string, OpenSource>): Promise<void>;
  /** What becomes of kept work that was made otherwise: made again, or the run is refused. Default redo. */
  readonly ifChanged?: 'redo' | 'refuse';
  /** After so much work what came of it is kept. Default 20: what is under way besides takes as long again, twice. */
  readonly pieceSeconds?: number;
  /** What becomes of rows that cannot be used; without it they end the run. It is closed with the run. */
  readonly rejects?: Rejects;
  /** Asked before outputs become visible; what it throws ends the run. */
  beforePublishing?(): Promise<void>;
  /** Told once of each remark. */
  note?(text: string): void;
  /** Told when all is set up, with the live figures of all stages in the order of the file. */
  onStart?(stats: ReadonlyMap<string, StageStats>): void;
}

export interface RunResult {
  readonly stats: ReadonlyMap<string, StageStats>;
  /** Published files. */
  readonly files: readonly string[];
  /** Published outputs with their checksums, where they were published together. */
  readonly outputs: readonly OutputRecord[];
  /** What stages and sinks want to be printed. */
  readonly reports: readonly string[];
  /** What the footers of outputs say of how they were made. */
  readonly provenance: ReadonlyMap<string, string>;
}

/**
 * Runs a plan: opens the sources, runs the segments in the order of their levels, then makes all outputs visible.
 * Any failure or interruption leaves no output; everything that was opened is closed either way.
 */
export async function runPlan(plan: Plan, options: RunOptions): Promise<RunResult> {
  const run = new Run(plan, options);
  const result = await execute(run, options).catch(async (error: unknown) => {
    // What goes wrong in closing after a failure follows from it, and must not hide it.
    await run.close().catch(() => undefined);
    throw error;
  });
  await run.close();
  return result;
}

async function execute(run: Run, options: RunOptions): Promise<RunResult> {
  await preflight(run, options);
  await options.onSources?.(run.sources);
  options.onStart?.(run.stats);
  noteRepeated(run);
  noteUnkept(run);
  for (const [i, segment] of run.plan.segments.entries()) {
    run.segment = i;
    await runSegment(segment, run);
    await run.closeUnused(i + 1);
  }
  run.countInput();
  // Whoever sees the outputs must be able to see what they lack.
  await run.rejects.close();
  const prepared = run.inOrder(run.prepared);
  const reports = [
    ...run.inOrder(run.reports).flat(),
    ...prepared.flatMap((output) => output.report ?? []),
    ...run.rejects.report(),
  ];
  await options.beforePublishing?.();
  const outputs = await run.publish();
  return {
    stats: run.stats,
    files: prepared.flatMap(({ files }) => files),
    outputs,
    reports,
    provenance: run.provenance.all,
  };
}

/** One run's open things. Segments share it. */
export class Run {
  readonly stats: ReadonlyMap<string, StageStats>;
  readonly sources = new Map<string, OpenSource>();
  /** Accumulators of combines with their filled partials. */
  readonly combined = new Map<string, { accumulator: Accumulator<unknown, unknown>; partial: unknown }>();
  readonly values = new Map<string, unknown>();
  /** What sinks have made, by stage. */
  readonly prepared = new Map<string, Prepared>();
  /** What stages want to be printed at the end, by stage. */
  readonly reports = new Map<string, string[]>();
  readonly rejects: Rejects;
  readonly signal: AbortSignal;
  readonly keeping: Pick<StoreContext, 'ifChanged' | 'pieceSeconds'>;
  /** Index of the segment that runs; none while sources are opened. */
  segment = -1;
  readonly #failure = new AbortController();
  readonly #resources = new Resources();
  readonly provenance: Provenance;
  readonly #notes = new Set<string>();
  /** Parts of files that were rejected: as many as were listed, at most. */
  readonly #rejectedParts = new Set<string>();
  /** What was rejected while sources were opened is in none of their bundles. */
  #rejectedUnlisted = { rows: 0, files: 0 };
  #tempDir = '';

  constructor(
    readonly plan: Plan,
    private readonly options: RunOptions,
  ) {
    this.signal = AbortSignal.any([options.signal, this.#failure.signal]);
    this.keeping = { ifChanged: options.ifChanged ?? 'redo', pieceSeconds: options.pieceSeconds ?? 20 };
    this.provenance = new Provenance(plan, options.provenance);
    this.rejects = options.rejects ?? new Rejects({ policy: 'fail', maxRatio: 0 });
    this.stats = new Map(
      [...plan.nodes.values()].map((node) => [node.id, createStats(labelOf(node), node.component.kind)]),
    );
  }

  /** Stops the run for a reason; the first one counts. */
  fail(reason: unknown): void {
    this.#failure.abort(reason);
  }

  /** What stages have made, in the order of the file, whichever was done first. */
  inOrder<T>(made: ReadonlyMap<string, T>): T[] {
    return [...this.plan.nodes.keys()].flatMap((id) => (made.has(id) ? [made.get(id)!] : []));
  }

  /** A folder of the run's own for what stages spill: whatever they leave there goes with it, or with the next run. */
  async makeTempDir(): Promise<void> {
    const tempDir = this.options.tempDir ?? tmpdir();
    try {
      await mkdir(tempDir, { recursive: true });
      // Where many users have their temporary files, some of what is left there is others'.
      await sweepLeftovers(tempDir).catch(() => undefined);
      const own = besides(join(tempDir, 'nag'), 'tmp');
      await mkdir(own);
      this.#tempDir = own;
    } catch (cause) {
      throw new DataError({ file: tempDir }, `cannot hold temporary files: ${messageOf(cause)}`, { cause });
    }
  }

  /** Opens all sources that can be opened. @param onFault told why another cannot */
  async openSources(onFault: (node: Node, error: unknown) => void): Promise<void> {
    let [ordinal, complete] = [0, true];
    for (const node of this.plan.nodes.values()) {
      const { component, options } = node;
      if (component.kind !== 'source') continue;
      this.signal.throwIfAborted();
      try {
        const source = await component.open(options, this.contextOf(node), ordinal);
        ordinal += source.bundles.length;
        this.sources.set(node.id, sourceAt(source, node, this.signal));
      } catch (error) {
        complete = false;
        onFault(node, error);
      }
    }
    if (!complete) return;
    this.#rejectedUnlisted = { rows: this.rejects.rows, files: this.rejects.files };
    this.countInput();
    requireJoint(this.plan, this.sources);
    for (const node of this.plan.nodes.values()) {
      this.stats.get(node.id)!.expected = this.#expectedRows(node);
    }
  }

  /** Rows that a source or transform will see, all segments together; those left out before it are not known yet. */
  #expectedRows(node: Node): number | undefined {
    if (node.component.kind !== 'source' && node.component.kind !== 'transform') return undefined;
    const path = pathTo(node.id, this.plan.nodes).map((id) => this.plan.nodes.get(id)!);
    if (path.some(({ component }) => component.kind === 'combine')) return undefined;
    const rows = path.flatMap(({ id }) => (this.sources.has(id) ? [this.sources.get(id)!.rows] : []));
    const runs = this.#segmentsOf(node).length;
    return rows.includes(undefined) ? undefined : rows.reduce<number>((sum, own) => sum + own!, 0) * runs;
  }

  /** Indices of the segments in which a stage runs. */
  #segmentsOf({ id }: Node): number[] {
    return this.plan.segments.flatMap(({ roots, members }, i) =>
      roots.includes(id) || members.includes(id) ? [i] : [],
    );
  }

  /** Says of how many rows and files rejects are a share: the rows of some sources are known only when all are read. */
  countInput(): void {
    let { rows, files }: { rows: number | undefined; files: number } = this.#rejectedUnlisted;
    for (const [id, source] of this.sources) {
      files += new Set(source.bundles.map(({ file }) => file)).size;
      const read =
        this.stats.get(id)!.rowsIn / Math.max(1, this.#segmentsOf(this.plan.nodes.get(id)!).length);
      const own = source.rows ?? (this.segment < 0 ? undefined : read);
      rows = rows === undefined || own === undefined ? undefined : rows + own;
    }
    this.rejects.countInput({ rows, files });
  }

  /** Makes all outputs visible. Returns their checksums, where they become visible together. */
  async publish(): Promise<OutputRecord[]> {
    const { together = false } = this.options;
    const records: OutputRecord[] = [];
    if (together)
      for (const id of this.plan.nodes.keys()) {
        const prepared = this.prepared.get(id);
        if (prepared) records.push(...(await digestOutputs(id, prepared, this.signal)));
      }
    this.signal.throwIfAborted();
    const outputs = this.inOrder(this.prepared).flatMap((prepared) => prepared.outputs);
    await publishAll(outputs, { together });
    return records;
  }

  /** Closes sessions and the like that no segment from `next` on can want: writing needs the memory of no model. */
  async closeUnused(next: number): Promise<void> {
    const ids = this.plan.segments.slice(next).flatMap(({ roots, members }) => [...roots, ...members]);
    await this.#resources.close(new Set(ids.map((id) => this.plan.nodes.get(id)!.component.name)));
  }

  /** Discards what was not published, and closes everything. Errors: the first; the rest is closed nevertheless. */
  async close(): Promise<void> {
    await closeAll([
      ...[...this.prepared.values()].map((output) => () => output.discard()),
      ...[...this.combined.values()].map(
        ({ accumulator }) =>
          () =>
            accumulator.close?.(),
      ),
      () => this.rejects.close(),
      () => this.#resources.close(),
      ...[...this.sources.values()].map((source) => () => source.close()),
      () => this.#tempDir !== '' && removeNowOrLater(this.#tempDir),
    ]);
  }

  contextOf(node: Node): Context {
    const stats = this.stats.get(node.id)!;
    const memory = this.options.memory?.(node.id);
    return {
      stage: node.id,
      ...(memory && { memory }),
      ...(node.component.kind === 'source' && { needed: neededOf(node.id, this.plan) }),
      signal: this.signal,
      tempDir: this.#tempDir,
      cacheDir: this.options.cacheDir ?? join(this.#tempDir, 'cache'),
      leftOut: (reason, rows) => addTo(stats.leftOut, reason, rows),
      reject: (place, reason, more = {}) => this.#reject(node, place, reason, more),
      tolerant: this.rejects.tolerant,
      count: (figure, amount) => addTo(stats.figures, figure, amount),
      worked: (rows) => {
        stats.worked += rows;
      },
      working: () => begin(stats.busy, 'working'),
      doing: (text) => {
        stats.doing = text;
      },
      note: (text) => this.#note(`${node.id}: ${text}`),
      report: (text) => this.reports.set(node.id, [...(this.reports.get(node.id) ?? []), text]),
      resource: (key, open) => this.#resources.get(key, node.component.name, open),
      provenance: this.provenance.of(node.id),
      sourceColumns: sourceColumns(node, this),
      ...keptIn(node, this.plan),
    };
  }

  #reject(node: Node, place: Place, reason: string, more: Rejection): void {
    const stats = this.stats.get(node.id)!;
    const rows = 'rows' in more ? more.rows : 1;
    if (rows === undefined) addTo(stats.figures, 'rejected files', 1);
    else addRejected(stats, reason, rows);
    if (node.component.kind === 'source') stats.rowsIn += rows ?? 0;
    const again = this.#wasRejected(node, place, rows);
    this.rejects.add({ stage: node.id, ...place, reason, rows }, { again, cause: more.cause });
  }

  /** Stages that run in several segments meet the same rows in each; parts of files may be bad for some columns only. */
  #wasRejected(node: Node, { file, row, line }: Place, rows: number | undefined): boolean {
    if (rows === 1) return this.segment > (this.#segmentsOf(node)[0] ?? 0);
    const part = JSON.stringify([node.id, file, row, line]);
    const known = this.#rejectedParts.has(part);
    this.#rejectedParts.add(part);
    return known;
  }

  #note(text: string): void {
    if (this.#notes.has(text)) return;
    this.#notes.add(text);
    this.options.note?.(text);
  }
}

function labelOf(node: Node): string {
  return node.fused.join('+');
}
