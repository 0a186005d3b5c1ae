import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Field, Int32, List, Utf8 } from 'apache-arrow';
import t, { type Test } from 'tap';
import { likelihood } from '../../transforms/likelihood.js';
import { allSame, type Same, within } from '../fixtures/all-same.js';
import { writeModelFolder } from '../fixtures/checkpoint.js';
import { batchOf, recordBatch } from '../fixtures/engine.js';
import { readGolden, sha256 } from '../fixtures/golden.js';
import { measuredModels } from '../fixtures/make-checkpoints.js';
import { needsRealData, realData } from '../fixtures/paths.js';
import { testContext, transformed, values } from './context.js';

/** What test/reference/likelihood.py writes. */
interface Golden {
  readonly sha256: Readonly<Record<string, string>>;
  readonly texts: readonly { loss: number; predicted_tokens: number }[];
  readonly questions: readonly { log_likelihoods: number[]; choice: number; choice_norm: number }[];
  readonly acc: number;
  readonly acc_norm: number;
}

interface Question {
  readonly context: string;
  readonly choices: string[];
  readonly answer: number;
}

/** Of a row's largest log-likelihood. */
const tolerance = 1e-5;

const made = readGolden<{ texts: string[]; questions: Question[] }>('likelihood', 'questions');

for (const { name, family, style, bos, options } of measuredModels) {
  t.test(`${name}: losses and choices as PyTorch's`, async (t) => {
    const model = t.testdir({});
    await writeModelFolder(model, family, { ...options, tokenizer: { style } });
    const settings = { model, max_length: 64, bos: bos !== undefined };
    await compare(t, settings, made.texts, made.questions, readGolden<Golden>('likelihood', name));
  });
}

for (const [benchmark, length] of [
  ['arc_easy', 100],
  ['piqa', 300],
] as const) {
  t.test(
    `tinyllama-260k on ${benchmark}: losses, acc and acc_norm as PyTorch's`,
    needsRealData,
    async (t) => {
      const file = join(realData, 'benchmarks', `${benchmark}.jsonl`);
      const rows: { query: string; choices: string[]; gold: number }[] = readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .filter((_, i) => i % 40 === 0)
        .map((line) => JSON.parse(line));
      const questions = rows.map(({ query, choices, gold }) => ({
        context: `${query}\nAnswer:`,
        choices,
        answer: gold,
      }));
      const model = join(realData, 'models', 'tinyllama-260k');
      const golden = readGolden<Golden>('likelihood', `tinyllama-260k-${benchmark}`);
      const texts = rows.map(({ query }) => query);
      await compare(t, { model, max_length: length, bos: true }, texts, questions, golden);
    },
  );
}

async function compare(
  t: Test,
  settings: { readonly model: string } & Readonly<Record<string, unknown>>,
  texts: readonly string[],
  questions: readonly Question[],
  golden: Golden,
): Promise<void> {
  for (const [file, expected] of Object.entries(golden.sha256))
    t.equal(sha256(join(settings.model, file)), expected, `${file} is the one that the golden was made with`);
  const context = testContext(t);
  const shared = { ...settings, device: 'cpu', threads: 1 };

  const documents = batchOf(recordBatch({ doc: [new Utf8(), texts] }), 0);
  const losses = await transformed(likelihood, shared, [documents], context);
  t.same(
    values(losses, 'predicted_tokens'),
    golden.texts.map((text) => text.predicted_tokens),
  );
  const expectedLosses = golden.texts.map(({ loss }) => loss);
  allSame(t, 'losses', (same) => near(same, values(losses, 'loss') as number[], expectedLosses, 'text'));

  const lists = new List(new Field('item', new Utf8()));
  const asked = recordBatch({
    context: [new Utf8(), questions.map((question) => question.context)],
    choices: [lists, questions.map(({ choices }) => choices)],
    answer: [new Int32(), questions.map(({ answer }) => answer)],
  });
  const request = { ...shared, context: 'context', choices: 'choices', answer: 'answer' };
  const out = await transformed(likelihood, request, [batchOf(asked, 0)], context);
  allSame(t, 'log-likelihoods', (same) => {
    for (const [i, found] of (values(out, 'log_likelihoods') as number[][]).entries())
      near(same, found, golden.questions[i]!.log_likelihoods, `question ${i}, choice`);
  });
  for (const column of ['choice', 'choice_norm'] as const)
    t.same(
      values(out, column),
      golden.questions.map((question) => question[column]),
      column,
    );
  const share = (column: string) =>
    values(out, column).reduce<number>((sum, right) => sum + Number(right), 0) / questions.length;
  t.ok(Math.abs(share('correct') - golden.acc) < 1e-12, `acc is ${golden.acc}`);
  t.ok(Math.abs(share('correct_norm') - golden.acc_norm) < 1e-12, `acc_norm is ${golden.acc_norm}`);
}

function near(same: Same, found: readonly number[], expected: readonly number[], what: string): void {
  const largest = Math.max(...expected.map(Math.abs));
  same(
    found.map((value, i) => within(tolerance * largest, value, expected[i] ?? Number.NaN)),
    expected,
    what,
  );
}
