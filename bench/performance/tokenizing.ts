import { DocumentTokenizer } from '../../transforms/tokenizer/tokenizer.js';
import { maxLength } from './extraction-runs.js';
import { median } from './median.js';
import { atLeast, atMost, type Part } from './part.js';

const inFlight = 64;

/** Documents a second cut at 120 tokens, and how long a text without a space takes. */
export const tokenizing: Part = async ({ material, quick, say }) => {
  const texts = (await material.texts()).slice(0, quick ? 2000 : 20_000);
  const tokenizer = await DocumentTokenizer.open(material.tokenizer);
  const cut = async () => {
    const startedAt = performance.now();
    for (let first = 0; first < texts.length; first += inFlight)
      await Promise.all(texts.slice(first, first + inFlight).map((text) => tokenizer.first(text, maxLength)));
    return (1000 * texts.length) / (performance.now() - startedAt);
  };
  const speeds: number[] = [];
  for (let round = 0; round < (quick ? 1 : 5); round++) {
    speeds.push(await cut());
    say(`${speeds.at(-1)!.toFixed(0)} documents/s`);
  }
  const seconds = async (megabytes: number) => {
    const text = 'abcdefghij'.repeat(megabytes * 1e5);
    const startedAt = performance.now();
    await tokenizer.all(text);
    return (performance.now() - startedAt) / 1000;
  };
  await seconds(0.25);
  const [quarter, whole] = [await seconds(0.25), await seconds(1)];
  tokenizer.close();
  const mean = texts.reduce((sum, { length }) => sum + length, 0) / texts.length;
  return {
    part: 'tokenizing',
    title: 'Tokenizing',
    how: `${texts.length.toLocaleString('en-US')} documents of ${Math.round(mean).toLocaleString('en-US')} characters on average, cut at ${maxLength} tokens, ${inFlight} in flight on libuv's threads.`,
    figures: [
      {
        what: 'documents cut at 120 tokens',
        value: median(speeds),
        unit: 'documents/s',
        aim: atLeast(5000),
        predicted: '5,100, as measured before on two cores',
        limit: 'the native library; one instance serves all threads',
      },
      { what: 'a text of 1 MB without a space, whole', value: whole, unit: 's', predicted: '0.6 to 1.3' },
      {
        what: '… compared with a quarter of it (4 would be linear)',
        value: whole / quarter,
        unit: '×',
        aim: atMost(5),
        predicted: '4, as merges go through a heap',
      },
    ],
  };
};
