import pLimit from 'p-limit';
import { z } from 'zod';
import { type Batch, keepRows, placeOf } from '../pipeline/batch.js';
import { type Context, defineTransform } from '../pipeline/component.js';
import type { Deactivation } from './backbone/types.js';
import { inBatchesOf, runDocuments } from './extract/batching.js';
import { tellHalved } from './extract/fitting.js';
import { checkDevices, modelOptions } from './extract/model-options.js';
import { createPace } from './extract/pace.js';
import { gatheredNeurons } from './gathered-neurons.js';
import { likelihoodColumns, type Measured, withChoices, withLoss } from './likelihood/columns.js';
import { checkScorer, openScorer, type Scorer, scorerFacts } from './likelihood/model.js';
import { type Question, questionColumns, questionReader } from './likelihood/questions.js';
import { type Encoded, encodePair, encodeText, type Sequence } from './likelihood/sequences.js';
import { isOnHub } from './model.js';
import { noteReplaced } from './own-column.js';
import { textsOf } from './tokenize.js';

/** Texts being encoded at once. */
const inFlight = 64;

const columnOrList = z.union([z.string(), z.array(z.string()).min(2)]);

const options = z
  .strictObject({
    ...modelOptions,
    max_length: z
      .int()
      .min(2)
      .optional()
      .describe(
        'Tokens of a sequence: texts are cut at their end, contexts at their start. Default 512, or what the model was made for',
      ),
    bos: z
      .union([z.boolean(), z.string()])
      .default(false)
      .describe(
        "Start every sequence with the tokenizer's BOS token (where it has none, config.json's), or with the token named here",
      ),
    context: z
      .string()
      .optional()
      .describe('Multiple choice: a column, or a template of columns, that comes before every choice'),
    choices: columnOrList
      .optional()
      .describe('Multiple choice: a column of lists of texts, or a column or template for each choice'),
    answer: z.string().optional().describe('Column of the right choice: its index from 0, or its label'),
    labels: columnOrList
      .optional()
      .describe('Labels that answers are given by: a column of lists, or the labels themselves'),
    delimiter: z.string().default(' ').describe('Stands between the context and a choice'),
    suffix: z
      .string()
      .default('')
      .describe("Behind the new columns' names, where a pipeline measures several times"),
    on_unusable: z
      .enum(['fail', 'skip'])
      .default('fail')
      .describe(
        'Rows with nothing to measure (no text, no choices, no right answer): stop, or leave them out and count them',
      ),
  })
  .superRefine(checkDevices)
  .refine(({ context, choices }) => (context === undefined) === (choices === undefined), {
    message: 'context and choices go together',
  })
  .refine(({ choices, answer, labels }) => choices !== undefined || (answer ?? labels) === undefined, {
    message: 'answer and labels belong to choices',
  });

type Options = z.output<typeof options>;

/**
 * Transform: what a model makes of texts. Without choices: `loss`, the mean negative log-likelihood of a token given
 * those before it in nats, and `predicted_tokens`. With choices: `choice` and `choice_norm`, and where answers are known
 * `correct` and `correct_norm`, whose means are `acc` and `acc_norm` of EleutherAI's lm-evaluation-harness.
 */
export const likelihood = defineTransform({
  name: 'likelihood',
  summary: 'Measure a model: the loss of texts, or its answers to multiple choice, by log-likelihood',
  options,
  example: `
    - {use: read.jsonl, with: {path: "arc_easy/*.jsonl"}}
    - use: likelihood
      with:
        model: models/Qwen3-0.6B-Base
        context: "Question: {question}\\nAnswer:"
        choices: choices.text
        labels: choices.label
        answer: answerKey
    - {use: show, with: {mean: [correct, correct_norm]}}`,
  needs: (settings) => {
    const questions = questionsOf(settings);
    return questions ? { columns: questionColumns(questions) } : { roles: ['text'] };
  },
  mayDrop: ({ on_unusable }) => on_unusable === 'skip',
  facts: async (settings, context) => {
    const { model: _model, threads: _threads, window: _window, ...others } = settings;
    const {
      device: _device,
      devices: _devices,
      precision: _precision,
      batch_tokens: _tokens,
      deactivate: _deactivate,
      max_length: _length,
      bos: _bos,
      ...measured
    } = others;
    return { ...(await scorerFacts(settings, context)), ...measured };
  },
  costly: () => true,
  optionalSides: ['deactivate'],
  gathers: { deactivate: gatheredNeurons },
  preview: previewMeasured,
  run: measureAll,
});

