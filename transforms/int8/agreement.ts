import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { placeOf } from '../../pipeline/batch.js';
import type { Context } from '../../pipeline/component.js';
import { replaceDurably } from '../../pipeline/durable.js';
import { NagError } from '../../pipeline/errors.js';
import type { NeuronType, Session, SessionResult } from '../backbone/types.js';
import { type Documents, runDocuments } from '../extract/batching.js';
import { largest } from '../nag/largest.js';
import { meanOverlap, selectionJaccard } from '../nag/sample-agreement.js';

/** Documents that are compared: the first that a stage computes. */
export const sampleDocuments = 64;

/** Tokens that are compared of a document. */
const sampleTokens = 256;

/** Share of the sample that is selected, to compare selections; of fewer documents nothing is selected. */
const fraction = 0.2;
const fewestToSelect = 10;

/** Results that are remembered. */
const remembered = 50;

const shape = z.object({
  overlap: z.number(),
  jaccard: z.number().optional(),
  /** Hash of what was compared, without the documents. */
  of: z.string().optional(),
  /** Which stage compared it. */
  stage: z.string().optional(),
});
type Agreement = z.output<typeof shape>;

export interface Comparison {
  readonly session: Session;
  /** Opens the model as it is stored; it is closed after the sample. */
  openReference(): Promise<Session>;
  /** Neurons a layer that are compared, by type. */
  readonly k: Partial<Record<NeuronType, number>>;
  readonly batchTokens: number;
  /** Mean overlap below which the run stops. */
  readonly least: number;
  /** File of what is known already. */
  readonly file: string;
  /** What the result depends on besides the sample. */
  readonly of: string;
}

/**
 * Passes documents on, once the first of them were computed in float32 too: how far both agree is told.
 * @throws NagError where they agree less than they must
 */
export async function* comparedFirst<D extends Documents>(
  input: AsyncIterable<D>,
  comparison: Comparison,
  context: Context,
): AsyncGenerator<D> {
  const held: D[] = [];
  let documents = 0;
  let compared = false;
  for await (const next of input) {
    if (compared) {
      yield next;
      continue;
    }
    held.push(next);
    documents += next.ids.length;
    if (documents < sampleDocuments) continue;
    await compare(held, comparison, context);
    compared = true;
    yield* held.splice(0);
  }
  if (documents > 0 && !compared) await compare(held, comparison, context);
  yield* held;
}

async function compare(held: readonly Documents[], comparison: Comparison, context: Context): Promise<void> {
  const ids = held
    .flatMap((own) => own.ids)
    .slice(0, sampleDocuments)
    .map((own) => own.subarray(0, sampleTokens));
  const places = held.flatMap(({ batch, ids }) => ids.map((_, row) => () => placeOf(batch, row)));
  const sample = { batch: held[0]!.batch, ids, placeOfIds: (document: number) => places[document]!() };
  const agreement = await recalled(ids, comparison, context.stage, () =>
    measure(sample, comparison, context),
  );
  await recordFirst(agreement, comparison, context);
  const { overlap, jaccard } = agreement;
  const which = `the first ${ids.length} documents`;
  const selected = jaccard === undefined ? '' : `, selections by them ${jaccard.toFixed(2)} (Jaccard)`;
  const text = `int8 and float32 share ${overlap.toFixed(3)} of the top neurons of ${which}${selected}`;
  if (overlap >= comparison.least) context.note(text);
  else
    throw new NagError(
      `${context.stage}: ${text}, expected at least ${comparison.least}: use precision: float32, or lower min_agreement`,
    );
}

/**
 * What was measured when features were kept counts for those who read them back too.
 * @throws NagError where int8 and float32 agreed less than they must
 */
