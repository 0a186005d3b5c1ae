import type { Schema } from 'apache-arrow';
import type { z } from 'zod';
import type { Batch, Bundle, Role, Roles } from './batch.js';
import type { BundleStore } from './kept.js';
import type { Chain, Preview } from './preview.js';
import type { ForeignEntry } from './publication/staging.js';
import type { Memory, Prepared, Reject } from './services.js';

export type { BundlePart, BundleStore } from './kept.js';
export { type PathOptions, type PathRole, path } from './path-option.js';
export type { Memory, Prepared, Reject, Rejection } from './services.js';

/**
 * A component is what `use:` names in a configuration: its name, what it does, its options with their defaults,
 * an example, and its behaviour. Counting, errors, order of execution and closing are the engine's.
 */
export type Component = Source | Transform | Combine | Sink;

interface Described {
  readonly name: string;
  /** One line, for `nag-pipeline list`. */
  readonly summary: string;
  /** A `z.strictObject` whose fields carry `.describe()` texts; paths are made with `path()`. */
  readonly options: z.ZodType;
  /** YAML of a stage list that shows the component in use; it passes `nag-pipeline check`. */
  readonly example: string;
  /** Its part in a chain; without it nothing is judged behind it. `through`: it changes nothing of what is handed on. */
  readonly chain?: Chain | 'through';
  /** Of a plugin's: the file that it was loaded from. */
  readonly file?: string;
}

/** What stages want from the source above: nothing else is read. */
export interface Needs {
  readonly roles?: readonly Role[];
  /** Roles that are used where the source has them. */
  readonly optionalRoles?: readonly Role[];
  /** Column names or paths; `all` reads everything. */
  readonly columns?: readonly string[] | 'all';
}

/** What a component sees of the run. */
export interface Context {
  /** The stage's id in messages. */
  readonly stage: string;
  /** Aborted when the run fails or is interrupted. Whoever waits must listen. */
  readonly signal: AbortSignal;
  readonly tempDir: string;
  /**
   * For what is costly to make and can be made again: kept with the runs' state, where they have any, otherwise gone with
   * the run. It need not be there yet.
   */
  readonly cacheDir: string;
  /** Says that rows were left out here and why; every row that does not go on must be counted. */
  leftOut(reason: string, rows: number): void;
  /**
   * Says that rows cannot be used, one by default. Under `on_error: fail` it throws; otherwise they are counted and told
   * with their place, and must not go on.
   */
  readonly reject: Reject;
  /** Whether `reject` lets the run go on. Who looks ahead then passes over what will be rejected when its turn comes. */
  readonly tolerant: boolean;
  /** What all stages together will ask of this source; without it, anything. */
  readonly needed?: Needs;
  /** Adds to a figure of the stage's summary, such as `tokens`. */
  count(figure: string, amount: number): void;
  /** Says that rows are worked through that are given on later: progress counts them. */
  worked(rows: number): void;
  /** Says that work begins which nobody need be waiting for; what it returns says that it ends. For the stage's time. */
  working?(): () => void;
  /** What keeps the stage busy before rows flow, such as a download; shown instead of its rows until it is undefined. */
  doing(text: string | undefined): void;
  /** A remark that the user should see once, however often it is made. */
  note(text: string): void;
  /** Text that is printed at the end of a run that succeeded. */
  report(text: string): void;
  /** A costly thing (a session, a tokenizer) that is opened once per distinct key and closed by the engine. */
  resource<T extends { close(): void | Promise<void> }>(key: string, open: () => Promise<T>): Promise<T>;
  /** The folder in which a store keeps what this stage makes, where there is one. */
  readonly keptIn?: string;
  /** Names of the columns that the sources of its rows have, read or not. */
  readonly sourceColumns?: ReadonlySet<string>;
  /** What this stage left for the next run, where runs have a state folder. */
  readonly memory?: Memory;
  /** Facts about how the result was made, for the footer of outputs: `model.fingerprint` and the like. */
  readonly provenance: Map<string, string>;
}

/** What a result depends on besides its input: content, never paths. */
export type Facts = Readonly<Record<string, unknown>>;

/** A source: lists its input as bundles, and reads them one by one. */
export interface Source extends Described {
  readonly kind: 'source';
  /**
   * Whether a file at this absolute path would be among its input if it were there; nothing is looked up. Without it,
   * only files that its options name.
   */
  takes?(options: unknown, file: string): boolean;
  /** Without it, all options. */
  facts?(options: unknown): Facts;
  open(options: unknown, context: Context, firstOrdinal: number): Promise<OpenSource>;
}

export interface OpenSource {
  /** Columns of every file. */
  readonly schema: Schema;
  readonly roles: Roles;
  readonly bundles: readonly Bundle[];
  /** Rows in all bundles, where listing tells. */
  readonly rows: number | undefined;
  /** Where files say other things of the same columns in their metadata: one of each kind. Without it, all are alike. */
  readonly kinds?: readonly FileKind[];
  /** Batches of a bundle in order, filtered, with at least the columns of `needs`. */
  read(bundle: Bundle, needs: Needs, options?: ReadOptions): AsyncIterable<Batch>;
  close(): Promise<void>;
}

