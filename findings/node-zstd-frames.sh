#!/usr/bin/env bash
# Node 24: a zstd file of several frames, as appending to it or joining shards makes it.
#
# Guess: all frames are decompressed, as gunzip does with several members of a gzip file.
# Found (Node 24.21.0): how the bytes arrive decides. zstdDecompressSync, and a stream that gets both frames
# in one chunk, stop after the first and report nothing; a stream that gets them as two chunks gives both.
# Gzip is whole each time.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
platform=$(node -p '`${process.platform}-${process.arch}`')
npm init --yes > /dev/null
npm install --silent --save-exact --no-audit --no-fund --ignore-scripts "node-$platform@24.21.0"
cat > finding.mjs <<'JS'
import { Readable } from 'node:stream';
import zlib from 'node:zlib';

let failed = 0;
function expect(what, found, stated) {
  console.log(`${what}: ${JSON.stringify(found)}`);
  if (JSON.stringify(found) === JSON.stringify(stated)) return;
  failed++;
  console.log(`  DIFFERS, stated: ${JSON.stringify(stated)}`);
}

console.log('node', process.version);
const lines = ['{"id":1}\n', '{"id":2}\n'];
const whole = lines.join('');
const zstd = lines.map((line) => zlib.zstdCompressSync(line));
const gzip = lines.map((line) => zlib.gzipSync(line));
async function streamed(chunks, decompress) {
  const parts = [];
  for await (const part of Readable.from(chunks).pipe(decompress)) parts.push(part);
  return Buffer.concat(parts).toString();
}

expect('zstd, at once', zlib.zstdDecompressSync(Buffer.concat(zstd)).toString(), lines[0]);
expect('zstd, stream, one chunk', await streamed([Buffer.concat(zstd)], zlib.createZstdDecompress()), lines[0]);
expect('zstd, stream, a chunk a frame', await streamed(zstd, zlib.createZstdDecompress()), whole);
expect('gzip, at once', zlib.gunzipSync(Buffer.concat(gzip)).toString(), whole);
expect('gzip, stream, one chunk', await streamed([Buffer.concat(gzip)], zlib.createGunzip()), whole);
process.exitCode = failed > 0 ? 1 : 0;
JS
"node_modules/node-$platform/bin/node" finding.mjs
