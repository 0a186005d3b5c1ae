"""Train nag-mini, the small Qwen3 model that ships with the quickstart.

    python train.py --data DIR --out OUT

DIR holds one JSON Lines file per corpus (see CORPORA; README.md says where each comes from), one
document a line: {"id": str, "text": str, "label": str (newsgroups only)}. OUT receives config.json, model.safetensors
(bfloat16) and tokenizer.json. Every document whose line index is a multiple of 20 is held out: neither
the tokenizer nor the model sees it.

Needs torch, transformers and tokenizers. Runs on one CPU thread by default, so that the same versions,
seed and machine give the same weights.
"""

import argparse
import json
import math
import random
import re
import time
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from torch.nn.functional import cross_entropy
from transformers import Qwen3Config, Qwen3ForCausalLM

VOCAB = 4096
CONTEXT = 128
HELD_OUT_EVERY = 20
END_OF_TEXT = "<|endoftext|>"
SCIENCE_GROUPS = {"sci.space", "sci.med", "sci.electronics"}

# Qwen's split pattern: contractions, words, single digits, punctuation, line breaks, spaces.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def detokenize(text):
    """Undo the word-by-word spacing of corpora that were published tokenized."""
    text = text.replace("\t", " ")
    text = re.sub(r" +([.,;:!?)\]%]|'s\b|n't\b)", r"\1", text)
    return re.sub(r"([(\[]) +", r"\1", text)


def post_body(text):
    """The body of a newsgroup post: no header, quotation, signature, address or telephone number."""
    _, _, body = text.partition("\n\n")
    body = re.split(r"\n--+ *\n", body)[0]
    lines = [
        line
        for line in body.split("\n")
        if not re.match(r"\s*([>|:]|\S{0,4}>)", line)
        and "@" not in line
        and not re.search(r"\b\d{3}[-. ]\d{4}\b", line)
        and not re.search(r"\bwrites?:\s*$|^In article", line)
    ]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def unwrap(text):
    """Join the lines of a paragraph; a printed page's line breaks mean nothing."""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", text)


def in_public_domain(row):
    """Project Gutenberg's number 5200 is a copyrighted translation of Kafka."""
    return not row["id"].startswith("gutenberg/pg5200/")


def in_groups(row):
    return row["label"] in SCIENCE_GROUPS


# name: (file, share of the training rows, which lines, cleaning)
CORPORA = {
    "encyclopedia": ("dbpedia14_14k.jsonl", 0.25, None, detokenize),
    "code": ("thealgorithms_python.jsonl", 0.22, None, str),
    "novels": ("gutenberg_half.jsonl", 0.14, in_public_domain, unwrap),
    "science posts": ("20newsgroups.jsonl", 0.17, in_groups, post_body),
    "other posts": ("20newsgroups.jsonl", 0.08, lambda row: not in_groups(row), post_body),
    "speeches": ("state_union.jsonl", 0.07, None, unwrap),
    "reviews": ("movie_reviews_2k.jsonl", 0.07, None, detokenize),
}


def read_corpus(folder, name):
    """Return (training texts, held-out texts) of one corpus."""
    file, _, wanted, clean = CORPORA[name]
    train, held_out = [], []
    with open(folder / file, encoding="utf-8") as lines:
        for index, line in enumerate(lines):
            row = json.loads(line)
            if wanted and not wanted(row):
                continue
            text = clean(row["text"])
            if len(text) >= 80:
                (held_out if index % HELD_OUT_EVERY == 0 else train).append(text)
    return train, held_out


def train_tokenizer(texts):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def balanced_sample(corpora, characters, rng):
    """Draw texts of every corpus, in its share, for the tokenizer to learn from."""
    sample = []
    for name, texts in corpora.items():
        left = characters * CORPORA[name][1]
        for text in rng.sample(texts, len(texts)):
            if left <= 0:
                break
            sample.append(text[:4000])
            left -= len(sample[-1])
    return sample


