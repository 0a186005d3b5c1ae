const LETTER = /\p{L}/u;
const SPACE = 0x20;

/**
 * The last place up to `limit` where a text can be cut without changing a token on either side: behind a letter
 * and before a space, newline, comma or full stop, or one of their CJK forms. 0 where there is none.
 *
 * The splitting expressions of GPT-2, Llama 3 and Qwen end a word there and let none of these characters join the
 * word before. A letter that NFC takes apart (U+0958, a letter and a mark) is passed over: its mark would join
 * the punctuation. So are letters beyond U+FFFF, which are halves in a JavaScript string.
 * @param spaceOnly only before a space, for tokenizers that do not split at punctuation
 */
export function safeCut(text: string, limit: number, spaceOnly: boolean): number {
  for (let cut = Math.min(limit, text.length - 1); cut > 0; cut--) {
    const next = text.charCodeAt(cut);
    if (next !== SPACE && (spaceOnly || !isCutCharacter(next))) continue;
    if (isPlainLetter(text, cut - 1)) return cut;
  }
  return 0;
}

/** Whether a cut may be made before this UTF-16 code. */
export function isCutCharacter(code: number): boolean {
  switch (code) {
    case SPACE:
    case 0x0a:
    case 0x0d:
    case 0x2c: // ,
    case 0x2e: // .
    case 0x3001: // ideographic comma
    case 0x3002: // ideographic full stop
    case 0xff0c: // fullwidth comma
      return true;
    default:
      return false;
  }
}

function isPlainLetter(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  if (code < 0x80) return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
  if (code >= 0xd800 && code <= 0xdfff) return false;
  const letter = text.charAt(at);
  return LETTER.test(letter) && letter.normalize('NFC') === letter;
}
