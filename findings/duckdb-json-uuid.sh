#!/usr/bin/env bash
# DuckDB: JSON Lines to Parquet, with document ids that are UUIDs.
#
# Guess: a JSON string arrives in Parquet as the same string, unless it is a date.
# Found (duckdb 2.0.1, polars 2.1.0, pyarrow 26.0.1): strings of a UUID's form become the type UUID.
# Upper-case ids come back in lower case, so a join with the JSON's ids finds nothing. In the Parquet file
# they are 16 raw bytes: polars reads binary, pyarrow a type of its own.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check duckdb==2.0.1 polars==2.1.0 pyarrow==26.0.1
venv/bin/python - <<'PY'
import json
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


print(f'duckdb {duckdb.__version__}, polars {polars.__version__}, pyarrow {pyarrow.__version__}')
identifier = '550E8400-E29B-41D4-A716-446655440000'
with open('documents.jsonl', 'w') as file:
    file.write(json.dumps({'id': identifier, 'text': 'one'}) + '\n')
duckdb.sql("copy (from 'documents.jsonl') to 'documents.parquet'")

expect('type in DuckDB', str(duckdb.sql("select id from 'documents.jsonl'").types[0]), 'UUID')
expect('id as text', duckdb.sql("select id::text from 'documents.jsonl'").fetchall()[0][0], identifier.lower())
found = duckdb.execute("select count(*) from 'documents.parquet' where id::text = ?", [identifier]).fetchall()[0][0]
expect('rows with the id of the JSON', found, 0)
expect('type in polars', polars.read_parquet('documents.parquet')['id'].dtype, polars.Binary)
expect('type in pyarrow', str(pyarrow.parquet.read_schema('documents.parquet').field('id').type), 'extension<arrow.uuid>')
sys.exit(1 if failed else 0)
PY
