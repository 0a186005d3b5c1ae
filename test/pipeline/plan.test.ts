import t from 'tap';
import type { Component } from '../../pipeline/component.js';
import type { Stage } from '../../pipeline/config/load.js';
import { ConfigError } from '../../pipeline/config/problems.js';
import { makePlan, type Plan, readersOf } from '../../pipeline/plan.js';
import { planJson, planMermaid, planText } from '../../pipeline/plan-text.js';
import {
  add,
  compare,
  count,
  keep,
  measure,
  noSettings,
  pass,
  profile,
  rank,
  read,
  score,
  write,
} from '../fixtures/components.js';

/** `main` names the stages read, `side` that, or those, of `profile`. */
function stage(id: string, component: Component, main: string[] = [], side?: string | string[]): Stage {
  const sides = new Map(side === undefined ? [] : [['profile', [side].flat()]]);
  return { id, component, options: component === write ? { path: `/${id}` } : {}, inputs: { main, sides } };
}

/** `level: roots > members > terminals`, one line a segment. */
function lines({ segments }: Plan): string[] {
  return segments.map(({ level, roots, members, terminals }) =>
    [`${level}: ${roots.join(' ')}`, members.join(' '), terminals.join(' ')].join(' > '),
  );
}

const nag = [
  stage('t', read),
  stage('tm', measure, ['t']),
  stage('tk', keep, ['tm']),
  stage('p', profile, ['tk']),
  stage('d', read),
  stage('dm', measure, ['d']),
  stage('dk', keep, ['dm']),
  stage('s', score, ['dk'], 'p'),
  stage('r', rank, ['s']),
  stage('w', write, ['r']),
];

const graphs: readonly { name: string; stages: Stage[]; segments: string[]; repeated?: string[] }[] = [
  {
    name: 'a chain',
    stages: [stage('a', read), stage('b', add, ['a']), stage('c', write, ['b'])],
    segments: ['0: a > b c > c'],
  },
  {
    name: 'NAG: a side input first, then the pool up to rank, then what rank yields; stages are fused',
    stages: nag,
    segments: ['0: t > tk p > p', '1: d > dk s r > r', '2: r > w > w'],
  },
  {
    name: 'sinks that share a source share one pass',
    stages: [
      stage('a', read),
      stage('b', add, ['a']),
      stage('c', count, ['b']),
      stage('d', pass, ['b']),
      stage('e', write, ['d']),
      stage('f', rank, ['a']),
      stage('g', count, ['f']),
    ],
    segments: ['0: a > b c d e f > c e f', '1: f > g > g'],
  },
  {
    name: 'sources that are not connected run on their own',
    stages: [stage('a', read), stage('b', read), stage('c', count, ['a']), stage('d', count, ['b'])],
    segments: ['0: a > c > c', '0: b > d > d'],
  },
  {
    name: 'flatten joins sources, and what reads one of them',
    stages: [
      stage('a', read),
      stage('b', read),
      stage('c', count, ['b']),
      stage('d', read),
      stage('e', count, ['d']),
      stage('f', pass, ['a', 'b']),
      stage('g', write, ['f']),
    ],
    segments: ['0: d > e > e', '0: a b > c f g > c g'],
  },
  {
    name: 'three groups become one when a later sink reads them all',
    stages: [
      stage('a', read),
      stage('b', read),
      stage('c', count, ['a']),
      stage('d', count, ['b']),
      stage('e', count, ['a', 'b']),
    ],
    segments: ['0: a b > c d e > c d e'],
  },
  {
    name: 'a stream that is read at two levels is read, and computed, again',
    stages: [
      stage('a', read),
      stage('b', add, ['a']),
      stage('p', profile, ['b']),
      stage('s', score, ['b'], 'p'),
      stage('w', write, ['s']),
    ],
    segments: ['0: a > b p > p', '1: a > b s w > w'],
    repeated: ['a', 'b'],
  },
  {
    name: 'a value of what a value was needed for',
    stages: [
      stage('a', read),
      stage('p', profile, ['a']),
      stage('s', score, ['a'], 'p'),
      stage('q', profile, ['s']),
      stage('b', read),
      stage('u', score, ['b'], 'q'),
      stage('w', write, ['u']),
    ],
    segments: ['0: a > p > p', '1: a > s q > q', '2: b > u w > w'],
    repeated: ['a'],
  },
  {
    name: 'what can run at once comes before what waits for a value, wherever it is written',
    stages: [
      stage('a', read),
      stage('p', profile, ['a']),
      stage('s', score, ['a'], 'p'),
      stage('w', write, ['s']),
      stage('b', read),
      stage('c', count, ['b']),
    ],
    segments: ['0: a > p > p', '0: b > c > c', '1: a > s w > w'],
    repeated: ['a'],
  },
  {
    name: 'rank of rank',
    stages: [stage('a', read), stage('r', rank, ['a']), stage('q', rank, ['r']), stage('w', write, ['q'])],
    segments: ['0: a > r > r', '1: r > q > q', '2: q > w > w'],
  },
];

