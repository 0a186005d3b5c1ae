import { copyFileSync, linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { main } from '../../../pipeline/cli/main.js';
import { NagError } from '../../../pipeline/errors.js';
import { snapshot } from '../../faults/pipeline.js';

const line = '{"docid": "a", "doc": "text"}\n';

/** A folder with an input and a configuration. @param top settings @param stages of the pipeline, as YAML lists */
function folder(t: Test, stages: readonly string[], top = ''): string {
  const dir = t.testdir({ pool: { 'a.jsonl': line }, 'target.jsonl': line, 'keys.json': '{"0": [1]}' });
  const text = stages.map((stage) => `  - ${stage}\n`).join('');
  writeFileSync(join(dir, 'c.yaml'), `version: 1\n${top}stages:\n${text}`);
  return dir;
}

/** What a command ends with: its exit code and message, without the folder. */
async function ending(dir: string, command: 'check' | 'run'): Promise<[number, string]> {
  try {
    await main([command, join(dir, 'c.yaml')], 'test');
    return [0, ''];
  } catch (error) {
    if (!(error instanceof NagError)) throw error;
    return [error.exitCode, error.message.replaceAll(`${dir}/`, '')];
  }
}

const read = '{id: pool, use: read.jsonl, with: {path: pool/a.jsonl}}';
const write = (path: string) => `{id: out, use: write.jsonl, with: {path: ${path}}}`;

t.test('check refuses by the paths alone what would be replaced', async (t) => {
  const cases: [stages: string[], top: string, message: string][] = [
    [[read, write('./pool/../pool/a.jsonl')], '', 'pool/a.jsonl is read by stage "pool" (c.yaml:3:5), and'],
    [[read, write('c.yaml')], '', 'c.yaml is read by the configuration, and'],
    [
      ['{id: pool, use: read.jsonl, with: {path: "pool/*.jsonl"}}', write('pool/b.jsonl')],
      '',
      'pool/b.jsonl would be read by stage "pool" (c.yaml:3:5) the next time (pool/*.jsonl):',
    ],
    [
      [read, write('a.jsonl'), write('out/../a.jsonl').replace('id: out', 'id: b, from: pool')],
      '',
      'a.jsonl is written by stage "b" (c.yaml:5:5) too:',
    ],
    [[read, write('state/tmp/a.jsonl')], 'state_dir: state\n', 'state/tmp/a.jsonl is inside state/tmp,'],
    [[read, write('m.txt')], 'metrics: {textfile: m.txt}\n', 'm.txt is written by metrics.textfile too:'],
    [
      ['{id: pool, use: read.jsonl, with: {path: "*.jsonl"}}', write('out/a.jsonl')],
      'on_error: quarantine\n',
      'c.rejects.jsonl would be read by stage "pool" (c.yaml:4:5) the next time (*.jsonl):',
    ],
  ];
  const found = [];
  for (const [stages, top] of cases) found.push(await ending(folder(t, stages, top), 'check'));
  t.match(
    found,
    cases.map(([, , message]) => [2, new RegExp(`^c\\.yaml:\\d:5  .*: the output ${literal(message)}`)]),
  );
});

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

t.test('what may stay together', async (t) => {
  const stages = [read, write('pool/a.parquet/b.jsonl')];
  const cases: [stages: string[], top: string][] = [
    [stages, 'state_dir: state\nmanifest: state/manifest.json\ntemp_dir: pool\n'],
    [[read, write('pool/b.jsonl')], 'temp_dir: pool\n'],
    [
      [read, write('state/a.jsonl')],
      'state_dir: state\non_error: {policy: quarantine, path: state/bad.jsonl}\n',
    ],
    [['{use: read.keys, with: {path: keys.json}}', '{use: write.keys, with: {path: keys.2.json}}'], ''],
  ];
  const found = [];
  for (const [own, top] of cases) found.push(await ending(folder(t, own, top), 'check'));
  t.strictSame(
    found,
    cases.map(() => [0, '']),
  );
});

t.test('a run refuses what only links show, before any work', async (t) => {
  const prepare: Record<string, (dir: string) => void> = {
    'latest.jsonl': (dir) => symlinkSync('pool/a.jsonl', join(dir, 'latest.jsonl')),
    'elsewhere/a.jsonl': (dir) => symlinkSync('pool', join(dir, 'elsewhere')),
    'elsewhere/c.yaml': (dir) => symlinkSync('.', join(dir, 'elsewhere')),
    'target.jsonl': (dir) => {
      mkdirSync(join(dir, 'in'));
      symlinkSync('../target.jsonl', join(dir, 'in', 'b.jsonl'));
    },
  };
  const found = [];
  for (const [path, change] of Object.entries(prepare)) {
    const source = '{id: pool, use: read.jsonl, with: {path: ["pool/*.jsonl", "in*"]}}';
    const dir = folder(t, [path === 'target.jsonl' ? source.replace('in*', 'in/*') : read, write(path)]);
    change(dir);
    const before = await snapshot(dir);
    const [exitCode, message] = await ending(dir, 'run');
    const same = JSON.stringify(await snapshot(dir)) === JSON.stringify(before);
    found.push([exitCode, /is read by (stage "pool"|the configuration)/.test(message) || message, same]);
  }
  t.strictSame(
    found,
    Object.keys(prepare).map(() => [2, true, true]),
  );
});

t.test('a link to an output is followed, a second hard link of an input keeps its content', async (t) => {
  const dir = folder(t, [read, write('latest.jsonl')]);
  symlinkSync('new/real.jsonl', join(dir, 'latest.jsonl'));
  linkSync(join(dir, 'pool/a.jsonl'), join(dir, 'hard.jsonl'));
  t.strictSame(await ending(dir, 'run'), [0, '']);
  const files = await snapshot(dir);
  t.equal(files['latest.jsonl'] ?? files[join(dir, 'latest.jsonl')], 'no file');
  t.equal(Object.keys(files).filter((name) => name.endsWith('new/real.jsonl')).length, 1);
  writeFileSync(join(dir, 'c.yaml'), `version: 1\nstages:\n  - ${read}\n  - ${write('hard.jsonl')}\n`);
  t.strictSame(await ending(dir, 'run'), [0, '']);
});

t.test('a run refuses what only the files that it finds show', async (t) => {
  const pool = (path: string) => `{id: pool, use: read.jsonl, with: {path: "${path}"}}`;
  const model = '{use: tokenize, with: {model: model}}';
  const shards = '{use: write.jsonl, with: {path: pool/new, shards: input}}';
  const at = (folder: string) => (dir: string) => {
    mkdirSync(join(dir, folder), { recursive: true });
    writeFileSync(join(dir, folder, 'b.jsonl'), line);
  };
  const link = (dir: string) => {
    mkdirSync(join(dir, 'roots'));
    symlinkSync('../pool', join(dir, 'roots', 'first'));
  };
  const cached = (dir: string) => {
    for (const name of ['model', 'blobs']) mkdirSync(join(dir, name));
    copyFileSync('configs/nag-mini/tokenizer.json', join(dir, 'blobs', '1f'));
    symlinkSync('../blobs/1f', join(dir, 'model', 'tokenizer.json'));
  };
  const cases: [stages: string[], prepare: (dir: string) => void, message: string][] = [
    [[pool('pool (1)'), write('pool (1)/new.jsonl')], at('pool (1)'), 'would be read by stage "pool"'],
    [[pool('pool[1]'), write('"pool[1]/a/new.jsonl"')], at('pool[1]'), 'would be read by stage "pool"'],
    [[pool('roots'), write('pool/new.jsonl')], link, 'would be read by stage "pool"'],
    [[pool('roots/*/*.jsonl'), write('pool/new.jsonl')], link, 'would be read by stage "pool"'],
    [[pool('pool/**/x/*.jsonl'), shards], at('pool/x'), 'would be read by stage "pool"'],
    [[pool('pool/{new/,}b.jsonl'), shards], at('pool'), 'would be read by stage "pool"'],
    [[read, model, write('blobs/1f')], cached, 'is read by stage "tokenize"'],
  ];
  const found = [];
  for (const [stages, prepare] of cases) {
    const dir = folder(t, stages);
    prepare(dir);
    const before = await snapshot(dir);
    const ended = await ending(dir, 'run');
    found.push([...ended, JSON.stringify(await snapshot(dir)) === JSON.stringify(before)]);
  }
  t.match(
    found,
    cases.map(([, , message]) => [2, new RegExp(message), true]),
  );
});

t.test('folders that look like patterns may be read beside what is written', async (t) => {
  const dir = folder(t, ['{use: read.jsonl, with: {path: "a [1]"}}', write('a 1/new.jsonl')]);
  mkdirSync(join(dir, 'a [1]'));
  writeFileSync(join(dir, 'a [1]', 'b.jsonl'), line);
  t.strictSame(await ending(dir, 'run'), [0, '']);
});

t.test('parts of a large output, and what is put among features, are refused by the paths', async (t) => {
  const parts = ['{use: read.parquet, with: {path: pool}}', '{use: write.parquet, with: {path: pool/out}}'];
  const among = [read, '{use: features, with: {dir: store}}', write('store/a.jsonl')];
  const found = [await ending(folder(t, parts), 'check'), await ending(folder(t, among), 'check')];
  t.match(found, [
    [2, /pool\/out would be read by stage "read.parquet"/],
    [2, /store\/a.jsonl is inside store, where stage "features"/],
  ]);
});
