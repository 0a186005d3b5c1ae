"""Feature files in the reference's layout, and what must be chosen from them: python features.py OUT_DIR

Writes OUT_DIR/target.jsonl and OUT_DIR/pool-{1,2}.jsonl, the pool once more as Parquet with the column as a struct of
a list of int32, as a list of int64 and as a large list, and OUT_DIR/expected.json: distances (base64 of little-endian float64, in the order
of the pool) and selections under a token budget, for some layers. The indices are few, so that distances tie in
masses. All is computed from the files as they were written, by json, NumPy and pandas.
"""

import base64
import json
import pathlib
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

LAYERS, K, USED = 4, 9, 12
KEEP = {"all": range(LAYERS), "first": [0], "last": [LAYERS - 1], "[0, 2]": [0, 2]}
FRACTION = 0.35


def main(out_dir):
    out = pathlib.Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    write_jsonl(out / "target.jsonl", records(rng, "t", 12))
    pool = records(rng, "p", 90)
    write_jsonl(out / "pool-1.jsonl", pool[:50])
    write_jsonl(out / "pool-2.jsonl", pool[50:])
    write_parquet(out, pool)
    target = read_jsonl([out / "target.jsonl"])
    documents = read_jsonl([out / "pool-1.jsonl", out / "pool-2.jsonl"])
    made_with = {"numpy": np.__version__, "pandas": pd.__version__, "pyarrow": pa.__version__}
    cases = [case(target, documents, keep, power) for keep in KEEP for power in (1, 2)]
    expected = {"made_with": made_with, "layers": LAYERS, "fraction": FRACTION, "cases": cases}
    (out / "expected.json").write_text(json.dumps(expected) + "\n")


def records(rng, prefix, rows):
    """As the reference writes them, with a token count. Every third document is like the one before it."""
    made = []
    for row in range(rows):
        layers = [rng.choice(USED, size=K, replace=False) + 1000 * layer for layer in range(LAYERS)]
        if row % 3 == 2:
            layers = np.array_split(np.array(made[-1]["fwd_up_feature"]["layer_topk_value_index"]), LAYERS)
        index = [int(i) for i in np.concatenate(layers)]
        docid = f"{prefix}-{rng.integers(1000):03d}-{'é😀中'[row % 3]}{row}"
        tokens = int(rng.integers(1, 40))
        made.append({"docid": docid, "token_num": tokens, "fwd_up_feature": {"layer_topk_value_index": index}})
    return made


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def write_parquet(out, rows):
    lists = [row["fwd_up_feature"]["layer_topk_value_index"] for row in rows]
    types = {"struct": pa.struct([("layer_topk_value_index", pa.list_(pa.int32()))]), "list": pa.list_(pa.int64()), "large": pa.large_list(pa.int64())}
    for name, kind in types.items():
        cells = [row["fwd_up_feature"] for row in rows] if name == "struct" else lists
        table = pa.table(
            {
                "docid": [row["docid"] for row in rows],
                "token_num": [row["token_num"] for row in rows],
                "fwd_up_feature": pa.array(cells, kind),
            }
        )
        pq.write_table(table, out / f"pool-{name}.parquet", row_group_size=40)


def read_jsonl(paths):
    rows = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    index = np.array([row["fwd_up_feature"]["layer_topk_value_index"] for row in rows]).reshape(len(rows), LAYERS, K)
    return pd.DataFrame({"docid": [row["docid"] for row in rows], "tokens": [row["token_num"] for row in rows]}), index


def case(target, documents, keep, power):
    layers = list(KEEP[keep])
    _, target_index = target
    frame, index = documents
    distance = nag_distance(target_index[:, layers], index[:, layers], power)
    ranked = frame.assign(nag_distance=distance).sort_values(["nag_distance", "docid"], kind="stable")
    budget = int(ranked.tokens.sum() * FRACTION)
    selected = ranked[ranked.tokens.cumsum() <= budget]
    return {
        "keep": keep,
        "power": power,
        "distances": base64.b64encode(distance.astype("<f8").tobytes()).decode(),
        "selected": selected.docid.tolist(),
    }


def nag_distance(target, pool, power):
    """[documents] float64; both [documents, layers, K]"""
    similarity = np.zeros(len(pool))
    for layer in range(target.shape[1]):
        weights = np.bincount(target[:, layer].ravel(), minlength=2**16).astype(np.float64) ** power
        weights /= weights.sum()
        similarity += np.ascontiguousarray(weights[pool[:, layer]]).sum(axis=1)
    return 1.0 - similarity / target.shape[1]


if __name__ == "__main__":
    main(*sys.argv[1:])
