"""Token ids by HuggingFace's Python packages: python token_ids.py TOKENIZER_DIR TEXTS.json OUT.json

TEXTS.json is {"texts": [...], "long": [{"join": [index, ...], "repeat": n}, ...]}: of a long text, some of the texts
joined by line feeds and repeated, only the number of tokens is kept. No special tokens are added. The `tokenizers`
package and transformers' fast tokenizer around the same file must agree.
"""

import hashlib
import json
import pathlib
import sys

import tokenizers
import transformers

def main(tokenizer_dir, texts_file, out_file):
    file = pathlib.Path(tokenizer_dir, "tokenizer.json")
    inputs = json.loads(pathlib.Path(texts_file).read_text())
    texts = inputs["texts"]
    plain = tokenizers.Tokenizer.from_file(str(file))
    plain.no_truncation()
    plain.no_padding()
    wrapped = transformers.PreTrainedTokenizerFast(tokenizer_file=str(file))
    ids = [plain.encode(text, add_special_tokens=False).ids for text in texts]
    for text, expected in zip(texts, ids):
        assert wrapped(text, add_special_tokens=False)["input_ids"] == expected, text
    long = [len(plain.encode(long_text(texts, spec), add_special_tokens=False).ids) for spec in inputs["long"]]
    rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in ids)
    made_with = {"tokenizers": tokenizers.__version__, "transformers": transformers.__version__}
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    pathlib.Path(out_file).write_text(
        f'{{"made_with": {json.dumps(made_with)},\n"sha256": "{sha256}",\n"long": {json.dumps(long)},\n"ids": [\n{rows}\n]}}\n'
    )


def long_text(texts, spec):
    return "\n".join(texts[index] for index in spec["join"]) * spec["repeat"]


if __name__ == "__main__":
    main(*sys.argv[1:])
