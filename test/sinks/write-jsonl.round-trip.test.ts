import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  Bool,
  type DataType,
  Field,
  Float64,
  Int64,
  List,
  type RecordBatch,
  Schema,
  Struct,
  Uint64,
  Utf8,
} from 'apache-arrow';
import t, { type Test } from 'tap';
import { jsonRow, linesOf } from '../../pipeline/arrow/json-row.js';
import { toRecordBatch } from '../../transforms/jsonl/convert.js';
import { jsonMark } from '../../transforms/jsonl/infer.js';
import { seededRandom } from '../../transforms/nag/seeded-random.js';
import { readJsonl } from '../../transforms/read-jsonl.js';
import { sampleBatches } from '../fixtures/columns.js';
import { openSource, readAll, testContext } from '../transforms/context.js';

/** What write.jsonl writes, as read.jsonl reads it. */
async function readBack(t: Test, lines: string): Promise<RecordBatch> {
  const path = join(t.testdir({}), 'a.jsonl');
  await writeFile(path, lines);
  const options = { path, infer_rows: 'all', batch_rows: 65536 };
  const [batch] = await readAll(await openSource(readJsonl, options, testContext(t)));
  return batch!.columns;
}

const random = seededRandom(15);
const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
const bits = () =>
  BigInt(Math.floor(random() * 2 ** 32)) * 2n ** 32n + BigInt(Math.floor(random() * 2 ** 32));

function float(): number {
  const value = new Float64Array(BigUint64Array.of(bits()).buffer)[0]!;
  return Number.isFinite(value)
    ? pick([value, Math.trunc(value), random(), Math.round(random() * 9), -0, 2 ** 60])
    : 0;
}

const texts = [
  '',
  'é\u2028"\\\n',
  '\u0000#9007199254740993',
  '\u{1f600}',
  '1',
  'NaN',
  '{}',
  'null',
  '\ufeff',
];
const json = () =>
  pick([
    '{}',
    '[]',
    '"a"',
    '1',
    '1.0',
    '-0.0',
    '0.1',
    '1e+400',
    `${bits()}`,
    `{"a":[${bits()},{"b":2.50}],"":null}`,
  ]);

/** A type without children, its values, and whether they are JSON text. */
const leaves: readonly (readonly [DataType, () => unknown, boolean])[] = [
  [new Int64(), () => pick([BigInt.asIntN(64, bits()), 0n, -(2n ** 63n), 2n ** 63n - 1n]), false],
  [new Uint64(), () => pick([bits(), 0n, 2n ** 64n - 1n]), false],
  [new Float64(), float, false],
  [new Bool(), () => random() < 0.5, false],
  [new Utf8(), () => pick(texts), false],
  [new Utf8(), json, true],
];

interface Column {
  readonly field: Field;
  readonly value: () => unknown;
}

function column(name: string, depth: number): Column {
  const kind = depth > 0 ? random() : 1;
  const orNull = (value: () => unknown) => () => (random() < 0.1 ? null : value());
  if (kind < 0.25) {
    const item = column('item', depth - 1);
    const value = () => Array.from({ length: Math.floor(random() * 4) }, item.value);
    return { field: new Field(name, new List(item.field), true), value: orNull(value) };
  }
  if (kind < 0.5) {
    const children = ['a', 'b.c', ''].map((child) => column(child, depth - 1));
    const value = () => Object.fromEntries(children.map((child) => [child.field.name, child.value()]));
    return {
      field: new Field(name, new Struct(children.map(({ field }) => field)), true),
      value: orNull(value),
    };
  }
  const [type, value, isJson] = pick(leaves);
  return { field: new Field(name, type, true, isJson ? jsonMark : undefined), value: orNull(value) };
}

t.test('generated rows of every type that JSON lines are read as come back as they went out', async (t) => {
  const differences: string[] = [];
  for (let round = 0; round < 60; round++) {
    const { field, value } = column('x', 3);
    const rows = Array.from({ length: 40 }, () => [value(), 1n]);
    const schema = new Schema([field, new Field('end', new Int64(), true)]);
    const lines = linesOf(toRecordBatch(rows, schema, undefined));
    const again = linesOf(await readBack(t, lines));
    if (lines !== again) differences.push(String(field.type));
  }
  t.strictSame(differences, []);
});

t.test('every type that Parquet has comes back with the same values', async (t) => {
  const changed: string[] = [];
  for (const { name, batch } of sampleBatches()) {
    // Refused by write.jsonl itself.
    if (/Union|Interval/.test(String(batch.schema))) continue;
    const row = jsonRow(batch);
    const lines = Array.from({ length: batch.numRows }, (_, i) => row(i));
    const back = jsonRow(await readBack(t, `${lines.join('\n')}\n`));
    const again = lines.map((_, i) => back(i));
    if (JSON.stringify(lines.map(valuesOf)) !== JSON.stringify(again.map(valuesOf))) changed.push(name);
  }
  t.strictSame(changed, []);
});

/** A line's values; a key of a map that other rows have is null. */
function valuesOf(line: string): unknown {
  return JSON.parse(line, (_, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== null))
      : value,
  );
}
