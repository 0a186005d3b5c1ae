/**
 * Measures how fast the product is, side by side with what it is compared with, and writes docs/performance.md.
 *
 *   npm run bench [-- PART… --quick --rows FILE --report FILE --documents JSONL --tokenizer FOLDER]
 *
 * About 40 minutes, 25 GB of disk; nothing else should run on the machine. Comparisons with PyTorch, pandas, DuckDB and
 * NumPy run where `python3` has them, and are left out, with a word, where not. Results of several commands make one
 * report: each adds its own to the file of `--rows`; the part `none` only reports.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openMaterial } from './material.js';
import type { Result } from './part.js';
import { parts } from './parts.js';
import { pythonVersions } from './python.js';
import { tableOf, writeReport } from './report.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rows: { type: 'string' },
    report: { type: 'string' },
    documents: { type: 'string' },
    tokenizer: { type: 'string' },
  },
});
const unknown = positionals.find((name) => name !== 'none' && !parts.has(name));
if (unknown !== undefined) throw new Error(`no part "${unknown}": ${[...parts.keys()].join(', ')}`);
const names = positionals.length > 0 ? positionals.filter((name) => name !== 'none') : [...parts.keys()];

const root = await mkdtemp(join(tmpdir(), 'nag-bench-'));
const results = new Map<string, Result>();
for (const known of values.rows ? await readResults(values.rows) : []) results.set(known.part, known);
try {
  const material = await openMaterial(root, values);
  console.error(material.description);
  for (const name of names) {
    console.error(`${name} …`);
    const result = await parts.get(name)!({
      folder: await mkdtemp(join(root, `${name}-`)),
      material,
      quick: values.quick,
      say: (text) => console.error(`  ${text}`),
    });
    results.set(name, result);
    if (values.rows) await writeFile(values.rows, JSON.stringify([...results.values()]));
    console.log(`${result.title}\n${tableOf(result.figures)}\n`);
    for (const text of result.leftOut ?? []) console.log(`left out: ${text}`);
  }
  const report =
    values.report ?? (positionals.length === 0 && !values.quick ? 'docs/performance.md' : undefined);
  const inOrder = [...parts.keys()].flatMap((name) => results.get(name) ?? []);
  const missing = [...parts.keys()].filter((name) => !results.has(name));
  if (report) await writeReport(report, inOrder, [material.description, await pythonVersions()], missing);
} finally {
  await rm(root, { recursive: true, force: true });
}

async function readResults(file: string): Promise<Result[]> {
  return JSON.parse(await readFile(file, 'utf8').catch(() => '[]')) as Result[];
}
