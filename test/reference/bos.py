"""Ids of tokenizers' BOS by HuggingFace transformers: python bos.py FOLDER CASES.json OUT.json

FOLDER has a config.json and a tokenizer.json. CASES.json holds, by name, what tokenizer_config.json and
special_tokens_map.json beside them say, where they are there. OUT.json has each case's `bos_token_id`, or null.
"""

import json
import pathlib
import shutil
import sys
import tempfile

import transformers


def main(folder, cases_file, out_file):
    cases = json.loads(pathlib.Path(cases_file).read_text())
    result = {
        "made_with": {"transformers": transformers.__version__},
        "ids": {name: bos_id(pathlib.Path(folder), files) for name, files in cases.items()},
    }
    pathlib.Path(out_file).write_text(json.dumps(result, indent=1) + "\n")


def bos_id(folder, files):
    with tempfile.TemporaryDirectory() as made:
        for name in ("config.json", "tokenizer.json"):
            shutil.copy(folder / name, made)
        for name, content in files.items():
            (pathlib.Path(made) / f"{name}.json").write_text(json.dumps(content))
        return transformers.AutoTokenizer.from_pretrained(made).bos_token_id


if __name__ == "__main__":
    main(*sys.argv[1:])
