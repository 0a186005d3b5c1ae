import { byLength } from '../../transforms/extract/grouping.js';
import { DocumentTokenizer } from '../../transforms/tokenizer/tokenizer.js';
import { maxLength } from './extraction-runs.js';
import { atMost, type Part } from './part.js';

/** Documents in a window: of a model on this CPU, of a fast one on a GPU. */
const windows = [16, 64, 512, 4096];
const batchTokens = 2048;

/** Padding that would be computed over the whole pool, and what the reference's batches would compute. */
export const padding: Part = async ({ material, quick }) => {
  const texts = (await material.texts()).slice(0, quick ? 2000 : undefined);
  const tokenizer = await DocumentTokenizer.open(material.tokenizer);
  const documents: Int32Array[] = [];
  for (let first = 0; first < texts.length; first += 64) {
    const own = await Promise.all(
      texts.slice(first, first + 64).map((text) => tokenizer.first(text, maxLength)),
    );
    documents.push(...own.filter((ids) => ids.length > 0));
  }
  tokenizer.close();
  const tokens = documents.reduce((sum, { length }) => sum + length, 0);
  const share = (padded: number) => (100 * (padded - tokens)) / padded;
  const inFileOrder = sum(chunks(documents, 8).map(paddedTokens));
  const known = new Set(documents.map((ids) => ids.join(' ')));
  return {
    part: 'padding',
    title: 'Padding',
    how: `All ${documents.length.toLocaleString('en-US')} documents of the pool in their order, cut at ${maxLength} tokens, counted. Documents of a window are sorted by length and grouped so that padding, and 32 tokens a call, are least; a window holds what the model does in about 20 seconds, 4,096 at most.`,
    figures: [
      {
        what: 'the reference: batches of 8 in the order of the pool',
        value: share(inFileOrder),
        unit: '% of tokens',
      },
      ...windows.map((size) => ({
        what: `windows of ${size}, ${batchTokens} tokens a batch`,
        value: share(
          sum(
            chunks(documents, size).flatMap((window) =>
              [...byLength(window, { tokens: batchTokens })].map((group) =>
                paddedTokens(group.map((i) => window[i]!)),
              ),
            ),
          ),
        ),
        unit: '% of tokens',
        aim: atMost(3),
        predicted: 'below 3: most documents reach the cut',
      })),
      {
        what: 'documents equal to an earlier one once cut: those of a window are computed once',
        value: documents.length - known.size,
        unit: 'documents',
      },
    ],
  };
};

function paddedTokens(group: readonly Int32Array[]): number {
  return group.length * Math.max(...group.map(({ length }) => length));
}

function chunks<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, i) =>
    values.slice(i * size, (i + 1) * size),
  );
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
