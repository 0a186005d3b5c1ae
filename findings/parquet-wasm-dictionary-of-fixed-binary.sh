#!/usr/bin/env bash
# parquet-wasm: a dictionary column of fixed-size binaries (two bytes each).
#
# Guess: the file holds the values, and every reader agrees.
# Found (parquet-wasm 0.8.0, apache-arrow 21.2.0, pyarrow 26.0.1, duckdb 2.0.1, polars 2.1.0): only
# parquet-wasm itself reads them back. The dictionary page has a length before each value, which the type does
# not have: DuckDB and polars silently read two bytes of the length as the value, and pyarrow refuses the
# file.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes > /dev/null
npm install --silent --save-exact --no-audit --no-fund --ignore-scripts parquet-wasm@0.8.0 apache-arrow@21.2.0
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check pyarrow==26.0.1 duckdb==2.0.1 polars==2.1.0
cat > write.mjs <<'JS'
import { readFileSync, writeFileSync } from 'node:fs';
import { Dictionary, FixedSizeBinary, Int8, Table as Arrow, tableFromIPC, tableToIPC, vectorFromArray } from 'apache-arrow';
import initialise, { readParquet, Table, writeParquet } from 'parquet-wasm/esm';

for (const name of ['parquet-wasm', 'apache-arrow'])
  console.log(name, JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')).version);
await initialise({ module_or_path: readFileSync('node_modules/parquet-wasm/esm/parquet_wasm_bg.wasm') });
const values = ['ab', 'cd', 'ab'].map((value) => new Uint8Array(Buffer.from(value)));
const column = vectorFromArray(values, new Dictionary(new FixedSizeBinary(2), new Int8()));
const bytes = writeParquet(Table.fromIPCStream(tableToIPC(new Arrow({ code: column }), 'stream')));
writeFileSync('codes.parquet', bytes);
const back = [...tableFromIPC(readParquet(bytes).intoIPCStream()).getChild('code')].map((value) => Buffer.from(value).toString());
console.log(`parquet-wasm: ${back}`);
process.exitCode = `${back}` === 'ab,cd,ab' ? 0 : 1;
JS
node write.mjs
venv/bin/python - <<'PY'
import sys

import duckdb
import polars
import pyarrow
import pyarrow.parquet

failed = []


def expect(what, found, stated):
    print(f'{what}: {found!r}')
    if found != stated:
        failed.append(what)
        print(f'  DIFFERS, stated: {stated!r}')


print(f'pyarrow {pyarrow.__version__}, duckdb {duckdb.__version__}, polars {polars.__version__}')
length, zeros = b'\x02\x00', b'\x00\x00'
expect('DuckDB', [row[0] for row in duckdb.sql("from 'codes.parquet'").fetchall()], [length, zeros, length])
expect('polars', polars.read_parquet('codes.parquet')['code'].to_list(), [length, zeros, length])
try:
    refused = f"reads {pyarrow.parquet.read_table('codes.parquet').to_pydict()}"
except OSError as error:
    refused = str(error)
print(f'pyarrow: {refused}')
expect('pyarrow names the type it refuses', 'FIXED_LEN_BYTE_ARRAY' in refused, True)
sys.exit(1 if failed else 0)
PY
