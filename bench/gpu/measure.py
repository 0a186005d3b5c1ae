"""What a GPU reaches on NAG extraction: documents a second, and the share of its own rate of matrix products.

Runs in a folder that `npm run bench:gpu` has written; prints one JSON object. Needs PyTorch; where onnxruntime with the
CUDA provider is there (`pip install onnxruntime-gpu`), the graphs that nag-pipeline runs are measured and compared too.

    python measure.py [--device cuda|cpu] [--documents 8,17,68,272] [--seconds 3] [--no-compile]
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

folder = pathlib.Path(__file__).resolve().parent
bundle = json.loads((folder / "bundle.json").read_text())
shape = bundle["architecture"]
length, k = bundle["length"], bundle["k"]
heads, kv_heads, dim = shape["heads"], shape["kvHeads"], shape["headDim"]
dtypes = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", choices=["cuda", "cpu"])
    parser.add_argument("--documents", default="8,17,68,272", help="documents in one batch, several sizes")
    parser.add_argument("--seconds", type=float, default=3, help="each measurement takes about so long")
    parser.add_argument("--no-compile", action="store_true", help="without torch.compile, which needs a C compiler")
    return parser.parse_args()


def make_weights(device):
    """Random weights from a seed, in bfloat16, whose activations stay of the size of a trained model's."""
    generator = torch.Generator(device).manual_seed(20260415)
    weights = {}
    for tensor in bundle["tensors"]:
        size = tensor["shape"]
        values = torch.randn(size, generator=generator, device=device, dtype=torch.float32)
        if len(size) == 1:
            values = 1 + 0.2 * values
        elif tensor["name"] != "model.embed_tokens.weight":
            values = values / size[1] ** 0.5
        weights[tensor["name"]] = values.to(torch.bfloat16)
    return weights


def write_weights(weights):
    with open(folder / bundle["weightsFile"], "wb") as file:
        for tensor in bundle["tensors"]:
            assert file.tell() == tensor["offset"], tensor["name"]
            file.write(weights[tensor["name"]].cpu().contiguous().view(torch.int16).numpy().tobytes())


def rope_tables(device):
    powers = torch.arange(0, dim, 2, dtype=torch.float64) / dim
    angles = torch.outer(torch.arange(length, dtype=torch.float64), shape["rope"]["theta"] ** -powers)
    angles = torch.cat([angles, angles], dim=1)
    return angles.cos().float().to(device), angles.sin().float().to(device)


def rms_norm(x, weight):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + shape["normEpsilon"]) * weight


def forward(weights, tables, dtype, ids):
    """Mean |up| of each layer, float32 [documents, layers, width], and the k largest; sums and norms in float32."""
    cos, sin = tables

    def linear(x, name):
        return F.linear(x, weights[name + ".weight"])

    def rotate(x):
        first, second = x.chunk(2, dim=-1)
        return (x * cos + torch.cat([-second, first], dim=-1) * sin).to(dtype)

    def split(x, count):
        return x.view(*ids.shape, count, dim).transpose(1, 2)

    x = weights["model.embed_tokens.weight"][ids].float()
    impacts = []
    for layer in range(shape["layers"]):
        prefix = f"model.layers.{layer}."
        attention = prefix + "self_attn."
        h = rms_norm(x, weights[prefix + "input_layernorm.weight"]).to(dtype)
        q, key = (split(linear(h, attention + name), n).float() for name, n in (("q_proj", heads), ("k_proj", kv_heads)))
        v = split(linear(h, attention + "v_proj"), kv_heads)
        if shape["headNorm"]:
            q = rms_norm(q, weights[attention + "q_norm.weight"])
            key = rms_norm(key, weights[attention + "k_norm.weight"])
        mixed = F.scaled_dot_product_attention(rotate(q), rotate(key), v, is_causal=True, enable_gqa=True)
        x = x + linear(mixed.transpose(1, 2).flatten(2), attention + "o_proj").float()
        h = rms_norm(x, weights[prefix + "post_attention_layernorm.weight"]).to(dtype)
        up = linear(h, prefix + "mlp.up_proj")
        impacts.append(up.abs().sum(1, dtype=torch.float32) / length)
        if layer < shape["layers"] - 1:
            gate = F.silu(linear(h, prefix + "mlp.gate_proj"))
            x = x + linear(gate * up, prefix + "mlp.down_proj").float()
    stacked = torch.stack(impacts, 1)
    return stacked, stacked.topk(min(k, shape["intermediate"]), dim=-1).indices


def matrices(weights):
    """The matrices of a forward pass: all but those behind the last impacts."""
    last = f"model.layers.{shape['layers'] - 1}.mlp."
    unused = {last + "gate_proj.weight", last + "down_proj.weight"}
    return [value for name, value in weights.items() if name.endswith("_proj.weight") and name not in unused]


