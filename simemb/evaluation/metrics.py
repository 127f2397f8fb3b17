"""Metrics of embeddings: correlation with human scores, alignment, uniformity and effective rank.

Wang & Isola, 2020, https://arxiv.org/abs/2005.10242, equations 1 and 2; code in SsnL/align_uniform. Roy & Vetterli,
2007, The effective rank, EUSIPCO, definition 1.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from simemb.encoder.unit_vectors import unit
from simemb.evaluation.geometry import STRIP, singular_spectrum

ROUNDING = 1e-12
"""Values that differ by less than this share of the largest are equal up to rounding: their order means nothing."""


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Correlation of the ranks of `x` [pairs] and `y` [pairs], in [-1, 1]; ties share their mean rank.

    nan if it does not exist: all of `x` or all of `y` are equal up to rounding, or there are fewer than two pairs.

    >>> spearman([1, 2, 3, 4], [1, 4, 9, 16])
    1.0
    """
    from scipy.stats import spearmanr

    return _correlation(spearmanr, x, y)


def pearson(x: ArrayLike, y: ArrayLike) -> float:
    """Linear correlation cov(x, y) / (sd(x) sd(y)) of `x` [pairs] and `y` [pairs], in [-1, 1].

    nan if it does not exist: all of `x` or all of `y` are equal up to rounding, or there are fewer than two pairs.
    """
    from scipy.stats import pearsonr

    return _correlation(pearsonr, x, y)


def _correlation(function: Callable[..., Any], x: ArrayLike, y: ArrayLike) -> float:
    """`function(x, y).statistic`, or nan if an input is constant, by `_constant` or by a warning of scipy."""
    from scipy.stats import DegenerateDataWarning

    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(x) < 2 or _constant(x) or _constant(y):
        return float("nan")
    with warnings.catch_warnings():
        warnings.simplefilter("error", DegenerateDataWarning)
        try:
            return float(function(x, y).statistic)
        except DegenerateDataWarning:
            return float("nan")


def _constant(values: Float[np.ndarray, "pair"]) -> bool:
    return bool(np.ptp(values) <= ROUNDING * np.abs(values).max())


def cosine(a: Float[np.ndarray, "pair dim"], b: Float[np.ndarray, "pair dim"]) -> Float[np.ndarray, "pair"]:
    """Cosine a.b / (|a| |b|) of each row of `a` with the same row of `b`, float64, in [-1, 1].

    Equal rows have cosine 1 exactly: rounding would give 1 +- 2e-16, and ranks would follow it. A zero vector has
    cosine 0 with everything.

    >>> cosine(np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([[4.0, 3.0], [1.0, 0.0]])).tolist()
    [0.96, 0.0]
    """
    a_unit, b_unit = unit(a.astype(np.float64)), unit(b.astype(np.float64))
    cosines = np.clip(np.einsum("pd,pd->p", a_unit, b_unit), -1, 1)
    equal = (a_unit == b_unit).all(axis=1) & a_unit.any(axis=1)
    return np.where(equal, 1.0, cosines)


def alignment(x: Float[np.ndarray, "pair dim"], y: Float[np.ndarray, "pair dim"], alpha: float = 2.0) -> float:
    """How close the two sides of positive pairs are: the mean of |x - y|^alpha after L2 normalization. Equation 1.

    Args:
        x: One side of each positive pair, of any length.
        y: The other side.
        alpha: Exponent of the distance, above 0.

    Returns:
        0 (each pair coincides) to 2^alpha (each pair is antipodal), lower is better; nan without a pair.
    """
    import torch
    from torch.nn.functional import normalize

    x_unit, y_unit = (normalize(torch.as_tensor(side, dtype=torch.float32), dim=1) for side in (x, y))
    distances = torch.linalg.vector_norm(x_unit - y_unit, dim=1, dtype=torch.float64)
    return float(distances.pow(alpha).mean())


def uniformity(x: Float[np.ndarray, "text dim"], t: float = 2.0) -> float:
    """How evenly vectors cover the sphere: log of the mean over pairs i < j of exp(-t |x_i - x_j|^2). Equation 2.

    Exact over all pairs, after L2 normalization. Computed in strips of 512 rows above the diagonal, with float32
    products and float64 sums.

    Args:
        x: The vectors of all texts, of any length.
        t: Sharpness of the Gaussian potential, above 0.

    Returns:
        -4t (two antipodal vectors) to 0 (all coincide), lower is better; nan for fewer than two vectors.
    """
    import torch
    from torch.nn.functional import normalize

    unit = normalize(torch.as_tensor(x, dtype=torch.float32), dim=1)
    squares = unit.square().sum(dim=1, keepdim=True)
    ones = torch.ones_like(squares)
    # -t |a - b|^2 = 2t a.b - t |a|^2 - t |b|^2: with two more columns the exponent is a single matrix product.
    left = torch.cat([2 * t * unit, -t * squares, -t * ones], dim=1)
    right = torch.cat([unit, ones, squares], dim=1).T
    total = torch.zeros((), dtype=torch.float64, device=unit.device)
    for start in range(0, len(unit), STRIP):
        strip = left[start : start + STRIP] @ right[:, start:]
        # The strip starts on the diagonal, so the entries above its own diagonal are the pairs i < j.
        total += strip.exp_().triu_(1).sum(dtype=torch.float64)
    pairs = len(unit) * (len(unit) - 1) // 2
    return float(torch.log(total / pairs))


def effective_rank(x: Float[np.ndarray, "text dim"]) -> float:
    """The number of dimensions that vectors use: exp of the entropy of their normalized singular values.

    exp(-sum_i p_i log p_i) with p the singular values of the centered L2-normalized vectors as shares of their sum
    (`simemb.evaluation.geometry.singular_spectrum`).

    Args:
        x: The vectors of all texts, of any length.

    Returns:
        1 (all on one line through their mean) to min(dim, texts - 1) (the same variance in every direction), higher is
        better; nan if all coincide, or for fewer than two vectors. Roy & Vetterli, definition 1.
    """
    from scipy.special import entr

    return float(np.exp(entr(singular_spectrum(x)).sum()))


@dataclass(frozen=True)
class Geometry:
    """The geometry of the vectors of a task's sentences.

    Attributes:
        task: The name of the task.
        alignment: Lower is better; nan without a positive pair.
        uniformity: Lower is better.
        effective_rank: The number of dimensions in use, higher is better; nan if all vectors coincide.
        alpha: Exponent of the alignment.
        t: Sharpness of the uniformity.
        threshold: Least gold score of a positive pair.
        positives: The number of positive pairs.
        vectors: The number of sentences, those of both sides.
    """

    task: str
    alignment: float
    uniformity: float
    effective_rank: float
    alpha: float
    t: float
    threshold: float
    positives: int
    vectors: int
