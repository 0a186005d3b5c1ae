import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Schema } from 'apache-arrow';
import { rowRange } from '../../pipeline/arrow/row-range.js';
import { type Batch, type Bundle, keepRows, selectColumns } from '../../pipeline/batch.js';
import type { Context, Making, OpenSource } from '../../pipeline/component.js';
import { DataError } from '../../pipeline/errors.js';
import { makingOf, storeFolders } from '../../pipeline/store/bundle-store.js';
import { differencesOf } from '../../pipeline/store/facts.js';
import { rowColumn } from '../../pipeline/store/kept-columns.js';
import { damaged, isIntact, pieceSchema, readPiece } from '../../pipeline/store/piece-file.js';
import { arrangePieces, type Piece } from '../../pipeline/store/pieces.js';
import { uniteSchemas } from '../../pipeline/unite.js';
import { finishBatch, type Reading } from '../reading/finish.js';
import type { ReadingOptions } from '../reading/options.js';
import { mapRoles } from '../reading/roles.js';
import { compileWhere } from '../reading/where.js';

/**
 * The folder of a store that a path means: the path itself, or the only folder of the store; undefined where it is no
 * store. Errors: DataError where features were made in several ways.
 */
export async function storeFolder(path: ReadingOptions['path']): Promise<string | undefined> {
  if (typeof path !== 'string' || !(await isFolder(path))) return undefined;
  if (await makingOf(path)) return path;
  const [first, ...others] = await storeFolders(path);
  if (!first || others.length === 0) return first?.path;
  const list = others.map((other) => `${other.path} (${differencesText(first.making, other.making)})`);
  throw new DataError(
    { file: path },
    `holds features that were made in ${others.length + 1} ways: name one of its folders: ${first.path}, or ${list.join(', ')}`,
  );
}

function differencesText(a: Making, b: Making): string {
  return differencesOf(a, b).join('; ');
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** What a store's folder holds, as a source: docids, features and other computed columns. A piece is one bundle. */
export async function openStore(
  folder: string,
  settings: ReadingOptions,
  context: Context,
  firstOrdinal: number,
): Promise<OpenSource> {
  const files = await storedFiles(folder, context);
  const pieces = new Map(files.map(({ path, piece }) => [path, piece]));
  const { fields } = sharedSchema(files);
  const schema = new Schema(fields.filter(({ name }) => name !== rowColumn));
  const mapping = mapRoles(settings, schema, folder);
  const tokens = schema.fields.some(({ name }) => name === 'nag_tokens') ? { tokens: 'nag_tokens' } : {};
  const roles = { ...mapping.roles, ...tokens };
  const reading: Reading = {
    schema,
    mapping: { ...mapping, roles },
    filter: compileWhere(settings.where, schema, folder, roles),
  };
  const bundles = files.map(
    ({ path }, i): Bundle => ({
      ordinal: firstOrdinal + i,
      file: path,
      firstRow: 0,
      rows: undefined,
      bytes: 1,
    }),
  );
  return {
    schema,
    roles,
    bundles,
    rows: undefined,
    read: async function* (bundle, needs, how = {}) {
      let first = 0;
      if (!(await isIntact(folder, pieces.get(bundle.file)!, context.signal))) throw damaged(bundle.file);
      for await (const kept of readPiece(bundle.file)) {
        context.signal.throwIfAborted();
        const positions = kept.schema.fields.flatMap(({ name }, i) => (name === rowColumn ? [] : [i]));
        const rows = rowRange(first, kept.numRows);
        first += kept.numRows;
        const batch = finishBatch(selectColumns(kept, positions), rows, bundle, needs, reading, how);
        yield how.only ? only(batch, how.only) : batch;
      }
    },
    close: async () => undefined,
  };
}

/** Pieces of a store are made alike. */
function sharedSchema(files: readonly { readonly path: string; readonly schema: Schema }[]): Schema {
  const { schema, conflicts } = uniteSchemas(files.map(({ path, schema }) => ({ name: path, schema })));
  for (const [column, { name, text }] of conflicts) throw new DataError({ file: name, column }, text);
  return schema;
}

/** In the order of the files from which they were made. */
async function storedFiles(folder: string, context: Context) {
  const pieces = [...arrangePieces(await readdir(folder)).kept.values()].flat();
  if (pieces.length === 0) throw new DataError({ file: folder }, 'holds no features yet');
  const files = [];
  for (const piece of pieces) {
    context.signal.throwIfAborted();
    const path = join(folder, piece.name);
    const schema = await pieceSchema(path);
    files.push({ path, piece, schema, from: schema.metadata.get('nag.file') ?? '' });
  }
  const firstRow = ({ key }: Piece) => Number(key.split('-')[1]);
  return files.sort(
    (a, b) =>
      compare(a.from, b.from) ||
      firstRow(a.piece) - firstRow(b.piece) ||
      a.piece.from - b.piece.from ||
      compare(a.path, b.path),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function only(batch: Batch, wanted: Uint32Array): Batch {
  const rows = new Set(wanted);
  return keepRows(
    batch,
    Uint32Array.from(batch.rows.keys()).filter((at) => rows.has(batch.rows[at]!)),
  );
}