for (const { name, stages, segments, repeated = [] } of graphs) {
  t.test(name, async (t) => {
    const plan = makePlan(stages);
    t.strictSame(lines(plan), segments);
    t.strictSame(plan.repeated, repeated);
  });
}

t.test('a stage is fused with the next where nobody else reads between', async (t) => {
  const chain = [
    stage('a', read),
    stage('m', measure, ['a']),
    stage('k', keep, ['m']),
    stage('w', write, ['k']),
  ];
  const fused = makePlan(chain).nodes;
  t.strictSame([...fused.keys()], ['a', 'k', 'w']);
  t.match(fused.get('k'), { component: measure, options: { keep: 20 }, fused: ['m', 'k'] });
  t.strictSame(fused.get('k')?.inputs.main, ['a'], 'it reads what the first one read');
  const forked = makePlan([...chain, stage('c', count, ['m'])]);
  t.strictSame([...forked.nodes.keys()], ['a', 'm', 'k', 'w', 'c'], 'a fork between');
  const flattened = [
    ...chain.slice(0, 2),
    stage('b', read),
    stage('k', keep, ['m', 'b']),
    stage('w', write, ['k']),
  ];
  t.strictSame([...makePlan(flattened).nodes.keys()], ['a', 'm', 'b', 'k', 'w'], 'more than one input');
  const other = [...chain.slice(0, 2), stage('x', pass, ['m']), stage('w', write, ['x'])];
  t.strictSame([...makePlan(other).nodes.keys()], ['a', 'm', 'x', 'w'], 'the component declines');
});

t.test('a source is asked for the union of what its readers need', async (t) => {
  const needs = (stages: Stage[]) => {
    const { roots, needs: all } = makePlan(stages).segments[0]!;
    return Object.fromEntries(roots.map((root) => [root, all.get(root)]));
  };
  const a = stage('a', read);
  const b = stage('b', add, ['a']);
  t.strictSame(needs([a, b, stage('c', count, ['b'])]), {
    a: { roles: [], optionalRoles: [], columns: ['added', 'kind'] },
  });
  t.strictSame(needs([a, b, stage('c', count, ['b']), stage('r', rank, ['a']), stage('w', write, ['r'])]), {
    a: { roles: ['tokens'], optionalRoles: ['docid'], columns: ['added', 'kind'] },
  });
  t.match(needs([a, b, stage('w', write, ['b'])]), { a: { columns: 'all' } });
  const second = stage('z', read);
  t.match(
    needs([a, second, stage('c', count, ['a']), stage('f', pass, ['a', 'z']), stage('w', write, ['f'])]),
    {
      a: { columns: 'all' },
      z: { columns: 'all' },
    },
  );
  t.match(
    needs([a, second, b, stage('f', pass, ['b', 'z']), stage('c', count, ['f'])]),
    { a: { columns: ['added', 'kind'] }, z: { columns: ['kind'] } },
    'each source only for what is below it',
  );
});

t.test('a transform passes on what the stages below it need', async (t) => {
  const { segments } = makePlan([
    stage('a', read),
    stage('b', add, ['a']),
    stage('c', add, ['b']),
    stage('d', count, ['c']),
  ]);
  t.match(segments[0]?.needs.get('b'), { columns: ['added', 'kind'] });
  t.match(segments[0]?.needs.get('c'), { columns: ['kind'] });
});

