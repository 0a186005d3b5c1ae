import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { found, makePipeline } from '../../faults/pipeline.js';

const sink = (columns: string) => `- {use: write.jsonl, with: {path: c.jsonl, columns: [${columns}]}}`;
const docs = '- {id: docs, use: read.parquet, with: {path: pool.parquet}}';
const others = '- {id: others, use: read.parquet, with: {path: target.parquet, columns: {tokens: lang}}}';

/** Stages behind a pipeline that works, and the only line that is found. */
const cases: readonly [name: string, stages: readonly string[], line: RegExp][] = [
  [
    'join: a column of the side input',
    [docs, '- {use: join, from: {main: docs, features: features}, with: {columns: [typo]}}', sink('docid')],
    /columns: there is no column "typo"/,
  ],
  [
    'join: keys of another kind',
    [
      docs,
      '- {id: side, use: read.parquet, with: {path: target.parquet, columns: {docid: token_num}}}',
      '- {use: join, from: {main: docs, features: side}, with: {columns: [lang]}}',
      sink('docid'),
    ],
    /column "token_num": expected docids as text or whole numbers, found Float64/,
  ],
  [
    'behind join',
    [docs, '- {use: join, from: {main: docs, features: features}}', sink('fwd_up_feture')],
    /"fwd_up_feture", did you mean "fwd_up_feature"\?/,
  ],
  [
    'likelihood: a column of its questions',
    [
      docs,
      '- {use: likelihood, with: {model: model, context: "{dok}", choices: [doc, lang]}}',
      sink('docid'),
    ],
    /there is no column "dok"/,
  ],
  [
    'likelihood: a model that is not there',
    [docs, '- {use: likelihood, with: {model: ./models}}', sink('docid')],
    /models/,
  ],
  [
    'behind likelihood',
    [docs, '- {use: likelihood, with: {model: model}}', sink('los')],
    /"los", did you mean "loss"\?/,
  ],
  [
    'behind explain',
    ['- {use: explain, from: {main: features, profile: profile}}', sink('nag_reson')],
    /"nag_reson", did you mean "nag_reasons"\?/,
  ],
  [
    'neurons: features of another type',
    ['- {use: neurons, from: features, with: {feature: att_q}}', '- {use: write.keys, with: {path: k.json}}'],
    /there is no feature column of att_q/,
  ],
  [
    'neurons: nothing to compare with',
    [
      '- {use: neurons, from: features, with: {method: high_delta}}',
      '- {use: write.keys, with: {path: k.json}}',
    ],
    /high_delta compares with other documents/,
  ],
  ['behind neurons', ['- {use: neurons, from: features}', sink('neurn')], /"neurn", did you mean "neuron"\?/],
  ['write.keys', [docs, '- {use: write.keys, with: {path: k.json}}'], /there is no column "layer"/],
  [
    'write.model',
    [docs, '- {use: write.model, with: {model: model, path: m}}'],
    /there is no column "layer"/,
  ],
  [
    'stability of one target',
    ['- {use: score, from: {main: features, profile: profile}}', '- {use: stability}'],
    /there is no column "nag_distance_all"/,
  ],
  [
    'several targets',
    [
      '- {id: several, use: profile, from: features, with: {by: lang, targets: [en, de]}}',
      '- {id: near, use: score, from: {main: features, profile: [several, profile]}}',
      sink('nag_distance_en, nag_distance_profile, nag_distance_fr'),
    ],
    /"nag_distance_fr", did you mean "nag_distance_\w+"\?/,
  ],
  [
    'samples',
    [
      '- {id: several, use: profile, from: features, with: {samples: [2]}}',
      '- {use: score, from: {main: features, profile: several}}',
      '- {use: rank, with: {fraction: 0.5}}',
      sink('docid, nag_distance, targt'),
    ],
    /"targt", did you mean "target"\?/,
  ],
  [
    'two targets of one name',
    [
      '- {id: a, use: profile, from: features, with: {name: x}}',
      '- {id: b, use: profile, from: features, with: {name: x}}',
      '- {use: score, from: {main: features, profile: [a, b]}}',
      sink('docid'),
    ],
    /two targets are called "x"/,
  ],
];

for (const [name, stages, line] of cases)
  t.test(name, async (t) => {
    const dir = await makePipeline(t);
    const text = await readFile(join(dir, 'pipeline.yaml'), 'utf8');
    await writeFile(join(dir, 'pipeline.yaml'), `${text}${stages.map((stage) => `  ${stage}\n`).join('')}`);
    t.match(await found(dir, 'check', '--files'), { exitCode: 1, lines: [line] });
  });

t.test('stages that are known and right are no faults', async (t) => {
  const dir = await makePipeline(t);
  const text = await readFile(join(dir, 'pipeline.yaml'), 'utf8');
  const stages = [
    '- {id: by, use: profile, from: features, with: {by: lang}}',
    '- {id: near, use: score, from: {main: features, profile: by}}',
    sink('nag_distance_en'),
    others,
    '- {use: join, from: {main: others, features: features}}',
    sink('docid, fwd_up_feature').replace('c.jsonl', 'd.jsonl'),
    '- {use: score, from: {main: features, profile: profile}, with: {keep_features: true}}',
    '- {use: explain, from: {profile: profile, background: profile}}',
    sink('docid, nag_reasons, nag_layers').replace('c.jsonl', 'e.jsonl'),
    '- {use: neurons, from: features}',
    '- {use: write.keys, with: {path: k.json}}',
    '- {use: likelihood, from: others, with: {model: model}}',
    sink('docid, loss').replace('c.jsonl', 'f.jsonl'),
  ];
  await writeFile(join(dir, 'pipeline.yaml'), `${text}${stages.map((stage) => `  ${stage}\n`).join('')}`);
  t.strictSame(await found(dir, 'check', '--files'), { exitCode: 0, lines: [] });
  t.strictSame(await found(dir, 'run'), { exitCode: 0, lines: [] });
});

t.test('K above the width', async (t) => {
  const dir = await makePipeline(t);
  const text = await readFile(join(dir, 'pipeline.yaml'), 'utf8');
  await writeFile(join(dir, 'pipeline.yaml'), text.replace('k: 3', 'k: 81'));
  t.match(await found(dir, 'run'), {
    exitCode: 1,
    lines: [/^k: 81, but a layer has 80 neurons \(fwd_up\).*\(stage "extract" \+ "features", /],
  });
});
