#!/usr/bin/env bash
# transformers: two files in a checkpoint that name different tokens for the start of a text.
#
# Guess: tokenizer_config.json, the newer and fuller file, wins over special_tokens_map.json.
# Found (transformers 5.24.0, tokenizers 0.23.3): special_tokens_map.json wins, unless tokenizer_config.json
# has an added_tokens_decoder, be it empty: that entry, which says nothing of the start, turns the answer
# round.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export HF_HOME="$work/hub" TRANSFORMERS_VERBOSITY=error
python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check transformers==5.24.0 tokenizers==0.23.3
venv/bin/python - <<'PY'
import json
import os
import sys

import tokenizers
import transformers
from tokenizers import Tokenizer, models
from transformers import AutoTokenizer

failed = []


def expect(what, found, stated):
    print(f'{what}: {found!r}')
    if found != stated:
        failed.append(what)
        print(f'  DIFFERS, stated: {stated!r}')


print(f'transformers {transformers.__version__}, tokenizers {tokenizers.__version__}')
backend = Tokenizer(models.WordLevel({'<config>': 0, '<map>': 1, 'a': 2}))
backend.add_special_tokens(['<config>', '<map>'])


def start_token(folder, config, mapping):
    os.mkdir(folder)
    backend.save(f'{folder}/tokenizer.json')
    for name, content in (('tokenizer_config', config), ('special_tokens_map', mapping)):
        if content is not None:
            with open(f'{folder}/{name}.json', 'w') as file:
                json.dump(content, file)
    return AutoTokenizer.from_pretrained(folder).bos_token


config = {'tokenizer_class': 'PreTrainedTokenizerFast', 'bos_token': '<config>'}
mapping = {'bos_token': '<map>'}
decoder = {'0': {'content': '<config>', 'special': True}, '1': {'content': '<map>', 'special': True}}
expect('config alone', start_token('one', config, None), '<config>')
expect('both', start_token('two', config, mapping), '<map>')
expect('with added tokens', start_token('three', {**config, 'added_tokens_decoder': decoder}, mapping), '<config>')
expect('with no added tokens', start_token('four', {**config, 'added_tokens_decoder': {}}, mapping), '<config>')
sys.exit(1 if failed else 0)
PY
