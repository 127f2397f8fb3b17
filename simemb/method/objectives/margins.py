"""Objectives of margins between the cosines of a query, its key and its own hard negatives.

They know no other examples of the batch, so each is a term of a `Sum` beside a contrast.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu

from simemb.arguments import checked_fields
from simemb.errors import RecipeError
from simemb.method.deferral import deferrable
from simemb.method.objectives.base import Objective, Pair
from simemb.method.objectives.candidates import similarities


@checked_fields
@dataclass(frozen=True)
class BidirectionalMargin(Objective):
    """Keep a hard negative farther from the query than its key, but not by far: a soft negative.

    l = relu(D + alpha) + relu(-D - beta), D = cos(q, n) - cos(q, k)

    It is 0 for D from -beta to -alpha. The loss is the mean over all hard negatives n, each with its own query q and
    key k. One whose text is that of the query is no negative and counts as 0 (in the paper there is none).

    SNCSE (Wang et al., 2022, https://arxiv.org/abs/2201.05979, section 3.3), whose negatives are negated sentences.
    """

    alpha: float = 0.1
    """By how much the negative is farther at least, from 0 to `beta`, in cosine units."""
    beta: float = 0.3
    """By how much it is farther at most, up to 2."""

    rowwise: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= self.beta <= 2:
            given = f"not {self.alpha} and {self.beta}"
            raise RecipeError(f"objective.alpha must be from 0 to objective.beta, and that at most 2, {given}")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The sum over this process's hard negatives, by the mean number of them in a process."""
        place, row = pair.own_negatives
        key, hard = similarities(pair, place, row, cosine=True)
        difference = hard - key[row]
        losses = relu(difference + self.alpha) + relu(-difference - self.beta)
        if pair.texts is not None and pair.texts.hard is not None:
            losses = losses.masked_fill(pair.texts.hard[place] == pair.texts.query[pair.own][row], 0)
        return losses.sum() * _processes(pair) / max(len(pair.owners), 1)


@checked_fields
@dataclass(frozen=True)
class Entailment(Objective):
    """Keep each hard negative of a query nearer to it than the next one, which says less of what the query says.

    l = relu( cos(q, n_j+1) - cos(q, n_j) + margin )

    n_1, n_2 ...: the query's own hard negatives in the order of their views. The loss is the mean over all neighbours;
    a query with fewer than two has none.

    ArcCSE (Zhang et al., 2022, https://arxiv.org/abs/2203.06875, section 3.3): the query entails itself with a span
    masked, and that entails it with a longer span masked.
    """

    margin: float = 0.0
    """At least 0, in cosine units."""

    rowwise: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        if not 0 <= self.margin < inf:
            raise RecipeError(f"objective.margin must be at least 0, not {self.margin}")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The sum over this process's neighbours, by the mean number of them in a process."""
        place, row = pair.own_negatives
        _, hard = similarities(pair, place, row, cosine=True)
        order = row.argsort(stable=True)
        row, hard = row[order], hard[order]
        losses = relu(hard[1:] - hard[:-1] + self.margin).masked_fill(row[1:] != row[:-1], 0)
        count = (torch.bincount(pair.owners, minlength=1) - 1).clamp(min=0).sum()
        return losses.sum() * _processes(pair) / count.clamp(min=1)


def _processes(pair: Pair) -> float:
    return len(pair.key) / len(pair.query)
