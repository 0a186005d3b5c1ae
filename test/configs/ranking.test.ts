import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { runCli } from '../fixtures/cli.js';
import { projectRoot } from '../fixtures/paths.js';

/** What the outputs that are looked at hold. */
interface Row {
  readonly category: string;
  readonly target: string;
  readonly nag_rank: number;
  readonly combined_score: number;
  readonly edu_score: number;
  readonly nag_tokens: number;
}

/** Runs a configuration of the project on its own material, its output in a folder of the test. */
async function run(t: Test, name: string, ...args: string[]) {
  const dir = t.testdir({ out: {} });
  const configs = join(projectRoot, 'configs');
  const text = await readFile(join(configs, name), 'utf8');
  const here = text
    .replaceAll('model: nag-mini', `model: ${join(configs, 'nag-mini')}`)
    .replaceAll(/path: "?(quickstart|demo)/g, (found, folder) => found.replace(folder, join(configs, folder)))
    .replaceAll('../out', 'out')
    .replaceAll('write.parquet', 'write.jsonl')
    .replaceAll('.parquet', '.jsonl');
  await mkdir(join(dir, 'out'), { recursive: true });
  await writeFile(join(dir, name), here);
  const { code, stdout, stderr } = await runCli(['run', join(dir, name), ...args]);
  t.equal(code, 0, stderr);
  const written = await readFile(join(dir, 'out', name.replace('.yaml', '.jsonl')), 'utf8');
  const rows = written.trim().split('\n');
  return { stdout, rows: rows.map((line): Row => JSON.parse(line)) };
}

t.test('many-targets.yaml: each target chooses its kind', async (t) => {
  const { stdout, rows } = await run(t, 'many-targets.yaml');
  t.match(stdout, /Overlap of the selections[^\n]*\n +target +documents +science +code\n/);
  const kinds = (target: string) => rows.filter((row) => row.target === target).map((row) => row.category);
  t.ok(kinds('science').filter((kind) => kind === 'science').length >= 8);
  t.ok(kinds('code').every((kind) => kind === 'code'));
  t.strictSame(
    rows.map((row) => row.nag_rank),
    [...rows.keys()],
  );
  t.equal(
    rows.findIndex((row) => row.target === 'code'),
    kinds('science').length,
    'one target after the other',
  );
});

t.test('quality.yaml: distance and quality together', async (t) => {
  const { stdout, rows } = await run(t, 'quality.yaml');
  t.match(stdout, /rank +30 .* 2 without edu_score/);
  const scores = rows.map((row) => row.combined_score);
  t.ok(rows.length > 3);
  t.strictSame(
    scores,
    scores.toSorted((a, b) => a - b),
  );
  t.ok(rows.every((row) => row.edu_score > 3));
});

t.test('count-tokens.yaml: a pool without token counts', async (t) => {
  const { stdout, rows } = await run(t, 'count-tokens.yaml');
  const tokens = rows.reduce((sum, row) => sum + row.nag_tokens, 0);
  const [, budget] =
    /([\d,]+) tokens, ([\d,]+) budget/
      .exec(stdout)
      ?.map((found) => found.replaceAll(',', ''))
      .slice(1) ?? [];
  t.ok(tokens > 0 && tokens <= Number(budget), `${tokens} of ${budget}`);
  t.equal(rows[0]?.category, 'science');
});
