/**
 * int8 beside float32, in one process and turn by turn: processor time of a batch, time to open, and how many of the top
 * neurons both share. Each is run by one thread, so that other work on the machine changes the ratio little.
 *
 *   node dist/bench/int8.js MODEL_FOLDER [DOCUMENTS] [TOKENS]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCheckpoint } from '../transforms/backbone/checkpoint.js';
import { exactInt8Type } from '../transforms/backbone/int8-type.js';
import { writeInt8Weights } from '../transforms/backbone/int8-weights.js';
import { openSession } from '../transforms/backbone/session.js';
import { meanOverlap } from '../transforms/nag/sample-agreement.js';

const [model, documents = 8, tokens = 120] = process.argv
  .slice(2)
  .map((text, i) => (i === 0 ? text : Number(text))) as [string, number?, number?];
if (!model) throw new Error('usage: int8.js MODEL_FOLDER [DOCUMENTS] [TOKENS]');
const rounds = 3;
const k = 20;

/** Seconds of the processor, and of the clock. */
async function timed<T>(work: () => Promise<T>) {
  const [before, start] = [process.cpuUsage(), performance.now()];
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  return { value, cpu: (user + system) / 1e6, wall: (performance.now() - start) / 1000 };
}

const folder = await mkdtemp(join(tmpdir(), 'nag-int8-'));
const file = join(folder, 'int8.safetensors');
const checkpoint = await openCheckpoint(model);
const type = await exactInt8Type();
const made = await timed(() => writeInt8Weights(checkpoint, file, type));
console.log(`weights made as ${type}: ${made.cpu.toFixed(1)} s of processor, ${made.wall.toFixed(1)} s`);
const options = { model, neurons: ['fwd_up'], top: { fwd_up: k }, maxLength: tokens, threads: 1 } as const;
const sessions = [];
for (const [name, more] of [
  ['int8', { int8: file }],
  ['float32', {}],
] as const) {
  const before = process.memoryUsage().rss;
  const opened = await timed(() => openSession({ ...options, ...more, device: 'cpu' }));
  const grown = (process.memoryUsage().rss - before) / 1e6;
  console.log(
    `${name} opened: ${opened.cpu.toFixed(2)} s of processor, ${opened.wall.toFixed(2)} s, ${grown.toFixed(0)} MB more`,
  );
  sessions.push({ name, session: opened.value, times: [] as number[], top: new Int32Array(0) });
}
let state = 7;
const ids = Int32Array.from({ length: documents * tokens }, () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * checkpoint.architecture.vocabulary);
});
const lengths = new Int32Array(documents).fill(tokens);
for (let round = 0; round <= rounds; round++)
  for (const own of sessions) {
    const { value, cpu } = await timed(() => own.session.run({ ids, lengths }));
    own.top = Int32Array.from(value.top.fwd_up ?? []);
    if (round > 0) own.times.push(cpu);
  }
for (const { name, session, times } of sessions) {
  console.log(`${name}: ${(ids.length / Math.min(...times)).toFixed(0)} tokens a second of processor`);
  await session.close();
}
const [int8, float32] = sessions;
console.log(`int8 is ${(Math.min(...float32!.times) / Math.min(...int8!.times)).toFixed(2)} times as fast`);
const width = checkpoint.architecture.intermediate;
const shape = { documents, layers: checkpoint.architecture.layers, k: Math.min(k, width), width };
console.log(`top ${k}: ${meanOverlap(int8!.top, float32!.top, shape).toFixed(4)} shared`);
await rm(folder, { recursive: true });
