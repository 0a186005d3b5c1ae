"""Selections from feature files in the reference implementation's layout, joined by pandas: python joined.py OUT_DIR

Writes OUT_DIR/clean.json and OUT_DIR/messy.json: shards of target and pool features as JSON lines records, target and
pool rows in another order and in other shards, and the selections that are expected. Distances are base64 of
little-endian float64. The messy case has features without documents, documents without features, docids that several
documents have, and docids that several features have, of which the first counts.
"""

import base64
import json
import pathlib
import sys

import numpy as np
import pandas as pd

from ranking import DOCIDS, nag_distance, profile, encode, features, LAYERS

K, WIDTH = 20, 26
TARGETS, POOL = 40, 160


def main(out_dir):
    for name, messy in (("clean", False), ("messy", True)):
        case = make_case(np.random.default_rng(77), messy)
        pathlib.Path(out_dir, f"{name}.json").write_text(json.dumps(case, ensure_ascii=True) + "\n")
        print(name, [len(s["docids"]) for s in case["selections"]], "selected")


def make_case(rng, messy):
    target_ids = [f"target-{i}" for i in range(TARGETS)]
    target = dict(zip(target_ids, features(rng, TARGETS, K, WIDTH)))
    target_rows = [
        {"docid": docid, "dataset": ["wanted", "other"][int(rng.integers(2))]} for docid in rng.permutation(target_ids)
    ]
    ids = [DOCIDS[i % len(DOCIDS)] + f"{i // len(DOCIDS)}" for i in range(POOL)]
    records = list(zip(ids, features(rng, POOL, K, WIDTH)))
    rows = [(docid, int(rng.integers(14)) - 3) for docid in rng.permutation(ids)]
    if messy:
        extra = features(rng, 25, K, WIDTH)
        records += [(f"nobody-{i}", extra[i]) for i in range(10)]
        records += [(ids[int(rng.integers(POOL))], extra[10 + i]) for i in range(15)]
        records = [records[i] for i in rng.permutation(len(records))]
        rows += [(f"unknown-{i}", 3) for i in range(12)] + [(ids[int(rng.integers(POOL))], 2) for _ in range(9)]
        rows = [rows[i] for i in rng.permutation(len(rows))]
    else:
        records = [records[i] for i in rng.permutation(len(records))]
    pool_rows = [{"docid": docid, "token_num": tokens if tokens > 0 else None} for docid, tokens in rows]
    return {
        "made_with": {"numpy": np.__version__, "pandas": pd.__version__},
        "layers": LAYERS,
        "target_features": [record(d, target[d]) for d in target_ids],
        "target": target_rows,
        "pool_features": [[record(*r) for r in shard] for shard in split(records, 3)],
        "pool": [list(shard) for shard in split(pool_rows, 2)],
        "selections": [select(target, target_rows, records, pool_rows, f, p) for f in (0.05, 0.3, 1.0) for p in (1, 2)],
    }


def record(docid, indices):
    return {"docid": docid, "fwd_up_feature": {"layer_topk_value_index": [int(i) for i in indices]}}


def split(values, parts):
    size = -(-len(values) // parts)
    return [values[i * size : (i + 1) * size] for i in range(parts)]


def select(target, target_rows, records, pool_rows, fraction, power):
    wanted = [row["docid"] for row in target_rows if row["dataset"] == "wanted"]
    weights = profile(np.array([target[docid] for docid in wanted]), K, WIDTH, power)
    of_docid = pd.DataFrame(records, columns=["docid", "feature"]).drop_duplicates("docid", keep="first")
    payload = pd.DataFrame(pool_rows).reset_index(names="place")
    joined = payload.merge(of_docid, on="docid", how="inner")
    joined["nag_distance"] = nag_distance(weights, np.array(joined["feature"].tolist()), K)
    joined["token_num"] = joined["token_num"].fillna(0)
    ranked = joined.sort_values(["nag_distance", "docid", "place"])
    budget = int(joined["token_num"].sum() * fraction)
    fits = ranked["token_num"].cumsum() <= budget
    chosen = ranked[fits] if fits.any() else ranked.head(1)
    return {
        "fraction": fraction,
        "power": power,
        "docids": chosen["docid"].tolist(),
        "places": chosen["place"].tolist(),
        "distances": encode(chosen["nag_distance"].to_numpy(), "<f8"),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
