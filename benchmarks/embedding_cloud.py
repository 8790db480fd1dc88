"""Unit vectors spread as the embeddings of radiographs are, as many as a benchmark wants.

A mixture: a common direction, clusters around it, and within the clusters one normal distribution
whose variances fall. Fitted to real embeddings where there are some; else assumed, as for CLIP
towers trained on one kind of picture: pairs at random have a cosine of about 0.4, and variances
fall with the number of the axis like 1 / i, which is slow, and so hard to compress.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLUSTERS = 64
COMMON, BETWEEN, WITHIN = 0.4, 0.3, 0.3  # shares of the squared length, where assumed
FALL = 1.0  # variance of axis i is i ** -FALL, where assumed
ROWS_AT_ONCE = 20000


@dataclass(frozen=True, eq=False)
class EmbeddingCloud:
    """Where embeddings lie."""

    centers: NDArray[np.float32]  # (C, D)
    weights: NDArray[np.float64]  # (C,), of sum 1
    spread: NDArray[np.float32]  # (D, D); a normal row times this is what a cluster adds
    source: str  # what it was fitted to, or that it was assumed

    def draw(self, count: int, generator: np.random.Generator) -> NDArray[np.float32]:
        """Return unit vectors (count, D)."""
        rows = np.empty((count, self.centers.shape[1]), dtype=np.float32)
        for start in range(0, count, ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            of = generator.choice(len(self.weights), len(part), p=self.weights)
            part[:] = generator.standard_normal(part.shape, dtype=np.float32) @ self.spread
            part += self.centers[of]
            part /= np.linalg.norm(part, axis=1, keepdims=True)
        return rows

    def described(self) -> dict[str, Any]:
        """Return what a reader needs to judge a benchmark on this cloud."""
        variances = np.sort(np.linalg.svd(self.spread, compute_uv=False) ** 2)[::-1]
        shares = np.cumsum(variances) / max(variances.sum(), 1e-12)
        sample = self.draw(512, np.random.default_rng(1))
        cosines = (sample @ sample.T)[np.triu_indices(512, 1)]
        return {
            "source": self.source,
            "clusters": len(self.weights),
            "axes_for_90_percent": int(np.searchsorted(shares, 0.9)) + 1,
            "axes_for_99_percent": int(np.searchsorted(shares, 0.99)) + 1,
            "cosine_of_random_pairs": float(cosines.mean()),
        }


def assumed_cloud(dim: int, seed: int = 0) -> EmbeddingCloud:
    """Return the cloud that is assumed where there are no real embeddings."""
    generator = np.random.default_rng(seed)
    variances = np.arange(1, dim + 1.0) ** -FALL
    scale = np.sqrt(variances / variances.sum())
    common = generator.standard_normal(dim) * scale
    common *= np.sqrt(COMMON) / np.linalg.norm(common)
    centers = common + generator.standard_normal((CLUSTERS, dim)) * scale * np.sqrt(BETWEEN)
    spread = np.diag(scale * np.sqrt(WITHIN))
    return EmbeddingCloud(
        centers.astype(np.float32),
        np.full(CLUSTERS, 1 / CLUSTERS),
        spread.astype(np.float32),
        f"assumed: variances i^-{FALL:g}, shares {COMMON} common, {BETWEEN} between clusters",
    )


def fitted_cloud(embeddings: NDArray[np.float32], source: str, seed: int = 0) -> EmbeddingCloud:
    """Return a cloud fitted to real embeddings (N, D): k-means, and the spread that it leaves."""
    from sklearn.cluster import KMeans

    clusters = max(1, min(CLUSTERS, len(embeddings) // 20))
    found = KMeans(clusters, n_init=1, random_state=seed).fit(embeddings)
    left = (embeddings - found.cluster_centers_[found.labels_]).astype(np.float64)
    variances, axes = np.linalg.eigh(left.T @ left / len(left))
    spread = np.sqrt(variances.clip(0))[:, None] * axes.T
    weights = np.bincount(found.labels_, minlength=clusters) / len(embeddings)
    return EmbeddingCloud(
        found.cluster_centers_.astype(np.float32), weights, spread.astype(np.float32), source
    )
