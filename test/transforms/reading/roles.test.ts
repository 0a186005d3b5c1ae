import { Field, Int64, Schema, Struct, Utf8 } from 'apache-arrow';
import t from 'tap';
import {
  mapRoles,
  neededColumns,
  needsTemplate,
  noteHidden,
  typeOf,
} from '../../../transforms/reading/roles.js';
import { testContext } from '../context.js';

const text = (name: string) => new Field(name, new Utf8(), true);
const schema = new Schema([
  text('docid'),
  text('doc'),
  text('question'),
  text('content_split'),
  new Field('meta', new Struct([text('docid'), new Field('deep', new Struct([text('id')]))]), true),
  text('a.b'),
  new Field('token_num', new Int64(), true),
]);
const options = (columns: Parameters<typeof mapRoles>[0]['columns'], format: 'web' | 'final' = 'web') =>
  ({ path: 'x', format, columns, where: {} }) as const;
const map = (...args: Parameters<typeof options>) => mapRoles(options(...args), schema, 'pool.parquet');

t.test('presets, and columns instead of them', async (t) => {
  t.same(map({}).roles, { docid: 'docid', text: 'doc', tokens: 'token_num' });
  t.same(map({}, 'final').roles, { docid: 'meta.docid', text: 'content_split', tokens: 'token_num' });
  t.same(map({ docid: 'meta.deep.id', text: 'a.b' }).roles, {
    docid: 'meta.deep.id',
    text: 'a.b',
    tokens: 'token_num',
  });
  t.same(map({ text: '{question} {doc}' }).roles.text, '#text');
});

t.test('a column that was named must be there; one of a preset only when it is used', async (t) => {
  const none = new Schema([text('x')]);
  const mapping = mapRoles(options({}), none, 'pool.parquet');
  t.same(neededColumns({ optionalRoles: ['docid', 'text'] }, mapping, none, 'f'), []);
  t.throws(() => neededColumns({ roles: ['text'] }, mapping, none, 'f.parquet'), {
    message: /^f\.parquet: there is no column "doc" \(columns: x\); name the right one with columns/,
  });
  for (const columns of [{ docid: 'id' }, { tokens: 'meta.none' }, { text: '{doc} {none}' }])
    t.throws(() => map(columns), { message: /^pool\.parquet: there is no column "(id|meta\.none|none)"/ });
});

t.test('columns to read', async (t) => {
  const mapping = map({ docid: 'meta.docid', text: '{question} {doc}' });
  const needed = (needs: Parameters<typeof neededColumns>[0]) => neededColumns(needs, mapping, schema, 'f');
  t.equal(needed({ roles: ['text'], columns: 'all' }), undefined);
  t.same(needed({}), []);
  t.same(needed({ roles: ['text'] }), ['question', 'doc']);
  t.same(needed({ roles: ['docid'], optionalRoles: ['tokens'], columns: ['doc', 'doc'] }), [
    'meta.docid',
    'token_num',
    'doc',
  ]);
  t.equal(needsTemplate({ roles: ['text'] }, mapping), true);
  t.equal(needsTemplate({ columns: 'all' }, mapping), false);
  t.equal(needsTemplate({ roles: ['text'] }, map({})), false);
});

t.test('types by path; a name with a dot comes first', async (t) => {
  t.equal(String(typeOf(schema, 'meta.deep.id')), 'Utf8');
  t.equal(String(typeOf(schema, 'a.b')), 'Utf8');
  t.equal(typeOf(schema, 'doc.x'), undefined);
  t.equal(typeOf(schema, 'meta.none.id'), undefined);
});

t.test('columns that no output will have are told of', async (t) => {
  const context = testContext(t);
  noteHidden(schema, context);
  t.same(context.notes, []);
  noteHidden(new Schema([text('#id'), text('a#b')]), context);
  t.match(context.notes, [/not written \(#id\)/]);
});
