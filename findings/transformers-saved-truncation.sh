#!/usr/bin/env bash
# transformers: save_pretrained of a tokenizer that has been used with truncation and padding.
#
# Guess: truncation and padding are arguments of a call; the saved tokenizer does not depend on earlier calls.
# Found (transformers 5.24.0, tokenizers 0.23.3): the last call's settings are written into tokenizer.json.
# AutoTokenizer ignores them there, but the tokenizers library obeys: each document is cut after 4 tokens and
# a short one is filled up, without a warning.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HF_HOME="$work/hub" TRANSFORMERS_VERBOSITY=error
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check transformers==5.24.0 tokenizers==0.23.3
venv/bin/python - <<'PY'
import sys

import tokenizers
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

failed = []


def expect(what, found, stated):
    print(f'{what}: {found!r}')
    if found != stated:
        failed.append(what)
        print(f'  DIFFERS, stated: {stated!r}')


print(f'transformers {transformers.__version__}, tokenizers {tokenizers.__version__}')
backend = Tokenizer(models.WordLevel({'[PAD]': 0, 'a': 1, 'b': 2, '[UNK]': 3}, unk_token='[UNK]'))
backend.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token='[PAD]', unk_token='[UNK]')
long, short = 'a b a b a b a b', 'b'


def lengths(folder):
    saved = Tokenizer.from_file(f'{folder}/tokenizer.json')
    auto = AutoTokenizer.from_pretrained(folder)
    return {
        'tokenizers': [len(saved.encode(text).ids) for text in (long, short)],
        'AutoTokenizer': [len(auto(text).input_ids) for text in (long, short)],
    }


tokenizer.save_pretrained('before')
expect('saved before', lengths('before'), {'tokenizers': [8, 1], 'AutoTokenizer': [8, 1]})
tokenizer([long, short], truncation=True, padding='max_length', max_length=4)
tokenizer.save_pretrained('after')
expect('saved after', lengths('after'), {'tokenizers': [4, 4], 'AutoTokenizer': [8, 1]})
sys.exit(1 if failed else 0)
PY
