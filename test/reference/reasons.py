"""The terms of similarities by NumPy: python reasons.py OUT_DIR

Writes OUT_DIR/reasons.json: for the profiles and pools of ../golden/ranking the `TOP` largest terms of each document's
similarity, as [layer, neuron, weight], and the share of each layer; and the largest above those of a background, for
which the profile of power 0.5 stands. A document's terms are one array that is sorted as a whole.
"""

import base64
import json
import pathlib
import sys

import numpy as np

TOP = 7
CASES = ("k3", "k20", "k130")
ROWS = 24


def main(out_dir):
    ranking = pathlib.Path(__file__).parent.parent / "golden" / "ranking"
    cases = []
    for name in CASES:
        golden = json.loads((ranking / f"{name}.json").read_text())
        layers, width, k = golden["layers"], golden["width"], golden["k"]
        weights, usual = (decode(r["weights"], "<f8").reshape(layers, width) for r in golden["rankings"])
        pool = decode(golden["pool"], "<u2").reshape(-1, layers, k)[:ROWS]
        cases.append({"case": name, "top": TOP, "rows": [explain(weights, usual, row) for row in pool]})
    text = json.dumps({"made_with": {"numpy": np.__version__}, "cases": cases})
    pathlib.Path(out_dir, "reasons.json").write_text(text + "\n")


def explain(weights, usual, row):
    layers, width = weights.shape
    layer = np.repeat(np.arange(layers), row.shape[1])
    neuron = row.ravel().astype(np.int64)
    inside = neuron < width
    layer, neuron = layer[inside], neuron[inside]
    weight = weights[layer, neuron] / layers
    excess = weight - usual[layer, neuron] / layers
    shares = np.bincount(layer, weights=weight, minlength=layers)
    terms = np.array([layer, neuron, weight]).T
    return {
        "reasons": largest(terms, weight),
        "above_background": largest(terms, excess),
        "layers": shares.tolist(),
    }


def largest(terms, key):
    layer, neuron, weight = terms.T
    order = [i for i in np.lexsort((neuron, layer, -key)) if weight[i] > 0][:TOP]
    return [[int(layer[i]), int(neuron[i]), float(weight[i])] for i in order]



def decode(text, dtype):
    return np.frombuffer(base64.b64decode(text), dtype=dtype)


if __name__ == "__main__":
    main(*sys.argv[1:])
