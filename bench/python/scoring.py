"""Scores as the reference does, with NumPy: scoring.py FOLDER ROWS LAYERS K WIDTH TARGETS

Each line of standard input is a number of targets; the answer, the CPU seconds of a run. Distances are in distances.bin then.
"""

import sys
import time

import numpy as np

folder, rows, layers, k, width, targets = sys.argv[1], *map(int, sys.argv[2:])
features = np.fromfile(f"{folder}/features.bin", dtype="<u2").reshape(rows, layers, k)
weights = np.fromfile(f"{folder}/weights.bin", dtype="<f8").reshape(targets, layers, width)
batch = 1000


def distances(weights):
    out = np.empty(rows)
    for start in range(0, rows, batch):
        part = features[start : start + batch]
        total = 0.0
        for layer in range(layers):
            total = total + weights[layer][part[:, layer, :]].sum(axis=1)
        out[start : start + batch] = 1 - total / layers
    return out


for line in sys.stdin:
    count = int(line)
    start = time.process_time()
    found = [distances(own) for own in weights[:count]]
    seconds = time.process_time() - start
    np.concatenate(found).tofile(f"{folder}/distances.bin")
    print(seconds, flush=True)
