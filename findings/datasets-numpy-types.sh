#!/usr/bin/env bash
# Hugging Face datasets: numbers in the format "numpy".
#
# Guess: with_format('numpy') gives each column in the type that the features name, the same for a row as for
# a batch.
# Found (datasets 5.2.0, numpy 2.4.6, pyarrow 26.0.1): a single row keeps the types, a batch of the same rows
# is int64 and float32, whatever the column is. A uint64 hash over 2^63 is negative in a batch, and a float64
# loses half of its digits.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HF_HOME="$work/hub"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check datasets==5.2.0 numpy==2.4.6 pyarrow==26.0.1
venv/bin/python - <<'PY'
import sys

import datasets
import numpy
import pyarrow

failed = []


def expect(what, found, stated):
    print(f'{what}: {found!r}')
    if found != stated:
        failed.append(what)
        print(f'  DIFFERS, stated: {stated!r}')


print(f'datasets {datasets.__version__}, numpy {numpy.__version__}, pyarrow {pyarrow.__version__}')
columns = {
    'hash': pyarrow.array([2**63 + 5, 7], pyarrow.uint64()),
    'neuron': pyarrow.array([1, 2], pyarrow.uint16()),
    'score': pyarrow.array([1 / 3, 1e-50], pyarrow.float64()),
}
rows = datasets.Dataset(pyarrow.table(columns)).with_format('numpy')
print(rows.features)

expect('types of a row', {name: str(value.dtype) for name, value in rows[0].items()}, {'hash': 'uint64', 'neuron': 'uint16', 'score': 'float64'})
expect(
    'types of a batch',
    {name: str(values.dtype) for name, values in rows[:].items()},
    {'hash': 'int64', 'neuron': 'int64', 'score': 'float32'},
)
expect('hash of a row', int(rows[0]['hash']), 2**63 + 5)
expect('hash in a batch', int(rows[:]['hash'][0]), 2**63 + 5 - 2**64)
expect('score of a row', float(rows[1]['score']), 1e-50)
expect('score in a batch', float(rows[:]['score'][1]), 0.0)
sys.exit(1 if failed else 0)
PY
