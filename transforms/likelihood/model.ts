import type { Context, Facts } from '../../pipeline/component.js';
import { DataError, NagError } from '../../pipeline/errors.js';
import { openCheckpoint } from '../backbone/checkpoint.js';
import { countNeurons, readDeactivation, requireFit } from '../backbone/deactivation.js';
import { modelFingerprint } from '../backbone/fingerprint.js';
import { openPool } from '../backbone/session-pool.js';
import type { Deactivation, FloatPrecision, Session } from '../backbone/types.js';
import { allWeights } from '../backbone/weights.js';
import { deviceFacts, recordDevice } from '../extract/device-facts.js';
import { type DeviceOptions, devicesOf } from '../extract/model-options.js';
import { openModelFolder } from '../model.js';
import { DocumentTokenizer } from '../tokenizer/tokenizer.js';
import { bosId } from './bos.js';
import type { SequenceRules } from './sequences.js';

/** Default of the longest sequence. */
const usualLength = 512;

/** Which model, and how sequences are made for it. */
export interface ScorerOptions extends DeviceOptions {
  readonly precision: FloatPrecision;
  readonly model: string;
  readonly threads?: number | undefined;
  readonly max_length?: number | undefined;
  readonly bos: boolean | string;
  /** File of the neurons that are switched off. */
  readonly deactivate?: string | undefined;
}

/** A model that gives log-probabilities, and its tokenizer. */
export interface Scorer extends SequenceRules {
  readonly session: Session;
}

/** The model's folder, its tokenizer, and how sequences are made for it. */
async function openRules(options: ScorerOptions, context: Context) {
  const folder = await openModelFolder(options.model, 'weights', context);
  const part = options.bos === true ? 'tokenizer and its settings' : 'tokenizer';
  const tokenizerFolder = await openModelFolder(options.model, part, context);
  const checkpoint = await openCheckpoint(folder);
  const { architecture } = checkpoint;
  const maxLength = options.max_length ?? Math.min(usualLength, architecture.maxPositions);
  const tokenizer = await context.resource(`tokenizer ${tokenizerFolder}`, () =>
    DocumentTokenizer.open(tokenizerFolder),
  );
  if (tokenizer.remark !== undefined) context.note(tokenizer.remark);
  if (tokenizer.vocabulary > architecture.vocabulary)
    throw new DataError(
      { file: folder },
      `the model knows ${architecture.vocabulary} tokens and its tokenizer gives ids up to ${tokenizer.vocabulary - 1}: they do not belong together`,
    );
  const bos = await bosId({ bos: options.bos, model: folder, tokenizerFolder, tokenizer });
  return { folder, checkpoint, tokenizer, maxLength, bos };
}

/** What its measures depend on besides the texts. Reads all weights, once. */
export async function scorerFacts(options: ScorerOptions, context: Context): Promise<Facts> {
  const { folder, checkpoint, tokenizer, maxLength, bos } = await openRules(options, context);
  const { deactivate: keys } = options;
  const off = keys === undefined ? undefined : await readDeactivation(keys, checkpoint.architecture);
  const { hash } = await context.resource(`fingerprint with head ${folder} ${keys ?? ''}`, async () => ({
    hash: await modelFingerprint(checkpoint, context.signal, off, allWeights),
    close: () => undefined,
  }));
  return {
    model: hash,
    tokenizer: tokenizer.sha256,
    max_length: maxLength,
    bos: bos ?? 'none',
    ...(await deviceFacts(options, context)),
  };
}

/** Throws what `openScorer` would, as far as it can be seen without weights. */
export async function checkScorer(options: ScorerOptions, context: Context): Promise<void> {
  const { checkpoint } = await openRules(options, context);
  if (options.deactivate !== undefined) await readDeactivation(options.deactivate, checkpoint.architecture);
}

/**
 * @param neurons those that are switched off, where a stage gives them
 * @throws DataError for what is wrong with the model's folder, and where model and tokenizer do not belong together
 */
export async function openScorer(
  options: ScorerOptions,
  context: Context,
  neurons?: Deactivation,
): Promise<Scorer> {
  const { precision, threads } = options;
  const devices = devicesOf(options);
  const { folder, checkpoint, tokenizer, maxLength, bos } = await openRules(options, context);
  const { architecture } = checkpoint;
  const { deactivate: keys } = options;
  if (keys !== undefined && neurons)
    throw new NagError(
      `${context.stage}: neurons to deactivate come from a file or from a stage, not from both`,
    );
  const deactivate = keys === undefined ? neurons : await readDeactivation(keys, architecture);
  if (neurons) requireFit(neurons, architecture);
  const request = {
    model: folder,
    neurons: [],
    logProbabilities: true,
    maxLength,
    devices,
    precision,
    ...(threads === undefined ? {} : { threads }),
    ...(deactivate ? { deactivate } : {}),
  };
  const session = await context.resource(`session ${JSON.stringify(request)}`, () => openPool(request));
  if (devices[0] === 'auto') context.note(`runs on ${session.device}`);
  if (deactivate) context.note(`${countNeurons(deactivate)} neurons are deactivated`);
  recordDevice(session.device, options, context);
  return { session, tokenizer, maxLength, bos };
}
