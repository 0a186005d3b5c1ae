import t from 'tap';
import { makePlan } from '../../pipeline/plan.js';
import { Provenance } from '../../pipeline/provenance.js';
import { add, profile, rank, read, score, write } from '../fixtures/components.js';
import { stagesOf } from '../fixtures/engine.js';

const plan = makePlan(
  stagesOf([
    ['target', read, { path: '/t' }],
    ['p', profile],
    ['pool', read, { path: '/p' }],
    ['s', score, {}, ['pool'], { profile: 'p' }],
    ['first', rank, { fraction: 0.5 }],
    ['a', write, { path: '/a' }],
    ['second', rank, { fraction: 0.1 }, ['s']],
    ['more', add, {}, ['second']],
    ['b', write, { path: '/b' }],
  ]),
);

t.test('outputs say how they were made, and not how others were', async (t) => {
  const provenance = new Provenance(plan, new Map([['nag.name', 'test']]));
  provenance.of('target').set('nag.model', 'm');
  provenance.of('first').set('nag.overlap', '1');
  provenance.of('second').set('nag.overlap', '2');
  const known = (id: string) => Object.fromEntries(provenance.of(id));
  t.strictSame(known('a'), { 'nag.name': 'test', 'nag.model': 'm', 'nag.overlap': '1' });
  t.strictSame(known('b'), { 'nag.name': 'test', 'nag.model': 'm', 'nag.overlap': '2' });
  t.strictSame(known('pool'), { 'nag.name': 'test' });
  t.strictSame(Object.fromEntries(provenance.all), {
    'nag.name': 'test',
    'nag.model': 'm',
    'nag.overlap': '1',
    'nag.overlap.second': '2',
  });
  t.throws(() => provenance.of('none'), TypeError);
});

t.test('of what two stages on one way say, the last counts', async (t) => {
  const provenance = new Provenance(plan);
  provenance.of('s').set('key', 'above');
  provenance.of('second').set('key', 'below');
  t.equal(provenance.of('b').get('key'), 'below');
  t.equal(provenance.of('a').get('key'), 'above');
});
