import { inflateSync } from 'node:zlib';
import t from 'tap';
import { toPng } from '../../../sinks/plot/png.js';

const text = (content: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 40" width="200" height="40"><rect width="200" height="40" fill="#fff"/><text x="4" y="28" font-size="20" font-family="Lato, sans-serif">${content}</text></svg>`;

/** Size, and how many bytes of its rows are not those of white. */
function measured(png: Uint8Array) {
  const bytes = Buffer.from(png);
  const parts: Buffer[] = [];
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at))
    if (bytes.subarray(at + 4, at + 8).toString() === 'IDAT')
      parts.push(bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at)));
  const inked = inflateSync(Buffer.concat(parts)).filter((byte) => byte !== 0 && byte !== 255).length;
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20), inked };
}

t.test('two pixels a unit, and text without any font of the system', async (t) => {
  const written = measured(await toPng(text('NAG 1 − x')));
  t.strictSame([written.width, written.height], [400, 80]);
  const empty = measured(await toPng(text('')));
  t.ok(written.inked > empty.inked + 500, `${written.inked} bytes, ${empty.inked} without`);
});

t.test('letters of other scripts do not break it', async (t) => {
  t.equal(measured(await toPng(text('中文 \u{1F600}'))).width, 400);
});
