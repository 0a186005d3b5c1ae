"""Loss and multiple choice by PyTorch: python likelihood.py MODEL_DIR QUESTIONS OUT.json MAX_LENGTH [BOS_ID]

QUESTIONS is a .json of {"texts": [...], "questions": [{"context", "choices", "answer"}]}, or a .jsonl of ARC or PIQA
({"query", "choices", "gold"}), of which every 40th line is taken and asked as "{query}\nAnswer:".

Written after EleutherAI's lm-evaluation-harness: `TemplateLM._encode_pair` (trailing white space of the context moves to
the continuation; the whole is encoded, and the context alone, and the continuation is what is behind as many tokens as
the context has), `HFLM._loglikelihood_tokens` (the last tokens are kept: its max_length counts the model's input, which
the last token is not part of, so that MAX_LENGTH here is one more), and `ConfigurableTask.process_results`
(`acc`: argmax of the log-likelihoods; `acc_norm`: argmax of log-likelihood / len(choice)). target_delimiter is " ".
Each sequence runs alone, in float32 with eager attention; log_softmax is in float64.
"""

import hashlib
import json
import pathlib
import sys

import numpy as np
import tokenizers
import torch
import transformers


def main(model_dir, questions_file, out_file, max_length, bos=None):
    torch.set_num_threads(1)
    bos = [] if bos is None else [int(bos)]
    tokenizer = tokenizers.Tokenizer.from_file(str(pathlib.Path(model_dir) / "tokenizer.json"))
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    model = transformers.AutoModelForCausalLM.from_pretrained(
        model_dir, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    texts, questions = read(pathlib.Path(questions_file))
    answered = [question(model, encode, bos, int(max_length), **own) for own in questions]
    result = {
        "made_with": {name: module.__version__ for name, module in versions.items()},
        "sha256": {path.name: sha256(path) for path in sorted(pathlib.Path(model_dir).glob("*.safetensors"))},
        "texts": [text_loss(model, (bos + encode(text))[: int(max_length)]) for text in texts],
        "questions": answered,
        "acc": float(np.mean([own["acc"] for own in answered])),
        "acc_norm": float(np.mean([own["acc_norm"] for own in answered])),
    }
    pathlib.Path(out_file).write_text(json.dumps(result) + "\n")


versions = {"torch": torch, "transformers": transformers, "tokenizers": tokenizers}


def read(file):
    if file.suffix == ".json":
        content = json.loads(file.read_text(encoding="utf-8"))
        return content["texts"], content["questions"]
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()][::40]
    asked = [{"context": r["query"] + "\nAnswer:", "choices": r["choices"], "answer": r["gold"]} for r in rows]
    return [row["query"] for row in rows], asked


def text_loss(model, ids):
    values = log_probabilities(model, ids)
    return {"loss": -float(values.mean()), "predicted_tokens": len(values)}


def question(model, encode, bos, max_length, context, choices, answer):
    sums = [log_likelihood(model, *encode_pair(encode, bos, context, " " + choice), max_length) for choice in choices]
    lengths = np.array([float(len(choice)) for choice in choices])
    plain, normed = int(np.argmax(sums)), int(np.argmax(np.array(sums) / lengths))
    return {
        "log_likelihoods": sums,
        "choice": plain,
        "choice_norm": normed,
        "acc": float(plain == answer),
        "acc_norm": float(normed == answer),
    }


def encode_pair(encode, bos, context, continuation):
    spaces = len(context) - len(context.rstrip())
    if spaces > 0:
        continuation = context[-spaces:] + continuation
        context = context[:-spaces]
    whole, before = encode(context + continuation), encode(context)
    return bos + before, whole[len(before) :]


def log_likelihood(model, context, continuation, max_length):
    ids = (context + continuation)[-max_length:]
    return float(log_probabilities(model, ids)[-len(continuation) :].sum())


def log_probabilities(model, ids):
    """Of every id but the first."""
    tokens = torch.tensor([ids])
    with torch.inference_mode():
        logits = model(input_ids=tokens, use_cache=False).logits[0, :-1]
    return torch.log_softmax(logits.to(torch.float64), dim=-1).gather(1, tokens[0, 1:, None])[:, 0].numpy()


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main(*sys.argv[1:])
