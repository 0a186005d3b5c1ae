#!/usr/bin/env bash
# Hugging Face datasets: JSON Lines read with load_dataset and written with to_json.
#
# Guess: a file that is read and written again without any change holds the same values, apart from white
# space.
# Found (datasets 5.2.0, pyarrow 26.0.1, pandas 3.1.1): strings that look like a time become numbers: the
# reader (Arrow) makes a timestamp of them and forgets the offset, the writer (pandas) prints milliseconds
# since 1970. Doubles keep ten decimals, so that a probability of 1e-12 becomes 0.0. Nothing is reported. One
# row whose string is no time keeps the whole column as text.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HF_HOME="$work/hub"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check datasets==5.2.0 pyarrow==26.0.1 pandas==3.1.1
venv/bin/python - <<'PY'
import json
import sys

import datasets
import pandas
import pyarrow

failed = []


def expect(what, found, stated):
    print(f'{what}: {found!r}')
    if found != stated:
        failed.append(what)
        print(f'  DIFFERS, stated: {stated!r}')


print(f'datasets {datasets.__version__}, pyarrow {pyarrow.__version__}, pandas {pandas.__version__}')
datasets.disable_progress_bars()


def round_trip(name, rows):
    with open(f'{name}.jsonl', 'w') as file:
        file.writelines(json.dumps(row) + '\n' for row in rows)
    table = datasets.load_dataset('json', data_files=f'{name}.jsonl', split='train')
    print(f'{name}: read as {table.features}')
    table.to_json(f'{name}.out.jsonl')
    with open(f'{name}.out.jsonl') as file:
        return [json.loads(line) for line in file]


expect(
    'dates',
    round_trip('dates', [{'date': '2024-01-06T10:00:00+02:00'}, {'date': '2024-01-06T10:00:00Z'}]),
    [{'date': 1704528000000}, {'date': 1704535200000}],
)
expect(
    'dates and a word',
    round_trip('mixed', [{'date': '2024-01-06T10:00:00Z'}, {'date': 'unknown'}]),
    [{'date': '2024-01-06T10:00:00Z'}, {'date': 'unknown'}],
)
expect(
    'probabilities',
    round_trip('probabilities', [{'p': 1e-12}, {'p': 0.12345678901234}]),
    [{'p': 0.0}, {'p': 0.123456789}],
)
sys.exit(1 if failed else 0)
PY
