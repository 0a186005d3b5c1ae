import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import {
  ChunkField,
  ColumnField,
  ElementField,
  elementsOf,
  FileField,
  isStruct,
  logicalOf,
  numberOf,
  structsOf,
} from '../../../pipeline/arrow/parquet-elements.js';
import { writeParquet } from '../../../pipeline/arrow/parquet-writer.js';
import { decodeThrift, encodeThrift, type ThriftStruct } from '../../../pipeline/arrow/thrift-compact.js';
import { goldenDir } from '../../fixtures/golden.js';
import { batchesOf, jsonOf } from '../../fixtures/parquet-rows.js';

const golden = (name: string) => join(goldenDir('types'), `${name}.parquet`);

function footerOf(path: string): ThriftStruct {
  const bytes = readFileSync(path);
  const length = bytes.readUInt32LE(bytes.length - 8);
  return decodeThrift(bytes.subarray(bytes.length - 8 - length));
}

/** Leaves, and groups with an annotation of their own: physical, converted and logical type. Names inside of lists differ. */
function types(file: string): unknown[] {
  return elementsOf(footerOf(file)).flatMap(({ path, fields, leaf }) => {
    const logical = logicalOf(fields);
    if (!leaf && logical?.kind !== 16) return [];
    return [
      [
        path[0],
        path.at(-1) === 'array' ? 'element' : path.at(-1),
        numberOf(fields, ElementField.TYPE),
        numberOf(fields, ElementField.LENGTH),
        // Some writers annotate text in the older way alone.
        logical !== undefined &&
          logical.kind !== 1 && [logical.kind, Buffer.from(encodeThrift(logical.value)).toString('hex')],
      ],
    ];
  });
}

async function copied(t: Test, name: string): Promise<string> {
  const { source, batches } = await batchesOf(golden(name));
  const copy = join(t.testdir(), 'copy.parquet');
  await writeParquet(copy, source.schema, from(batches), {
    compression: 'zstd',
    rowGroupRows: 2,
    metadata: {},
  });
  return copy;
}

async function* from<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

t.test(
  'logical types that Arrow has none for are written as they were read, with their values',
  async (t) => {
    const copy = await copied(t, 'logical');
    t.strictSame(types(copy), types(golden('logical')));
    t.strictSame(
      jsonOf((await batchesOf(copy)).batches),
      jsonOf((await batchesOf(golden('logical'))).batches),
    );
  },
);

t.test('an interval keeps its months', async (t) => {
  const { batches } = await batchesOf(await copied(t, 'logical'), ['span']);
  t.strictSame(jsonOf(batches), [{ span: 'P5M2DT3S' }]);
});

t.test('INT96 goes out as INT96, without statistics, which have no order', async (t) => {
  const copy = await copied(t, 'int96');
  t.strictSame(types(copy), types(golden('int96')));
  t.strictSame(jsonOf((await batchesOf(copy)).batches), jsonOf((await batchesOf(golden('int96'))).batches));
  const groups = structsOf(footerOf(copy), FileField.ROW_GROUPS);
  const chunks = groups.map((group) => structsOf(group, 1)[1]!);
  const statistics = chunks.map((chunk) => {
    const meta = chunk.get(ChunkField.META)!.value;
    return [isStruct(meta) && meta.has(ColumnField.STATISTICS), chunk.has(6), chunk.has(7)];
  });
  t.strictSame(statistics, Array(3).fill([false, false, false]));
});
