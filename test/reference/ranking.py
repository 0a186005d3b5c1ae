"""Profiles, distances and selections by NumPy and pandas: python ranking.py OUT_DIR

Writes OUT_DIR/k<K>.json for a range of K. The widths are hardly larger than K, so that distances tie, or nearly tie,
in masses and the order of summation decides. Arrays are base64 of little-endian uint16 (features, [rows, layers * K])
or float64 (weights [layers * width], distances [rows]).
"""

import base64
import json
import pathlib
import sys

import numpy as np
import pandas as pd

LAYERS = 3
# K: width, target documents, pool documents. NumPy splits rows above 128 in halves, above 256 twice.
CASES = {
    1: (3, 30, 240),
    3: (7, 30, 240),
    7: (11, 30, 200),
    8: (12, 30, 200),
    9: (13, 30, 200),
    16: (21, 30, 160),
    20: (26, 30, 160),
    30: (36, 30, 120),
    128: (134, 10, 60),
    130: (137, 10, 60),
    200: (207, 5, 36),
    300: (308, 4, 28),
}
WITH_FOREIGN_INDICES = (9, 20)
# In UTF-16 the astral characters sort before U+FF21 and the private U+E000; by code point they come last.
DOCIDS = ["a", "a b", "ab", "b", "B", "é", "e\u0301", "ß", "中文", "\ue000", "\uff21", "\uffee", "😀", "😀a", "𝒜", "a\u0000", ""]


def main(out_dir):
    check_summation_order()
    for k, (width, target_rows, pool_rows) in CASES.items():
        rng = np.random.default_rng(1000 + k)
        target = features(rng, target_rows, k, width)
        pool = features(rng, pool_rows, k, width)
        if k in WITH_FOREIGN_INDICES:
            pool[::7, ::5] += width
        docids = [DOCIDS[i] for i in rng.integers(len(DOCIDS), size=pool_rows)]
        tokens = [None if n < 3 else int(n) - 3 for n in rng.integers(0, 14, size=pool_rows)]
        case = {
            "made_with": {"numpy": np.__version__, "pandas": pd.__version__},
            "k": k,
            "layers": LAYERS,
            "width": width,
            "target": encode(target, "<u2"),
            "pool": encode(pool, "<u2"),
            "docids": docids,
            "tokens": tokens,
            "rankings": [rank(target, pool, docids, tokens, k, width, power) for power in (1, 0.5)],
        }
        pathlib.Path(out_dir, f"k{k}.json").write_text(json.dumps(case, ensure_ascii=True) + "\n")
        distances = [np.frombuffer(base64.b64decode(r["distances"])) for r in case["rankings"]]
        print(f"K={k}: {[len(np.unique(d)) for d in distances]} distinct distances in {pool_rows} rows")


def features(rng, rows, k, width):
    """[rows, LAYERS * K] uint16: K different indices a layer, low ones more likely; many documents repeat."""
    likely = 1 / np.arange(2, width + 2)
    likely /= likely.sum()
    drawn = [
        np.concatenate([rng.choice(width, size=k, replace=False, p=likely) for _ in range(LAYERS)])
        for _ in range(rows)
    ]
    drawn = np.array(drawn, dtype=np.uint16)
    return drawn[rng.integers(rows, size=rows)]


def rank(target, pool, docids, tokens, k, width, power):
    weights = profile(target, k, width, power)
    distances = nag_distance(weights, pool, k)
    order = rank_order(distances, docids)
    cumulative = np.cumsum([tokens[row] or 0 for row in order])
    total = int(cumulative[-1])
    budgets = sorted({0, 1, 2, 3, 7, *range(10, total, max(1, total // 25)), total - 1, total, total + 1, 10 * total})
    return {
        "power": power,
        "weights": encode(weights, "<f8"),
        "distances": encode(distances, "<f8"),
        "order": order,
        "total_tokens": total,
        "selections": [selection(cumulative, b) for b in budgets],
    }


def profile(target, k, width, power):
    """[LAYERS, width] float64, each layer summing to 1"""
    table = np.zeros((LAYERS, width))
    for layer in range(LAYERS):
        counts = np.bincount(target[:, layer * k : (layer + 1) * k].ravel(), minlength=width).astype(np.float64)
        raised = counts**power
        table[layer] = raised / raised.sum()
    return table


def nag_distance(weights, pool, k):
    """[rows] float64"""
    width = weights.shape[1]
    similarity = np.zeros(len(pool))
    for layer in range(LAYERS):
        index = pool[:, layer * k : (layer + 1) * k].astype(np.int64)
        gathered = np.ascontiguousarray(np.where(index < width, weights[layer][np.minimum(index, width - 1)], 0.0))
        similarity += gathered.sum(axis=1)
    return 1.0 - similarity / LAYERS


def rank_order(distances, docids):
    """Rows by (distance, docid by code point, input order); pandas' sort and Python's must agree."""
    frame = pd.DataFrame({"nag_distance": distances, "docid": docids})
    by_pandas = frame.sort_values(["nag_distance", "docid"], kind="stable").index.tolist()
    by_python = sorted(range(len(docids)), key=lambda row: (distances[row], docids[row], row))
    assert by_pandas == by_python
    return by_python


def selection(cumulative, budget):
    """How many of the ranked rows fit; the single best one where none does."""
    fitting = int(np.searchsorted(cumulative, budget, side="right"))
    return {"budget": int(budget), "rows": max(1, fitting), "single": fitting == 0}


def check_summation_order():
    """That NumPy adds as documented: a version or a build that did not would make goldens nobody can meet."""
    rng = np.random.default_rng(1)
    for k in (*range(1, 40), 127, 128, 129, 130, 200, 256, 257, 300, 1000):
        rows = rng.random((50, k))
        expected = [pairwise(list(row)) for row in rows]
        assert rows.sum(axis=1).tolist() == expected, k
        assert [row.sum() for row in rows] == expected, k


def pairwise(values):
    n = len(values)
    if n < 8:
        total = 0.0
        for value in values:
            total += value
        return total
    if n <= 128:
        partial = values[:8]
        for start in range(8, n - n % 8, 8):
            partial = [a + b for a, b in zip(partial, values[start : start + 8])]
        a, b, c, d, e, f, g, h = partial
        total = ((a + b) + (c + d)) + ((e + f) + (g + h))
        for value in values[n - n % 8 :]:
            total += value
        return total
    half = n // 2 - n // 2 % 8
    return pairwise(values[:half]) + pairwise(values[half:])


def encode(array, dtype):
    return base64.b64encode(np.ascontiguousarray(array, dtype=dtype).tobytes()).decode()


if __name__ == "__main__":
    main(*sys.argv[1:])
