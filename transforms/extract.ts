import { join } from 'node:path';
import { z } from 'zod';
import type { Batch } from '../pipeline/batch.js';
import { type Context, defineTransform, type Facts } from '../pipeline/component.js';
import { widthOf } from './backbone/architecture.js';
import { openCheckpoint } from './backbone/checkpoint.js';
import { countNeurons, readDeactivation } from './backbone/deactivation.js';
import { modelFingerprint } from './backbone/fingerprint.js';
import { int8Version } from './backbone/int8-weights.js';
import { openPool } from './backbone/session-pool.js';
import { type Checkpoint, type NeuronType, neuronTypes, type Session } from './backbone/types.js';
import { trusted } from './columns.js';
import { inBatchesOf, runDocuments } from './extract/batching.js';
import { deviceFacts, precisionName, recordDevice } from './extract/device-facts.js';
import {
  type Described,
  documentsOf,
  idsField,
  longestSequence,
  type TokenizedDocuments,
  withMeasured,
} from './extract/documents.js';
import { tellHalved } from './extract/fitting.js';
import { checkDevices, devicesOf, modelOptions, precisionOptions } from './extract/model-options.js';
import { createPace } from './extract/pace.js';
import { keptOf, plannedNeurons } from './extract/planned.js';
import { SeenDocuments } from './extract/seen.js';
import { type Comparison, comparedFirst, requireKeptAgreement } from './int8/agreement.js';
import { openInt8Weights } from './int8/weights-cache.js';
import { recordKept } from './kept-neurons.js';
import { isOnHub, openModelFolder } from './model.js';
import { type KeepTop, requireWidth, resolveK, topOptions } from './top-k.js';

/** Impacts in one batch, where no `top_k` is fused. */
const impactBytes = 64e6;

/** Of documents that are remembered: some thousands, as many as targets usually have. */
const seenBytes = 8e6;

const options = z
  .strictObject({
    ...modelOptions,
    ...precisionOptions,
    neurons: z
      .array(z.enum(neuronTypes))
      .min(1)
      .default(['fwd_up'])
      .describe('Outputs whose neurons are looked at'),
  })
  .superRefine(checkDevices);

/** `top` comes from a `top_k` that follows: fused with it, only indices leave the model. */
type Options = z.output<typeof options> & { readonly top?: KeepTop };

/** Transform: runs a frozen model over token ids and measures each neuron's mean absolute output (NAG.md §1). */
export const extract = defineTransform({
  name: 'extract',
  summary: 'Run a frozen language model and measure the impact of its neurons',
  options,
  example: `
    - {use: read.jsonl, with: {path: "docs/*.jsonl"}}
    - {use: tokenize, with: {model: models/Qwen3-0.6B-Base}}
    - {use: extract, with: {model: models/Qwen3-0.6B-Base, neurons: [fwd_up], device: cpu}}
    - {use: top_k, with: {k: 20}}
    - {use: write.parquet, with: {path: out/features.parquet}}`,
  chain: { takes: 'token ids', makes: 'impacts', remedy: 'put tokenize before extract' },
  preview: previewFeatures,
  needs: () => ({}),
  mayDrop: () => false,
  facts: factsOf,
  // All impacts of a document are hundreds of kilobytes.
  costly: ({ top }: Options) => top !== undefined,
  planned: plannedNeurons,
  fuse: (own, next) => (next.name === 'top_k' ? { ...own, top: topOptions.parse(next.options) } : undefined),
  run: extractAll,
});

async function factsOf(settings: Options, context: Context): Promise<Facts> {
  const { neurons, top } = settings;
  const checkpoint = await openCheckpoint(await openModelFolder(settings.model, 'weights', context));
  const device = await deviceFacts(settings, context);
  const dtypes = [...new Set([...checkpoint.tensors.values()].map(({ dtype }) => dtype))].sort();
  const hash = await hashOf(settings, checkpoint, context);
  context.provenance.set('nag.model', hash);
  if (top) recordKept(keptOf(top, neurons, checkpoint.architecture), context);
  if (settings.precision === 'int8')
    await requireKeptAgreement(comparisonOf(hash, settings, checkpoint, context), context);
  return {
    model: hash,
    layers: checkpoint.architecture.layers,
    dtypes,
    neurons,
    k: top ? resolvedK(top, neurons, checkpoint) : 'all',
    ...device,
  };
}

/** The columns that come out, of a model that is here; its weights are not read. */
async function previewFeatures(
  input: readonly Batch[],
  settings: Options,
  context: Context,
): Promise<readonly Batch[] | undefined> {
  for (const batch of input) idsField(batch);
  if (isOnHub(settings.model)) return undefined;
  const { deactivate, precision } = settings;
  const checkpoint = await openCheckpoint(settings.model);
  const { architecture } = checkpoint;
  if (deactivate !== undefined) await readDeactivation(deactivate, architecture);
  if (settings.top) resolvedK(settings.top, settings.neurons, checkpoint);
  const shown = {
    checkpoint,
    session: architecture,
    fingerprint: trusted,
    precision: precisionName(precision),
  };
  const nothing = { top: {}, impacts: {} };
  return input.map((batch) => withMeasured(documentsOf(batch, shown, context), nothing, settings, shown));
}

