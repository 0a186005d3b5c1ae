"""Neuron impacts by PyTorch and stock HuggingFace transformers: python impacts.py MODEL_DIR IDS.json OUT.json

IDS.json is {"documents": [[id, ...], ...]}. Each document runs alone, in float32 with eager attention, so neither
padding nor batching can matter. OUT.json holds, for each neuron type, the impacts [documents, layers, width] as
base64 of little-endian float32, and the K largest of each layer [documents, layers, K], largest first and equal ones
by lower index, as base64 of little-endian int32.
"""

import base64
import hashlib
import json
import pathlib
import sys

import numpy as np
import torch
import transformers

TOP = {"fwd_up": 20, "fwd_down": 10, "att_q": 10, "att_k": 10, "att_v": 10, "att_o": 10}


def main(model_dir, ids_file, out_file):
    torch.set_num_threads(1)
    documents = json.loads(pathlib.Path(ids_file).read_text())["documents"]
    model = transformers.AutoModelForCausalLM.from_pretrained(
        model_dir, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    impacts = {name: [] for name in TOP}
    for ids in documents:
        for name, rows in document_impacts(model, ids).items():
            impacts[name].append(np.stack(rows))
    result = {
        "made_with": {"torch": torch.__version__, "transformers": transformers.__version__},
        "sha256": {path.name: sha256(path) for path in sorted(pathlib.Path(model_dir).glob("*.safetensors"))},
        "layers": model.config.num_hidden_layers,
        "top": TOP,
        "types": {name: encode(np.stack(rows), TOP[name]) for name, rows in impacts.items()},
    }
    pathlib.Path(out_file).write_text(json.dumps(result, indent=1) + "\n")


def document_impacts(model, ids):
    """Each type's impacts as a list of one [width] a layer."""
    outputs = {name: [] for name in TOP}
    hooks = [
        module.register_forward_hook(lambda _module, _input, output, name=name: outputs[name].append(output))
        for layer in model.model.layers
        for name, module in hooked_modules(layer).items()
    ]
    mask = torch.ones(1, len(ids), dtype=torch.long)
    with torch.inference_mode():
        model(input_ids=torch.tensor([ids]), attention_mask=mask, use_cache=False)
    for hook in hooks:
        hook.remove()
    copies = model.config.num_attention_heads // model.config.num_key_value_heads
    return {
        name: [per_query_head(name, masked_mean(output, mask), copies, model.config) for output in rows]
        for name, rows in outputs.items()
    }


def hooked_modules(layer):
    attention = layer.self_attn
    return {
        "fwd_up": layer.mlp.up_proj,
        "fwd_down": layer.mlp.down_proj,
        "att_q": getattr(attention, "q_norm", attention.q_proj),
        "att_k": getattr(attention, "k_norm", attention.k_proj),
        "att_v": attention.v_proj,
        "att_o": attention.o_proj,
    }


def masked_mean(output, mask):
    """[width], whether the module's output was flat or by head"""
    values = output.reshape(1, output.shape[1], -1).abs()
    weight = mask.unsqueeze(-1).to(torch.float32)
    return ((values * weight).sum(dim=1) / weight.sum(dim=1).clamp_min(1e-6))[0]


def per_query_head(name, impacts, copies, config):
    """Keys and values once for each query head: repeated after the mean, which may round copies differently."""
    if name in ("att_k", "att_v"):
        impacts = impacts.reshape(config.num_key_value_heads, -1).repeat_interleave(copies, dim=0)
    return impacts.reshape(-1).numpy()


def encode(impacts, k):
    """impacts: [documents, layers, width] float32"""
    order = np.argsort(-impacts, axis=-1, kind="stable")[..., : min(k, impacts.shape[-1])]
    return {
        "width": impacts.shape[-1],
        "impacts": base64.b64encode(impacts.astype("<f4").tobytes()).decode(),
        "top": base64.b64encode(order.astype("<i4").tobytes()).decode(),
    }


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main(*sys.argv[1:])
