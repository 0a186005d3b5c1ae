import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DataError } from '../../pipeline/errors.js';

/** A table whose files are not its rows: some of these are deleted, replaced by others, or never became visible. */
interface Table {
  readonly folder: string;
  readonly format: Format;
}

type FileKind = 'parquet' | 'json';

interface Format {
  readonly name: string;
  /** What its data files may be. */
  readonly files: readonly FileKind[];
  /** What they hold besides its live rows. */
  readonly also: string;
  /** Whether a folder with these names in it is such a table. */
  readonly marks: (folder: string, names: ReadonlySet<string>) => Promise<boolean> | boolean;
  /** The command that writes the table's live rows as plain Parquet. */
  readonly exportCommand: (folder: string, target: string, kind: FileKind) => Promise<string> | string;
}

const replaced = 'whose files also hold deleted and replaced rows';

const formats: readonly Format[] = [
  {
    name: 'the Delta Lake table',
    files: ['parquet'],
    also: replaced,
    marks: (_, names) => names.has('_delta_log'),
    exportCommand: (folder, target) =>
      python(
        'import sys; import pyarrow.dataset as d; from deltalake import DeltaTable; ' +
          'd.write_dataset(DeltaTable(sys.argv[1]).to_pyarrow_dataset(), sys.argv[2], format="parquet")',
        folder,
        target,
      ),
  },
  {
    name: 'the Iceberg table',
    files: ['parquet'],
    also: replaced,
    marks: async (folder, names) => names.has('metadata') && (await newestMetadata(folder)) !== undefined,
    exportCommand: async (folder, target) =>
      python(
        'import sys; import pyarrow.dataset as d; from pyiceberg.table import StaticTable; ' +
          'd.write_dataset(StaticTable.from_metadata(sys.argv[1]).scan().to_arrow_batch_reader(), sys.argv[2], format="parquet")',
        (await newestMetadata(folder)) ?? folder,
        target,
      ),
  },
  {
    name: 'the Hudi table',
    files: ['parquet'],
    also: replaced,
    marks: (_, names) => names.has('.hoodie'),
    exportCommand: (folder, target) => sparkCommand(folder, target, 'parquet', 'hudi'),
  },
  {
    name: 'the output of a Spark stream in',
    files: ['parquet', 'json'],
    also: 'whose folder also holds files of attempts that failed, unless _spark_metadata lists them',
    marks: async (folder, names) =>
      names.has('_spark_metadata') &&
      (await namesOf(join(folder, '_spark_metadata'))).some((name) => /^\d+(\.compact)?$/.test(name)),
    exportCommand: (folder, target, kind) => sparkCommand(folder, target, kind, kind),
  },
];

/**
 * Refuses files that belong to a table: read as plain Parquet they give deleted and replaced rows too. A table is found
 * by what its format keeps beside its files or above them, whatever path or glob has led to them.
 * @param files data files, or the folders in which they were looked for
 * @param kind what they are read as
 * Errors: DataError that names the table, and the command that writes its live rows.
 */
export async function refuseTables(files: readonly string[], kind: FileKind = 'parquet'): Promise<void> {
  const known = new Map<string, Promise<Table | undefined>>();
  for (const file of files) {
    const paths = new Set([resolve(file), await realpath(file).catch(() => resolve(file))]);
    for (const path of paths) {
      const folder = (await isFolder(path)) ? path : dirname(path);
      const table = await tableAbove(folder, known);
      if (table?.format.files.includes(kind)) throw await refusal(file, table, kind);
    }
  }
}

function tableAbove(
  folder: string,
  known: Map<string, Promise<Table | undefined>>,
): Promise<Table | undefined> {
  let found = known.get(folder);
  if (!found) {
    const above = dirname(folder);
    found = tableAt(folder).then((own) => own ?? (above === folder ? undefined : tableAbove(above, known)));
    known.set(folder, found);
  }
  return found;
}

async function tableAt(folder: string): Promise<Table | undefined> {
  const names = new Set(await namesOf(folder));
  for (const format of formats) if (await format.marks(folder, names)) return { folder, format };
  return undefined;
}

/** The metadata file of an Iceberg table's last commit. Names begin with a number that grows: `00002-…`, `v2`. */
async function newestMetadata(folder: string): Promise<string | undefined> {
  const names = await namesOf(join(folder, 'metadata'));
  const versions = names
    .filter((name) => /\.metadata\.json$|\.gz\.metadata\.json$|\.metadata\.json\.gz$/.test(name))
    .sort((a, b) => versionOf(a) - versionOf(b) || (a < b ? -1 : 1));
  const newest = versions.at(-1);
  return newest === undefined ? undefined : join(folder, 'metadata', newest);
}

function versionOf(name: string): number {
  return Number(/^v?(\d+)/.exec(name)?.[1] ?? -1);
}

/** Folders that cannot be listed say nothing. */
async function namesOf(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

async function refusal(file: string, { folder, format }: Table, kind: FileKind): Promise<DataError> {
  const target = `${basename(folder)}-live`;
  return new DataError(
    { file },
    `belongs to ${format.name} ${folder}, ${format.also}. ` +
      `Write its live rows as plain ${kind === 'json' ? 'JSON' : 'Parquet'}, and read that folder instead: ${await format.exportCommand(folder, target, kind)}`,
  );
}

function python(code: string, ...args: string[]): string {
  return `python3 -c ${[code, ...args].map(quoted).join(' ')}`;
}

/** @param source the format as which Spark reads the folder */
function sparkCommand(folder: string, target: string, kind: FileKind, source: string): string {
  const select = `SELECT * FROM ${source}.\`${folder}\``;
  return `spark-sql -e ${quoted(`INSERT OVERWRITE DIRECTORY '${resolve(target)}' USING ${kind} ${select}`)}`;
}

/** As a word of a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./@%+=:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
