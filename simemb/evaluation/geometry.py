"""Geometry of vectors: anisotropy, unused or dominating dimensions, hubs.

`simemb.evaluation.metrics` has alignment, uniformity and effective rank. Every function is exact, without sampling, and
returns nan if its measure is not defined.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float64, Int64

from simemb.encoder.unit_vectors import unit
from simemb.encoder.whitening import covariance

STRIP = 512
"""Rows of similarities in memory at once: 512 x 20,000 float32 values take 41 MB."""
COINCIDENT = 1e-12
"""Unit vectors whose mean squared distance from their mean is below this differ by the rounding of float32 alone."""
NEIGHBORS = 10
"""The k of Radovanovic et al. (see `hubness`)."""
DEAD = 1e-3
"""A dimension is dead if its standard deviation is below this share of the median deviation."""
SHARED = 0.01
"""The least mean cosine that `dominance` splits into the parts of dimensions."""
_ROUNDING = float(np.finfo(np.float32).eps)


def anisotropy(x: Float[np.ndarray, "text dim"]) -> float:
    """How narrow a cone the vectors lie in: the mean cosine of two different vectors.

    (|sum_i u_i|^2 - sum_i |u_i|^2) / (n (n - 1)) with u = x / |x|: the exact mean over all pairs i < j, which
    Ethayarajh (2019, https://arxiv.org/abs/1909.00512, section 4.1) estimates from random pairs. A zero vector has
    cosine 0.

    Returns:
        -1 / (n - 1) (a simplex around the origin) to 1 (all in the same direction), 0 for evenly spread vectors; nan
        for fewer than two vectors.
    """
    return float(_contributions(x).sum())


def dominance(x: Float[np.ndarray, "text dim"], top: int) -> float:
    """The share of the mean cosine that comes from the few dimensions that contribute most.

    With a_d = mean over pairs i < j of u_id u_jd, u = x / |x|: the sum of the `top` largest a_d over the sum of all,
    which is the anisotropy. Timkey & van Schijndel (2021, https://arxiv.org/abs/2109.04404, section 3.1), exact.

    Args:
        x: The vectors of all texts, of any length.
        top: How many dimensions, 1 or more.

    Returns:
        About top / dim (all dimensions contribute alike) to slightly above 1 (the others contribute nothing or less);
        nan if the mean cosine is below `SHARED`, since shares of almost 0 mean nothing.
    """
    contributions = np.sort(_contributions(x))[::-1]
    total = contributions.sum()
    return float(contributions[:top].sum() / total) if total >= SHARED else float("nan")


def isoscore(x: Float[np.ndarray, "text dim"]) -> float:
    """The share of dimensions in which the vectors vary evenly; invariant to translation, scale and rotation.

    ((sum_d v_d)^2 / sum_d v_d^2 - 1) / (dim - 1), where v are the eigenvalues of the covariance. Algorithm 1 of Rudman
    et al. (2022, IsoScore, https://arxiv.org/abs/2108.07344) reduces to this: its isotropy defect delta satisfies
    dim - delta^2 (dim - sqrt(dim)) = sqrt(dim) sum_d v_d / |v|. The sums are the trace and the squared Frobenius norm
    of the covariance, so no eigenvalues are computed.

    Args:
        x: The vectors of all texts; they are not normalized.

    Returns:
        0 (all on one line) to 1 (the same variance in every direction); nan in one dimension, for fewer than two
        vectors, and if all vectors coincide.
    """
    if len(x) < 2 or x.shape[1] < 2:
        return float("nan")
    spread = covariance(x)[1]
    total = np.trace(spread)
    if total <= COINCIDENT * np.square(x, dtype=np.float64).sum(axis=1).mean():
        return float("nan")
    return float((total**2 / np.square(spread).sum() - 1) / (len(spread) - 1))


def singular_spectrum(x: Float[np.ndarray, "text dim"]) -> Float64[np.ndarray, "dim"]:
    """The singular values of the L2-normalized vectors less their mean, as shares of their sum, the largest first.

    exp of its entropy is the effective rank (`simemb.evaluation.metrics.effective_rank`). The singular values are the
    square roots of the eigenvalues of X^T X, float64; an eigenvalue below the largest one times max(texts, dim) times
    the machine epsilon is rounding error and counts as 0.

    Returns:
        Shares in [0, 1] that sum to 1; all nan if the vectors coincide, or for fewer than two vectors.
    """
    centered = _centered(x)
    if centered is None:
        return np.full(x.shape[1], np.nan)
    squares = np.linalg.eigvalsh(centered.T @ centered)[::-1]
    rounding = squares[0] * max(x.shape) * np.finfo(np.float64).eps
    values = np.sqrt(np.where(squares > rounding, squares, 0))
    return values / values.sum()


def occurrences(x: Float[np.ndarray, "text dim"], k: int = NEIGHBORS) -> Int64[np.ndarray, "text"]:
    """N_k: the number of other vectors that have this vector among their k nearest by cosine; the mean of N_k is k.

    Ties for the k-th place are broken arbitrarily. Computed in strips of 512 rows, float32.

    Args:
        x: More than k vectors, of any length.
        k: Neighbors of each, 1 or more.
    """
    import torch

    u = torch.as_tensor(unit(x.astype(np.float64)), dtype=torch.float32)
    counts = torch.zeros(len(u), dtype=torch.int64)
    for start in range(0, len(u), STRIP):
        cosines = u[start : start + STRIP] @ u.T
        cosines.diagonal(start).fill_(-torch.inf)
        counts += torch.bincount(cosines.topk(k, sorted=False).indices.flatten(), minlength=len(u))
    return counts.numpy()


def hubness(x: Float[np.ndarray, "text dim"], k: int = NEIGHBORS) -> float:
    """Whether a few vectors are near to all others: the skewness of the k-occurrence, E (N_k - k)^3 / sd(N_k)^3.

    Radovanovic et al., 2010, JMLR 11, https://jmlr.org/papers/v11/radovanovic10a.html, section 3 and equation 1. The
    texts must be distinct, since copies of a text would only be neighbors of each other.

    Args:
        x: The vectors of all texts, of any length.
        k: Neighbors of each, 1 or more.

    Returns:
        0 (no hubs: all occur equally often), above 1 for strong hubs, at most about the square root of the number of
        vectors; nan for k vectors or fewer, and if all coincide.
    """
    if len(x) <= k or _centered(x) is None:
        return float("nan")
    deviations = occurrences(x, k) - float(k)
    variance = np.square(deviations).mean()
    return float((deviations**3).mean() / variance**1.5) if variance else 0.0


def dead_dimensions(x: Float[np.ndarray, "text dim"]) -> int:
    """The number of dimensions that are the same for all texts.

    A dimension is dead if its standard deviation is rounding error (below 1.2e-7 times the root mean square of all
    entries), or below `DEAD` times the median deviation of the other dimensions.

    Returns:
        0 to dim (all vectors coincide).
    """
    deviations = x.std(axis=0, dtype=np.float64)
    rounding = _ROUNDING * np.sqrt(np.square(x, dtype=np.float64).mean())
    alive = deviations[deviations > rounding]
    return x.shape[1] - int((alive >= DEAD * np.median(alive)).sum()) if len(alive) else x.shape[1]


def histogram(
    cosines: Float[np.ndarray, "pair"],
    gold: Float[np.ndarray, "pair"],
    *,
    gold_edges: Sequence[float],
    cosine_edges: Sequence[float],
) -> Int64[np.ndarray, "gold_bin cosine_bin"]:
    """The number of pairs in each bin of gold score and cosine, as in figure 6 of ConSERT.

    Bins are [a, b), the last one [a, b]. Pairs with a gold score outside all bins are left out; a cosine outside the
    bins, by rounding, counts in the nearest one. Yan et al., 2021, https://arxiv.org/abs/2105.11741.
    """
    inside = np.clip(cosines, cosine_edges[0], cosine_edges[-1])
    return np.histogram2d(gold, inside, bins=[np.asarray(gold_edges), np.asarray(cosine_edges)])[0].astype(np.int64)


def _contributions(x: Float[np.ndarray, "text dim"]) -> Float64[np.ndarray, "dim"]:
    """The contribution of each dimension to the mean cosine; nan for fewer than two vectors."""
    count = len(x)
    if count < 2:
        return np.full(x.shape[1], np.nan)
    u = unit(x.astype(np.float64))
    return (u.sum(axis=0) ** 2 - np.square(u).sum(axis=0)) / (count * (count - 1))


def _centered(x: Float[np.ndarray, "text dim"]) -> Float64[np.ndarray, "text dim"] | None:
    """The unit vectors minus their mean; None if they coincide, or for fewer than two vectors."""
    if len(x) < 2:
        return None
    centered = unit(x.astype(np.float64))
    centered -= centered.mean(axis=0)
    return None if np.square(centered).sum() < COINCIDENT * len(x) else centered