async function* extractAll(
  input: AsyncIterable<Batch>,
  settings: Options,
  context: Context,
): AsyncGenerator<Batch> {
  const backbone = await openBackbone(settings, context);
  const most = settings.top ? Infinity : documentsInMemory(settings.neurons, backbone);
  const pace = createPace(Math.min(settings.window, most));
  const documents = withIds(
    inBatchesOf(() => pace.documents, input),
    backbone,
    context,
  );
  const runs = runDocuments(
    backbone.compare ? comparedFirst(documents, backbone.compare, context) : documents,
    {
      session: backbone.session,
      batchTokens: settings.batch_tokens,
      pace,
      ...(settings.top ? { seen: backbone.seen } : {}),
      onDone: (documents, tokens) => {
        context.worked(documents);
        context.count('tokens', tokens);
        if (documents > 0 && tokens === 0) context.count('seen before', documents);
      },
      ...(context.working ? { onWork: context.working } : {}),
      onHalved: (device) => tellHalved(context, device),
      signal: context.signal,
    },
  );
  for await (const { documents, result } of runs) {
    yield withMeasured(documents, result, settings, backbone);
  }
}

/** All impacts of a document take some hundred kilobytes a neuron type: of a large batch, gigabytes. */
function documentsInMemory(neurons: readonly NeuronType[], { checkpoint, session }: Backbone): number {
  const values = neurons.reduce((sum, type) => sum + widthOf(checkpoint.architecture, type), 0);
  return Math.max(1, Math.floor(impactBytes / (session.layers * values * Float32Array.BYTES_PER_ELEMENT)));
}

/** An opened model and what identifies its features. */
interface Backbone extends Described {
  readonly checkpoint: Checkpoint;
  readonly session: Session;
  readonly fingerprint: string;
  readonly precision: string | undefined;
  /** Shared by all stages that use the session. */
  readonly seen: SeenDocuments;
  /** How int8 is compared with float32, where it is used. */
  readonly compare?: Comparison | undefined;
}

async function openBackbone(settings: Options, context: Context): Promise<Backbone> {
  const model = await openModelFolder(settings.model, 'weights', context);
  const checkpoint = await openCheckpoint(model);
  const { neurons, top, precision, threads } = settings;
  const devices = devicesOf(settings);
  const deactivate =
    settings.deactivate && (await readDeactivation(settings.deactivate, checkpoint.architecture));
  const k = top && resolvedK(top, neurons, checkpoint);
  const asStored = {
    model,
    neurons,
    ...(k ? { top: k } : { impacts: neurons }),
    maxLength: Math.min(longestSequence, checkpoint.architecture.maxPositions),
    devices,
    precision: precision === 'int8' ? ('float32' as const) : precision,
    ...(threads === undefined ? {} : { threads }),
    ...(deactivate ? { deactivate } : {}),
  };
  const int8 = precision === 'int8' ? await openInt8(checkpoint, context) : undefined;
  const request = int8 === undefined ? asStored : { ...asStored, int8 };
  const session = await context.resource(`session ${JSON.stringify(request)}`, () => openPool(request));
  const seen = await context.resource(
    `seen by ${JSON.stringify(request)}`,
    async () => new SeenDocuments(seenBytes),
  );
  const hash = await hashOf(settings, checkpoint, context);
  if (devices[0] === 'auto') context.note(`runs on ${session.device}`);
  if (deactivate) context.note(`${countNeurons(deactivate)} neurons are deactivated`);
  context.provenance.set('nag.model', hash);
  if (top) recordKept(keptOf(top, neurons, checkpoint.architecture), context);
  recordDevice(session.device, settings, context);
  const compare = int8 && {
    session,
    openReference: () => openPool(asStored),
    k: resolvedK(top ?? {}, neurons, checkpoint),
    batchTokens: settings.batch_tokens,
    ...comparisonOf(hash, settings, checkpoint, context),
  };
  return {
    checkpoint,
    session,
    fingerprint: hash,
    precision: precisionName(precision),
    seen,
    ...(compare ? { compare } : {}),
  };
}

/** What is compared, how far it must agree, and where that is remembered: with the features, where these are kept. */
function comparisonOf(
  hash: string,
  { neurons, top, min_agreement }: Options,
  checkpoint: Checkpoint,
  context: Context,
) {
  const k = top && resolvedK(top, neurons, checkpoint);
  return {
    least: min_agreement,
    file: join(context.keptIn ?? int8Folder(context), 'agreement.json'),
    of: JSON.stringify([hash, int8Version, neurons, k]),
  };
}

/** The file of the model's int8 weights. Neurons are deactivated behind them. */
async function openInt8(checkpoint: Checkpoint, context: Context): Promise<string> {
  const fingerprint = await hashOf({}, checkpoint, context);
  const folder = int8Folder(context);
  const { file } = await context.resource(`int8 weights ${fingerprint}`, async () => ({
    file: await openInt8Weights({ checkpoint, fingerprint, folder }, context),
    close: () => undefined,
  }));
  return file;
}

function int8Folder({ cacheDir }: Context): string {
  return join(cacheDir, 'int8');
}

function resolvedK(top: KeepTop, neurons: readonly NeuronType[], { architecture }: Checkpoint) {
  return Object.fromEntries(
    neurons.map((type) => {
      const width = widthOf(architecture, type);
      requireWidth(top, { neurons: type, width });
      return [type, resolveK(top, width)];
    }),
  );
}

/** Reads all weights, once. */
async function hashOf(
  { deactivate }: Pick<Options, 'deactivate'>,
  checkpoint: Checkpoint,
  context: Context,
): Promise<string> {
  const { hash } = await context.resource(`fingerprint ${checkpoint.dir} ${deactivate ?? ''}`, async () => {
    const off = deactivate && (await readDeactivation(deactivate, checkpoint.architecture));
    return {
      hash: await modelFingerprint(checkpoint, context.signal, off || undefined),
      close: () => undefined,
    };
  });
  return hash;
}

async function* withIds(
  input: AsyncIterable<Batch>,
  backbone: Backbone,
  context: Context,
): AsyncGenerator<TokenizedDocuments> {
  for await (const batch of input) yield documentsOf(batch, backbone, context);
}
