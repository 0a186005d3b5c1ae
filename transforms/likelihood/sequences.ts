import type { DocumentTokenizer } from '../tokenizer/tokenizer.js';

/** Token ids, and the part of them whose probability is asked for. */
export interface Sequence {
  readonly ids: Int32Array;
  /** The first token that counts, at least 1: the tokens before it are given. */
  readonly from: number;
  /** Tokens that were left off for being too many. */
  readonly cut: boolean;
}

/** What sequences are made with. */
export interface SequenceRules {
  readonly tokenizer: DocumentTokenizer;
  /** Most tokens of a sequence. */
  readonly maxLength: number;
  /** Put in front of every sequence. */
  readonly bos: number | undefined;
}

/** A sequence, or why there is none. */
export type Encoded = Sequence | string;

/** The first tokens of a text; all but the very first are predicted, and that one too behind a BOS. */
export async function encodeText(text: string, rules: SequenceRules): Promise<Encoded> {
  const { tokenizer, bos } = rules;
  const room = rules.maxLength - (bos === undefined ? 0 : 1);
  if (text === '') return 'the text is empty or null';
  const found = room < 1 ? new Int32Array(0) : await tokenizer.first(text, room + 1);
  const ids = behindBos(found.subarray(0, room), bos);
  if (ids.length < 2) return 'the text has one token and none before it (bos: true puts one there)';
  return { ids, from: 1, cut: found.length > room };
}

/**
 * A context and what follows it, as EleutherAI's lm-evaluation-harness encodes them: white space at the context's end
 * goes to the continuation; both are encoded together, and the tokens behind as many as the context alone has are the
 * continuation's. What is too long loses tokens from its start, a BOS first.
 */
export async function encodePair(
  context: string,
  continuation: string,
  rules: SequenceRules,
): Promise<Encoded> {
  const { tokenizer, maxLength, bos } = rules;
  const given = await tokenizer.all(context.slice(0, endOfText(context)));
  const following = (await tokenizer.all(context + continuation)).subarray(given.length);
  const ids = behindBos(Int32Array.of(...given, ...following), bos);
  const cut = Math.max(0, ids.length - maxLength);
  const from = ids.length - following.length - cut;
  if (following.length === 0) return 'a choice has no token of its own';
  if (ids.length === following.length) return 'the context is empty (bos: true puts a token there)';
  if (from < 1) return 'a choice has as many tokens as max_length, or more';
  return { ids: ids.subarray(cut), from, cut: cut > 0 };
}

/** Sum of the log-probabilities of the tokens that count; entry i of `logProbabilities` is that of token i + 1. */
export function logLikelihood(logProbabilities: Float32Array, { from }: Sequence): number {
  return logProbabilities.subarray(from - 1).reduce((sum, value) => sum + value, 0);
}

function behindBos(ids: Int32Array, bos: number | undefined): Int32Array {
  return bos === undefined ? ids : Int32Array.of(bos, ...ids);
}

/** Where white space at the end begins, by Python's `str.rstrip`: some control characters are white, U+FEFF is not. */
function endOfText(text: string): number {
  let end = text.length;
  while (end > 0 && isWhite(text.charCodeAt(end - 1))) end--;
  return end;
}

function isWhite(code: number): boolean {
  if ((code >= 0x1c && code <= 0x1f) || code === 0x85) return true;
  return code !== 0xfeff && /\s/.test(String.fromCharCode(code));
}
