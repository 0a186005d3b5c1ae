"""Log-probabilities by PyTorch and stock HuggingFace transformers: python log_probabilities.py MODEL_DIR IDS.json OUT.json

IDS.json is {"documents": [[id, ...], ...]}. Each document runs alone, in float32 with eager attention. OUT.json holds,
for each document, the log-probability of every id but the first given all before it (log_softmax of the model's own
logits, in float64), and the loss that the model itself computes from `labels`.
"""

import hashlib
import json
import pathlib
import sys

import torch
import transformers


def main(model_dir, ids_file, out_file):
    torch.set_num_threads(1)
    documents = json.loads(pathlib.Path(ids_file).read_text())["documents"]
    model = transformers.AutoModelForCausalLM.from_pretrained(
        model_dir, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    result = {
        "made_with": {"torch": torch.__version__, "transformers": transformers.__version__},
        "sha256": {path.name: sha256(path) for path in sorted(pathlib.Path(model_dir).glob("*.safetensors"))},
        "documents": [document(model, ids) for ids in documents],
    }
    pathlib.Path(out_file).write_text(json.dumps(result) + "\n")


def document(model, ids):
    if len(ids) < 2:
        return {"log_probabilities": [], "loss": None}
    tokens = torch.tensor([ids])
    with torch.inference_mode():
        output = model(input_ids=tokens, labels=tokens, use_cache=False)
    rows = torch.log_softmax(output.logits[0, :-1].to(torch.float64), dim=-1)
    chosen = rows.gather(1, tokens[0, 1:, None])[:, 0]
    return {"log_probabilities": [round(value, 9) for value in chosen.tolist()], "loss": output.loss.item()}


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main(*sys.argv[1:])
