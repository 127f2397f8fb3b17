"""Objectives that make the two views of an example agree and prevent collapse without contrasting negatives.

They differ in what prevents collapse: the target alone (Regression), decorrelation, variance, or uniformity.
"""

from dataclasses import dataclass
from math import log
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import mse_loss, normalize

from simemb.arguments import checked_fields
from simemb.method.deferral import deferrable
from simemb.method.objectives.base import Objective, Pair, above_zero, at_least
from simemb.method.objectives.row_blocks import by_strip, strips

STANDARDIZE_EPSILON = 1e-5
"""Added to variances before the square root, as in torch's BatchNorm1d, which the code of Barlow Twins uses."""


@checked_fields
@dataclass(frozen=True)
class Regression(Objective):
    """Predict the key from the query: squared distance of the two unit vectors.

    l_i = | q_i / |q_i| - k_i / |k_i| |^2 = 2 - 2 cos(q_i, k_i)

    BYOL (Grill et al., 2020), eq. 2; from 0 to 4. SimSiam (Chen & He, 2021), eq. 1, has -cos(q_i, k_i): half this
    gradient and another constant, so with `weight=0.5` both train alike. The loss itself neither prevents collapse nor
    stops a gradient: the predictor and the target (StopGradient, EMA) do that.
    """

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """Mean of l_i over this process's queries."""
        difference = normalize(pair.query, dim=1) - normalize(pair.key[pair.own], dim=1)
        return difference.square().sum(dim=1).mean()


@checked_fields
@dataclass(frozen=True)
class BarlowTwins(Objective):
    """Make the cross-correlation of the two views' dimensions the identity matrix.

    loss = sum over i of (1 - C_ii)^2 + off_diagonal * sum over i != j of C_ij^2
    C_ij = (1/N) sum over examples b of q_bi k_bj, every column standardized over the batch

    Barlow Twins (Zbontar et al., 2021), eq. 1 and 2; columns are standardized as in the released code (biased
    variance, plus 1e-5). The batch is that of all processes. As in the paper there is no other factor;
    solo-learn's scale is `weight=0.025`. The loss is a sum over dimensions, so it grows with the width.
    """

    off_diagonal: float = 5e-3
    """Weight, at least 0, of the redundancy term (lambda; the released code has 0.0051)."""

    @deferrable
    def __post_init__(self) -> None:
        at_least(0, self, "off_diagonal")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The loss of the whole batch, the same in every process."""
        correlation = _standardized(pair.queries).T @ _standardized(pair.key) / len(pair.key)
        identity = torch.eye(len(correlation), dtype=correlation.dtype, device=correlation.device)
        weights = torch.full_like(correlation, self.off_diagonal).fill_diagonal_(1.0)
        return (weights * (correlation - identity).square()).sum()


@checked_fields
@dataclass(frozen=True)
class VICReg(Objective):
    """Bring views together, keep the variance of every dimension, and remove the covariance of any two dimensions.

    loss = similarity * s(Q, K) + variance * (v(Q) + v(K)) / 2 + covariance * (c(Q) + c(K))
    s(Q, K) = mean over examples and dimensions of (q_bj - k_bj)^2
    v(Z) = mean over dimensions of max(0, 1 - sqrt(Var(z_j) + epsilon))
    c(Z) = (1/width) sum over i != j of Cov(z_i, z_j)^2

    VICReg (Bardes et al., 2022), eq. 1 to 6, with variance and covariance over N - 1; the batch is that of all
    processes. The default weights are those of the released code, so two factors follow it and not the equations:
    s is a mean over dimensions too (a sum in eq. 5, but not in the paper's algorithm 1), and the variance term is the
    mean of the two branches (a sum in eq. 6 and algorithm 1, which is `variance=50`). Vectors are not normalized. A
    batch of one has variance 0.
    """

    similarity: float = 25.0
    """Weight, at least 0, of the squared distance of the views (lambda)."""
    variance: float = 25.0
    """Weight, at least 0, of the hinge on the standard deviations (mu)."""
    covariance: float = 1.0
    """Weight, at least 0, of the squared covariances (nu)."""
    epsilon: float = 1e-4
    """Added to the variances, above 0, so that the root has a gradient at 0."""

    @deferrable
    def __post_init__(self) -> None:
        at_least(0, self, "similarity", "variance", "covariance")
        above_zero(self, "epsilon")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The loss of the whole batch, the same in every process."""
        query, key = _covariance(pair.queries), _covariance(pair.key)
        return (
            self.similarity * mse_loss(pair.queries, pair.key)
            + self.variance * (self._variance_hinge(query) + self._variance_hinge(key)) / 2
            + self.covariance * (_redundancy(query) + _redundancy(key))
        )

    def _variance_hinge(self, covariance: Float[Tensor, "width width"]) -> Float[Tensor, ""]:
        deviations = (covariance.diagonal() + self.epsilon).sqrt()
        return (1 - deviations).relu().mean()


@checked_fields
@dataclass(frozen=True)
class AlignUniform(Objective):
    """Bring views together, and spread all vectors evenly over the sphere.

    loss = align(Q, K) + uniformity * (uniform(Q) + uniform(K)) / 2
    align(Q, K) = mean over examples of |q_i - k_i|^alpha
    uniform(Z) = log of the mean over pairs i < j of exp(-t |z_i - z_j|^2)

    Wang & Isola, 2020, section 4.1, combined as in their released code; vectors are L2-normalized and the
    batch is that of all processes. For a single vector uniform is 0.
    """

    alpha: float = 2.0
    """Exponent of the distance, at least 1: below 1 the gradient is infinite where two views coincide."""
    t: float = 2.0
    """Sharpness of the Gaussian potential, above 0."""
    uniformity: float = 1.0
    """Weight, at least 0, of the uniformity term."""

    negatives: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        at_least(1, self, "alpha")
        at_least(0, self, "uniformity")
        above_zero(self, "t")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The loss of the whole batch, the same in every process."""
        query, key = normalize(pair.queries, dim=1), normalize(pair.key, dim=1)
        align = (query - key).norm(dim=1).pow(self.alpha).mean()
        return align + self.uniformity * (self._uniform(query) + self._uniform(key)) / 2

    def _uniform(self, unit: Float[Tensor, "all width"]) -> Float[Tensor, ""]:
        rows = len(unit)
        if rows < 2:
            return unit.new_zeros(())
        squares = unit.square().sum(dim=1)

        def log_potential(part: slice) -> Float[Tensor, ""]:
            later = torch.ones(len(unit[part]), rows, dtype=torch.bool, device=unit.device).triu(1 + part.start)
            distances = squares[part, None] + squares - 2 * unit[part] @ unit.T
            return (-self.t * distances)[later].logsumexp(dim=0)

        return by_strip(log_potential, strips(rows - 1, rows)).logsumexp(dim=0) - log(rows * (rows - 1) / 2)


def _standardized(x: Float[Tensor, "all width"]) -> Float[Tensor, "all width"]:
    centered = x - x.mean(dim=0)
    return centered / (centered.square().mean(dim=0) + STANDARDIZE_EPSILON).sqrt()


def _covariance(x: Float[Tensor, "all width"]) -> Float[Tensor, "width width"]:
    centered = x - x.mean(dim=0)
    return centered.T @ centered / max(len(x) - 1, 1)


def _redundancy(covariance: Float[Tensor, "width width"]) -> Float[Tensor, ""]:
    off_diagonal = covariance - covariance.diagonal().diag()
    return off_diagonal.square().sum() / len(covariance)