/** Files with the same metadata, such as the names of classes; told by one of them. */
export interface FileKind {
  readonly bundle: Bundle;
  /** Of the schema of its batches. */
  readonly metadata: Schema['metadata'];
}

export interface ReadOptions {
  /** Only these rows of the bundle, ascending; what holds none of them is not read. */
  readonly only?: Uint32Array;
  /** Rows may be read again, with all their columns: what is wrong in those that are not read is to be found now. */
  readonly mayReread?: boolean;
  /** Told of rows that a filter of the source leaves out. */
  readonly leftOut?: (reason: string, rows: number) => void;
  /** Told, in place of the context's `reject`, of what cannot be read. */
  readonly reject?: Reject;
}

/** The values of a side input that takes several stages, by stage id, in the order in which they are named. */
export type SideValues<Value = unknown> = ReadonlyMap<string, Value>;

/** Side inputs, given with `from: {name: stage}`: what a stage looks at beside the rows that flow through it. */
interface TakesSides {
  /** Names of those that must be given. */
  readonly sides?: readonly string[];
  /** Names of those that may be given. */
  readonly optionalSides?: readonly string[];
  /** Names of those for which several stages may be given: their value is a `SideValues`, also of one stage. */
  readonly severalSides?: readonly string[];
  /** Sides that take rows: each is put together by this combine, with the stage's own options; it gets the value. */
  readonly gathers?: Readonly<Record<string, Combine>>;
}

/** A transform: batches in, batches out, row by row. It may hold rows back, but keeps their order. */
export interface Transform extends Described, TakesSides {
  readonly kind: 'transform';
  /**
   * What comes out of batches without rows: called before anything is read, so that what it lacks is found in seconds.
   * Throws what `run` would throw of such columns. Without it nothing is known of what comes out.
   */
  preview?: Preview<unknown>;
  /** What it reads; without it all columns. */
  needs?(options: unknown): Needs;
  /** False where every row goes on. Without it rows may be left out, and counts made beforehand are upper bounds. */
  mayDrop?(options: unknown): boolean;
  /** Roles whose column it makes. */
  provides?(options: unknown): readonly Role[];
  /** Without it, all options. Stores tell by the facts of the stages before them what they have. */
  facts?(options: unknown, context: Context): Promise<Facts>;
  /** Makes it a store: instead of `run`, what it has of a bundle is read back, and the stages before it are skipped. */
  store?(options: unknown, making: Making, context: StoreContext): Promise<BundleStore>;
  /** True where its work is worth keeping for the next run, and can be kept. */
  costly?(options: unknown): boolean;
  /** True where what becomes of a row depends on rows before it: then nothing behind it can be kept. */
  readonly remembers?: boolean;
  /** What `plan` can say of the stage without reading data or fetching anything, a line each. It does not throw. */
  planned?(options: unknown): Promise<readonly string[]>;
  /** Takes over the stage that follows, where both together are cheaper: new options, or undefined to decline. */
  fuse?(options: unknown, next: { name: string; options: unknown }): unknown;
  run(
    input: AsyncIterable<Batch>,
    options: unknown,
    context: Context,
    sides: ReadonlyMap<string, unknown>,
  ): AsyncIterable<Batch>;
}

/** How rows were made: the facts of each stage on their way, in its order. */
export type Making = readonly { readonly stage: string; readonly facts: Facts }[];

/** What a store sees of the run besides. */
export interface StoreContext extends Context {
  /** Ids of all stages that keep in the same place. */
  readonly stores: readonly string[];
  /** Whether what the last run kept may be other than what this one makes. */
  readonly ifChanged: 'redo' | 'refuse';
  /** After so much work what came of it is kept, so that no more is lost. */
  readonly pieceSeconds: number;
}

/** A combine (Beam): partial results that merge to one value, or to rows that start a new chain. */
export interface Combine<Partial = unknown, Value = unknown> extends Described, TakesSides {
  readonly kind: 'combine';
  /** `value`: a side input for others. `rows`: a stream, read like a source. */
  readonly yields: 'value' | 'rows';
  /** As that of a transform; of a value, what it is made of. */
  preview?: Preview<unknown>;
  needs?(options: unknown): Needs;
  start(
    options: unknown,
    context: CombineContext,
    sides: ReadonlyMap<string, unknown>,
  ): Promise<Accumulator<Partial, Value>>;
}

/** The four functions of a combine. Merging the partials of any split equals adding everything to one. */
export interface Accumulator<Partial, Value> {
  create(): Partial;
  /** May change and return the partial. */
  add(partial: Partial, batch: Batch): Partial | Promise<Partial>;
  merge(a: Partial, b: Partial): Partial | Promise<Partial>;
  /** The value, or for `yields: rows` an `AsyncIterable<Batch>`. Called once. */
  extract(partial: Partial): Value | Promise<Value>;
  close?(): Promise<void>;
}

