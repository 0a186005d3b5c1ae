#!/usr/bin/env bash
# parquet-wasm: a stream of record batches that fails half-way.
#
# Guess: transformParquetStream, or the stream of bytes that it returns, fails with the source's error.
# Found (parquet-wasm 0.8.0, apache-arrow 21.2.0): neither does. The bytes end as if the source had ended: a
# whole Parquet file with a footer, which opens in any reader and holds the rows up to the error.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes > /dev/null
npm install --silent --save-exact --no-audit --no-fund --ignore-scripts parquet-wasm@0.8.0 apache-arrow@21.2.0
cat > finding.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { tableFromArrays, tableFromIPC, tableToIPC } from 'apache-arrow';
import initialise, { readParquet, Table, transformParquetStream } from 'parquet-wasm/esm';

let failed = 0;
function expect(what, found, stated) {
  console.log(`${what}: ${JSON.stringify(found)}`);
  if (JSON.stringify(found) === JSON.stringify(stated)) return;
  failed++;
  console.log(`  DIFFERS, stated: ${JSON.stringify(stated)}`);
}

for (const name of ['parquet-wasm', 'apache-arrow'])
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version);
await initialise({ module_or_path: readFileSync('node_modules/parquet-wasm/esm/parquet_wasm_bg.wasm') });

function batchOf(numbers) {
  const arrow = tableFromArrays({ number: Int32Array.from(numbers) });
  return Table.fromIPCStream(tableToIPC(arrow, 'stream')).recordBatches()[0];
}

let pulled = 0;
const source = new ReadableStream({
  pull(controller) {
    if (pulled === 2) controller.error(new Error('the disk could not be read'));
    else controller.enqueue(batchOf([pulled, pulled++, pulled]));
  },
});
let error = 'none';
const chunks = [];
try {
  for await (const chunk of await transformParquetStream(source)) chunks.push(chunk);
} catch (caught) {
  error = `${caught}`;
}
const bytes = Buffer.concat(chunks);
expect('error', error, 'none');
expect('last bytes of the file', bytes.subarray(-4).toString(), 'PAR1');
expect('rows in it', tableFromIPC(readParquet(bytes).intoIPCStream()).numRows, 6);
process.exitCode = failed > 0 ? 1 : 0;
JS
node finding.mjs
