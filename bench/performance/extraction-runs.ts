import { Int32, makeData, RecordBatch } from 'apache-arrow';
import type { Batch } from '../../pipeline/batch.js';
import type { Session, TokenBatch } from '../../transforms/backbone/session.js';
import { type Documents, runDocuments } from '../../transforms/extract/batching.js';
import { createPace } from '../../transforms/extract/pace.js';
import type { DocumentTokenizer } from '../../transforms/tokenizer/tokenizer.js';
import type { Material } from './material.js';

/** The reference's defaults, and ours. */
export const maxLength = 120;
export const k = 20;
const batchTokens = 2048;
const mostDocuments = 4096;
/** Documents that come from the reader at a time. */
const readAtOnce = 64;

/** What extracting some documents took. */
export interface Run {
  readonly tokensPerSecond: number;
  /** Share of the wall time that the model worked, tokenizing and batching included. */
  readonly busy: number;
  /** Tokens that were computed, padding included, for each token. */
  readonly padded: number;
  /** [documents][layers × k] */
  readonly top: readonly ArrayLike<number>[];
}

/** Extracts as the stages do: texts are tokenized while the model works on those before. */
export async function extractTexts(
  session: Session,
  tokenizer: DocumentTokenizer,
  texts: readonly string[],
): Promise<Run> {
  const model = timed(session);
  const top: Int32Array[] = [];
  let tokens = 0;
  const startedAt = performance.now();
  const runs = runDocuments(tokenized(tokenizer, texts), {
    session: model,
    batchTokens,
    pace: createPace(mostDocuments),
    onDone: () => undefined,
    onHalved: () => undefined,
    signal: new AbortController().signal,
  });
  for await (const { documents, result } of runs) {
    const values = result.top.fwd_up!;
    const stride = values.length / documents.ids.length;
    for (const [row, ids] of documents.ids.entries()) {
      tokens += ids.length;
      top.push(values.subarray(row * stride, (row + 1) * stride));
    }
  }
  const ms = performance.now() - startedAt;
  return { tokensPerSecond: (1000 * tokens) / ms, busy: model.ms / ms, padded: model.padded / tokens, top };
}

/** A session that adds up its time, and the tokens of its batches. */
function timed(session: Session): Session & { ms: number; padded: number } {
  const own = {
    ...session,
    ms: 0,
    padded: 0,
    run: async (batch: TokenBatch) => {
      const startedAt = performance.now();
      const result = await session.run(batch);
      own.ms += performance.now() - startedAt;
      own.padded += batch.lengths.length * Math.max(...batch.lengths);
      return result;
    },
  };
  return own;
}

async function* tokenized(tokenizer: DocumentTokenizer, texts: readonly string[]): AsyncGenerator<Documents> {
  for (let first = 0; first < texts.length; first += readAtOnce) {
    const own = texts.slice(first, first + readAtOnce);
    yield {
      ids: await Promise.all(own.map((text) => tokenizer.first(text, maxLength))),
      batch: rowsFrom(first, own.length),
    };
  }
}

function rowsFrom(first: number, count: number): Batch {
  const rows = Uint32Array.from({ length: count }, (_, i) => first + i);
  return {
    columns: new RecordBatch({ row: makeData({ type: new Int32(), data: Int32Array.from(rows) }) }),
    bundle: { ordinal: 0, file: 'documents', firstRow: 0, rows: undefined, bytes: 0 },
    rows,
    computed: new Set(),
    removed: new Set(),
    roles: {},
  };
}

/** Texts spread evenly over the material. */
export async function sampleTexts(material: Material, count: number): Promise<string[]> {
  const texts = await material.texts();
  // A prime step comes to every text once.
  return Array.from({ length: count }, (_, i) => texts[(i * 7919) % texts.length]!);
}

/** Share of the neurons of each document and layer that both name. */
export function agreement(ours: readonly Run[], theirs: readonly Run[]): number {
  let same = 0;
  let all = 0;
  for (const [round, run] of ours.entries()) {
    for (const [document, own] of run.top.entries()) {
      const other = theirs[round]!.top[document]!;
      for (let first = 0; first < own.length; first += k) {
        const known = new Set(Array.prototype.slice.call(other, first, first + k));
        for (let i = first; i < first + k; i++) if (known.has(own[i]!)) same++;
        all += k;
      }
    }
  }
  return same / all;
}
