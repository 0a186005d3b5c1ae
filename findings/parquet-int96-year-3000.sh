#!/usr/bin/env bash
# Parquet: one INT96 timestamp in the year 3000, and four readers.
#
# Guess: a reader that cannot hold the year raises; all others agree.
# Found (pyarrow 26.0.1, pandas 3.1.1, polars 2.1.0, duckdb 2.0.1): three answers from one file, no error.
# pyarrow and pandas count nanoseconds and wrap around to 1830; polars stops at 2262-04-11; DuckDB says 3000.
# polars is right too if the file also has Arrow's schema, which pyarrow writes unless store_schema is False;
# pyarrow itself is not.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check pyarrow==26.0.1 pandas==3.1.1 polars==2.1.0 duckdb==2.0.1
venv/bin/python - <<'PY'
import datetime
import sys

import duckdb
import pandas
import polars
import pyarrow
import pyarrow.parquet

failed = []


def expect(what, found, stated):
    print(f'{what}: {found!r}')
    if found != stated:
        failed.append(what)
        print(f'  DIFFERS, stated: {stated!r}')


for library in (pyarrow, pandas, polars, duckdb):
    print(library.__name__, library.__version__)
written = datetime.datetime(3000, 1, 1)
table = pyarrow.table({'time': pyarrow.array([written], pyarrow.timestamp('us'))})
for name, with_schema in (('plain.parquet', False), ('schema.parquet', True)):
    pyarrow.parquet.write_table(table, name, use_deprecated_int96_timestamps=True, store_schema=with_schema)


def pyarrow_value(name):
    return pyarrow.parquet.read_table(name)['time'][0].as_py()


expect('pyarrow', pyarrow_value('plain.parquet').year, 1830)
expect('pandas', pandas.read_parquet('plain.parquet')['time'][0].year, 1830)
expect('polars', str(polars.read_parquet('plain.parquet')['time'][0])[:19], '2262-04-11 23:47:16')
expect('DuckDB', duckdb.sql("select time from 'plain.parquet'").fetchall()[0][0], written)
expect("polars, file with Arrow's schema", polars.read_parquet('schema.parquet')['time'][0], written)
expect("pyarrow, file with Arrow's schema", pyarrow_value('schema.parquet').year, 1830)
sys.exit(1 if failed else 0)
PY
