#!/usr/bin/env bash
# DuckDB and polars: a JSON Lines file that changes after many rows.
#
# Guess: the types come from a sample of the rows; a key or a fraction that first appears after the sample is
# an error, or widens the table.
# Found (duckdb 2.0.1, polars 2.1.0): a key that appears late is dropped by both, silently. A late fraction in
# a column of integers is rounded by DuckDB, silently (29999.5 becomes 30000); polars raises. A late string is
# an error in both.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check duckdb==2.0.1 polars==2.1.0
venv/bin/python - <<'PY'
import json
import sys

import duckdb
import polars

failed = []


def expect(what, found, stated):
    print(f'{what}: {found!r}')
    if found != stated:
        failed.append(what)
        print(f'  DIFFERS, stated: {stated!r}')


print(f'duckdb {duckdb.__version__}, polars {polars.__version__}')


def write(name, row):
    with open(name, 'w') as file:
        file.writelines(json.dumps(row(number)) + '\n' for number in range(30_000))


def kind_of_error(read):
    try:
        return read()
    except Exception as error:
        return type(error).__name__


write('key.jsonl', lambda n: {'id': n, 'license': 'mit'} if n >= 25_000 else {'id': n})
write('fraction.jsonl', lambda n: {'score': n + 0.5 if n >= 25_000 else n})
write('string.jsonl', lambda n: {'score': 'n/a' if n >= 25_000 else n})

expect('key, DuckDB', duckdb.sql("from 'key.jsonl'").columns, ['id'])
expect('key, polars', polars.read_ndjson('key.jsonl').columns, ['id'])
expect('fraction, DuckDB', duckdb.sql("select score from 'fraction.jsonl'").fetchall()[-1], (30_000,))
expect('fraction, polars', kind_of_error(lambda: polars.read_ndjson('fraction.jsonl')), 'ComputeError')
expect('string, DuckDB', kind_of_error(lambda: duckdb.sql("from 'string.jsonl'").fetchall()), 'InvalidInputException')
expect('string, polars', kind_of_error(lambda: polars.read_ndjson('string.jsonl')), 'ComputeError')
sys.exit(1 if failed else 0)
PY
