import { randomBytes } from 'node:crypto';
import { access, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { gatherBatch } from '../arrow/gather.js';
import type { Batch, Bundle } from '../batch.js';
import type { BundleStore, Context, Making } from '../component.js';
import { replaceDurably } from '../durable.js';
import { DataError, messageOf } from '../errors.js';
import { BundleFileWriter, readBundleFile } from './bundle-file.js';
import { differencesOf, makingHash, makingJson, parseMaking } from './facts.js';
import { FileDigests } from './file-digests.js';
import { attachKept, keptColumns } from './kept-columns.js';

const makingName = 'making.json';

/**
 * Opens the part of a folder that holds what was made in one way. `<folder>/<hash of the making>/` has a `making.json`
 * and an Arrow file a bundle, named by the content of the bundle's file, so that files may be moved, renamed and come
 * again. Errors: DataError where the folder cannot be written.
 */
export async function openBundleStore(
  folder: string,
  making: Making,
  context: Context,
): Promise<BundleStore> {
  const own = join(folder, makingHash(making).slice(0, 16));
  await prepare(folder, own, making, context);
  const digests = await FileDigests.open(folder);
  const pathOf = async (bundle: Bundle) => {
    const sha256 = await digests.of(bundle.file, context.signal);
    return join(own, `${nameOf(sha256, bundle)}.arrow`);
  };
  return {
    has: async (bundle) => await exists(await pathOf(bundle)),
    read: async function* (bundle, rows) {
      const kept = readBundleFile(await pathOf(bundle));
      const leftOut = (count: number) => {
        if (count > 0) context.leftOut('left out when the others were kept', count);
      };
      for await (const batch of attachKept(rows, kept, leftOut)) {
        context.count('reused', batch.rows.length);
        yield batch;
      }
    },
    keep: (bundles, batches) => keep(bundles, batches, pathOf),
    close: () => digests.save(),
  };
}

/** Where a bundle lies: its file's content, and which rows of it. */
function nameOf(sha256: string, { firstRow, rows }: Bundle): string {
  return `${sha256.slice(0, 32)}-${firstRow}-${rows ?? 'all'}`;
}

async function prepare(folder: string, own: string, making: Making, context: Context): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    if (await exists(join(own, makingName))) return await checkMaking(own, making);
    for (const other of await storeFolders(folder)) noteDifferences(folder, other.making, making, context);
    await mkdir(own, { recursive: true });
    await replaceDurably(join(own, makingName), `${makingJson(making)}\n`);
  } catch (cause) {
    if (cause instanceof DataError) throw cause;
    throw new DataError({ file: folder }, `cannot hold what is kept: ${messageOf(cause)}`, { cause });
  }
}

/** Other sources are meant to be different; stages that made the same of the same documents otherwise, maybe not. */
function noteDifferences(folder: string, other: Making, making: Making, context: Context): void {
  const differences = differencesOf(other.slice(1), making.slice(1));
  if (differences.length > 0)
    context.note(`${folder} holds what was made otherwise (${differences.join('; ')}): it is not used`);
}

async function checkMaking(own: string, making: Making): Promise<void> {
  const file = join(own, makingName);
  if ((await readFile(file, 'utf8')).trim() === makingJson(making)) return;
  throw new DataError({ file }, 'does not say what its folder is named by: it is damaged; delete the folder');
}

/** What a store holds: its folders, and how what lies in each was made. No store, no folders. */
export async function storeFolders(folder: string): Promise<{ path: string; making: Making }[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(
    entries
      .filter((entry) => entry.isDirectory())
      .map(async ({ name }) => ({ path: join(folder, name), making: await makingOf(join(folder, name)) })),
  );
  return found.flatMap(({ path, making }) => (making ? [{ path, making }] : []));
}

/** How what lies in one folder of a store was made; undefined for any other folder. */
export async function makingOf(path: string): Promise<Making | undefined> {
  return parseMaking(await readFile(join(path, makingName), 'utf8').catch(() => ''));
}

/** Passes batches on, and writes what was computed for them. A bundle's file is there as soon as the bundle is done. */
async function* keep(
  bundles: readonly Bundle[],
  batches: AsyncIterable<Batch>,
  pathOf: (bundle: Bundle) => Promise<string>,
): AsyncGenerator<Batch> {
  let current: { bundle: Bundle; writer: BundleFileWriter } | undefined;
  let last: RecordBatch | undefined;
  let done = 0;
  const start = async (bundle: Bundle) => {
    const path = await pathOf(bundle);
    current = { bundle, writer: new BundleFileWriter(path, `${path}.tmp-${unique()}`) };
    return current.writer;
  };
  const finish = async () => {
    await current?.writer.finish();
    current = undefined;
    done++;
  };
  /** Bundles of which nothing came are done as well: all of their rows were left out. */
  const finishBefore = async (bundle: Bundle | undefined) => {
    if (current && current.bundle !== bundle) await finish();
    for (; done < bundles.length && bundles[done] !== bundle; await finish())
      if (last) await (await start(bundles[done]!)).write(gatherBatch(last, new Uint32Array(0)));
  };
  try {
    for await (const batch of batches) {
      last = keptColumns(batch);
      await finishBefore(batch.bundle);
      const writer = current?.writer ?? (await start(batch.bundle));
      await writer.write(last);
      yield batch;
    }
    await finishBefore(undefined);
  } finally {
    await current?.writer.abandon();
  }
}

function unique(): string {
  return `${process.pid}-${randomBytes(4).toString('hex')}`;
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
