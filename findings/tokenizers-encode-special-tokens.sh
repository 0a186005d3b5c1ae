#!/usr/bin/env bash
# tokenizers: encode_special_tokens, for documents in which "<s>" is HTML and not the start of a text.
#
# Guess: the switch is part of the tokenizer: it is in tokenizer.json, and a copy has it.
# Found (tokenizers 0.23.3): it belongs to the object alone. It is lost by save and load, and by pickle and
# deepcopy too, so that worker processes tokenize differently from the process that set it, without a warning.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check tokenizers==0.23.3
venv/bin/python - <<'PY'
import copy
import pickle
import sys

import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers

failed = []


def expect(what, found, stated):
    print(f'{what}: {found!r}')
    if found != stated:
        failed.append(what)
        print(f'  DIFFERS, stated: {stated!r}')


print(f'tokenizers {tokenizers.__version__}')
text = 'a<s>a'
as_text = ['a', '<', 's', '>', 'a']
as_special = ['a', '<s>', 'a']
original = Tokenizer(models.BPE({'a': 0, '<': 1, 's': 2, '>': 3, '<s>': 4}, []))
original.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
original.add_special_tokens(['<s>'])
expect('before', original.encode(text).tokens, as_special)
original.encode_special_tokens = True
original.save('tokenizer.json')
expect('switched on', original.encode(text).tokens, as_text)
expect('saved and loaded', Tokenizer.from_file('tokenizer.json').encode(text).tokens, as_special)
expect('pickled', pickle.loads(pickle.dumps(original)).encode(text).tokens, as_special)
expect('deep copy', copy.deepcopy(original).encode(text).tokens, as_special)
sys.exit(1 if failed else 0)
PY
