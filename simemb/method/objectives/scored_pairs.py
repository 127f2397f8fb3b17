"""Objectives for pairs of texts with a score of how similar they are, as in STS.

They use only the cosine of the two texts of each example and compare no texts of different examples.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from simemb.arguments import checked_fields
from simemb.errors import DataError, RecipeError
from simemb.method.deferral import deferrable
from simemb.method.objectives.base import Objective, Pair, above_zero
from simemb.method.objectives.row_blocks import by_strip, strips


@checked_fields
@dataclass(frozen=True)
class CoSENT(Objective):
    """Give the cosines of pairs the order of their scores.

    loss = log(1 + sum over all i, j with s_i > s_j of exp(scale * (cos_j - cos_i))), cos_i = cos(q_i, k_i)

    Su, 2022, https://kexue.fm/archives/8847. Only the order of the scores matters, so any range works. Equal
    scores contribute nothing, and a batch of equal scores has loss 0. As in sentence-transformers the sum is over this
    process's pairs and is not divided by their number, so it grows with the batch.
    """

    scale: float = 20.0
    """Inverse temperature, above 0: differences of cosines are multiplied by it (lambda)."""

    scored: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "scale")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The loss over this process's pairs."""
        scores, cosine = pair.scores, _own_cosines(pair)
        assert scores is not None

        def excess(part: slice) -> Float[Tensor, ""]:
            higher = scores[part, None] > scores[None, :]
            differences = self.scale * (cosine[None, :] - cosine[part, None])
            return torch.cat([cosine.new_full((1,), -inf), differences[higher]]).logsumexp(dim=0)

        terms = by_strip(excess, strips(len(cosine), len(cosine)))
        return torch.cat([cosine.new_zeros(1), terms]).logsumexp(dim=0)


@checked_fields
@dataclass(frozen=True)
class CosineRegression(Objective):
    """Make the cosine of a pair equal to its score.

    l_i = (cos(q_i, k_i) - (s_i - low) / (high - low))^2

    Sentence-BERT (Reimers & Gurevych, 2019), section 3, regression objective, with scores mapped to [0, 1] as in
    its training on STS-B.
    """

    low: float = 0.0
    """The score of cosine 0."""
    high: float = 5.0
    """The score of cosine 1, above `low`."""

    scored: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        if not self.high > self.low:
            raise RecipeError(f"objective.high must be above objective.low ({self.low}), not {self.high}")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """Mean of l_i over this process's pairs; DataError for a score outside [low, high]."""
        assert pair.scores is not None
        outside = pair.scores[~((pair.scores >= self.low) & (pair.scores <= self.high))]
        if len(outside):
            raise DataError(
                f"score {outside[0].item():g} is outside [{self.low:g}, {self.high:g}]: "
                "set objective.low and objective.high to the range of the scores"
            )
        target = (pair.scores - self.low) / (self.high - self.low)
        return (_own_cosines(pair) - target).square().mean()


def _own_cosines(pair: Pair) -> Float[Tensor, "batch"]:
    return (normalize(pair.query, dim=1) * normalize(pair.key[pair.own], dim=1)).sum(dim=1)
