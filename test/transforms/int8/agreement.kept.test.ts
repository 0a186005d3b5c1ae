import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { writeModelFolder } from '../../fixtures/checkpoint.js';
import { runConfig } from '../../fixtures/run-config.js';

async function makeFolder(t: Test): Promise<string> {
  const dir = t.testdir({ out: {} });
  await writeModelFolder(join(dir, 'model'), 'qwen3', { config: { num_hidden_layers: 2 } });
  const lines = Array.from({ length: 30 }, (_, row) =>
    JSON.stringify({ docid: `d${row}`, doc: `number ${row} of ${'many '.repeat(row % 5)}documents` }),
  );
  await writeFile(join(dir, 'pool.jsonl'), `${lines.join('\n')}\n`);
  return dir;
}

const configText = (least: number, top: string, store: string) => `version: 1
temp_dir: temp
${top}
stages:
  - {use: read.jsonl, with: {path: pool.jsonl}}
  - {use: tokenize, with: {model: model, max_length: 16}}
  - {use: extract, with: {model: model, device: cpu, threads: 1, precision: int8, min_agreement: ${least}}}
  - {use: top_k, with: {k: 5}}
${store}
  - {use: write.jsonl, with: {path: out/features.jsonl}}
`;

for (const { name, top, store } of [
  { name: 'in a store', top: '', store: '  - {use: features, with: {dir: store}}' },
  { name: 'for the next run', top: 'state_dir: state', store: '' },
])
  t.test(`min_agreement counts for features that are kept ${name} as well`, async (t) => {
    const dir = await makeFolder(t);
    const first = await runConfig(dir, configText(0.1, top, store));
    t.equal(first.error, undefined);
    const told = JSON.parse(first.result?.provenance.get('nag.int8_agreement') ?? '{}') as {
      overlap: number;
    };
    t.ok(told.overlap > 0.1 && told.overlap < 1, `${told.overlap}`);
    const again = await runConfig(dir, configText(0.1, top, store));
    t.equal(again.error, undefined);
    t.strictSame(JSON.parse(again.result?.provenance.get('nag.int8_agreement') ?? '{}'), told);
    const more = await runConfig(dir, configText(1, top, store));
    t.match(
      more.error,
      /^top_k: int8 and float32 shared 0\.\d+ of the top neurons of the documents that were compared when features were kept, expected at least 1: use precision: float32, or lower min_agreement \(stage "extract" \+ "top_k", pipeline\.yaml:7:5\)$/,
    );
  });
