"""The reference's way of ranking: pandas_ranker.py FOLDER FRACTION LAYERS WIDTH

Features of targets and pool from JSON lines, the profile and the distances by NumPy (gathered layer by layer), a join with
documents.parquet, a sort, the longest prefix within the budget; written to pandas.parquet.
"""

import json
import pathlib
import sys

import numpy as np
import pandas as pd

BATCH = 1000


def main(folder, fraction, layers, width):
    folder, layers, width = pathlib.Path(folder), int(layers), int(width)
    target = np.array([features for _, features in read(folder / "target.jsonl")]).reshape(-1, layers, 20)
    weights = np.zeros((layers, width))
    for layer in range(layers):
        counts = np.bincount(target[:, layer].ravel(), minlength=width).astype(np.float64)
        weights[layer] = counts / counts.sum()
    docids, distances, waiting = [], [], []

    def score():
        block = np.array(waiting).reshape(len(waiting), layers, 20)
        sums = np.zeros(len(waiting))
        for layer in range(layers):
            sums += weights[layer][block[:, layer]].sum(axis=1)
        distances.append(1 - sums / layers)
        waiting.clear()

    for docid, features in read(folder / "features.jsonl"):
        docids.append(docid)
        waiting.append(features)
        if len(waiting) == BATCH:
            score()
    if waiting:
        score()
    scored = pd.DataFrame({"docid": docids, "nag_distance": np.concatenate(distances)})
    joined = pd.read_parquet(folder / "documents.parquet").merge(scored, on="docid", how="inner")
    ranked = joined.sort_values(["nag_distance", "docid"], kind="stable")
    budget = int(ranked["token_num"].sum() * float(fraction))
    ranked[ranked["token_num"].cumsum() <= budget].to_parquet(folder / "pandas.parquet", index=False)


def read(file):
    with open(file) as lines:
        for line in lines:
            record = json.loads(line)
            yield record["docid"], record["fwd_up_feature"]["layer_topk_value_index"]


main(*sys.argv[1:])
