"""Impacts of a model with deactivated neurons: python deactivation.py MODEL_DIR IDS.json OUT.json [PATCHED_DIR]

Stock transformers loads MODEL_DIR, PyTorch zeroes the rows of `up_proj.weight`, and forward hooks measure as in
impacts.py. With PATCHED_DIR, which write.model has made of the same keys, that folder is loaded too: every parameter
must be the same, and so must be the logits.
"""

import json
import pathlib
import sys

import numpy as np
import torch
import transformers

from impacts import document_impacts, encode, sha256

KEYS = {"0": [79, 3, 41], "1": [], "2": [0, 5, 6, 7], "3": [12]}
TOP = {"fwd_up": 10, "fwd_down": 10, "att_q": 10}
DOCUMENTS = 3


def main(model_dir, ids_file, out_file, patched_dir=None):
    torch.set_num_threads(1)
    documents = json.loads(pathlib.Path(ids_file).read_text())["documents"][:DOCUMENTS]
    model = load(model_dir)
    with torch.no_grad():
        for layer, neurons in KEYS.items():
            model.model.layers[int(layer)].mlp.up_proj.weight[neurons] = 0
    if patched_dir is not None:
        compare(model, load(patched_dir), documents)
    impacts = {name: [] for name in TOP}
    for ids in documents:
        found = document_impacts(model, ids)
        for name in TOP:
            impacts[name].append(np.stack(found[name]))
    result = {
        "made_with": {"torch": torch.__version__, "transformers": transformers.__version__},
        "sha256": {path.name: sha256(path) for path in sorted(pathlib.Path(model_dir).glob("*.safetensors"))},
        "keys": KEYS,
        "documents": DOCUMENTS,
        "layers": model.config.num_hidden_layers,
        "types": {name: encode(np.stack(rows), TOP[name]) for name, rows in impacts.items()},
    }
    pathlib.Path(out_file).write_text(json.dumps(result, indent=1) + "\n")


def load(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()


def compare(expected, found, documents):
    parameters = dict(found.named_parameters())
    for name, value in expected.named_parameters():
        assert torch.equal(value, parameters.pop(name)), name
    assert not parameters, parameters.keys()
    with torch.inference_mode():
        for ids in documents:
            batch = torch.tensor([ids])
            assert torch.equal(expected(input_ids=batch).logits, found(input_ids=batch).logits)
    print("the patched folder is the same model")


if __name__ == "__main__":
    main(*sys.argv[1:])
