import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { documents, failure, found, makePipeline, snapshot, withoutStage } from '../../faults/pipeline.js';
import { writeTestParquet } from '../../fixtures/parquet.js';
import { writeTokenizer } from '../../fixtures/tokenizer.js';

t.test('where names its stage and line, and takes roles as columns, like templates', async (t) => {
  const dir = await makePipeline(t);
  const { docid, doc: body } = documents('p', 4);
  await writeTestParquet(join(dir, 'a.parquet'), { id: docid, body });
  await writeFile(
    join(dir, 'a.jsonl'),
    docid.map((id, i) => `${JSON.stringify({ id, body: body[i] })}\n`).join(''),
  );
  const text = (use: string, path: string, where: string) => `version: 1
stages:
  - use: ${use}
    with: {path: ${path}, columns: {docid: id, text: "{docid}: {body}"}, where: {${where}}}
  - {use: filter, with: {where: {docid: [p2, p3]}}}
  - {use: write.jsonl, with: {path: out.jsonl, columns: [docid]}}
`;
  const results: unknown[] = [];
  for (const [use, path] of [
    ['read.parquet', 'a.parquet'],
    ['read.jsonl', 'a.jsonl'],
  ] as const) {
    await writeFile(join(dir, 'pipeline.yaml'), text(use, path, 'docid: {not: p3}'));
    results.push(await found(dir, 'run'), await readFile(join(dir, 'out.jsonl'), 'utf8'));
    await writeFile(join(dir, 'pipeline.yaml'), text(use, path, 'docid: 7'));
    results.push(await found(dir, 'check', '--files'));
  }
  const good = { exitCode: 0, lines: [] };
  const bad = (use: string, path: string) => ({
    exitCode: 1,
    lines: [new RegExp(`^${path}: column "id": where: .*\\(stage "${use}", pipeline.yaml:3:5\\)$`)],
  });
  const kept = '{"docid":"p2"}\n';
  t.match(results, [good, kept, bad('read.parquet', 'a.parquet'), good, kept, bad('read.jsonl', 'a.jsonl')]);
});

t.test('all faults at once, each with its stage and place, before any work', async (t) => {
  const dir = await makePipeline(t, {
    pool: '{path: "pools/*.parquet"}',
    target: '{path: target.parquet, columns: {text: dok}}',
    early: '{path: notes/features.jsonl}',
  });
  await writeFile(join(dir, 'notes'), 'mine');
  const before = await snapshot(dir);
  const lines = [
    'notes/features.jsonl: cannot be written: notes is a file, not a folder (stage "write.jsonl", pipeline.yaml:11:5)',
    'target.parquet: there is no column "dok", did you mean "doc"? (columns: docid, doc, token_num, lang) (stage "read.parquet", pipeline.yaml:9:5)',
    'pools/*.parquet: no file matches; check the path (in a configuration it is relative to that file) (stage "read.parquet-2", pipeline.yaml:13:5)',
  ];
  t.strictSame(await found(dir, 'run'), { exitCode: 1, lines });
  t.strictSame(await found(dir, 'check', '--files'), { exitCode: 1, lines });
  t.strictSame(await snapshot(dir), before);
  t.strictSame(await found(dir, 'check'), { exitCode: 0, lines: [] });
});

