import { resolve } from 'node:path';
import { type Field, makeData, RecordBatch, Schema, Struct } from 'apache-arrow';
import type { Context } from '../../pipeline/component.js';
import type { Condition } from './condition.js';
import { type Partition, partitionColumn, partitionFields, partitionOf, partitionValues } from './hive.js';
import type { ListedPath } from './listing.js';
import { compileWhere } from './where.js';

/** The columns that a source's files have from the names of their folders. */
export interface HiveLayout {
  readonly fields: readonly Field[];
  /**
   * The files that may have rows which meet the conditions: the others are not opened, but for one where none is left,
   * for its columns. Errors: DataError as of `compileWhere`.
   */
  pruned(where: Readonly<Record<string, Condition>>, context: Context): readonly ListedPath[];
  /** A file's schema without columns that its path has too, which counts, as in DuckDB and pyarrow. */
  withoutColumns(schema: Schema, context: Context): Schema;
  /** A batch of a file with some of these columns behind its own. */
  withColumns(columns: RecordBatch, fields: readonly Field[], file: string): RecordBatch;
  /** What a file's path adds to its content, where one of these columns is from there. */
  identity(file: string, columns: readonly string[]): { partition?: string };
}

/** @param all true: all folders of a path count; undefined: those below the folder or glob that named it; false: none */
export function hiveLayout(inputs: readonly ListedPath[], all: boolean | undefined): HiveLayout {
  const partitionIn = ({ path, name }: ListedPath) => partitionOf(all ? resolve(path) : name);
  const partitions = new Map<string, Partition>(
    all === false ? [] : inputs.map((input) => [input.path, partitionIn(input)]),
  );
  const fields = partitionFields([...partitions.values()]);
  const names = new Set(fields.map(({ name }) => name));
  return {
    fields,
    pruned: (where, context) => {
      const conditions = Object.entries(where).filter(([column]) => names.has(column));
      if (conditions.length === 0) return inputs;
      const table = tableOf(fields, inputs, partitions);
      const filter = compileWhere(Object.fromEntries(conditions), table.schema, inputs[0]!.path)!;
      const kept = [...filter.select(table)].map((row) => inputs[row]!);
      if (kept.length < inputs.length) context.count('files left out by where', inputs.length - kept.length);
      return kept.length > 0 ? kept : inputs.slice(0, 1);
    },
    withoutColumns: (schema, context) => {
      const own = schema.fields.filter(({ name }) => !names.has(name));
      if (own.length === schema.fields.length) return schema;
      const both = schema.fields.filter(({ name }) => names.has(name)).map(({ name }) => name);
      context.note(
        `${both.join(', ')}: taken from the names of the folders; the files have such a column too (hive: false takes that)`,
      );
      return new Schema(own, schema.metadata);
    },
    withColumns: (columns, wanted, file) => {
      if (wanted.length === 0) return columns;
      const partition = partitions.get(file);
      return assemble(
        [...columns.schema.fields, ...wanted],
        [
          ...columns.data.children,
          ...wanted.map((field) => partitionColumn(field, partition?.get(field.name), columns.numRows)),
        ],
        columns.numRows,
        columns.schema,
      );
    },
    identity: (file, columns) =>
      columns.some((column) => names.has(column))
        ? { partition: JSON.stringify([...(partitions.get(file) ?? [])]) }
        : {},
  };
}

/** A row a file. */
function tableOf(
  fields: readonly Field[],
  inputs: readonly ListedPath[],
  partitions: ReadonlyMap<string, Partition>,
): RecordBatch {
  const children = fields.map((field) =>
    partitionValues(
      field,
      inputs.map(({ path }) => partitions.get(path)?.get(field.name)),
    ),
  );
  return assemble(fields, children, inputs.length);
}

function assemble(
  fields: readonly Field[],
  children: RecordBatch['data']['children'],
  rows: number,
  like?: Schema,
): RecordBatch {
  const type = new Struct([...fields]);
  const data = makeData({ type, length: rows, nullCount: 0, children });
  return new RecordBatch(new Schema([...fields], like?.metadata), data);
}
