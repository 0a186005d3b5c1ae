import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { main } from '../../pipeline/cli/main.js';
import { jsonRows, runConfig } from '../fixtures/run-config.js';
import { makePipeline } from './pipeline.js';

/** The output and the summary of stages over two documents whose columns are called otherwise than their roles. */
async function outcome(dir: string, stages: string): Promise<{ rows: unknown[]; printed: string }> {
  const [file, out] = [join(dir, 'c.yaml'), join(dir, 'out.jsonl')];
  const source = 'path: docs.jsonl, columns: {docid: id, text: body, tokens: n}';
  await writeFile(file, `version: 1\nstages:\n  - {id: docs, use: read.jsonl, with: {${source}}}\n${stages}`);
  const printed: string[] = [];
  const write = process.stdout.write;
  process.stdout.write = (text: string | Uint8Array) => {
    printed.push(String(text));
    return true;
  };
  try {
    await main(['run', file], 'test');
  } finally {
    process.stdout.write = write;
  }
  const lines = (await readFile(out, 'utf8')).trim().split('\n');
  return { rows: lines.map((line) => JSON.parse(line) as unknown), printed: printed.join('') };
}

t.test('a column is named by its name or by its role, everywhere in the same way', async (t) => {
  const docs = [
    { id: 'a', body: 'one', n: 1 },
    { id: 'b', body: 'one', n: 5 },
  ];
  const dir = t.testdir({ 'docs.jsonl': docs.map((row) => `${JSON.stringify(row)}\n`).join('') });
  const { rows, printed } = await outcome(
    dir,
    `  - {use: show, with: {columns: [docid, body], by: text, mean: [tokens]}}
  - {use: deduplicate, from: docs, with: {column: text}}
  - {use: write.jsonl, with: {path: out.jsonl, columns: [tokens, id, text, docid]}}
`,
  );
  t.strictSame(rows, [{ tokens: 1, id: 'a', text: 'one', docid: 'a' }]);
  t.match(printed, /docid +body\n +a +one\n +b +one/);
  t.match(printed, /text +rows +.*tokens.*\n +one +2 +3/);
});

/** Rows of out.jsonl of a pipeline, or the error. */
async function rowsOf(dir: string, stages: string): Promise<unknown> {
  const { error } = await runConfig(dir, `version: 1\nstages:\n${stages}`);
  return error ?? (await jsonRows(join(dir, 'out.jsonl')));
}

const sink = (columns: string) => `  - {use: write.jsonl, with: {path: out.jsonl, columns: ${columns}}}\n`;

t.test('in conditions too, and where the text is a template', async (t) => {
  const docs = [
    { id: 'a', body: { part: 'one' }, n: 1 },
    { id: 'b', body: { part: 'two' }, n: 5 },
    { id: 'c', body: { part: 'one' }, n: 6 },
  ];
  const dir = t.testdir({ 'docs.jsonl': docs.map((row) => `${JSON.stringify(row)}\n`).join('') });
  const source = (where: string) =>
    `  - {use: read.jsonl, with: {path: docs.jsonl, columns: {docid: id, text: "{body.part}!", tokens: n}, where: ${where}}}\n`;
  const filter = '  - {use: filter, with: {where: {tokens: {max: 5}, text: "one!"}}}\n';
  t.strictSame(
    [
      await rowsOf(dir, `${source('{docid: [b, c]}')}${sink('[text, docid, body.part]')}`),
      await rowsOf(dir, `${source('{}')}${filter}${sink('[docid]')}`),
      await rowsOf(dir, `${source('{}')}  - {use: deduplicate, with: {column: text}}\n${sink('[docid]')}`),
    ],
    [
      [
        { text: 'two!', docid: 'b', 'body.part': 'two' },
        { text: 'one!', docid: 'c', 'body.part': 'one' },
      ],
      [{ docid: 'a' }],
      [{ docid: 'a' }, { docid: 'b' }],
    ],
  );
});

t.test('of rows that rank has chosen', async (t) => {
  const columns = (text: string) => `{path: pool.parquet, columns: {text: ${text}}}`;
  const out = '{path: out/rows.jsonl, order: input, columns: [tokens, text, docid]}';
  const found: unknown[] = [];
  for (const text of ['doc', '"{lang}: {doc}"']) {
    const changes = { pool: columns(text), out, sink: 'write.jsonl', rank: '{fraction: 1}' } as const;
    const dir = await makePipeline(t, changes);
    const { error } = await runConfig(dir, await readFile(join(dir, 'pipeline.yaml'), 'utf8'));
    found.push(error ?? (await jsonRows(join(dir, 'out', 'rows.jsonl')))[1]);
  }
  const text = 'the p number 1 and more of it';
  t.match(found, [
    { tokens: 11, text, docid: 'p1' },
    { tokens: 11, text: `de: ${text}`, docid: 'p1' },
  ]);
});
