"""PCA, t-SNE, K-Means and cluster quality by scikit-learn: python pictures.py OUT_DIR

Writes OUT_DIR/agreement.json (labelings and their purity, NMI, ARI) and OUT_DIR/nags.json (features of five groups
of documents, [rows, layers * K] as base64 of little-endian uint16, with what scikit-learn makes of them).
"""

import base64
import json
import pathlib
import sys

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, _t_sne, trustworthiness
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix
from sklearn.preprocessing import StandardScaler

GROUPS, ROWS, LAYERS, K, WIDTH = 5, 120, 4, 8, 48
PERPLEXITY, NEIGHBOURS = 30, 10
MADE_WITH = {"scikit-learn": sklearn.__version__, "numpy": np.__version__}


def main(out_dir):
    write(out_dir, "agreement", {"made_with": MADE_WITH, "cases": [quality(*case) for case in labelings()]})
    write(out_dir, "nags", pictures())


def labelings():
    rng = np.random.default_rng(9)
    labels = rng.integers(4, size=60)
    noisy = np.where(rng.random(60) < 0.25, rng.integers(5, size=60), labels)
    yield "the same, numbered otherwise", labels, (labels + 1) % 4
    yield "some are wrong", labels, noisy
    yield "at random", labels, rng.integers(3, size=60)
    yield "more clusters than labels", labels, labels * 3 + rng.integers(3, size=60)
    yield "fewer clusters than labels", labels, labels // 2
    yield "one cluster", labels, np.zeros(60, int)
    yield "one label", np.zeros(60, int), labels
    yield "one of both", np.zeros(7, int), np.zeros(7, int)
    yield "each row its own cluster", labels, np.arange(60)
    yield "each row its own label and cluster", np.arange(9), np.arange(9)[::-1]
    yield "independent", np.repeat([0, 1], 8), np.tile([0, 1], 8)
    yield "one row", np.zeros(1, int), np.zeros(1, int)
    yield "a row is alone", np.array([0] * 30 + [1]), np.array([1] * 30 + [0])
    yield "numbers without rows", np.array([0, 0, 5, 5, 5]), np.array([3, 3, 3, 0, 0])


def quality(name, labels, clusters):
    table = contingency_matrix(labels, clusters)
    return {
        "name": name,
        "labels": labels.tolist(),
        "clusters": clusters.tolist(),
        "purity": float(table.max(axis=0).sum() / table.sum()),
        "nmi": float(normalized_mutual_info_score(labels, clusters, average_method="geometric")),
        "ari": float(adjusted_rand_score(labels, clusters)),
    }


def pictures():
    rng = np.random.default_rng(7)
    labels = rng.permutation(np.arange(ROWS) % GROUPS)
    features = nags(rng, labels)
    vectors = one_hot(features)
    distances = 1 - vectors @ vectors.T / (LAYERS * K)
    scaled = StandardScaler().fit_transform(features)
    found = KMeans(GROUPS, n_init=50, random_state=42).fit(vectors)
    return {
        "made_with": MADE_WITH,
        "layers": LAYERS,
        "k": K,
        "width": WIDTH,
        "labels": labels.tolist(),
        "features": encode(features, "<u2"),
        "pca": {
            "nag": pca(vectors),
            "indices": pca(features.astype(float)),
            "standardized": pca(scaled),
        },
        "tsne": {
            "nag": tsne(distances, vectors, "precomputed"),
            "indices": tsne(PCA(10, svd_solver="full").fit_transform(scaled), scaled, "euclidean"),
        },
        "first_steps": first_steps(distances, vectors),
        "kmeans": {"inertia": float(found.inertia_), "clusters": found.labels_.tolist()},
    }


def nags(rng, labels):
    """Each group prefers neurons of its own, more strongly in some layers."""
    taste = rng.normal(size=(GROUPS, LAYERS, WIDTH))
    impacts = taste[labels] * rng.uniform(0.3, 1.2, size=(1, LAYERS, 1)) + rng.normal(size=(ROWS, LAYERS, WIDTH))
    return np.argsort(-impacts, axis=2)[:, :, :K].reshape(ROWS, LAYERS * K)


def one_hot(features):
    vectors = np.zeros((ROWS, LAYERS, WIDTH))
    np.put_along_axis(vectors, features.reshape(ROWS, LAYERS, K), 1, axis=2)
    return vectors.reshape(ROWS, LAYERS * WIDTH)


def pca(values):
    found = PCA(2, svd_solver="full")
    return {"scores": found.fit_transform(values).ravel().tolist(), "shares": found.explained_variance_ratio_.tolist()}


def tsne(values, coordinates, metric):
    start = PCA(2, svd_solver="full").fit_transform(coordinates)
    start = (start / start[:, 0].std() * 1e-4).astype(np.float32)
    found = TSNE(perplexity=PERPLEXITY, metric=metric, method="exact", init=start, random_state=42)
    points = found.fit_transform(values.copy())  # it squares the distances in place
    return {
        **({} if metric == "precomputed" else {"values": encode(values, "<f8")}),
        "divergence": float(found.kl_divergence_),
        "trustworthiness": float(trustworthiness(values, points, n_neighbors=NEIGHBOURS, metric=metric)),
        "points": points.astype(float).ravel().tolist(),
    }


def first_steps(distances, vectors):
    """Affinities, every tenth, and the points after 20 steps: later ones depend on the rounding."""
    affinities = _t_sne._joint_probabilities(distances**2, PERPLEXITY, 0)
    start = PCA(2, svd_solver="full").fit_transform(vectors)
    start = start / start[:, 0].std() * 1e-4
    points, _, _ = _t_sne._gradient_descent(
        _t_sne._kl_divergence, start.ravel(), it=0, max_iter=20, momentum=0.5, learning_rate=50.0,
        min_grad_norm=0, args=[affinities * 12, 1, ROWS, 2],
    )
    return {
        "affinities": encode(affinities[::10], "<f8"),
        "start": encode(start, "<f8"),
        "points": encode(points, "<f8"),
    }


def encode(array, dtype):
    return base64.b64encode(np.ascontiguousarray(array, dtype=dtype).tobytes()).decode()


def write(out_dir, name, content):
    pathlib.Path(out_dir, f"{name}.json").write_text(json.dumps(content) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
