import t from 'tap';
import { type Component, defineTransform, type Needs } from '../../pipeline/component.js';
import { z } from '../../pipeline/index.js';
import { makePlan } from '../../pipeline/plan.js';
import { rank, read, score, write } from '../fixtures/components.js';
import { type StageRow, stagesOf } from '../fixtures/engine.js';

const nothing = { summary: 'Of a test', example: '', options: z.strictObject({}) };
const never = () => {
  throw new Error('this stage is never run');
};
const counting: Component = defineTransform({
  ...nothing,
  name: 'counting',
  needs: () => ({ roles: ['text'] }),
  provides: () => ['tokens'],
  run: never,
});
const store: Component = defineTransform({
  ...nothing,
  name: 'store',
  needs: () => ({}),
  store: never,
  run: never,
});

/** What each source, and each stage named besides, is asked for. */
function needsOf(rows: readonly StageRow[], ...others: readonly string[]): Record<string, readonly string[]> {
  const [segment] = makePlan(stagesOf(rows)).segments;
  const ids = [...(segment?.roots ?? []), ...others];
  const text = ({ roles = [], optionalRoles = [] }: Needs) => [...roles, ...optionalRoles];
  return Object.fromEntries(ids.map((id) => [id, text(segment?.needs.get(id) ?? {})]));
}

const end: readonly StageRow[] = [
  ['r', rank, { fraction: 0.5 }],
  ['w', write, { path: '/w' }],
];

t.test('a role that a stage on the way makes is not asked of what is above it', async (t) => {
  t.strictSame(needsOf([['a', read, { path: '/a' }], ['c', counting], ['s', score], ...end], 'c'), {
    a: ['text', 'docid'],
    c: ['tokens', 'docid'],
  });
});

t.test('a stage that makes a role after the one that wants it does not count', async (t) => {
  const rows: StageRow[] = [
    ['a', read, { path: '/a' }],
    ['other', rank, { fraction: 0.5 }],
    ['ow', write, { path: '/o' }],
    ['c', counting, {}, ['a']],
    ...end,
  ];
  t.strictSame(needsOf(rows), { a: ['tokens', 'text', 'docid'] });
});

t.test('of several sources those are asked whose rows come without', async (t) => {
  const rows: StageRow[] = [
    ['a', read, { path: '/a' }],
    ['c', counting],
    ['b', read, { path: '/b' }],
    ['s', score, {}, ['c', 'b']],
    ...end,
  ];
  t.strictSame(needsOf(rows), { a: ['text', 'docid'], b: ['tokens', 'docid'] });
});

t.test('what a store has kept, the source is not asked for', async (t) => {
  const rows: StageRow[] = [['a', read, { path: '/a' }], ['c', counting], ['k', store], ...end];
  t.strictSame(needsOf(rows, 'k'), { a: ['text', 'docid'], k: ['docid'] });
});
