import {
  Binary,
  DateDay,
  Decimal,
  Dictionary,
  Field,
  FixedSizeBinary,
  Float16,
  Int32,
  Int64,
  List,
  RecordBatch,
  Schema,
  Struct,
  TimestampMicrosecond,
  TimestampMillisecond,
  Utf8,
  Vector,
  vectorFromArray,
} from 'apache-arrow';
import t from 'tap';
import { isWritable, jsonRow } from '../../../pipeline/arrow/json-row.js';
import { textReader } from '../../../pipeline/arrow/text.js';
import { toRecordBatch } from '../../../transforms/jsonl/convert.js';
import {
  completeRows,
  type OnNull,
  parseTemplate,
  renderTemplate,
  templateColumns,
} from '../../../transforms/reading/text-template.js';
import { sampleBatches } from '../../fixtures/columns.js';

const meta = new Struct([new Field('title', new Utf8(), true)]);
const columns = new RecordBatch({
  question: vectorFromArray(['Why?', null, '\ufeffWho?'], new Utf8()).data[0]!,
  answer: vectorFromArray([42n, 1n, 2n ** 60n], new Int64()).data[0]!,
  meta: vectorFromArray([{ title: 'T' }, { title: 'U' }, { title: 'V' }], meta).data[0]!,
  '{odd}': vectorFromArray(['a', 'b', 'c'], new Utf8()).data[0]!,
});
const rendered = (text: string, onNull?: OnNull) => {
  const template = parseTemplate(text, columns.schema);
  if (!template) return 'no template';
  const data = renderTemplate(template, columns, onNull);
  const bytes = Buffer.from(data.values as Uint8Array);
  const offsets = data.valueOffsets as Int32Array;
  return [0, 1, 2].map((row) =>
    data.getValid(row) ? bytes.toString('utf8', offsets[row], offsets[row + 1]) : null,
  );
};

t.test('texts of several columns; a null is empty text, or makes all null', async (t) => {
  const texts = ['Why?\n42', '\n1', '\ufeffWho?\n1152921504606846976'];
  t.same(rendered('{question}\n{answer}'), texts);
  t.same(rendered('{question}\n{answer}', 'skip'), [texts[0], null, texts[2]]);
  t.same(rendered('Q: {question}'), ['Q: Why?', null, 'Q: \ufeffWho?'], 'nulls alone are no text');
  t.same(rendered('Q: {meta.title}: {meta.title}.'), ['Q: T: T.', 'Q: U: U.', 'Q: V: V.']);
  const template = parseTemplate('{question}{answer}', columns.schema)!;
  t.same([...completeRows(template, columns)], [0, 2]);
});

t.test('escapes mean the same in YAML and in --set', async (t) => {
  t.same(rendered('{question}\\n\\t{answer}'), ['Why?\n\t42', '\n\t1', '\ufeffWho?\n\t1152921504606846976']);
  t.same(parseTemplate('{a}\\\\n\\frac', columns.schema)?.parts, ['', 'a', '\\n\\frac']);
});

t.test('values of every type are what write.jsonl writes, less the quotes', async (t) => {
  const different: string[] = [];
  for (const { name, batch } of sampleBatches()) {
    const { type } = batch.schema.fields[0]!;
    if (!isWritable(type)) continue;
    const write = jsonRow(batch);
    const wanted = Array.from({ length: batch.numRows }, (_, row) =>
      write(row).slice('{"x":'.length, -1),
    ).map((json) => (json === 'null' ? null : json.startsWith('"') ? JSON.parse(json) : json));
    const data = renderTemplate(parseTemplate('{x}', batch.schema)!, batch);
    const texts = wanted.map((_, row) => textReader(new Vector([data]))(row));
    if (JSON.stringify(texts) !== JSON.stringify(wanted)) different.push(name);
  }
  t.strictSame(different, []);
});

t.test('the values that models saw as numbers of bytes', async (t) => {
  const uuid = new Map([['ARROW:extension:name', 'arrow.uuid']]);
  const fields = [
    new Field('decimal', new Decimal(2, 10), true),
    new Field('date', new DateDay(), true),
    new Field('zoned', new TimestampMicrosecond('Europe/Berlin'), true),
    new Field('plain', new TimestampMillisecond(), true),
    new Field('bytes', new Binary(), true),
    new Field('uuid', new FixedSizeBinary(16), true, uuid),
    new Field('half', new Float16(), true),
    new Field('word', new Dictionary(new Utf8(), new Int32()), true),
    new Field('list', new List(new Field('item', new Utf8(), true)), true),
    new Field('json', new Utf8(), true, new Map([['nag.json', 'true']])),
  ];
  const row = [
    new Uint32Array([125, 0, 0, 0]),
    new Date('2024-01-02'),
    1704164645123,
    1704164645123,
    Buffer.from('ab'),
    Buffer.from('12345678123456781234567812345678', 'hex'),
    1.5,
    'w',
    ['a', null],
    '"text"',
  ];
  const batch = toRecordBatch([row], new Schema(fields), undefined);
  const template = parseTemplate(fields.map(({ name }) => `{${name}}`).join(' '), batch.schema)!;
  t.equal(
    textReader(new Vector([renderTemplate(template, batch)]))(0),
    '1.25 2024-01-02 2024-01-02T03:04:05.123000Z 2024-01-02T03:04:05.123 YWI= 12345678-1234-5678-1234-567812345678 1.5 w ["a",null] text',
  );
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