export async function requireKeptAgreement(
  { file, of, least }: Pick<Comparison, 'file' | 'of' | 'least'>,
  context: Context,
): Promise<void> {
  const own = hashOf(of);
  const known = (await readKnown(file)).flatMap(([, agreement]) => (agreement.of === own ? [agreement] : []));
  if (known.length === 0) return;
  const worst = known.reduce((a, b) => (b.overlap < a.overlap ? b : a));
  await recordFirst(worst, { file, of }, context);
  if (worst.overlap < least)
    throw new NagError(
      `${context.stage}: int8 and float32 shared ${worst.overlap.toFixed(3)} of the top neurons of the documents that were compared when features were kept, expected at least ${least}: use precision: float32, or lower min_agreement`,
    );
}

/** For the footers of outputs: what the stage measured first, so that a run that goes on writes the same bytes. */
async function recordFirst(
  otherwise: Agreement,
  { file, of }: Pick<Comparison, 'file' | 'of'>,
  { provenance, stage }: Context,
): Promise<void> {
  const own = hashOf(of);
  const known = (await readKnown(file)).map(([, agreement]) => agreement);
  const { overlap, jaccard } = known.find((one) => one.of === own && one.stage === stage) ?? otherwise;
  provenance.set('nag.int8_agreement', JSON.stringify({ overlap, jaccard }));
}

async function measure(sample: Documents, comparison: Comparison, context: Context): Promise<Agreement> {
  context.doing('int8 is compared with float32');
  const { ids } = sample;
  const run = (session: Session) => runSample(session, sample, comparison.batchTokens, context.signal);
  const reference = await comparison.openReference();
  let expected: SessionResult;
  try {
    expected = await run(reference);
  } finally {
    await reference.close();
  }
  const found = await run(comparison.session);
  context.doing(undefined);
  const overlaps: number[] = [];
  const jaccards: number[] = [];
  for (const [type, k] of Object.entries(comparison.k) as [NeuronType, number][]) {
    const { layers } = comparison.session;
    const own = { documents: ids.length, layers, k, width: comparison.session.width(type) };
    const features = [expected, found].map((result) => topOf(result, type, own)) as [Int32Array, Int32Array];
    overlaps.push(meanOverlap(...features, own));
    if (ids.length >= fewestToSelect) jaccards.push(selectionJaccard(...features, own, fraction));
  }
  const overlap = Math.min(...overlaps);
  return jaccards.length === 0 ? { overlap } : { overlap, jaccard: Math.min(...jaccards) };
}

/** What the model gives for documents, in their order. */
async function runSample(
  session: Session,
  sample: Documents,
  batchTokens: number,
  signal: AbortSignal,
): Promise<SessionResult> {
  const nothing = () => undefined;
  async function* all() {
    yield sample;
  }
  const options = { session, batchTokens, signal, onDone: nothing, onHalved: nothing };
  const pace = { documents: Infinity, took: nothing };
  let found: SessionResult = { top: {}, impacts: {} };
  // To its end: whoever leaves early stops the model.
  for await (const { result } of runDocuments(all(), { ...options, pace })) found = result;
  return found;
}

/** [documents × layers × k] */
function topOf(
  { top, impacts }: SessionResult,
  type: NeuronType,
  { documents, layers, k, width }: { documents: number; layers: number; k: number; width: number },
): Int32Array {
  return top[type] ?? largest(impacts[type] ?? new Float32Array(0), documents * layers, width, k);
}

/** What was measured of the same documents before, or is measured now. A file that cannot be read says nothing. */
async function recalled(
  ids: readonly Int32Array[],
  { file, of }: Comparison,
  stage: string,
  measured: () => Promise<Agreement>,
): Promise<Agreement> {
  const key = hashOf([of, stage, ...ids.map((own) => own.join())].join('\n'));
  const known = await readKnown(file);
  const old = known.find(([other]) => other === key);
  if (old) return old[1];
  const agreement = { ...(await measured()), of: hashOf(of), stage };
  const all = [...known, [key, agreement]].slice(-remembered);
  // It would only save time.
  await replaceDurably(file, JSON.stringify(all)).catch(() => undefined);
  return agreement;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function readKnown(file: string): Promise<(readonly [string, Agreement])[]> {
  try {
    return z.array(z.tuple([z.string(), shape])).parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return [];
  }
}
