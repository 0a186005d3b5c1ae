import { type FileHandle, open as openFile, stat } from 'node:fs/promises';
import type { Schema } from 'apache-arrow';
import type { ParquetFile } from 'parquet-wasm';
import { DataError, messageOf, NagError } from '../errors.js';
import type { ReadAs } from './arrow-hint.js';
import { FileBlob, type ReadFailure, readExactly, type Tail } from './file-blob.js';
import { type HelpedFooter, helpFooter } from './footer-help.js';
import { arrowSchema } from './parquet-footer.js';
import { checkParquetEnds } from './parquet-magic.js';
import { acquireParquetWasm, type ParquetWasm, releaseParquetWasm, WasmPanic } from './wasm.js';

/** What is wrong where a footer cannot be decoded: the decoder itself only knows what it stumbled over. */
export const BAD_FOOTER = 'its footer is damaged, encrypted, or of a kind that the decoder does not know';

/** What must be closed together. */
export interface OpenParquet {
  readonly handle: FileHandle;
  readonly size: number;
  readonly wasm: ParquetWasm;
  readonly file: ParquetFile;
  readonly failure: ReadFailure;
  /** Paths of leaves that cannot be decoded, and why. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/**
 * Errors: DataError when the file cannot be read or does not begin and end as a Parquet file.
 */
export async function openParquet(path: string, how: ReadAs = {}): Promise<OpenParquet> {
  const handle = await openForReading(path);
  const failure: ReadFailure = {};
  const wasm = acquireParquetWasm();
  try {
    const { size } = await handle.stat();
    const footer = await checkParquetEnds(handle, path, size);
    const at = size - 8 - footer;
    const help = helpOf(await readExactly(handle, at, footer), how);
    const openAs = async (bytes?: Uint8Array): Promise<ParquetFile> => {
      const tail = bytes && tailOf(at, bytes);
      const blob = new FileBlob(handle, 0, tail ? at + tail.bytes.length : size, failure, tail);
      // FileBlob has the part of Blob that the library calls: size, slice and arrayBuffer.
      return await wasm.run(() => wasm.library.ParquetFile.fromFile(blob as unknown as Blob));
    };
    const file = help ? await openHelped(wasm, help, openAs) : await openAs();
    return { handle, size, wasm, file, failure, unreadable: help?.unreadable ?? new Map() };
  } catch (thrown) {
    releaseParquetWasm(wasm);
    await handle.close();
    throw explainReadError(thrown, path, BAD_FOOTER, failure);
  }
}

/** A damaged footer is the decoder's to name. */
function helpOf(footer: Uint8Array, how: ReadAs): HelpedFooter | undefined {
  try {
    return helpFooter(footer, how);
  } catch (thrown) {
    if (thrown instanceof RangeError) return undefined;
    throw thrown;
  }
}

async function openHelped(
  wasm: ParquetWasm,
  help: HelpedFooter,
  openAs: (footer: Uint8Array) => Promise<ParquetFile>,
): Promise<ParquetFile> {
  const bare = await openAs(help.bare);
  let inferred: Schema;
  try {
    inferred = await wasm.run(() => arrowSchema(bare));
  } finally {
    wasm.free(bare);
  }
  return await openAs(help.typed(inferred));
}

/** A footer, its length, and the magic bytes. */
function tailOf(at: number, footer: Uint8Array): Tail {
  const bytes = new Uint8Array(footer.length + 8);
  bytes.set(footer);
  new DataView(bytes.buffer).setUint32(footer.length, footer.length, true);
  bytes.set(Buffer.from('PAR1'), footer.length + 4);
  return { at, bytes };
}

/** Streams over the file must have been cancelled. */
export async function closeParquet({ wasm, file, handle }: OpenParquet): Promise<void> {
  wasm.free(file);
  releaseParquetWasm(wasm);
  await handle.close();
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    // Opening a pipe would wait for its writer.
    const found = await stat(path);
    if (found.isDirectory()) throw new DataError({ file: path }, 'is a folder; expected a Parquet file');
    if (!found.isFile())
      throw new DataError({ file: path }, 'is not a regular file; expected a Parquet file');
    return await openFile(path, 'r');
  } catch (cause) {
    if (cause instanceof NagError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const messages: Record<string, string> = {
      ENOENT: 'does not exist',
      EACCES: 'may not be read by this user (permission denied)',
      EMFILE: 'cannot be opened: this process has too many open files (ulimit -n)',
    };
    throw new DataError({ file: path }, messages[String(code)] ?? `cannot be opened: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** The user's error for what the library or the file system threw; `panic` is the reason when the decoder panicked. */
export function explainReadError(
  thrown: unknown,
  path: string,
  what: string,
  failure: ReadFailure,
  panic = 'it is corrupt',
): NagError {
  if (thrown instanceof NagError) return thrown;
  if (failure.cause !== undefined) {
    const { cause } = failure;
    return new DataError({ file: path }, `cannot be read: ${messageOf(cause)}`, { cause });
  }
  const reason =
    thrown instanceof WasmPanic
      ? panic
      : messageOf(thrown).replace(/^(Parquet error|Arrow error|External):\s*/, '');
  return new DataError({ file: path }, `${what}: ${reason}`, { cause: thrown });
}
