import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { ParquetSource } from '../../pipeline/arrow/parquet-file.js';
import { main } from '../../pipeline/cli/main.js';
import { type Changes, documents, type Fault, makePipeline, testFaults } from './pipeline.js';

const changes: Changes = { source: 'read.jsonl', target: '{path: target.jsonl}', pool: '{path: pool.jsonl}' };

/** Lines of JSON, less line ends; `change` gets those of a pool that works. */
const lines = (count: number): string[] => {
  const columns = Object.entries(documents('p', count));
  return Array.from({ length: count }, (_, row) =>
    JSON.stringify(Object.fromEntries(columns.map(([name, values]) => [name, values[row]]))),
  );
};

async function write(dir: string, pool: string | Buffer, name = 'pool.jsonl'): Promise<void> {
  await writeFile(join(dir, 'target.jsonl'), lines(3).join('\n'));
  await writeFile(join(dir, name), pool);
}

const withLine = (at: number, text: string) =>
  lines(8)
    .map((line, i) => (i === at ? text : line))
    .join('\n');
const row = (values: Record<string, unknown>) =>
  JSON.stringify({ docid: 'x', doc: 'some text', token_num: 3, lang: 'en', ...values });

/** Faults in a line, and what is said of `pool.jsonl`. */
const inPool: readonly (Omit<Fault, 'prepare'> & { readonly text: string | Buffer })[] = [
  {
    name: 'a line that is cut off',
    text: withLine(7, '{"docid": "x", "do'),
    message: /^pool\.jsonl: line 8: is not JSON: .*$/,
  },
  {
    name: 'a line that is no object',
    text: withLine(3, '["x"]'),
    message: /^pool\.jsonl: line 4: expected a JSON object, found \["x"\]$/,
  },
  {
    name: 'a JSON array over several lines',
    text: '[\n{"docid": "x"}\n]',
    message: /^pool\.jsonl: line 1: .*$/,
  },
  {
    name: 'a line that is not JSON, after those that were looked at',
    text: withLine(5, 'docid,doc'),
    changes: { pool: '{path: pool.jsonl, infer_rows: 2}' },
    message: /^pool\.jsonl: line 6: is not JSON: .*$/,
  },
  {
    name: 'a column of another type, after those that were looked at',
    text: withLine(5, row({ token_num: 'three' })),
    changes: { pool: '{path: pool.jsonl, infer_rows: 2}' },
    message:
      /^pool\.jsonl: line 6, column "token_num": expected a whole number, as in the rows before, found .*types: \{token_num: json\}.*$/,
  },
  {
    name: 'a new column, after those that were looked at',
    text: withLine(5, row({ extra: 1 })),
    changes: { pool: '{path: pool.jsonl, infer_rows: 2}' },
    message: /^pool\.jsonl: line 6: has the column "extra", .*infer_rows: all$/,
  },
  {
    name: 'a whole number of more than 64 bits',
    text: withLine(4, '{"docid": "x", "doc": "some text", "token_num": 18446744073709551616}'),
    message:
      /^pool\.jsonl: line 5, column "token_num": the whole number 18446744073709551616 has more than 64 bits; .*$/,
  },
  {
    name: 'a whole number of more than 64 bits, after those that were looked at',
    text: withLine(4, '{"docid": "x", "doc": "some text", "token_num": 18446744073709551616}'),
    changes: { pool: '{path: pool.jsonl, infer_rows: 2}' },
    message: /^pool\.jsonl: line 5, column "token_num": the whole number 18446744073709551616 is beyond .*$/,
  },
  {
    name: 'half a surrogate pair',
    text: withLine(2, '{"docid": "x", "doc": "a \\ud83d b", "token_num": 1}'),
    message: /^pool\.jsonl: line 3, column "doc": holds half a surrogate pair.*invalid_text: replace$/,
  },
  {
    name: 'bytes that are no UTF-8',
    text: Buffer.concat([
      Buffer.from(`${lines(2).join('\n')}\n{"docid": "x", "doc": "a `),
      Buffer.from([0xff, 0x22, 0x7d]),
    ]),
    message: /^pool\.jsonl: line 3: is not valid UTF-8.*invalid_text: replace$/,
  },
  {
    name: 'an empty text',
    text: withLine(3, row({ doc: '' })),
    message: /^pool\.jsonl: row 3, column "doc": the text is empty or null.*$/,
  },
  {
    name: 'texts of several types',
    text: withLine(3, row({ doc: { body: 'x' } })),
    changes: { tokenize: '{model: model, max_length: 5}' },
    message: /^pool\.jsonl: column "doc": expected text, found values of several types .*$/,
  },
  {
    name: 'token counts as text',
    text: lines(4)
      .join('\n')
      .replaceAll(/"token_num":(\d+)/g, '"token_num":"$1"'),
    message: /^pool\.jsonl: column "token_num": expected numbers of tokens, found Utf8$/,
  },
];

testFaults(t, [
  ...inPool.map(({ text, ...fault }) => ({
    ...fault,
    changes: { ...changes, ...fault.changes },
    prepare: (dir: string) => write(dir, text),
  })),
  {
    name: 'a file that is not there',
    prepare: (dir) => write(dir, '', 'other.jsonl'),
    changes,
    message: /^pool\.jsonl: does not exist$/,
  },
  {
    name: 'compressed data that is cut off',
    prepare: (dir) => write(dir, gzipSync(lines(500).join('\n')).subarray(0, 900), 'pool.jsonl.gz'),
    changes: { ...changes, pool: '{path: pool.jsonl.gz, infer_rows: all}' },
    message: /^pool\.jsonl\.gz: ends in the middle of its compressed data: it is truncated$/,
  },
  {
    name: 'a .gz file that is not compressed',
    prepare: (dir) => write(dir, lines(4).join('\n'), 'pool.jsonl.gz'),
    changes: { ...changes, pool: '{path: pool.jsonl.gz}' },
    message: /^pool\.jsonl\.gz: is not valid gzip data$/,
  },
  {
    name: 'one file of several with a fault',
    prepare: async (dir) => {
      await write(dir, lines(4).join('\n'), 'pool-1.jsonl');
      await write(dir, `${lines(4).join('\n')}\n{]`, 'pool-2.jsonl');
      await readFile(join(dir, 'pool-2.jsonl'));
    },
    changes: { ...changes, pool: '{path: "pool-*.jsonl"}' },
    message: /^pool-2\.jsonl: line 5: is not JSON: .*$/,
  },
] satisfies Fault[]);

t.test('an empty pool gives an empty output with the columns that are known', async (t) => {
  const dir = await makePipeline(t, { ...changes, sink: 'write.parquet' });
  await write(dir, '\n \n');
  await main(['run', join(dir, 'pipeline.yaml')], 'test');
  const output = await ParquetSource.open(join(dir, 'out/selected.parquet'));
  t.teardown(() => output.close());
  const names = output.schema.fields.map(({ name }) => name);
  t.strictSame([output.rows, names], [0, ['docid', 'doc', 'token_num', 'nag_distance', 'nag_rank']]);
});
