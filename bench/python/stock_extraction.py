"""The reference's extraction with stock PyTorch and transformers: stock_extraction.py MODEL THREADS

Float32, eager attention, batches of 8 in the order given, padded on the left to 120 tokens at most, the whole model with its head;
the impacts of up_proj by calling it a second time on the MLP's input, as the reference does.
Reads lines {"documents": [[ids...], ...], "k": 20} and answers {"seconds": s, "top": [[...layers * k], ...]}.
"""

import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM

BATCH = 8


def main(folder, threads):
    torch.set_num_threads(int(threads))
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    up = []
    for layer in model.model.layers:
        layer.mlp.register_forward_hook(lambda mlp, args, out: up.append(mlp.up_proj(args[0])))
    for line in sys.stdin:
        question = json.loads(line)
        documents, k = question["documents"], question["k"]
        start = time.perf_counter()
        top = []
        for first in range(0, len(documents), BATCH):
            top += run(model, up, documents[first : first + BATCH], k)
        print(json.dumps({"seconds": time.perf_counter() - start, "top": top}), flush=True)


@torch.no_grad()
def run(model, up, documents, k):
    length = max(len(ids) for ids in documents)
    ids = torch.zeros(len(documents), length, dtype=torch.long)
    mask = torch.zeros(len(documents), length, dtype=torch.long)
    for row, own in enumerate(documents):
        ids[row, length - len(own) :] = torch.tensor(own)
        mask[row, length - len(own) :] = 1
    up.clear()
    model(input_ids=ids, attention_mask=mask)
    weights = mask.unsqueeze(-1).float()
    count = weights.sum(1).clamp(min=1e-6)
    impacts = torch.stack([(x.abs() * weights).sum(1) / count for x in up], 1)
    return torch.topk(impacts, k, dim=-1).indices.flatten(1).tolist()


main(*sys.argv[1:])
