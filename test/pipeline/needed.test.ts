import { Field, Int32, Schema, Struct, Utf8 } from 'apache-arrow';
import t from 'tap';
import { askedPaths, neededFrom } from '../../pipeline/needed.js';

const schema = new Schema([
  new Field('tokens', new Int32()),
  new Field('meta', new Struct([new Field('id', new Utf8())])),
]);
const source = { schema, roles: { docid: 'meta.id', text: '#text', tokens: 'count' } };

t.test('the name of a role asks for what plays it, unless a column has the name', async (t) => {
  const needs = {
    roles: ['docid' as const],
    columns: ['tokens', 'text', 'docid', 'meta.id', 'nag_distance'],
  };
  t.strictSame(neededFrom(needs, source), {
    roles: ['docid'],
    columns: ['tokens', 'meta.id'],
    optionalRoles: ['text', 'docid'],
  });
  t.strictSame(neededFrom({ columns: 'all' }, source), { columns: 'all' });
});

t.test('paths that are asked of several sources', async (t) => {
  const other = { schema: new Schema([new Field('doc', new Utf8())]), roles: { text: 'doc', tokens: 'n' } };
  t.strictSame(
    askedPaths({ columns: ['text', 'tokens'] }, [source, other]),
    new Set(['#text', 'doc', 'n', 'text', 'tokens']),
  );
  t.equal(askedPaths({ columns: 'all' }, [source]), undefined);
});
