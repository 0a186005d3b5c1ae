/** A number as its file writes it, where a JavaScript number would not keep it. Also NaN, Infinity and -Infinity. */
export class WrittenNumber {
  constructor(readonly text: string) {}
}

/**
 * Which numbers are kept as written: `values` those whose value would change, `digits` also those whose digits would,
 * such as 1.0, 1e16 and 2.50.
 */
export type Exactness = 'values' | 'digits';

/** Start and end of a number in a text. */
type Span = readonly [start: number, end: number];

/**
 * `JSON.parse` that loses no digits, and knows the literals NaN, Infinity and -Infinity, which Python's json.dumps
 * writes. Lines without such numbers are left to `JSON.parse`.
 * @param exactness without it JavaScript's numbers are exact enough for whoever asks
 * Errors: SyntaxError as of `JSON.parse`.
 */
export function parseExactly(text: string, exactness: Exactness | undefined): unknown {
  const spans = exactness ? spansOf(text, exactness) : [];
  if (spans.length > 0) return parseWritten(text, spans);
  try {
    return JSON.parse(text);
  } catch (error) {
    const literals = exactness ? [] : spansOf(text, 'values');
    if (literals.length === 0) throw error;
    return parseWritten(text, literals);
  }
}

/** Hides numbers from `JSON.parse` as texts that nothing else in the line begins with. */
function parseWritten(text: string, spans: readonly Span[]): unknown {
  let mark = '\\u0000#';
  while (text.includes(mark)) mark += '#';
  const hidden = withSpans(text, spans, (number) => `"${mark}${number}"`);
  let value: unknown;
  try {
    value = JSON.parse(hidden);
  } catch {
    // Fails as well, with the places of the line itself.
    value = JSON.parse(
      withSpans(text, spans, (number) => (isLiteral(number) ? '0'.padEnd(number.length) : number)),
    );
  }
  return restored(value, `\u0000${mark.slice('\\u0000'.length)}`);
}

function withSpans(text: string, spans: readonly Span[], replace: (number: string) => string): string {
  let [out, from] = ['', 0];
  for (const [start, end] of spans) {
    out += text.slice(from, start) + replace(text.slice(start, end));
    from = end;
  }
  return out + text.slice(from);
}

/** The value, in place, with its hidden numbers. */
function restored(value: unknown, mark: string): unknown {
  if (typeof value === 'string')
    return value.startsWith(mark) ? new WrittenNumber(value.slice(mark.length)) : value;
  if (value === null || typeof value !== 'object') return value;
  const inner = value as Record<string, unknown>;
  for (const key of Object.keys(inner)) inner[key] = restored(inner[key], mark);
  return value;
}

const [quote, backslash, plus, minus, dot, zero, nine] = [0x22, 0x5c, 0x2b, 0x2d, 0x2e, 0x30, 0x39];
const [lowerE, upperE, upperI, upperN] = [0x65, 0x45, 0x49, 0x4e];

/** The numbers outside of texts that are to be kept as written. Texts are jumped over: most of a line is one. */
function spansOf(text: string, exactness: Exactness): Span[] {
  const spans: Span[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = endOfText(text, at);
      continue;
    }
    const isNumber = code === minus || (code >= zero && code <= nine);
    if (!isNumber && code !== upperN && code !== upperI) continue;
    const end = code === upperN || code === upperI ? endOfLiteral(text, at) : endOfNumber(text, at);
    if (isKept(text, at, end, exactness) && !isKey(text, end)) spans.push([at, end]);
    at = end - 1;
  }
  return spans;
}

/** Where the closing quote is. */
function endOfText(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let first = at;
    while (text.charCodeAt(first - 1) === backslash) first--;
    if ((at - first) % 2 === 0) return at;
  }
  return text.length;
}

function endOfNumber(text: string, start: number): number {
  if (text.charCodeAt(start + 1) === upperI) return endOfLiteral(text, start);
  let end = start + 1;
  while (isOfNumber(text.charCodeAt(end))) end++;
  return end;
}

function isOfNumber(code: number): boolean {
  return (
    (code >= zero && code <= nine) ||
    code === dot ||
    code === lowerE ||
    code === upperE ||
    code === minus ||
    code === plus
  );
}

const literals = ['NaN', 'Infinity', '-Infinity'] as const;

function endOfLiteral(text: string, start: number): number {
  const literal = literals.find((one) => text.startsWith(one, start));
  return start + (literal?.length ?? 1);
}

/** JSON's numbers without a fraction and an exponent, and all of them. */
const integer = /^-?(?:0|[1-9]\d*)$/;
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** So short that every double has the digits, if there is no exponent. */
const shortest = 15;

function isKept(text: string, start: number, end: number, exactness: Exactness): boolean {
  const digits = exactness === 'digits';
  const isShort = end - start <= shortest && text.charCodeAt(end - 1) <= nine;
  if (!digits && isShort && !hasExponent(text, start, end)) return false;
  const token = text.slice(start, end);
  if (isLiteral(token)) return true;
  const value = Number(token);
  if (integer.test(token)) return !Number.isSafeInteger(value) || (digits && Object.is(value, -0));
  if (digits) return String(value) !== token && number.test(token);
  return (
    number.test(token) && (Number.isInteger(value) || !Number.isFinite(value) || significant(token) > 17)
  );
}

function hasExponent(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((text.charCodeAt(at) | 0x20) === lowerE) return true;
  return false;
}

/** Digits of a number from its first that is not 0. */
export function significant(token: string): number {
  return token
    .replace(/[eE].*/, '')
    .replace(/\D/g, '')
    .replace(/^0+/, '').length;
}

export function isLiteral(token: string): boolean {
  return literals.some((literal) => literal === token);
}

/** No number is a key, though JSON lets the text be one that it is hidden in. */
function isKey(text: string, end: number): boolean {
  let at = end;
  while (text.charCodeAt(at) === 0x20 || text.charCodeAt(at) === 0x09 || text.charCodeAt(at) === 0x0d) at++;
  return text[at] === ':';
}

/** The whole number that a text stands for, exactly; undefined where it is none: 1e3 is 1000, 1.5 is not. */
export function wholeNumber(text: string): bigint | undefined {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+(?=\d)/, '');
  const zeros = Number(exponent) - fraction.length;
  if (/^0*$/.test(digits)) return 0n;
  // Beyond 64 bits in any case.
  if (zeros > 40) return undefined;
  const kept = zeros < 0 ? digits.slice(0, zeros) : digits + '0'.repeat(zeros);
  if (zeros < 0 && !/^0*$/.test(digits.slice(zeros))) return undefined;
  return BigInt(`${sign}${kept || '0'}`);
}
