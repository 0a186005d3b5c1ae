import { Field, Int64, RecordBatch, Struct, Utf8, vectorFromArray } from 'apache-arrow';
import t from 'tap';
import { parseTemplate, renderTemplate, templateColumns } from '../../../transforms/reading/text-template.js';

const meta = new Struct([new Field('title', new Utf8(), true)]);
const columns = new RecordBatch({
  question: vectorFromArray(['Why?', null, '\ufeffWho?'], new Utf8()).data[0]!,
  answer: vectorFromArray([42n, 1n, 2n ** 60n], new Int64()).data[0]!,
  meta: vectorFromArray([{ title: 'T' }, { title: 'U' }, { title: 'V' }], meta).data[0]!,
  '{odd}': vectorFromArray(['a', 'b', 'c'], new Utf8()).data[0]!,
});
const rendered = (text: string) => {
  const template = parseTemplate(text, columns.schema);
  if (!template) return 'no template';
  const data = renderTemplate(template, columns);
  const bytes = Buffer.from(data.values as Uint8Array);
  const offsets = data.valueOffsets as Int32Array;
  return [0, 1, 2].map((row) =>
    data.getValid(row) ? bytes.toString('utf8', offsets[row], offsets[row + 1]) : null,
  );
};

t.test('texts of several columns; null where one of them is', async (t) => {
  t.same(rendered('{question}\n{answer}'), ['Why?\n42', null, '\ufeffWho?\n1152921504606846976']);
  t.same(rendered('Q: {meta.title}: {meta.title}.'), ['Q: T: T.', 'Q: U: U.', 'Q: V: V.']);
});

t.test('the columns of a template', async (t) => {
  t.same(parseTemplate('{question}\n{meta.title}', columns.schema)?.columns, ['question', 'meta.title']);
  t.same(
    parseTemplate('{none}', columns.schema)?.columns,
    ['none'],
    'whether they are there is asked elsewhere',
  );
});

t.test('what is no template', async (t) => {
  t.equal(rendered('question'), 'no template');
  t.equal(rendered('{odd}'), 'no template', 'a column of that very name');
  t.equal(rendered('a {} b'), 'no template');
});

t.test('the columns of a template, before there is a schema', async (t) => {
  t.same(templateColumns('{question} {meta.title}:'), ['question', 'meta.title']);
  t.same(templateColumns('question'), ['question']);
});