def seconds_of(work, device, seconds):
    """Median time of one call, after a first one."""
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    work()
    wait()
    times, ends = [], time.perf_counter() + seconds
    while len(times) < 3 or (time.perf_counter() < ends and len(times) < 200):
        start = time.perf_counter()
        work()
        wait()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def matrices_alone(weights, documents, device, seconds):
    """Time and operations of a batch's bare matrix products: what no implementation on this card can beat by much."""
    used = matrices(weights)
    rows = documents * length
    inputs = {width: torch.randn(rows, width, device=device).to(used[0].dtype) for width in {m.shape[1] for m in used}}

    def work():
        for matrix in used:
            F.linear(inputs[matrix.shape[1]], matrix)

    return seconds_of(work, device, seconds), sum(2 * rows * matrix.numel() for matrix in used)


def figures(documents, seconds, bare, operations):
    return {
        "documents_per_second": round(documents / seconds, 2),
        "tflops": round(operations / seconds / 1e12, 3),
        "share_of_matrix_rate": round(bare / seconds, 4),
    }


def measure_torch(weights, arguments, sizes, ids_of):
    device, found = arguments.device, []
    tables = rope_tables(device)
    for name in ["bfloat16", "float16"] if device == "cuda" else ["float32"]:
        own = {key: value.to(dtypes[name]) for key, value in weights.items()}
        ways = {"eager": forward} if arguments.no_compile or device == "cpu" else {"eager": forward, "compiled": torch.compile(forward)}
        for documents in sizes:
            bare, operations = matrices_alone(own, documents, device, arguments.seconds)
            base = {"precision": name, "documents": documents, "matrix_tflops": round(operations / bare / 1e12, 3)}
            ids = ids_of(documents).to(device)
            for way, run in ways.items():
                row = {"by": f"torch {way}", **base}
                try:
                    taken = seconds_of(lambda: run(own, tables, dtypes[name], ids), device, arguments.seconds)
                    row |= figures(documents, taken, bare, operations)
                except Exception as error:  # a compiler that is missing, memory that is full
                    row["failed"] = str(error).splitlines()[0][:200]
                found.append(row)
                print(json.dumps(row), file=sys.stderr)
    return found


def measure_onnx(weights, arguments, sizes, ids_of, rates):
    try:
        import onnxruntime
    except ImportError:
        return {"skipped": "onnxruntime is not installed"}
    provider = "CUDAExecutionProvider" if arguments.device == "cuda" else "CPUExecutionProvider"
    if provider not in onnxruntime.get_available_providers():
        return {"skipped": f"onnxruntime {onnxruntime.__version__} has no {provider}"}
    write_weights(weights)
    exact = {key: value.float() for key, value in weights.items()}
    ids = ids_of(min(sizes))
    with torch.inference_mode():
        expected, top = (value.cpu().numpy() for value in forward(exact, rope_tables(arguments.device), torch.float32, ids.to(arguments.device)))
    del exact
    found = []
    for name in dtypes if arguments.device == "cuda" else ["float32"]:
        row = {"by": f"onnxruntime {onnxruntime.__version__}", "precision": name}
        try:
            session = onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), providers=[provider])
            feed = lambda ids: {"ids": ids.int().numpy(), "lengths": np.full(len(ids), length, np.int32)}
            impacts, indices = session.run(["impacts_fwd_up", "top_fwd_up"], feed(ids))
            largest = np.abs(expected).max(-1, keepdims=True)
            row["scaled_error"] = float((np.abs(impacts - expected) / largest).max())
            row["top_overlap"] = float((indices[..., None] == top[..., None, :]).any(-1).mean())
            row["sizes"] = []
            for documents in sizes:
                batch = feed(ids_of(documents))
                taken = seconds_of(lambda: session.run(["top_fwd_up"], batch), arguments.device, arguments.seconds)
                bare, operations = rates(name, documents)
                row["sizes"].append({"documents": documents, **figures(documents, taken, bare, operations)})
            del session
        except Exception as error:
            row["failed"] = str(error).splitlines()[0][:300]
        found.append(row)
        print(json.dumps(row), file=sys.stderr)
    (folder / bundle["weightsFile"]).unlink()
    return found


def main():
    arguments = parse()
    sizes = [int(size) for size in arguments.documents.split(",")]
    random = torch.Generator().manual_seed(1)
    ids = torch.randint(shape["vocabulary"], (max(sizes), length), generator=random)
    ids_of = lambda documents: ids[:documents]
    cuda = arguments.device == "cuda"
    weights = make_weights(arguments.device)

    def rates(name, documents):
        # onnxruntime multiplies float32 as TF32 on GPUs.
        torch.set_float32_matmul_precision("high" if name == "float32" else "highest")
        own = {key: value.to(dtypes[name]) for key, value in weights.items()}
        return matrices_alone(own, documents, arguments.device, arguments.seconds)

    with torch.inference_mode():
        by_torch = measure_torch(weights, arguments, sizes, ids_of)
        by_onnx = measure_onnx(weights, arguments, sizes, ids_of, rates)
    result = {
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "torch": torch.__version__,
        "tokens_a_document": length,
        "parameters": sum(value.numel() for value in weights.values()),
        "by_torch": by_torch,
        "by_onnxruntime": by_onnx,
    }
    print(json.dumps(result, indent=1))


main()