/** The columns that come out, and what is wrong with a model that is here; its weights are not read. */
async function previewMeasured(
  input: readonly Batch[],
  settings: Options,
  context: Context,
): Promise<readonly Batch[]> {
  const asked = questionsOf(settings);
  for (const batch of input) asked ? questionReader(batch, asked) : textsOf(batch);
  if (!isOnHub(settings.model)) await checkScorer(settings, context);
  return input.map((batch) => {
    const nothing = { batch, ids: [], placeOfIds: () => placeOf(batch, 0), sequences: [], questions: [] };
    return asked ? withChoices(nothing, [], [], settings) : withLoss(nothing, [], settings.suffix);
  });
}

async function* measureAll(
  input: AsyncIterable<Batch>,
  settings: Options,
  context: Context,
  sides: ReadonlyMap<string, unknown>,
): AsyncGenerator<Batch> {
  const scorer = await openScorer(settings, context, sides.get('deactivate') as Deactivation | undefined);
  const pace = createPace(settings.window);
  const batches = inBatchesOf(() => pace.documents, input);
  const runs = runDocuments(encodeAll(batches, settings, scorer, context), {
    session: scorer.session,
    batchTokens: settings.batch_tokens,
    pace,
    onDone: (sequences, tokens) => {
      // Of questions, whose sequences are several a row, only whole windows are told of.
      if (!questionsOf(settings)) context.worked(sequences);
      context.count('tokens', tokens);
    },
    onHalved: (device) => tellHalved(context, device),
    signal: context.signal,
  });
  for await (const { documents, result } of runs) {
    const found = result.logProbabilities ?? [];
    const { questions } = documents;
    for (const name of likelihoodColumns(questions !== undefined, settings))
      noteReplaced(documents.batch, name, 'suffix: …', context);
    yield questions
      ? withChoices(documents, questions, found, settings)
      : withLoss(documents, found, settings.suffix);
  }
}

async function* encodeAll(
  input: AsyncIterable<Batch>,
  settings: Options,
  scorer: Scorer,
  context: Context,
): AsyncGenerator<Measured> {
  for await (const batch of input) {
    const questions = questionsOf(settings);
    const encoded = questions
      ? await encodeQuestions(batch, questionReader(batch, questions), settings.delimiter, scorer)
      : await encodeTexts(batch, scorer);
    yield usable(batch, encoded, settings, context);
  }
}

/** What a row comes to: its sequences and its question, or why there is nothing to measure. */
type Row = { readonly sequences: readonly Sequence[]; readonly question?: Question } | string;

function encodeTexts(batch: Batch, scorer: Scorer): Promise<Row[]> {
  const read = textsOf(batch);
  return forEachRow(batch, async (row) => rowOf([await encodeText(read(row) ?? '', scorer)]));
}

function encodeQuestions(
  batch: Batch,
  read: (row: number) => Question | string,
  delimiter: string,
  scorer: Scorer,
): Promise<Row[]> {
  return forEachRow(batch, async (row) => {
    const question = read(row);
    if (typeof question === 'string') return question;
    const { context, choices } = question;
    const encoded: Encoded[] = [];
    for (const choice of choices) encoded.push(await encodePair(context, delimiter + choice, scorer));
    return rowOf(encoded, question);
  });
}

function rowOf(encoded: readonly Encoded[], question?: Question): Row {
  const sequences: Sequence[] = [];
  for (const one of encoded) {
    if (typeof one === 'string') return one;
    sequences.push(one);
  }
  return question ? { sequences, question } : { sequences };
}

function forEachRow(batch: Batch, work: (row: number) => Promise<Row>): Promise<Row[]> {
  const limit = pLimit(inFlight);
  return Promise.all(Array.from(batch.rows, (_, row) => limit(() => work(row))));
}

/** The rows that can be measured; others are rejected, or left out. */
function usable(batch: Batch, rows: readonly Row[], settings: Options, context: Context): Measured {
  const kept: number[] = [];
  const sequences: Sequence[][] = [];
  const questions: Question[] = [];
  for (const [row, found] of rows.entries()) {
    if (typeof found === 'string') {
      if (settings.on_unusable === 'skip') context.leftOut(found, 1);
      else context.reject(placeOf(batch, row), `${found}; mend or remove the row, or set on_unusable: skip`);
      continue;
    }
    kept.push(row);
    sequences.push([...found.sequences]);
    if (found.question) questions.push(found.question);
  }
  const cut = sequences.filter((own) => own.some((sequence) => sequence.cut)).length;
  if (cut > 0) context.count('cut to max_length', cut);
  const usable = keepRows(batch, Uint32Array.from(kept));
  const rowOf = sequences.flatMap((own, row) => own.map(() => row));
  return {
    batch: usable,
    ids: sequences.flat().map(({ ids }) => ids),
    placeOfIds: (sequence) => placeOf(usable, rowOf[sequence]!),
    sequences,
    questions: questionsOf(settings) ? questions : undefined,
  };
}

function questionsOf({ context, choices, answer, labels }: Options) {
  return context === undefined || choices === undefined ? undefined : { context, choices, answer, labels };
}
