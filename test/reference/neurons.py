"""Choices of neurons by NumPy: python neurons.py OUT.json

The features and impacts are random: widths are small, so that frequencies tie; impacts spread over 36 powers of ten.
Means are `math.fsum(column) / rows`: the exact sum, rounded once. The draw follows the description in
transforms/nag/draw.ts. Arrays are base64 of little-endian numbers.
"""

import base64
import json
import math
import pathlib
import sys

import numpy as np

LAYERS, WIDTH, K, TARGET, CONTRAST = 3, 40, 6, 23, 31
MASK = 2**32 - 1


def main(out_file):
    rng = np.random.default_rng(7)
    features = np.stack([[rng.permutation(WIDTH)[:K] for _ in range(LAYERS)] for _ in range(TARGET)])
    target, contrast = (impacts(rng, rows) for rows in (TARGET, CONTRAST))
    means, others = exact_means(target), exact_means(contrast)
    counts = np.stack([np.bincount(features[:, layer].ravel(), minlength=WIDTH) for layer in range(LAYERS)])
    result = {
        "made_with": {"numpy": np.__version__},
        "layers": LAYERS,
        "width": WIDTH,
        "k": K,
        "features": encode(features, "<u2"),
        "target": encode(target, "<f4"),
        "contrast": encode(contrast, "<f4"),
        "frequency": choice(counts, K),
        "frequency_all": choice(counts, WIDTH),
        "high_mean": choice(means, K),
        "high_delta": choice(means - others, K),
        "random": {
            f"{seed},{k}": draw(seed, k) for seed, k in [(0, 1), (42, K), (42, WIDTH), (4294967295, 9)]
        },
    }
    pathlib.Path(out_file).write_text(json.dumps(result) + "\n")


def impacts(rng, rows):
    """Most near 1, where means nearly tie; others so small or large that float64 sums would depend on their order."""
    values = 1 + rng.integers(0, 4, size=(rows, LAYERS, WIDTH)) / 4
    odd = rng.random(values.shape) < 0.3
    return np.where(odd, 10.0 ** rng.uniform(-10, 4, size=values.shape), values).astype(np.float32)


def exact_means(values):
    rows = len(values)
    sums = [math.fsum(float(x) for x in column) for column in values.reshape(rows, -1).T]
    return np.array([total / rows for total in sums]).reshape(LAYERS, WIDTH)


def choice(scores, k):
    """Keys and scores, largest first, equal ones by lower index; neurons that never occur are not frequent"""
    order = np.argsort(-scores, axis=-1, kind="stable")[:, :k]
    if scores.dtype.kind == "i":
        order = [[i for i in row if scores[layer, i] > 0] for layer, row in enumerate(order)]
    return {
        "keys": {str(layer): [int(i) for i in row] for layer, row in enumerate(order)},
        "scores": [float(scores[layer, i]) for layer, row in enumerate(order) for i in row],
    }


def draw(seed, k):
    state = seed

    def below(n):
        nonlocal state
        while True:
            state = (state + 0x6D2B79F5) & MASK
            x = ((state ^ (state >> 15)) * (state | 1)) & MASK
            x ^= (x + (((x ^ (x >> 7)) * (x | 61)) & MASK)) & MASK
            x ^= x >> 14
            if x < (2**32 // n) * n:
                return x % n

    keys = {}
    for layer in range(LAYERS):
        places = list(range(WIDTH))
        for i in range(k):
            j = i + below(WIDTH - i)
            places[i], places[j] = places[j], places[i]
        keys[str(layer)] = places[:k]
    return keys


def encode(values, dtype):
    return base64.b64encode(np.ascontiguousarray(values).astype(dtype).tobytes()).decode()


if __name__ == "__main__":
    main(*sys.argv[1:])
