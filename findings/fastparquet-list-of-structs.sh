#!/usr/bin/env bash
# fastparquet: a column of chat messages (a list of structs) in a file that pyarrow wrote.
#
# Guess: fastparquet reads the messages, or raises because it does not know the type.
# Found (fastparquet 2026.9.0, pyarrow 26.0.1): every row is None, without a word; so are lists of lists. Half
# floats arrive as two raw bytes, and a date after 2262 as another date in 1933. A plain list and a map are
# right.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check fastparquet==2026.9.0 pyarrow==26.0.1
venv/bin/python - <<'PY'
import datetime
import sys

import fastparquet
import pyarrow
import pyarrow.parquet

failed = []


def expect(what, found, stated):
    print(f'{what}: {found!r}')
    if found != stated:
        failed.append(what)
        print(f'  DIFFERS, stated: {stated!r}')


print(f'fastparquet {fastparquet.__version__}, pyarrow {pyarrow.__version__}')
messages = [{'role': 'user', 'content': 'Why?'}, {'role': 'assistant', 'content': 'Because.'}]


def read(values, kind=None):
    table = pyarrow.table({'column': pyarrow.array(values, kind)})
    pyarrow.parquet.write_table(table, 'file.parquet')
    assert pyarrow.parquet.read_table('file.parquet').equals(table)
    return fastparquet.ParquetFile('file.parquet').to_pandas()['column'].tolist()


expect('messages', read([messages, messages[:1]]), [None, None])
expect('lists of lists', read([[[1, 2], [3]], [[4]]]), [None, None])
expect('half floats', read([1.5], pyarrow.float16()), [b'\x00>'])
expect('date', [str(day.date()) for day in read([datetime.date(2517, 8, 1)])], ['1933-01-11'])
expect('list', read([['a'], ['b', None]]), [['a'], ['b', None]])
expect('map', read([[('a', 1)]], pyarrow.map_(pyarrow.string(), pyarrow.int64())), [{'a': 1}])
sys.exit(1 if failed else 0)
PY
