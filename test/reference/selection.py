"""Selections for several targets and with quality, by NumPy and pandas: python selection.py OUT_FILE

One pool of documents full of ties, one set of target documents with a column of their targets. For each of many
settings: the selected rows, for which target, with their distances and combined scores (base64 of little-endian
float64). Nothing here is clever: everything is sorted whole.
"""

import json
import sys

import numpy as np
import pandas as pd

from ranking import DOCIDS, encode, features, nag_distance, profile

K, WIDTH, LAYERS = 9, 13, 3
TARGET_ROWS, POOL_ROWS = 48, 260
# By code point: "", "A", "b", "\uff21", "😀". In UTF-16 the last two would change places.
GROUPS = ["b", "😀", "A", "\uff21"]
# name: the target column's values that are wanted, in order; None: no column, one target without a name
WANTED = {
    "one": None,
    "all": ["A", "b", "\uff21", "😀"],
    "two": ["😀", "A"],
    "single": ["b"],
}
BUDGETS = [{"fraction": 0.3}, {"fraction": 1.0}, {"fraction": 1e-6}, {"tokens": 150}, {"tokens": 1}]
SHARES = {"two": {"😀": 0.25, "A": 0.75}, "all": {"A": 0.1, "b": 0.2, "\uff21": 0.3, "😀": 0.4}}


def main(out_file):
    rng = np.random.default_rng(2024)
    target = features(rng, TARGET_ROWS, K, WIDTH)
    groups = [None if n == 0 else GROUPS[n % 4] for n in rng.integers(0, 20, size=TARGET_ROWS)]
    pool = features(rng, POOL_ROWS, K, WIDTH)
    docids = [DOCIDS[i] + ["", "1", "é"][j] for i, j in zip(rng.integers(len(DOCIDS), size=POOL_ROWS), rng.integers(3, size=POOL_ROWS))]
    tokens = [None if n < 3 else int(n) - 3 for n in rng.integers(0, 14, size=POOL_ROWS)]
    quality = np.round(rng.normal(2, 3, size=POOL_ROWS), 1)
    nulls = rng.integers(0, 8, size=POOL_ROWS) == 0
    quality[rng.integers(0, 9, size=POOL_ROWS) == 0] = np.nan
    columns = {
        "quality": [None if null else float(q) for q, null in zip(quality, nulls)],
        "same": [None if null else 0.1 for null in nulls],
        "absent": [None] * POOL_ROWS,
    }
    inputs = {"target": target, "groups": groups, "pool": pool, "docids": docids, "tokens": tokens, "columns": columns}
    cases = [case(inputs, settings) for settings in all_settings()]
    result = {
        "made_with": {"numpy": np.__version__, "pandas": pd.__version__},
        "k": K, "layers": LAYERS, "width": WIDTH,
        "target": encode(target, "<u2"), "groups": groups,
        "pool": encode(pool, "<u2"), "docids": docids, "tokens": tokens,
        "columns": {name: [None if v is None else "NaN" if np.isnan(v) else v for v in values] for name, values in columns.items()},
        "cases": cases,
    }
    with open(out_file, "w") as out:
        out.write(json.dumps(result, ensure_ascii=True) + "\n")
    print(f"{len(cases)} cases, {sum(len(c['rows']) for c in cases)} rows; {[len(c['rows']) for c in cases]}")


def all_settings():
    for name, wanted in WANTED.items():
        for power in (1, 0.5, 2, 3):
            for budget in BUDGETS if power == 1 else BUDGETS[:1]:
                yield {"targets": wanted, "power": power, "rank": budget}
    for name in ("one", "all", "two"):
        for budget in BUDGETS[:1] + BUDGETS[3:4]:
            yield {"targets": WANTED[name], "power": 1, "rank": {**budget, "deduplicate": True}}
    for name, shares in SHARES.items():
        for budget in BUDGETS[:1] + BUDGETS[3:4]:
            yield {"targets": WANTED[name], "power": 1, "rank": {**budget, "shares": shares}}
    for name in ("one", "two", "single"):
        for column in ("quality", "same", "absent"):
            for invert in (False, True):
                for budget in BUDGETS[:1] + BUDGETS[3:4]:
                    quality = {"column": column, "invert": invert}
                    yield {"targets": WANTED[name], "power": 1, "rank": {**budget, "quality": quality}}
    yield {"targets": WANTED["all"], "power": 0.5,
           "rank": {"fraction": 0.6, "deduplicate": True, "quality": {"column": "quality", "invert": True}}}


def case(inputs, settings):
    frame = pd.DataFrame({"docid": inputs["docids"], "tokens": inputs["tokens"]})
    frame["tokens"] = frame["tokens"].fillna(0).astype(np.int64)
    rank = settings["rank"]
    quality = rank.get("quality")
    if quality:
        frame["quality"] = pd.Series(inputs["columns"][quality["column"]], dtype=np.float64)
    selections = []
    wanted = settings["targets"] or [None]
    for target in wanted:
        rows = np.array([target is None or group == target for group in inputs["groups"]])
        weights = profile(inputs["target"][rows], K, WIDTH, settings["power"])
        scored = frame.assign(nag_distance=nag_distance(weights, inputs["pool"], K), target=target)
        selections.append(select(scored, rank, target, len(wanted)))
    chosen = pd.concat(selections)
    if rank.get("deduplicate"):
        chosen = chosen.drop_duplicates("docid", keep="first")
    return {
        **settings,
        "rows": chosen.index.tolist(),
        "target": chosen["target"].tolist() if settings["targets"] else None,
        "nag_distance": encode(chosen["nag_distance"], "<f8"),
        "combined_score": encode(chosen["score"], "<f8") if quality else None,
    }


def select(frame, rank, target, targets):
    frame = frame.assign(score=frame["nag_distance"])
    if "quality" in rank:
        frame = frame[frame["quality"].notna()]
        scaled = min_max(frame["quality"])
        frame = frame.assign(score=min_max(frame["nag_distance"]) + (1.0 - scaled if rank["quality"]["invert"] else scaled))
    part = (lambda whole: whole * rank["shares"][target]) if "shares" in rank else (lambda whole: whole / targets)
    total = int(frame["tokens"].sum())
    if total <= 0:
        return frame.iloc[:0]
    budget = int(total * part(rank["fraction"])) if "fraction" in rank else int(part(rank["tokens"]))
    ranked = frame.sort_values(["score", "docid"], kind="stable")
    assert ranked.index.tolist() == sorted(frame.index, key=lambda i: (frame["score"][i], frame["docid"][i], i))
    fitting = ranked[ranked["tokens"].cumsum() <= budget]
    return fitting if len(fitting) > 0 else ranked.iloc[:1]


def min_max(values):
    low, high = values.min(), values.max()
    return values * 0.0 if high == low else (values - low) / (high - low)


if __name__ == "__main__":
    main(*sys.argv[1:])