t.test('a quarantine file that cannot be made, with all else', async (t) => {
  const dir = await makePipeline(t, { out: '{path: out/selected.parquet, columns: [typo]}' });
  const text = await readFile(join(dir, 'pipeline.yaml'), 'utf8');
  await writeFile(join(dir, 'notes'), 'mine');
  const lines = [
    'notes/rejects.jsonl: cannot be written: notes is a file, not a folder',
    /^columns: there is no column "typo".*\(stage "write.parquet"/,
  ];
  for (const more of ['', 'state_dir: state\n']) {
    const policy = `on_error: {policy: quarantine, path: notes/rejects.jsonl}\n${more}`;
    await writeFile(join(dir, 'pipeline.yaml'), text.replace('temp_dir', `${policy}temp_dir`));
    t.match(await found(dir, 'run'), { exitCode: 1, lines });
    t.match(await found(dir, 'check', '--files'), { exitCode: 1, lines });
  }
});

t.test('columns that no stage makes, model and tokenizer that do not belong together', async (t) => {
  const dir = await makePipeline(t, {
    tokenize: '{model: other}',
    out: '{path: out/selected.parquet, columns: [docid, nag_distnace]}',
  });
  const far = { id: 5000, content: '<far>', special: true, normalized: false };
  const plain = { single_word: false, lstrip: false, rstrip: false };
  await writeTokenizer(join(dir, 'other'), { extra: { added_tokens: [{ ...far, ...plain }] } });
  const { exitCode, lines } = await found(dir, 'run');
  t.match({ exitCode, lines }, { exitCode: 1, lines: [/the model knows \d+ tokens and the tokenizer/] });
  t.equal(lines.length, 1, 'behind it nothing is known');
  t.match(lines[0], /\(stage "extract" \+ "features", \S+:6:7; stage "extract-2" \+ "top_k", \S+:6:7\)$/);
});

const late: [name: string, more: string, message: RegExp][] = [
  [
    'a column of the sink',
    '{use: write.jsonl, with: {path: b.jsonl, columns: [nag_distnace]}}',
    /"nag_distnace", did you mean "nag_distance"\?/,
  ],
  ['what show counts by', '{use: show, with: {by: typo}}', /show: there is no column "typo"/],
  [
    'what a filter looks at',
    '{use: filter, with: {where: {nag_rnk: 1}}}',
    /"nag_rnk", did you mean "nag_rank"\?/,
  ],
  ['labels', '{use: distances, with: {by: lnag}}', /there is no column "lnag"/],
  ['a sample', '{use: sample, with: {fraction: 0.5, column: langs}}', /there is no column "langs"/],
];

for (const [name, more, message] of late) {
  t.test(`${name}, behind rank: found before anything is read`, async (t) => {
    const dir = await makePipeline(t);
    const text = await readFile(join(dir, 'pipeline.yaml'), 'utf8');
    const stage = more.replace('{use', '{id: late, from: rank, use');
    const sink = /filter|sample/.test(more) ? '  - {use: write.jsonl, with: {path: c.jsonl}}\n' : '';
    await writeFile(join(dir, 'pipeline.yaml'), `${text}  - ${stage}\n${sink}`);
    const result = await found(dir, 'check', '--files');
    t.match(result, { exitCode: 1, lines: [message] });
    t.match(result.lines.at(-1), /\(stage "late", pipeline\.yaml:\d+:5\)$/);
    t.equal(result.lines.length, 1);
  });
}

t.test('behind scores of several targets too, and of one with a name', async (t) => {
  const dir = await makePipeline(t, { out: '{path: o.parquet, columns: [docid, targets]}' });
  const file = join(dir, 'pipeline.yaml');
  const text = await readFile(file, 'utf8');
  const other = '  - {id: other, use: profile, from: features, with: {name: second}}\n';
  const several = text
    .replace('  - {use: read.parquet, with: {path: pool', `${other}$&`)
    .replace('{profile: profile}', '{profile: [profile, other]}');
  const lines = async (own: string) => {
    await writeFile(file, own);
    return (await found(dir, 'check', '--files')).lines.map((line) => line.split(' (')[0]);
  };
  const missed = 'columns: there is no column "targets", did you mean "target"?';
  t.strictSame(
    [
      await lines(several),
      await lines(several.replace('{fraction: 0.5}', '{fraction: 0.5, shares: {profile: 0.5, third: 0.5}}')),
      await lines(text.replace('{id: profile, use: profile, from: features', '$&, with: {name: second}')),
      await lines(several.replace('targets]', 'target]')),
    ],
    [[missed], ['rank: shares: there is no target "third"; name each target once'], [missed], []],
  );
});

t.test('inputs of one sink that do not go together, behind models', async (t) => {
  const dir = await makePipeline(t);
  await writeTestParquet(join(dir, 'pool.parquet'), { ...documents('b', 2), lang: [1, 2] });
  const text = await readFile(join(dir, 'pipeline.yaml'), 'utf8');
  const stages = (columns: string) => `  - {id: a, use: read.parquet, with: {path: target.parquet}}
  - {id: left, template: nag}
  - {id: b, use: read.parquet, with: {path: pool.parquet}}
  - {id: right, template: nag}
  - {id: both, use: write.parquet, from: [left, right], with: {path: both.parquet${columns}}}
`;
  const head = text.slice(0, text.indexOf('stages:\n') + 8);
  await writeFile(join(dir, 'pipeline.yaml'), head + stages(''));
  t.match(await found(dir, 'check', '--files'), {
    exitCode: 1,
    lines: [
      /column "lang" is Float64 in "b" and Utf8 in "a", and no type holds the values of both; leave it out/,
    ],
  });
  await writeFile(join(dir, 'pipeline.yaml'), head + stages(', columns: [docid, fwd_up_feature]'));
  t.strictSame(await found(dir, 'run'), { exitCode: 0, lines: [] });
});

t.test('inputs of one sink that do not go together', async (t) => {
  const dir = t.testdir();
  await writeTestParquet(join(dir, 'a.parquet'), documents('a', 2));
  await writeTestParquet(join(dir, 'b.parquet'), { ...documents('b', 2), lang: [1, 2] });
  const text = `version: 1
stages:
  - {id: a, use: read.parquet, with: {path: a.parquet}}
  - {id: b, use: read.parquet, with: {path: b.parquet}}
  - {id: both, use: write.jsonl, from: [a, b], with: {path: c.jsonl}}
`;
  await writeFile(join(dir, 'pipeline.yaml'), text);
  t.match(await found(dir, 'run'), {
    exitCode: 1,
    lines: [/^both: .*column "lang" is Float64 in "b" and Utf8 in "a"/],
  });
  await writeFile(join(dir, 'pipeline.yaml'), text.replace('c.jsonl', 'c.jsonl, columns: [docid, doc]'));
  t.strictSame(await found(dir, 'run'), { exitCode: 0, lines: [] });
});

const features = (names: string[]) => ({
  metadata: { huggingface: JSON.stringify({ info: { features: { lang: { names, _type: 'ClassLabel' } } } }) },
});

t.test('files of one source whose numbers stand for other classes', async (t) => {
  const dir = await makePipeline(t, { pool: '{path: "pool*.parquet"}' });
  await writeTestParquet(
    join(dir, 'pool.parquet'),
    { ...documents('a', 2), lang: [0, 1] },
    features(['a', 'b']),
  );
  await writeTestParquet(
    join(dir, 'pool2.parquet'),
    { ...documents('b', 2), lang: [0, 1] },
    features(['b', 'a']),
  );
  const remedy =
    'leave the column out (columns on this stage, or without on read.parquet), or write them with a sink of their own';
  t.strictSame(await found(dir, 'check', '--files'), {
    exitCode: 1,
    lines: [
      `pool2.parquet: its rows cannot be written with those before: column "lang" has other class names (its ClassLabel); ${remedy} (stage "write.parquet", pipeline.yaml:17:5)`,
    ],
  });
  const text = await readFile(join(dir, 'pipeline.yaml'), 'utf8');
  const advised = [
    text.replace('pool*.parquet"', 'pool*.parquet", without: [lang]'),
    text.replace('selected.parquet', 'selected.parquet, columns: [docid, doc, nag_distance]'),
  ];
  for (const own of advised) {
    await writeFile(join(dir, 'pipeline.yaml'), own);
    t.strictSame(await found(dir, 'run'), { exitCode: 0, lines: [] });
  }
});

const sourceOfTypes = `import { defineSource, z } from 'nag-pipeline';
import { Field, IntervalMonthDayNano, Schema, Struct, DenseUnion, Utf8 } from 'apache-arrow';
export const odd = defineSource({ name: 'odd', summary: 's', example: '', options: z.strictObject({}),
  open: async (options, context, ordinal) => ({
    schema: new Schema([new Field('docid', new Utf8()), new Field('mixed', new DenseUnion([0], [new Field('a', new Utf8())])),
      new Field('spans', new Struct([new Field('x', new IntervalMonthDayNano())])), new Field('none', new Struct([]))]),
    roles: {docid: 'docid'}, rows: 0,
    bundles: [{ ordinal, file: 'odd', firstRow: 0, rows: 0, bytes: 0 }],
    async *read() { throw new Error('it runs'); }, close: async () => undefined }) });`;

t.test('columns that Parquet has no place for, before anything is read', async (t) => {
  const dir = t.testdir({ 'odd.mjs': sourceOfTypes });
  const text = (columns: string) => `version: 1
plugins: [odd.mjs]
stages:
  - {use: odd}
  - {use: write.parquet, with: {path: a.parquet, columns: [docid, ${columns}]}}
`;
  const lines: (string | undefined)[] = [];
  for (const column of ['mixed', 'spans', 'none']) {
    await writeFile(join(dir, 'pipeline.yaml'), text(column));
    lines.push((await found(dir, 'check', '--files')).lines[0]);
  }
  const stage = '(stage "write.parquet", pipeline.yaml:5:5)';
  const message = (column: string, type: string) =>
    `a.parquet: column "${column}": has the type ${type}, which Parquet cannot store; leave it out with columns on the stage that writes ` +
    `(or without on read.parquet, if it is from there), or make it of another type ${stage}`;
  t.strictSame(lines, [
    message('mixed', 'Union<Utf8>'),
    message('spans', 'Interval<MONTH_DAY_NANO>, inside of Struct<{x:Interval<MONTH_DAY_NANO>}>'),
    message('none', 'Struct<{}>'),
  ]);
});

t.test("a stage of the user's own, of which nothing is known, hides what comes behind it", async (t) => {
  const dir = await makePipeline(t, { out: '{path: out/selected.parquet, columns: [docid, made]}' });
  await writeFile(
    join(dir, 'made.mjs'),
    `import { defineTransform, z } from 'nag-pipeline';
export const made = defineTransform({ name: 'made', summary: 's', example: '', options: z.strictObject({}),
  async *run() { throw new Error('it runs'); } });`,
  );
  const text = await readFile(join(dir, 'pipeline.yaml'), 'utf8');
  const own = text.replace('version: 1', 'version: 1\nplugins: [made.mjs]');
  await writeFile(
    join(dir, 'pipeline.yaml'),
    own.replace('  - {use: write.parquet', '  - {use: made}\n  - {use: write.parquet'),
  );
  t.strictSame(await found(dir, 'check', '--files'), { exitCode: 0, lines: [] });
});

t.test('a run that fails at a row says where in its file, and which stage', async (t) => {
  const dir = await makePipeline(t);
  await writeTestParquet(join(dir, 'pool.parquet'), { ...documents('p', 2), doc: ['text', null] });
  const { lines } = await found(dir, 'run');
  t.match(lines, [/^pool\.parquet: row 1, column "doc": .* \(stage "tokenize-2", pipeline\.yaml:5:7\)$/]);
  t.equal(withoutStage(lines[0]!), (await failure(dir)).message);
  await rm(join(dir, 'model'), { recursive: true });
  t.match((await found(dir, 'run')).lines, [
    /^model: expected a tokenizer\.json.* \(stage "tokenize", pipeline\.yaml:5:7\)$/,
  ]);
});

t.test('check --files tells what it found', async (t) => {
  const dir = await makePipeline(t);
  const before = await snapshot(dir);
  const { stdout } = process;
  const written: string[] = [];
  const capture = t.capture(stdout, 'write', (text: string) => {
    written.push(text);
    return true;
  });
  await found(dir, 'check', '--files');
  capture.restore();
  t.match(written.join('').replaceAll(`${dir}/`, '').split('\n'), [
    'pipeline.yaml: 12 stages, no faults',
    /^read\.parquet: 1 file, 3 rows, 0\.\d MB$/,
    /^read\.parquet-2: 1 file, 8 rows, 0\.\d MB$/,
    /^out: [\d.]+ GB free$/,
    'features, top_k: K of a layer: fwd_up: 3 of 80',
    /^features, top_k: note: K is 3 of the 80 neurons/,
    '',
  ]);
  t.strictSame(await snapshot(dir), before);
});
