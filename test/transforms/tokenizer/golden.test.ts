import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { DocumentTokenizer } from '../../../transforms/tokenizer/tokenizer.js';
import { allSame } from '../../fixtures/all-same.js';
import { readGolden, sha256 } from '../../fixtures/golden.js';
import { tokenizerStyles } from '../../fixtures/make-checkpoints.js';
import { needsRealData, realData } from '../../fixtures/paths.js';
import { writeTokenizer } from '../../fixtures/tokenizer.js';

/** What test/reference/token_ids.py writes. */
interface Golden {
  readonly sha256: string;
  /** Tokens of each long text. */
  readonly long: readonly number[];
  readonly ids: readonly (readonly number[])[];
}

interface Inputs {
  readonly texts: readonly string[];
  /** Some of the texts, joined by line feeds and repeated. */
  readonly long: readonly { readonly join: readonly number[]; readonly repeat: number }[];
}

const { texts, long } = readGolden<Inputs>('tokenizer', 'texts');
const lengths = [1, 2, 3, 5, 8, 20, 64, 120, 100_000];

for (const style of tokenizerStyles) {
  t.test(`the ${style} fixture gives Python's ids`, async (t) => {
    const dir = t.testdir();
    await writeTokenizer(dir, { style });
    await checkTexts(t, join(dir, 'tokenizer.json'), readGolden<Golden>('tokenizer', `fixture-${style}`));
  });
}

/** Folders in ../shared/data, and transformers.js' test cases: their name, and the ids that they add in front. */
const realTokenizers: Readonly<Record<string, readonly (readonly [name: string, added: number])[]>> = {
  'tokenizers/gpt2': [
    ['Xenova/gpt2', 0],
    ['openai-community/gpt2', 0],
  ],
  'tokenizers/llama3_2': [
    ['Xenova/llama3-tokenizer', 0],
    ['Xenova/llama3-tokenizer-new', 1],
  ],
  'tokenizers/qwen3': [['Xenova/Qwen1.5-0.5B-Chat', 0]],
  'models/tinyllama-260k': [],
};

for (const [folder, cases] of Object.entries(realTokenizers)) {
  const name = basename(folder);
  t.test(`the real tokenizer ${name} gives Python's ids`, needsRealData, async (t) => {
    const golden = readGolden<Golden>('tokenizer', `real-${name}`);
    const tokenizer = await checkTexts(t, join(realData, folder, 'tokenizer.json'), golden);
    for (const [name, added] of cases) await checkCases(t, tokenizer, name, added);
  });
}

async function checkCases(t: Test, tokenizer: DocumentTokenizer, name: string, added: number): Promise<void> {
  const file = join(realData, 'tokenizers', 'vectors', 'transformersjs-cases.json');
  const all: Record<string, { text: string; ids: number[] }[]> = JSON.parse(readFileSync(file, 'utf8'));
  const cases = all[name] ?? [];
  t.ok(cases.length >= 25, `${name} has its cases`);
  await allSame(t, `${name}: the ids`, async (same) => {
    for (const [i, { text, ids }] of cases.entries())
      same([...(await tokenizer.first(text, 1000))], ids.slice(added), `case ${i}`);
  });
}

async function checkTexts(t: Test, file: string, golden: Golden): Promise<DocumentTokenizer> {
  t.equal(sha256(file), golden.sha256, 'the tokenizer is the one that the golden ids were made with');
  t.equal(golden.ids.length, texts.length);
  const tokenizer = await DocumentTokenizer.open(file);
  t.teardown(() => tokenizer.close());
  await allSame(t, 'the counts, and the first ids', async (same) => {
    for (const [i, text] of texts.entries()) {
      const ids = golden.ids[i]!;
      // By number: what these texts hold ends TAP's lines and makes directives.
      const title = `texts.json, ${i}`;
      same(await tokenizer.count(text), ids.length, `${title}: ${ids.length} tokens`);
      const prefixes = await Promise.all(lengths.map((length) => tokenizer.first(text, length)));
      for (const [at, length] of lengths.entries())
        same([...prefixes[at]!], ids.slice(0, length), `${title}: first ${length}`);
    }
  });
  t.equal(golden.long.length, long.length);
  await allSame(t, 'the counts of long texts', async (same) => {
    for (const [i, { join: indices, repeat }] of long.entries()) {
      const text = indices
        .map((index) => texts[index])
        .join('\n')
        .repeat(repeat);
      same(await tokenizer.count(text), golden.long[i], `long text ${i}, ${text.length} characters`);
    }
  });
  return tokenizer;
}
