import { Int32 } from 'apache-arrow';
import t from 'tap';
import { z } from 'zod';
import { defineTransform, type Transform } from '../../pipeline/component.js';
import { makePlan } from '../../pipeline/plan.js';
import { planText } from '../../pipeline/plan-text.js';
import { noSettings } from '../fixtures/components.js';
import {
  collectSink,
  mapStage,
  memorySource,
  recordBatch,
  type StageRow,
  stagesOf,
} from '../fixtures/engine.js';

const source = memorySource([[recordBatch({ n: [new Int32(), [1]] })]]);
const plain = mapStage((batch) => batch);
const costly: Transform = { ...plain, name: 'costly', costly: () => true };
const store = defineTransform({
  name: 'store',
  summary: '',
  example: '',
  options: z.strictObject({}),
  store: () => Promise.reject(new Error('not opened')),
  run: (input) => input,
});
const sink = collectSink();

function kept(rows: readonly StageRow[]): string[] {
  const { nodes } = makePlan(stagesOf(rows), { checkpoints: '/work' });
  return [...nodes.values()]
    .filter(({ component }) => component.name === 'checkpoint')
    .map(({ id, inputs }) => `${inputs.main.join()} > ${id}`);
}

t.test('behind the last costly stage of a chain; what read that reads it', async (t) => {
  const rows: StageRow[] = [
    ['s', source],
    ['a', costly],
    ['b', plain],
    ['c', costly],
    ['c.kept', plain],
    ['w', sink],
  ];
  t.strictSame(kept(rows), ['c > c.kept-2'], 'the id is free');
  const plan = makePlan(stagesOf(rows), { checkpoints: '/work' });
  t.strictSame(plan.nodes.get('c.kept')?.inputs.main, ['c.kept-2']);
  t.strictSame(plan.segments[0]?.stored.get('c.kept-2'), { source: 's', chain: ['a', 'b', 'c'] });
  t.strictSame(
    [...makePlan(stagesOf(rows)).nodes.keys()],
    ['s', 'a', 'b', 'c', 'c.kept', 'w'],
    'not asked for',
  );
});

t.test('several may read it', async (t) => {
  t.strictSame(
    kept([
      ['s', source],
      ['a', costly],
      ['w', sink],
      ['v', sink, {}, ['a']],
    ]),
    ['a > a.kept'],
  );
});

t.test('not where it could not be kept, or is kept already', async (t) => {
  const cases: Record<string, StageRow[]> = {
    'nothing costly': [
      ['s', source],
      ['a', plain],
      ['w', sink],
    ],
    'a store below': [
      ['s', source],
      ['a', costly],
      ['b', plain],
      ['f', store],
      ['w', sink],
    ],
    'a store above': [
      ['s', source],
      ['f', store],
      ['a', costly],
      ['w', sink],
    ],
    'several inputs': [
      ['s', source],
      ['t', source],
      ['a', costly, {}, ['s', 't']],
      ['w', sink],
    ],
    'another reader': [
      ['s', source],
      ['b', plain],
      ['a', costly],
      ['w', sink],
      ['v', sink, {}, ['b']],
    ],
    'the source has another reader': [
      ['s', source],
      ['a', costly],
      ['w', sink],
      ['v', sink, {}, ['s']],
    ],
    'a stage that looks at rows before': [
      ['s', source],
      ['d', { ...plain, remembers: true }],
      ['a', costly],
      ['w', sink],
    ],
  };
  for (const [name, rows] of Object.entries(cases)) t.strictSame(kept(rows), [], name);
  t.strictSame(
    kept([
      ['s', source],
      ['a', costly],
      ['d', { ...plain, remembers: true }],
      ['b', costly],
      ['w', sink],
    ]),
    ['a > a.kept'],
    'the last that can be kept',
  );
});

t.test('a store that a user puts behind a stage that looks at rows before is refused', async (t) => {
  const rows: StageRow[] = [
    ['s', source],
    ['d', { ...plain, remembers: true }],
    ['f', store],
    ['w', sink],
  ];
  t.throws(() => makePlan(stagesOf(rows)), {
    message: /"f" keeps what depends on a document alone, and "d" looks/,
  });
});

t.test('costly work that is not kept is named, with the reason', async (t) => {
  const unkept = (rows: readonly StageRow[], checkpoints: string | undefined = '/work') =>
    Object.fromEntries(makePlan(stagesOf(rows), { checkpoints }).unkept);
  const forked: StageRow[] = [
    ['s', source],
    ['a', costly],
    ['w', sink],
    ['v', sink, {}, ['s']],
  ];
  t.strictSame(unkept(forked), { a: '"s" is read by "v" too: give that one a source of its own' });
  t.strictSame(Object.fromEntries(makePlan(stagesOf(forked)).unkept), {}, 'where nothing is to be kept');
  const several: StageRow[] = [
    ['s', source],
    ['r', source],
    ['b', plain, {}, ['s', 'r']],
    ['a', costly],
    ['w', sink],
  ];
  t.strictSame(unkept(several), {
    a: '"b" reads several stages: do this work once for each of them, and put their rows together below it (from: [a, b])',
  });
  const chain: StageRow[] = [
    ['s', source],
    ['a', costly],
    ['b', costly],
    ['w', sink],
  ];
  t.strictSame(unkept(chain), {}, 'what is kept behind a later stage');
  t.strictSame(
    unkept([
      ['s', source],
      ['a', costly],
      ['k', store],
      ['w', sink],
    ]),
    {},
    'by a store',
  );
});

t.test('the plan shows costly work that a state folder cannot keep', async (t) => {
  const stages = stagesOf([
    ['s', source],
    ['a', costly],
    ['w', sink],
    ['v', sink, {}, ['s']],
  ]);
  const facts = { file: 'c.yaml', name: 'c', tempDir: '/tmp', hash: 'abc', notes: [], params: new Map() };
  t.match(
    planText({ ...facts, stages, settings: noSettings }, makePlan(stages, { checkpoints: '/work' })),
    '\na: what it computes is not kept, and lost when the run is interrupted: "s" is read by "v" too',
  );
});