t.test('rows of a combine cannot be read at two levels', async (t) => {
  const stages = [
    stage('a', read),
    stage('r', rank, ['a']),
    stage('p', profile, ['r']),
    stage('s', score, ['r'], 'p'),
    stage('w', write, ['s']),
  ];
  t.throws(() => makePlan(stages), { message: /^the rows of "r" would have to be read twice/ });
  const placed = stages.map((item) => ({ ...item, place: `c.yaml:${item.id}` }));
  t.throws(() => makePlan(placed), ConfigError);
  t.throws(() => makePlan(placed), { message: /^c\.yaml:r {2}the rows of "r"/ });
});

t.test('readers', async (t) => {
  const { nodes } = makePlan(nag);
  t.strictSame(readersOf('d', nodes), ['dk']);
  t.strictSame(readersOf('p', nodes), [], 'a side input is not a reader of rows');
});

const config = {
  ...{ file: 'c.yaml', name: 'nightly', tempDir: '/tmp', hash: 'abc', notes: [] },
  ...{ params: new Map(), stages: nag },

  settings: noSettings,
};

t.test('as text', async (t) => {
  t.equal(
    planText(config, makePlan(nag)),
    `nightly: 3 segments
segment 1: t → p
  t: read
  tk: measure [fused: tm + tk] ← t
  p: profile ← tk
segment 2: d → r
  d: read
  dk: measure [fused: dm + dk] ← d
  s: score ← dk (profile: p)
  r: rank ← s
segment 3: r → w
  r: rank ← s
  w: write ← r
output: /w`,
  );
});

t.test('as text: what is done twice is told', async (t) => {
  const stages = [
    stage('a', read),
    stage('b', add, ['a']),
    stage('p', profile, ['b']),
    stage('s', score, ['b'], 'p'),
    stage('w', write, ['s']),
  ];
  t.match(
    planText(config, makePlan(stages)),
    'computed in more than one segment: b\nread in more than one segment: a\n',
  );
});

t.test('as a Mermaid chart', async (t) => {
  const chart = planMermaid(
    config,
    makePlan([
      stage('a.b', read),
      stage('a-b', profile, ['a.b']),
      ...nag.slice(4, 7),
      stage('s', score, ['dk'], 'a-b'),
      stage('w', write, ['s']),
    ]),
  );
  t.equal(
    chart,
    `flowchart TD
  subgraph segment1 [segment 1]
    s_a_2e_b["a.b: read"]
    s_a_2d_b["a-b: profile"]
  end
  subgraph segment2 [segment 2]
    s_d["d: read"]
    s_dk["dk: dm + dk"]
    s_s["s: score"]
    s_w["w: write"]
  end
  s_a_2e_b --> s_a_2d_b
  s_d --> s_dk
  s_dk --> s_s
  s_a_2d_b -. profile .-> s_s
  s_s --> s_w`,
  );
});

t.test('a side input of several stages waits for all of them, and names them', async (t) => {
  const plan = makePlan([
    stage('t', read),
    stage('p', profile, ['t']),
    stage('u', read),
    stage('q', profile, ['u']),
    stage('d', read),
    stage('s', compare, ['d'], ['q', 'p']),
    stage('w', write, ['s']),
  ]);
  t.strictSame(lines(plan), ['0: t > p > p', '0: u > q > q', '1: d > s w > w']);
  t.match(planText(config, plan), 's: compare ← d (profile: q, p)');
  t.match(planMermaid(config, plan), /s_q -\. profile \.-> s_s\n {2}s_p -\. profile \.-> s_s/);
});

t.test('as JSON', async (t) => {
  const parsed: unknown = JSON.parse(planJson(config, makePlan(nag)));
  t.match(parsed, {
    name: 'nightly',
    hash: 'abc',
    stages: [
      { id: 't', use: 'read', kind: 'source', fused: ['t'], from: { main: [] }, options: {} },
      { id: 'tk', use: 'measure', kind: 'transform', fused: ['tm', 'tk'], from: { main: ['t'] } },
      { id: 'p' },
      { id: 'd' },
      { id: 'dk' },
      { id: 's', from: { main: ['dk'], profile: ['p'] } },
      { id: 'r', kind: 'combine' },
      { id: 'w', options: { path: '/w' } },
    ],
    segments: [
      { level: 0, roots: ['t'], members: ['tk', 'p'], terminals: ['p'], reads: { t: { columns: ['ids'] } } },
      { level: 1, roots: ['d'] },
      { level: 2, roots: ['r'], reads: { r: { columns: 'all' } } },
    ],
    repeated: [],
  });
});