def draw_row(documents, rng, end):
    """CONTEXT + 1 tokens: half of the rows start where a document starts, as NAG reads it."""
    row = []
    while len(row) <= CONTEXT:
        ids = rng.choice(documents)
        start = 0 if row or rng.random() < 0.5 else rng.randrange(len(ids))
        row += ids[start : start + CONTEXT + 1 - len(row)] + [end]
    return row[: CONTEXT + 1]


def loss_of(model, rows):
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(input_ids=rows[:, :-1]).logits
    return cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten())


@torch.no_grad()
def held_out_losses(model, held_out, end, rows=128):
    """Nats per token on fixed rows of each corpus' held-out documents."""
    losses = {}
    for name, documents in held_out.items():
        rng = random.Random(1)
        batch = torch.tensor([draw_row(documents, rng, end) for _ in range(rows)])
        losses[name] = loss_of(model, batch).item()
    losses["mean"] = sum(losses.values()) / len(losses)
    return losses


def new_model():
    config = Qwen3Config(
        vocab_size=VOCAB,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=512,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=0,
        use_cache=True,
    )
    return Qwen3ForCausalLM(config)


def learning_rate(step, steps, peak, warmup=100):
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))))


def train(model, documents, held_out, end, args):
    rng = random.Random(args.seed)
    names = list(documents)
    shares = [CORPORA[name][1] for name in names]
    decayed = [p for p in model.parameters() if p.dim() > 1]
    plain = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.95), fused=True)
    started, recent = time.time(), []
    for step in range(args.steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, args.steps, args.lr)
        drawn = rng.choices(names, shares, k=args.batch)
        rows = torch.tensor([draw_row(documents[name], rng, end) for name in drawn])
        loss = loss_of(model, rows)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        recent.append(loss.item())
        if (step + 1) % args.report == 0 or step + 1 == args.steps:
            report = {"step": step + 1, "seconds": round(time.time() - started)}
            report["train"] = round(sum(recent) / len(recent), 4)
            losses = held_out_losses(model, held_out, end)
            report["held_out"] = {name: round(value, 4) for name, value in losses.items()}
            print(json.dumps(report), flush=True)
            recent = []


def save(model, tokenizer, out):
    """Write the folder, with the settings under the names that Qwen3 checkpoints use."""
    model.to(torch.bfloat16).save_pretrained(out)
    (out / "generation_config.json").unlink(missing_ok=True)
    (out / "model.safetensors").chmod(0o644)
    path = out / "config.json"
    config = json.loads(path.read_text())
    config.pop("rope_parameters", None)
    config.update(rope_theta=10000.0, rope_scaling=None, torch_dtype="bfloat16")
    config.pop("dtype", None)
    path.write_text(json.dumps(dict(sorted(config.items())), indent=2) + "\n")
    tokenizer.save(str(out / "tokenizer.json"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model into")
    parser.add_argument("--steps", type=int, default=4200)
    parser.add_argument("--batch", type=int, default=16, help=f"rows of {CONTEXT} tokens a step")
    parser.add_argument("--lr", type=float, default=3e-3, help="peak learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--report", type=int, default=500, help="steps between reports")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)

    texts = {name: read_corpus(args.data, name) for name in CORPORA}
    train_texts = {name: pair[0] for name, pair in texts.items()}
    tokenizer = train_tokenizer(balanced_sample(train_texts, 8_000_000, random.Random(args.seed)))

    def encode(batch):
        return [encoding.ids for encoding in tokenizer.encode_batch(batch)]

    documents = {name: encode(pair[0]) for name, pair in texts.items()}
    held_out = {name: encode(pair[1]) for name, pair in texts.items()}
    for name in CORPORA:
        counts = {"corpus": name, "documents": len(documents[name])}
        counts["tokens"] = sum(map(len, documents[name]))
        counts["held_out"] = len(held_out[name])
        print(json.dumps(counts), flush=True)

    model = new_model()
    train(model, documents, held_out, tokenizer.token_to_id(END_OF_TEXT), args)
    save(model, tokenizer, args.out)


if __name__ == "__main__":
    main()
