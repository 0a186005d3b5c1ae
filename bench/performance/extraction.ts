import { availableParallelism } from 'node:os';
import { openSession } from '../../transforms/backbone/session.js';
import { DocumentTokenizer } from '../../transforms/tokenizer/tokenizer.js';
import { config } from '../random-checkpoint.js';
import type { Bars } from './chart.js';
import { agreement, extractTexts, k, maxLength, type Run, sampleTexts } from './extraction-runs.js';
import { median } from './median.js';
import { atLeast, type Figure, type Part } from './part.js';
import { PythonServer, pythonLacks } from './python.js';

const stockBatch = 8;

/** Extraction on the CPU in float32, beside stock PyTorch and transformers doing the reference's work. */
export const extraction: Part = async ({ material, quick, say }) => {
  const rounds = quick ? 1 : 3;
  const perRound = quick ? 8 : 32;
  const model = await material.checkpoint();
  const texts = await sampleTexts(material, rounds * perRound);
  const lacking = await pythonLacks('torch', 'transformers');
  const tokenizer = await DocumentTokenizer.open(material.tokenizer);
  const session = await openSession({
    model,
    neurons: ['fwd_up'],
    top: { fwd_up: k },
    maxLength,
    device: 'cpu',
  });
  const stock = lacking
    ? undefined
    : new PythonServer('stock_extraction.py', model, String(availableParallelism()));
  const ours: Run[] = [];
  const theirs: Run[] = [];
  try {
    const idsOf = (own: readonly string[]) =>
      Promise.all(own.map((text) => tokenizer.first(text, maxLength)));
    const warm = texts.slice(0, stockBatch);
    await extractTexts(session, tokenizer, warm);
    if (stock) await runStock(stock, await idsOf(warm));
    for (let round = 0; round < rounds; round++) {
      const own = texts.slice(round * perRound, (round + 1) * perRound);
      ours.push(await extractTexts(session, tokenizer, own));
      say(`ours: ${ours.at(-1)!.tokensPerSecond.toFixed(0)} tokens/s`);
      if (!stock) continue;
      theirs.push(await runStock(stock, await idsOf(own)));
      say(`PyTorch: ${theirs.at(-1)!.tokensPerSecond.toFixed(0)} tokens/s`);
    }
  } finally {
    stock?.close();
    tokenizer.close();
    await session.close();
  }
  const compared = stock ? compare(ours, theirs) : undefined;
  return {
    part: 'extraction',
    title: 'Extraction on the CPU, float32',
    how: `A checkpoint of random weights in Qwen3-0.6B's true shape (\`bench/random-checkpoint.ts\`); ${rounds} rounds of ${perRound} documents, cut at ${maxLength} tokens, in turns, ${availableParallelism()} threads each.
PyTorch does what the reference does (\`bench/python/stock_extraction.py\`): batches of ${stockBatch} in the order of the pool, padded on the left, the full model with its head, \`up_proj\` twice, eager attention. It is given token ids;
ours is given texts, and tokenizes them meanwhile.`,
    figures: [
      ...(compared?.figures ?? [
        {
          what: 'nag-pipeline',
          value: median(ours.map((run) => run.tokensPerSecond)),
          unit: 'useful tokens/s',
        },
      ]),
      {
        what: 'of the wall time the model works; tokenizing and batching are in the rest',
        value: 100 * median(ours.map((run) => run.busy)),
        unit: '%',
        aim: atLeast(95),
        predicted: '98; the first window is made ready before the model starts',
      },
    ],
    charts: compared ? [compared.chart] : [],
    ...(lacking ? { leftOut: [`the comparison with PyTorch: ${lacking}`] } : {}),
  };
};

async function runStock(stock: PythonServer, documents: readonly Int32Array[]): Promise<Run> {
  const question = { documents: documents.map((ids) => [...ids]), k };
  const { seconds, top } = await stock.ask<{ seconds: number; top: number[][] }>(question);
  const tokens = documents.reduce((sum, { length }) => sum + length, 0);
  let padded = 0;
  for (let first = 0; first < documents.length; first += stockBatch) {
    const own = documents.slice(first, first + stockBatch);
    padded += own.length * Math.max(...own.map(({ length }) => length));
  }
  return { tokensPerSecond: tokens / seconds, busy: 1, padded: padded / tokens, top };
}

/** The ratio, and what it is made of: work not done, padding not computed, and what is left for the products. */
function compare(ours: readonly Run[], theirs: readonly Run[]): { figures: Figure[]; chart: Bars } {
  const speed = median(ours.map((run) => run.tokensPerSecond));
  const stockSpeed = median(theirs.map((run) => run.tokensPerSecond));
  const ratio = median(ours.map((run, i) => run.tokensPerSecond / theirs[i]!.tokensPerSecond));
  const padding = median(ours.map((run, i) => theirs[i]!.padded / run.padded));
  const work = stockWork() / ourWork();
  return {
    figures: [
      { what: 'nag-pipeline', value: speed, unit: 'useful tokens/s' },
      { what: 'PyTorch + transformers', value: stockSpeed, unit: 'useful tokens/s' },
      {
        what: 'ratio, median of the rounds',
        value: ratio,
        unit: '×',
        aim: atLeast(3),
        predicted: '1.5 × 1.1 × 2.1 = 3.5',
        limit:
          'how much faster onnxruntime multiplies than PyTorch on this processor: the two factors below are counted, the third is the machine’s',
      },
      {
        what: '… arithmetic not done, counted: no head, up_proj once, nothing behind the last up_proj',
        value: work,
        unit: '×',
        aim: atLeast(1.5),
        predicted: '1.58, from the shapes',
      },
      { what: '… padding not computed, counted', value: padding, unit: '×', predicted: '1.1' },
      {
        what: '… faster products: what remains of the ratio',
        value: ratio / work / padding,
        unit: '×',
        predicted: '2.1, as measured before on another machine',
      },
      {
        what: 'top-K neurons that are the same in both',
        value: 100 * agreement(ours, theirs),
        unit: '%',
        aim: atLeast(99.9),
        predicted: '100, but for near ties in float32',
      },
    ],
    chart: {
      name: 'extraction',
      title: 'Extraction with Qwen3-0.6B, float32 on the CPU',
      unit: 'useful tokens/s',
      bars: [
        { label: 'nag-pipeline', value: speed, ours: true },
        { label: 'PyTorch + transformers', value: stockSpeed },
      ],
    },
  };
}

const {
  hidden_size: hidden,
  intermediate_size: wide,
  num_hidden_layers: layers,
  vocab_size: vocabulary,
} = config;
const up = hidden * wide;
const attention =
  config.head_dim * hidden * (2 * config.num_attention_heads + 2 * config.num_key_value_heads);

/** Multiplications with weights that the reference does for each token. */
function stockWork(): number {
  return layers * (attention + 4 * up) + vocabulary * hidden;
}

/** Those that are needed for `fwd_up`: the last layer ends with its up_proj. */
function ourWork(): number {
  return layers * (attention + 3 * up) - 2 * up;
}
