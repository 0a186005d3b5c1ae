"""What stock HuggingFace transformers makes of checkpoints as programs write them: python checkpoints.py DIR IDS.json OUT.json

DIR holds a model folder each. Of the document in IDS.json, run alone in float32 with eager attention, OUT.json has the
mean absolute outputs of `up_proj` and of the queries in the last layer, and the loss; or the error of those that do not
load. Impacts are by forward hooks, as in impacts.py.
"""

import json
import pathlib
import sys

import torch
import transformers


def main(root, ids_file, out_file):
    torch.set_num_threads(1)
    ids = json.loads(pathlib.Path(ids_file).read_text())
    folders = sorted(path for path in pathlib.Path(root).iterdir())
    result = {
        "made_with": {"torch": torch.__version__, "transformers": transformers.__version__},
        "ids": ids,
        "models": {folder.name: outcome(folder, ids) for folder in folders},
    }
    pathlib.Path(out_file).write_text(json.dumps(result, indent=1) + "\n")


def outcome(folder, ids):
    try:
        model = transformers.AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager"
        ).eval()
        return measured(model, ids)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}".splitlines()[0][:120]}


def measured(model, ids):
    layer = model.model.layers[-1]
    modules = {
        "fwd_up": layer.mlp.up_proj,
        "att_q": getattr(layer.self_attn, "q_norm", layer.self_attn.q_proj),
    }
    found = {}
    hooks = [
        module.register_forward_hook(lambda _module, _input, output, name=name: found.update({name: output}))
        for name, module in modules.items()
    ]
    tokens = torch.tensor([ids])
    with torch.inference_mode():
        loss = model(input_ids=tokens, labels=tokens, use_cache=False).loss.item()
    for hook in hooks:
        hook.remove()
    means = {name: output.reshape(len(ids), -1).abs().mean(dim=0) for name, output in found.items()}
    return {**{name: [float(f"{value:.7g}") for value in mean.tolist()] for name, mean in means.items()}, "loss": loss}


if __name__ == "__main__":
    main(*sys.argv[1:])