/** What a combine may ask about its input beyond the rows it is given. */
export interface CombineContext extends Context {
  /**
   * A pass over one role's column before anything flows; undefined where that column is made on the way.
   * `exact` is false where stages between may leave rows out. `complete`, asked at the end, is false where rows could
   * not be read that may be readable when they come.
   */
  scanBefore(role: Role): { batches: AsyncIterable<Batch>; exact: boolean; complete(): boolean } | undefined;
  /** Reads rows again: batches in input order, with all columns of their source but those that stages removed. */
  reread(orders: Float64Array, removed: ReadonlySet<string>): AsyncIterable<Batch>;
}

/** A sink writes everything aside; the engine makes the outputs of all sinks visible once the whole run is done. */
export interface Sink extends Described, TakesSides {
  readonly kind: 'sink';
  /** Names such as those of the files that it writes into a folder; without it, its option `path` names a file. */
  fileNames?(options: unknown): readonly string[];
  /** Whether its folder has a file for each input file, of the same name. */
  namedByInput?(options: unknown): boolean;
  /** What of a folder at its path no earlier output put there; without it, whatever is not a part of one. */
  readonly foreign?: ForeignEntry;
  /** As that of a transform; nothing comes out. */
  preview?: Preview<unknown>;
  needs?(options: unknown): Needs;
  run(
    input: AsyncIterable<Batch>,
    options: unknown,
    context: Context,
    sides: ReadonlyMap<string, unknown>,
  ): Promise<Prepared>;
}

/** Helps the compiler to check a component's parts against its options; the component itself is unchanged. */
export function defineTransform<Schema extends z.ZodType>(component: TypedTransform<Schema>): Transform {
  return { ...component, kind: 'transform' } as Transform;
}

export function defineSource<Schema extends z.ZodType>(component: TypedSource<Schema>): Source {
  return { ...component, kind: 'source' } as Source;
}

export function defineCombine<Schema extends z.ZodType, Partial, Value>(
  component: TypedCombine<Schema, Partial, Value>,
): Combine {
  // A registry holds combines of all kinds: outside, partials and values are unknown, and only its own functions see them.
  return { ...component, kind: 'combine' } as unknown as Combine;
}

export function defineSink<Schema extends z.ZodType>(component: TypedSink<Schema>): Sink {
  return { ...component, kind: 'sink' } as Sink;
}

interface TypedSource<Schema extends z.ZodType>
  extends Omit<Source, 'kind' | 'options' | 'facts' | 'takes' | 'open'> {
  readonly options: Schema;
  takes?(options: z.output<Schema>, file: string): boolean;
  facts?(options: z.output<Schema>): Facts;
  open(options: z.output<Schema>, context: Context, firstOrdinal: number): Promise<OpenSource>;
}

interface TypedTransform<Schema extends z.ZodType>
  extends Omit<
    Transform,
    | 'kind'
    | 'options'
    | 'preview'
    | 'needs'
    | 'mayDrop'
    | 'provides'
    | 'facts'
    | 'store'
    | 'costly'
    | 'planned'
    | 'fuse'
    | 'run'
  > {
  readonly options: Schema;
  preview?: Preview<z.output<Schema>>;
  needs?(options: z.output<Schema>): Needs;
  mayDrop?(options: z.output<Schema>): boolean;
  provides?(options: z.output<Schema>): readonly Role[];
  facts?(options: z.output<Schema>, context: Context): Promise<Facts>;
  store?(options: z.output<Schema>, making: Making, context: StoreContext): Promise<BundleStore>;
  costly?(options: z.output<Schema>): boolean;
  planned?(options: z.output<Schema>): Promise<readonly string[]>;
  fuse?(options: z.output<Schema>, next: { name: string; options: unknown }): z.output<Schema> | undefined;
  run(
    input: AsyncIterable<Batch>,
    options: z.output<Schema>,
    context: Context,
    sides: ReadonlyMap<string, unknown>,
  ): AsyncIterable<Batch>;
}

interface TypedCombine<Schema extends z.ZodType, Partial, Value>
  extends Omit<Combine, 'kind' | 'options' | 'preview' | 'needs' | 'start'> {
  readonly options: Schema;
  preview?: Preview<z.output<Schema>>;
  needs?(options: z.output<Schema>): Needs;
  start(
    options: z.output<Schema>,
    context: CombineContext,
    sides: ReadonlyMap<string, unknown>,
  ): Promise<Accumulator<Partial, Value>>;
}

interface TypedSink<Schema extends z.ZodType>
  extends Omit<Sink, 'kind' | 'options' | 'preview' | 'needs' | 'fileNames' | 'namedByInput' | 'run'> {
  readonly options: Schema;
  preview?: Preview<z.output<Schema>>;
  fileNames?(options: z.output<Schema>): readonly string[];
  namedByInput?(options: z.output<Schema>): boolean;
  needs?(options: z.output<Schema>): Needs;
  run(
    input: AsyncIterable<Batch>,
    options: z.output<Schema>,
    context: Context,
    sides: ReadonlyMap<string, unknown>,
  ): Promise<Prepared>;
}
