import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { compileFunction } from 'node:vm';

// The part of the standard global that is used here; TypeScript declares it only among the browser's.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: unknown;
  readonly RuntimeError: new () => Error;
};

type ParquetLibrary = typeof import('parquet-wasm');

/** An instance whose memory has grown past this many bytes is dropped after use: WASM memory never shrinks. */
const KEEP_BELOW_BYTES = 24 * 2 ** 20;

/** The Rust code inside the WASM module hit something it did not expect; its instance is unusable from then on. */
export class WasmPanic extends Error {
  override readonly name = 'WasmPanic';
}

/** One instance of the Parquet library, for one user at a time. */
export interface ParquetWasm {
  readonly library: ParquetLibrary;
  /** True after a panic: nothing of this instance can be used or freed any more. */
  readonly broken: boolean;
  /** True while a call has not settled. */
  readonly busy: boolean;
  /** Runs a call of the library. Errors: what the library throws, or WasmPanic when this instance has panicked. */
  run<T>(work: () => T | PromiseLike<T>): Promise<T>;
  /** Calls `free` of objects of this instance; a broken instance is left to the collector as a whole. */
  free(...objects: ({ free(): void } | undefined)[]): void;
}

/** Many files may be open at a time, as when they are listed, which needs little memory; later few are. */
const KEEP_IDLE = 2;
const KEEP_IDLE_SMALL = 8;
const SMALL_BYTES = 4 * 2 ** 20;

const idle: ParquetWasm[] = [];

/**
 * An instance nobody else uses. A panic breaks the instance in which it happens (the tasks of all its files stop),
 * so files do not share one. A new instance costs about 2 ms and 2 MB.
 */
export function acquireParquetWasm(): ParquetWasm {
  return idle.pop() ?? instantiate();
}

/**
 * An instance that nothing was done with. What an instance has done before shows in the files that it writes: the order
 * of their key-value pairs depends on it, and the same output must have the same bytes.
 */
export function newParquetWasm(): ParquetWasm {
  return instantiate();
}

/** Gives an instance back. Objects made with it must have been freed; one that is busy or broken is dropped. */
export function releaseParquetWasm(wasm: ParquetWasm): void {
  if (wasm.broken || wasm.busy || idle.includes(wasm)) return;
  const bytes = wasm.library.wasmMemory().buffer.byteLength;
  const most = bytes <= SMALL_BYTES ? KEEP_IDLE_SMALL : KEEP_IDLE;
  if (idle.length < most && bytes <= KEEP_BELOW_BYTES) idle.push(wasm);
}

function instantiate(): ParquetWasm {
  let panic: WasmPanic | undefined;
  const waiting = new Set<(reason: WasmPanic) => void>();
  const onTrap = (cause: unknown): WasmPanic => {
    panic ??= new WasmPanic('the Parquet library panicked', { cause });
    for (const reject of waiting) reject(panic);
    waiting.clear();
    return panic;
  };
  const library = evaluate(onTrap, () => panic !== undefined);
  return {
    library,
    get broken() {
      return panic !== undefined;
    },
    get busy() {
      return waiting.size > 0;
    },
    run: (work) => guarded(work, waiting, () => panic, onTrap),
    free: (...objects) => {
      if (panic === undefined) for (const object of objects) object?.free();
    },
  };
}

/** Settles with `work`, or rejects as soon as the instance panics: a panicked task never settles its promises. */
function guarded<T>(
  work: () => T | PromiseLike<T>,
  waiting: Set<(reason: WasmPanic) => void>,
  panicked: () => WasmPanic | undefined,
  onTrap: (cause: unknown) => WasmPanic,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const earlier = panicked();
    if (earlier) return reject(earlier);
    waiting.add(reject);
    const settle = (): void => void waiting.delete(reject);
    const fail = (thrown: unknown): void => {
      settle();
      reject(thrown instanceof WebAssembly.RuntimeError ? onTrap(thrown) : thrown);
    };
    try {
      Promise.resolve(work()).then((value) => {
        settle();
        resolve(value);
      }, fail);
    } catch (thrown) {
      fail(thrown);
    }
  });
}

const require = createRequire(import.meta.url);
const libraryPath = require.resolve('parquet-wasm/node');

/** The library, read and compiled; threads can be given it, and then compile nothing again. */
export interface CompiledParquet {
  readonly source: string;
  readonly module: object;
}

let compiled: CompiledParquet | undefined;

export function compiledParquet(): CompiledParquet {
  compiled ??= {
    source: readFileSync(libraryPath, 'utf8'),
    module: new WebAssembly.Module(readFileSync(join(dirname(libraryPath), 'parquet_wasm_bg.wasm'))),
  };
  return compiled;
}

/** Uses what another thread has compiled. */
export function useCompiledParquet(library: CompiledParquet): void {
  compiled = library;
}

/**
 * Evaluates the library's own Node build once more, with its own globals. The library runs its tasks in
 * `queueMicrotask` callbacks, where a Rust panic would be an uncaught exception and end the process; and finalizers
 * of a broken instance would throw later, out of nowhere. Both are reachable only through the globals it sees.
 */
function evaluate(onTrap: (cause: unknown) => void, isBroken: () => boolean): ParquetLibrary {
  const { source, module } = compiledParquet();
  const run = compileFunction(
    source,
    ['exports', 'require', '__dirname', 'queueMicrotask', 'FinalizationRegistry', 'WebAssembly'],
    { filename: libraryPath },
  );
  // The source's declared type is that of its exports: this is the one place that evaluates it.
  const exports = {} as ParquetLibrary;
  const guardedMicrotask = (task: () => void): void =>
    queueMicrotask(() => {
      try {
        task();
      } catch (cause) {
        onTrap(cause);
      }
    });
  class GuardedRegistry<T> extends FinalizationRegistry<T> {
    constructor(finalize: (held: T) => void) {
      super((held) => {
        if (!isBroken()) finalize(held);
      });
    }
  }
  const alreadyCompiled = function Module(): object {
    return module;
  };
  const noFiles = (): unknown => ({ readFileSync: () => undefined });
  const webAssembly = { Module: alreadyCompiled, Instance: WebAssembly.Instance };
  run(exports, noFiles, dirname(libraryPath), guardedMicrotask, GuardedRegistry, webAssembly);
  return exports;
}
