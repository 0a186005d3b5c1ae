import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import { jsonRows, runConfig } from '../fixtures/run-config.js';

/** Columns of the pool that have names of ours. */
const own = {
  nag_distance: 0.125,
  nag_rank: 7,
  nag_input_ids: [1, 2],
  fwd_up_feature: [3],
  target: 'before',
  combined_score: 1.5,
  nag_tokens: 1,
};

const documents = Array.from({ length: 12 }, (_, row) => ({
  docid: `d${10 + row}`,
  doc: `number ${row} of ${'many '.repeat(row % 4)}documents`,
  token_num: 10,
  grade: row,
  ...own,
}));

async function makeFolder(t: Test): Promise<string> {
  const dir = t.testdir({ out: {} });
  await writeModelFolder(join(dir, 'model'), 'qwen3', { config: { num_hidden_layers: 2 } });
  const lines = (rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  await writeFile(join(dir, 'pool.jsonl'), lines(documents));
  await writeFile(join(dir, 'target.jsonl'), lines(documents.slice(0, 3)));
  return dir;
}

interface Stages {
  readonly tokenize?: string;
  readonly profile?: string;
  readonly after?: string;
  readonly top?: string;
  readonly columns?: string;
}

function configText({ tokenize = '', profile = '{}', after = '', top = '', columns = '' }: Stages): string {
  const features = `
  - {use: extract, with: {model: model, device: cpu, threads: 1}}
  - {use: top_k, with: {k: 5}}`;
  return `version: 1
temp_dir: temp
${top}
stages:
  - {use: read.jsonl, with: {path: target.jsonl}}
  - {use: tokenize, with: {model: model, max_length: 16}}${features}
  - {id: profile, use: profile, with: ${profile}}
  - {use: read.jsonl, with: {path: pool.jsonl}}
  - {use: tokenize, with: {model: model, max_length: 16${tokenize}}}${features}
${after}
  - {use: write.jsonl, with: {path: out/rows.jsonl${columns}}}
`;
}

interface Seen {
  /** Those of the pool's columns with our names that are as they were, in all rows. */
  readonly same: readonly string[];
  /** Names of all other columns, in order. */
  readonly others: readonly string[];
  readonly notes: readonly string[];
}

async function run(dir: string, stages: Stages): Promise<Seen> {
  const { error, notes } = await runConfig(dir, configText(stages));
  if (error !== undefined) throw new Error(error);
  const rows = await jsonRows(join(dir, 'out', 'rows.jsonl'));
  const same = Object.entries(own).flatMap(([name, value]) =>
    rows.every((row) => JSON.stringify(row[name]) === JSON.stringify(value)) ? [name] : [],
  );
  const others = Object.keys(rows[0] ?? {}).filter((name) => !same.includes(name));
  return { same, others, notes: notes.filter((note) => note.includes('replaced')) };
}

const [score, rank] = [
  '  - {use: score, from: {profile: profile}}',
  '  - {use: rank, with: {fraction: 0.5}}',
];
const all = Object.keys(own);
const except = (...names: readonly string[]) => all.filter((name) => !names.includes(name));
const usual = ['docid', 'doc', 'token_num', 'grade'];

const replaced = (stage: string, name: string, option: string) =>
  `${stage}: the pool's own column "${name}" is replaced; to keep it, name this stage's otherwise (${option})`;

t.test("the pool's own columns with our names stay, or a note says that they are replaced", async (t) => {
  const dir = await makeFolder(t);
  t.strictSame(await run(dir, { after: `${score}\n${rank}` }), {
    same: except('nag_distance', 'nag_rank'),
    others: [...usual, 'nag_distance', 'nag_rank'],
    notes: [
      replaced('score', 'nag_distance', 'column: …'),
      replaced('rank', 'nag_rank', 'columns: {rank: …}'),
    ],
  });
  t.strictSame(
    await run(dir, { after: score }),
    {
      same: except('nag_distance'),
      others: [...usual, 'nag_distance'],
      notes: [replaced('score', 'nag_distance', 'column: …')],
    },
    'without a ranking',
  );
  const columns = ', columns: [docid, nag_distance, nag_input_ids, fwd_up_feature]';
  for (const after of [score, `${score}\n${rank}`])
    t.strictSame(
      (await run(dir, { after, columns })).same,
      ['nag_input_ids', 'fwd_up_feature'],
      'where the output names them',
    );
  const state = { top: 'state_dir: state', after: `${score}\n${rank}` };
  const whole = await run(dir, state);
  t.strictSame(whole.same, except('nag_distance', 'nag_rank'), 'when features are kept');
  t.strictSame(await run(dir, state), whole, 'and when they are read back');
  t.strictSame(
    await run(dir, {
      tokenize: ', count: true',
      profile: '{name: new}',
      after: `${score}\n  - {use: rank, with: {fraction: 0.5, quality: {column: grade}}}`,
    }),
    {
      same: ['nag_input_ids', 'fwd_up_feature'],
      others: [...usual, ...except('nag_input_ids', 'fwd_up_feature')],
      notes: [
        replaced('tokenize-2', 'nag_tokens', 'count_column: …'),
        replaced('score', 'nag_distance', 'column: …'),
        replaced('rank', 'nag_rank', 'columns: {rank: …}'),
        replaced('rank', 'target', 'columns: {target: …}'),
        replaced('rank', 'combined_score', 'columns: {combined: …}'),
      ],
    },
    'all that rank can make',
  );
});

t.test('features that are kept are told of where the pool has such a column', async (t) => {
  const dir = await makeFolder(t);
  const kept = '  - {use: score, from: {profile: profile}, with: {keep_features: true}}';
  t.strictSame((await run(dir, { after: `${kept}\n${rank}` })).notes.slice(0, 2), [
    replaced('score', 'nag_distance', 'column: …'),
    'score: the pool\'s own column "fwd_up_feature" is replaced by the features that are kept; without keep_features it stays',
  ]);
  const explained = await run(dir, {
    after: `${kept}\n${rank}\n  - {use: explain, from: {profile: profile}}`,
  });
  t.ok(explained.same.includes('fwd_up_feature'), 'once explain has taken them away it is back');
});

t.test('columns may be named otherwise: nothing of the pool is replaced', async (t) => {
  const dir = await makeFolder(t);
  t.strictSame(
    await run(dir, {
      tokenize: ', count: true, count_column: counted',
      profile: '{name: new}',
      after: `  - {use: score, from: {profile: profile}, with: {column: new_distance}}
  - {use: rank, with: {fraction: 0.5, by: new_distance, quality: {column: grade}, columns: {rank: new_rank, target: new_target, combined: both}}}`,
    }),
    {
      same: all,
      others: [...usual, 'counted', 'new_distance', 'both', 'new_target', 'new_rank'],
      notes: [],
    },
  );
  const rows = await jsonRows(join(dir, 'out', 'rows.jsonl'));
  t.strictSame(
    rows.map((row) => row['new_rank']),
    [...rows.keys()],
    'written in the order of the new ranks',
  );
});

t.test('a cascade: the second ranking names its columns, or says what it replaces', async (t) => {
  const dir = await makeFolder(t);
  const first = '  - {use: score, from: {profile: profile}, with: {keep_features: true}}';
  const second = (column: string, by: string) => `${first}
  - {use: rank, with: {fraction: 0.8}}
  - {use: score, from: {profile: profile}, with: {${column}}}
  - {use: rank, with: {${by}fraction: 0.5}}`;
  const { notes } = await run(dir, { after: second('', '') });
  const above = (stage: string, name: string, option: string) =>
    `${stage}: the column "${name}" of a stage above is replaced; to keep it, name this stage's otherwise (${option})`;
  t.strictSame(notes.slice(-2), [
    above('score-2', 'nag_distance', 'column: …'),
    above('rank-2', 'nag_rank', 'columns: {rank: …}'),
  ]);
  const named = await run(dir, { after: second('column: again', 'by: again, columns: {rank: place}, ') });
  t.strictSame(named.others, [...usual, 'nag_distance', 'nag_rank', 'again', 'place']);
  const rows = await jsonRows(join(dir, 'out', 'rows.jsonl'));
  t.strictSame(
    rows.map((row) => row['again'] === row['nag_distance'] && row['place'] === row['nag_rank']),
    rows.map(() => true),
    'both measured the same',
  );
});

t.test('one ranking for several targets after one for another', async (t) => {
  const dir = await makeFolder(t);
  const { others, notes } = await run(dir, {
    after: `  - {id: second, use: profile, from: top_k, with: {name: b}}
  - {use: score, from: {main: top_k-2, profile: profile}, with: {keep_features: true}}
  - {use: rank, with: {fraction: 0.8}}
  - {use: score, from: {profile: [profile, second]}}
  - {use: rank, with: {fraction: 0.5}}`,
  });
  t.strictSame(others, [...usual, 'nag_rank', 'target', 'nag_distance']);
  t.match(notes.slice(-3), [
    /^score-2: the column "nag_distance" of a stage above is replaced/,
    /^rank-2: the column "nag_rank" of a stage above is replaced/,
    /^rank-2: the pool's own column "target" is replaced/,
  ]);
  const rows = await jsonRows(join(dir, 'out', 'rows.jsonl'));
  t.strictSame([...new Set(rows.map((row) => row['target']))], ['profile', 'b']);
});

t.test('distances by two kinds of neurons, side by side', async (t) => {
  const dir = await makeFolder(t);
  const text = configText({
    profile: '{feature: fwd_up}',
    after: `  - {id: other, use: profile, from: top_k, with: {feature: att_q}}
  - {use: score, from: {main: top_k-2, profile: profile}, with: {column: by_up, keep_features: true}}
  - {use: score, from: {profile: other}, with: {column: by_q}}
  - {use: rank, with: {fraction: 0.5, by: by_q}}`,
  }).replaceAll('threads: 1}', 'threads: 1, neurons: [fwd_up, att_q]}');
  t.equal((await runConfig(dir, text)).error, undefined);
  const rows = await jsonRows(join(dir, 'out', 'rows.jsonl'));
  const distances = rows.map((row) => Number(row['by_q']));
  t.strictSame(
    distances,
    distances.toSorted((a, b) => a - b),
    'ranked by the second',
  );
  t.strictSame(
    rows.map((row) => [typeof row['by_up'], row['nag_distance']]),
    rows.map(() => ['number', 0.125]),
  );
});

t.test(
  'features that are joined leave those of the pool as they are; what else is replaced is told',
  async (t) => {
    const dir = await makeFolder(t);
    await writeFile(
      join(dir, 'more.jsonl'),
      documents.map(({ docid }) => `${JSON.stringify({ docid, target: 'joined' })}\n`).join(''),
    );
    const joined = await run(dir, {
      after: `  - {id: docs, use: read.jsonl, with: {path: pool.jsonl}}
  - {use: join, from: {main: docs, features: top_k-2}}
  - {id: more, use: read.jsonl, with: {path: more.jsonl}}
  - {use: join, from: {main: join, features: more}}
  - {use: score, from: {profile: profile}}
  - {use: rank, with: {fraction: 0.5}}`,
    });
    t.strictSame(joined.same, except('nag_distance', 'nag_rank', 'target'));
    t.match(
      joined.notes[0],
      /^join-2: the pool's own column "target" is replaced; .*\(columns: \[…\] without it\)$/,
    );
  },
);
