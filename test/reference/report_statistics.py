"""Statistics of distances by SciPy, scikit-learn and NumPy: python report_statistics.py OUT_DIR

Writes OUT_DIR/statistics.json. Values are multiples of 1/1024 where they shall tie.
  stability: Spearman's correlation, and Jaccard of the nearest documents by number and by tokens
  groups: figures of each group, and the AUC of the first against the others
"""

import json
import pathlib
import sys

import numpy as np
import scipy
import sklearn
from scipy.stats import spearmanr
from sklearn.metrics import jaccard_score, roc_auc_score


def main(out_dir):
    made_with = {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
    rng = np.random.default_rng(5)
    result = {
        "made_with": made_with,
        "stability": [stability(rng, rows, steps) for rows, steps in ((7, 8), (60, 16), (200, 1 << 20), (400, 64))],
        "groups": [groups(rng, sizes, steps) for sizes, steps in (((5, 9), 8), ((30, 100, 50), 64), ((40, 300), 1 << 20))],
    }
    pathlib.Path(out_dir, "statistics.json").write_text(json.dumps(result) + "\n")


def stability(rng, rows, steps):
    quality = rng.random(rows)
    values = {
        name: np.floor((quality + rng.normal(0, noise, rows)) * steps) / steps
        for name, noise in (("5", 0.3), ("20", 0.1), ("all", 0.01))
    }
    tokens = rng.integers(0, 100, rows)
    compared = []
    for fraction in (0.2, 0.5):
        for by in ("count", "tokens"):
            counts = np.ones(rows, dtype=np.int64) if by == "count" else tokens
            chosen = {name: selected(own, counts, fraction) for name, own in values.items()}
            for name in ("5", "20"):
                spearman = spearmanr(values[name], values["all"]).statistic
                jaccard = jaccard_score(chosen["all"], chosen[name])
                compared.append(
                    {"fraction": fraction, "by": by, "target": name, "spearman": float(spearman), "jaccard": float(jaccard)}
                )
    return {"values": {k: v.tolist() for k, v in values.items()}, "tokens": tokens.tolist(), "compared": compared}


def selected(values, counts, fraction):
    """Longest prefix in rank order (ties by input order) within the budget; at least one."""
    order = np.argsort(values, kind="stable")
    fitting = np.searchsorted(np.cumsum(counts[order]), int(counts.sum() * fraction), side="right")
    flags = np.zeros(len(values), dtype=bool)
    flags[order[: max(1, fitting)]] = True
    return flags


def groups(rng, sizes, steps):
    values = [np.floor(rng.normal(0.5 + 0.1 * i, 0.1, size) * steps) / steps for i, size in enumerate(sizes)]
    first = np.concatenate([np.full(size, i == 0) for i, size in enumerate(sizes)])
    figures = [
        {
            "n": len(own),
            "mean": float(own.mean()),
            "sd": float(own.std(ddof=1)),
            **{f"p{q}": float(np.quantile(own, q / 100)) for q in (5, 25, 50, 75, 95)},
        }
        for own in values
    ]
    auc = roc_auc_score(first, -np.concatenate(values))
    return {"values": [own.tolist() for own in values], "figures": figures, "auc": float(auc)}


if __name__ == "__main__":
    main(*sys.argv[1:])
