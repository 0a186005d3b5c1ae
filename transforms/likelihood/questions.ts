import { DataType, Vector } from 'apache-arrow';
import { isText, textReader } from '../../pipeline/arrow/text.js';
import { type Batch, namedColumn } from '../../pipeline/batch.js';
import { schemaNote } from '../../pipeline/columns-note.js';
import { DataError } from '../../pipeline/errors.js';
import {
  cellReader,
  type OnNull,
  parseTemplate,
  renderTemplate,
  templateColumns,
} from '../reading/text-template.js';

/** Where a question's parts stand. */
export interface QuestionColumns {
  /** A column or a template. */
  readonly context: string;
  /** A column of lists of texts, or a column or template for each choice. */
  readonly choices: string | readonly string[];
  /** Index of the right choice from 0, or its label. */
  readonly answer?: string | undefined;
  /** A column of lists, or the labels themselves. */
  readonly labels?: string | readonly string[] | undefined;
}

export interface Question {
  readonly context: string;
  readonly choices: readonly string[];
  /** Index of the right choice; undefined where no answers are asked for. */
  readonly answer: number | undefined;
}

/** The columns that have to be read. */
export function questionColumns({ context, choices, answer, labels }: QuestionColumns): string[] {
  return [
    ...templateColumns(context),
    ...(typeof choices === 'string' ? [choices] : choices.flatMap(templateColumns)),
    ...(answer === undefined ? [] : [answer]),
    ...(typeof labels === 'string' ? [labels] : []),
  ];
}

/** Reads the questions of a batch: each, or why it is none. @throws DataError for columns that are not there */
export function questionReader(batch: Batch, from: QuestionColumns): (row: number) => Question | string {
  const contextOf = textsOf(batch, from.context, 'empty');
  const choicesOf = choicesReader(batch, from.choices);
  const answerOf = answerReader(batch, from);
  return (row) => {
    const context = contextOf(row);
    if (context === null) return 'the context is null';
    const choices = choicesOf(row);
    if (choices === null || choices.length < 2) return 'there are not two choices';
    if (!isComplete(choices)) return 'a choice is empty or null';
    const answer = answerOf(row, choices.length);
    if (typeof answer === 'string') return answer;
    return { context, choices, answer };
  };
}

type ListReader = (row: number) => (string | null)[] | null;

function isComplete(choices: readonly (string | null)[]): choices is readonly string[] {
  return choices.every((choice) => choice !== null && choice !== '');
}

function choicesReader(batch: Batch, choices: QuestionColumns['choices']): ListReader {
  if (typeof choices === 'string') return listsOf(batch, choices);
  const readers = choices.map((one) => textsOf(batch, one, 'skip'));
  return (row) => readers.map((read) => read(row));
}

/** The index of the right choice, or why there is none. */
function answerReader(
  batch: Batch,
  { answer, labels }: QuestionColumns,
): (row: number, choices: number) => number | string | undefined {
  if (answer === undefined) return () => undefined;
  const read = cellReader(columnOf(batch, answer));
  const labelsOf: ListReader =
    labels === undefined
      ? () => null
      : typeof labels === 'string'
        ? listsOf(batch, labels)
        : () => [...labels];
  return (row, choices) => {
    const found = read(row) ?? null;
    if (found === null) return 'the answer is null';
    const own = labelsOf(row)?.slice(0, choices);
    const at = own ? own.indexOf(String(found)) : Number(found);
    if (typeof found === 'string' && !own) return 'the answer is a text: give its labels';
    if (Number.isSafeInteger(at) && at >= 0 && at < choices) return at;
    return 'the answer is none of the choices';
  };
}

/** Texts of a column, or made by a template: a choice of which a part is null is none. */
function textsOf(batch: Batch, text: string, onNull: OnNull): (row: number) => string | null {
  const template = parseTemplate(text, batch.columns.schema, batch.roles);
  if (template) {
    for (const name of template.columns) columnOf(batch, name);
    return textReader(new Vector([renderTemplate(template, batch.columns, onNull)]));
  }
  const vector = columnOf(batch, text);
  if (isText(vector.type)) return textReader(vector);
  throw new DataError(placeIn(batch, text), `expected text, found ${String(vector.type)}`);
}

function listsOf(batch: Batch, name: string): ListReader {
  const vector = columnOf(batch, name);
  const [data] = vector.data;
  const { type } = vector;
  if (!data || !(DataType.isList(type) || DataType.isFixedSizeList(type)))
    throw new DataError(placeIn(batch, name), `expected lists of texts, found ${String(type)}`);
  const items = data.children[0]!;
  const read = cellReader(new Vector([items]));
  const offset = DataType.isList(type)
    ? (row: number) => data.valueOffsets[row]!
    : (row: number) => row * type.listSize;
  return (row) => {
    if (!data.getValid(row)) return null;
    const [first, end] = [offset(row), offset(row + 1)];
    return Array.from({ length: end - first }, (_, i) => {
      const value = read(first + i) ?? null;
      return value === null ? null : String(value);
    });
  };
}

function columnOf(batch: Batch, name: string): Vector {
  const found = namedColumn(batch, name);
  if (found) return found;
  throw new DataError(placeIn(batch), `there is no column "${name}"${schemaNote(batch.columns.schema)}`);
}

function placeIn({ bundle }: Batch, column?: string) {
  return { file: bundle.file, column };
}
