import { createReadStream, createWriteStream } from 'node:fs';
import { type FileHandle, link, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DataError } from '../../pipeline/errors.js';
import { openCheckpoint } from './checkpoint.js';
import { isObject } from './config-values.js';
import { requireFit } from './deactivation.js';
import type { Checkpoint, Deactivation, Tensor } from './types.js';
import { upWeight } from './weights.js';

/** Tells that a folder was made here, which neurons are off in it, and which files are its own. */
export const markerName = 'nag-deactivated.json';

/** Weights in whatever form: those that are not changed must not lie beside those that are. */
const weightFile =
  /\.(safetensors|bin|pt|pth|ckpt|h5|msgpack|gguf|onnx|onnx_data|npz|ot|tflite)$|\.(bin|safetensors)\.index\.json$/;
const indexName = 'model.safetensors.index.json';
const copyBytes = 4 << 20;

export interface CopyOptions {
  /** Weight files without a change become hard links to the model's own, where the disk allows. */
  readonly link: boolean;
  /** What the copy says of which model it is: a name, never a path, as copies of one model are alike on all machines. */
  readonly name: string;
  readonly signal: AbortSignal;
}

/**
 * Writes a copy of a model, in which rows of `up_proj.weight` are zero (NAG.md §8), into an empty folder. Everything else
 * is as in the model's folder; weights in other forms, folders and hidden files stay behind.
 * @returns names of what stayed behind, but for hidden files
 * @throws DataError for neurons that the model does not have, and where the copy is not a whole model
 */
export async function writeDeactivatedModel(
  checkpoint: Checkpoint,
  keys: Deactivation,
  into: string,
  options: CopyOptions,
): Promise<string[]> {
  requireFit(keys, checkpoint.architecture);
  const changes = changesByFile(checkpoint, keys);
  for (const [file, realFile] of checkpoint.files) {
    const target = join(into, basename(file));
    const rows = changes.get(realFile);
    if (rows) await copy(realFile, target, options.signal, (handle) => clear(handle, rows));
    else if (!options.link || !(await linked(realFile, target))) await copy(realFile, target, options.signal);
  }
  const { others, leftOut } = await otherFiles(checkpoint);
  for (const name of others) await copy(join(checkpoint.dir, name), join(into, name), options.signal);
  const files = [...[...checkpoint.files.keys()].map((file) => basename(file)), ...others];
  const marker = { model: options.name, neurons: keys, files };
  await writeFile(join(into, markerName), `${JSON.stringify(marker)}\n`, { flush: true });
  await openCheckpoint(into);
  return leftOut;
}

/** An entry of a folder that `writeDeactivatedModel` did not put there; undefined where all are its own. */
export async function foreignEntry(folder: string): Promise<string | undefined> {
  const entries = await readdir(folder);
  const own = entries.includes(markerName) ? await ownFiles(join(folder, markerName)) : [];
  return entries.find((entry) => !own.includes(entry));
}

async function ownFiles(marker: string): Promise<unknown[]> {
  try {
    const json: unknown = JSON.parse(await readFile(marker, 'utf8'));
    return isObject(json) && Array.isArray(json['files']) ? [...json['files'], markerName] : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Rows of a tensor. */
interface Rows {
  readonly tensor: Tensor;
  readonly rows: readonly number[];
}

function changesByFile({ tensors }: Checkpoint, keys: Deactivation): Map<string, Rows[]> {
  const changes = new Map<string, Rows[]>();
  for (const [layer, rows] of Object.entries(keys)) {
    const tensor = tensors.get(upWeight(Number(layer)));
    if (rows.length === 0 || !tensor) continue;
    requireUnshared(tensors, tensor);
    changes.set(tensor.realFile, [...(changes.get(tensor.realFile) ?? []), { tensor, rows }]);
  }
  return changes;
}

/** @throws DataError where other names stand for the same bytes: they would be changed too */
function requireUnshared(tensors: Checkpoint['tensors'], tensor: Tensor): void {
  for (const { name, realFile, offset } of tensors.values())
    if (name !== tensor.name && realFile === tensor.realFile && offset === tensor.offset)
      throw new DataError(
        { file: tensor.file },
        `tensor "${tensor.name}" is stored once for "${name}" too, whose neurons would be switched off with it`,
      );
}

async function clear(handle: FileHandle, changes: readonly Rows[]): Promise<void> {
  for (const { tensor, rows } of changes) {
    // Zero bits are 0 in every type.
    const zeros = Buffer.alloc(tensor.bytes / (tensor.shape[0] ?? 1));
    for (const row of rows) await handle.write(zeros, 0, zeros.length, tensor.offset + row * zeros.length);
  }
}

/** False where a file cannot be linked: on another disk, or one without links. */
async function linked(file: string, target: string): Promise<boolean> {
  try {
    await link(file, target);
    return true;
  } catch {
    return false;
  }
}

/** Copies a file, some megabytes at a time, and lets it be changed before it is made durable. */
async function copy(
  file: string,
  target: string,
  signal: AbortSignal,
  change: (handle: FileHandle) => Promise<void> = async () => undefined,
): Promise<void> {
  const from = createReadStream(file, { highWaterMark: copyBytes });
  const to = createWriteStream(target, { flags: 'wx', highWaterMark: copyBytes });
  await pipeline(from, to, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw error;
  });
  const handle = await open(target, 'r+');
  try {
    await change(handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** False for folders, and for links that lead nowhere. */
async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

/** The rest of a model's folder: configuration, tokenizer, licence. */
async function otherFiles({ dir, files }: Checkpoint): Promise<{ others: string[]; leftOut: string[] }> {
  const weights = new Set([...files.keys()].map((file) => basename(file)));
  const sharded = !weights.has('model.safetensors');
  const others: string[] = [];
  const leftOut: string[] = [];
  for (const name of (await readdir(dir)).sort()) {
    if (weights.has(name) || name === markerName || name.startsWith('.')) continue;
    const wanted = !weightFile.test(name) || (sharded && name === indexName);
    if (wanted && (await isFile(join(dir, name)))) others.push(name);
    else leftOut.push(name);
  }
  return { others, leftOut };
}
