import { readFileSync } from 'node:fs';

// The part of the standard global that is used here; TypeScript declares it only among the browser's.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
};

type AddLayer = (features: number, rows: number, row: number, k: number, table: number, sums: number) => void;

/** What kernel/sums.ts exports; addresses are bytes in its memory. */
interface Exports {
  clamp16(at: number, bytes: number, limit: number): void;
  clamp32(at: number, bytes: number, limit: number): void;
  fetch(table: number, bytes: number): void;
  readonly one16: AddLayer;
  readonly two16: AddLayer;
  readonly one32: AddLayer;
  readonly two32: AddLayer;
}

const pageBytes = 65536;

let compiled: object | undefined;

/** The compiled sums with `bytes` of memory of their own, all zero, which goes with the object. */
export function createKernel(bytes: number): { readonly exports: Exports; readonly memory: ArrayBuffer } {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('./sums.wasm', import.meta.url)));
  const pages = Math.ceil(bytes / pageBytes);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  return { exports: exports as Exports, memory: memory.buffer };
}
