import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { main } from '../../pipeline/cli/main.js';

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
