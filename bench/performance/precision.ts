import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint } from '../../transforms/backbone/checkpoint.js';
import { exactInt8Type } from '../../transforms/backbone/int8-type.js';
import { writeInt8Weights } from '../../transforms/backbone/int8-weights.js';
import { openSession } from '../../transforms/backbone/session.js';
import { DocumentTokenizer } from '../../transforms/tokenizer/tokenizer.js';
import { runPipeline } from './commands.js';
import { agreement, extractTexts, k, maxLength, type Run, sampleTexts } from './extraction-runs.js';
import { median } from './median.js';
import { atLeast, atMost, type Part } from './part.js';

/** `precision: int8` beside float32, and what it takes to open. */
export const precision: Part = async ({ material, folder, quick, say }) => {
  const rounds = quick ? 1 : 2;
  const perRound = 64;
  const model = await material.checkpoint();
  const texts = await sampleTexts(material, Math.max(2, rounds) * perRound);
  const file = join(folder, 'int8.safetensors');
  const made = await seconds(async () =>
    writeInt8Weights(await openCheckpoint(model), file, await exactInt8Type()),
  );
  const options = { model, neurons: ['fwd_up'], top: { fwd_up: k }, maxLength, device: 'cpu' } as const;
  const tokenizer = await DocumentTokenizer.open(material.tokenizer);
  const float32 = await openSession(options);
  const int8 = await openSession({ ...options, int8: file });
  await int8.close();
  const loads: number[] = [];
  let session = await openSession({ ...options, int8: file });
  for (let i = 0; i < 3; i++) {
    await session.close();
    loads.push(
      await seconds(async () => {
        session = await openSession({ ...options, int8: file });
      }),
    );
  }
  let peakBytes = 0;
  const runs: { int8: Run[]; float32: Run[] } = { int8: [], float32: [] };
  try {
    for (const own of [session, float32]) await extractTexts(own, tokenizer, texts.slice(0, 8));
    for (let round = 0; round < rounds; round++) {
      const own = texts.slice(round * perRound, (round + 1) * perRound);
      runs.int8.push(await extractTexts(session, tokenizer, own));
      runs.float32.push(await extractTexts(float32, tokenizer, own));
      say(
        `int8 ${runs.int8.at(-1)!.tokensPerSecond.toFixed(0)}, float32 ${runs.float32.at(-1)!.tokensPerSecond.toFixed(0)} tokens/s`,
      );
    }
  } finally {
    tokenizer.close();
    await session.close();
    await float32.close();
  }
  // The first documents are those of the first run: their agreement with float32 is known, and it is not opened again.
  for (const count of [perRound, 2 * perRound]) {
    const lines = texts.slice(0, count).map((text, i) => `${JSON.stringify({ docid: `${i}`, doc: text })}\n`);
    await writeFile(join(folder, 'documents.jsonl'), lines.join(''));
    peakBytes = (await runPipeline(join(folder, 'int8.yaml'), pipeline(model))).peakBytes;
  }
  const speed = { int8: median(runs.int8.map(speedOf)), float32: median(runs.float32.map(speedOf)) };
  return {
    part: 'precision',
    title: 'int8 on the CPU',
    how: `\`precision: int8\` beside float32 on the checkpoint of random weights, ${rounds} rounds of ${perRound} real documents in turns. Random weights agree less than trained ones: their impacts lie closer together. The peak is that of a whole process which finds its weights made and compared.`,
    figures: [
      { what: 'float32', value: speed.float32, unit: 'useful tokens/s' },
      { what: 'int8', value: speed.int8, unit: 'useful tokens/s' },
      {
        what: 'ratio, median of the rounds',
        value: median(runs.int8.map((run, i) => run.tokensPerSecond / runs.float32[i]!.tokensPerSecond)),
        unit: '×',
        aim: atLeast(2),
        predicted: '2.4 to 2.7 with weights and activations quantized a tensor each; less a row each',
        limit: 'rows are quantized one by one, so that no document depends on its batch-mates',
      },
      {
        what: 'top-K neurons shared with float32',
        value: 100 * agreement(runs.int8, runs.float32),
        unit: '%',
        predicted: '94',
      },
      { what: 'making the weights, once', value: made, unit: 's' },
      {
        what: 'opening the model',
        value: median(loads),
        unit: 's',
        aim: atMost(1),
        predicted: '0.5',
        limit:
          'onnxruntime packs the weights for the processor: not packed they opened in three quarters of the time, and were a sixth slower in use',
      },
      {
        what: 'peak memory of a process',
        value: peakBytes / 1e6,
        unit: 'MB',
        aim: atMost(1000),
        predicted: '900: 0.44 GB of weights, activations, Node',
        limit: 'packed weights, and what the allocators hold beside: the same run took from 0.8 to 1.2 GB',
      },
    ],
    charts: [
      {
        name: 'precision',
        title: 'int8 and float32 on the CPU, Qwen3-0.6B',
        unit: 'useful tokens/s',
        bars: [
          { label: 'int8', value: speed.int8, ours: true },
          { label: 'float32', value: speed.float32, ours: true },
        ],
      },
    ],
  };
};

const speedOf = ({ tokensPerSecond }: Run) => tokensPerSecond;

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

function pipeline(model: string): string {
  return `version: 1
name: int8
state_dir: state
stages:
  - {use: read.jsonl, with: {path: documents.jsonl}}
  - {use: tokenize, with: {model: ${model}, max_length: ${maxLength}}}
  - {use: extract, with: {model: ${model}, precision: int8}}
  - {use: top_k, with: {k: ${k}}}
  - {use: write.parquet, with: {path: out.parquet}}
`;
}
