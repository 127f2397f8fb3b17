"""Contrastive tension: two encoders agree on the same text and on no other, pair by pair."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from simemb.arguments import checked_fields
from simemb.method.deferral import deferrable
from simemb.method.objectives.base import Objective, Pair, at_least


@checked_fields
@dataclass(frozen=True)
class ContrastiveTension(Objective):
    """Tell the pair of the same text from K pairs of different texts, by the binary cross-entropy of dot products.

    l_i = -log s(q_i . k_i) - sum over j = 1 .. K of log(1 - s(q_i . k_(i + j))), s the logistic function

    Carlsson et al., 2021 (https://openreview.net/forum?id=Ov_sMNau-PF), section 4. The loss is the mean of l_i over the
    queries. The batch is a circle: the keys after a query's own one are the K random texts that the paper draws for it,
    since batches are shuffled. So N texts, encoded once by each encoder, give N groups of 1 + K pairs. Every text is as
    often on the side of the queries as on that of the keys; in a batch of no more than K texts K is N - 1. A pair of
    equal texts is no negative.
    """

    per_positive: int = 7
    """K: negative pairs for each positive pair, at least 1."""

    negatives: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        at_least(1, self, "per_positive")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The mean of l_i over this process's queries."""
        count = len(pair.key)
        own = torch.arange(pair.first, pair.first + len(pair.query), device=pair.key.device)
        steps = torch.arange(1, min(self.per_positive, count - 1) + 1, device=own.device)
        others = (own[:, None] + steps) % count
        positive = softplus(-(pair.query * pair.key[own]).sum(dim=1))
        negative = softplus((pair.query[:, None] * pair.key[others]).sum(dim=2))
        if pair.texts is not None:
            negative = negative.masked_fill(pair.texts.key[others] == pair.texts.query[own][:, None], 0.0)
        return (positive + negative.sum(dim=1)).mean()
