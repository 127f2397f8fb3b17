"""Ranking: the list of a text's similarities to the others of the batch is a distribution, or an order.

RankCSE (Liu et al., 2023, https://arxiv.org/abs/2305.16726) adds two such losses to InfoNCE: `Consistency` of the lists
of two passes, and `ListNet` or `ListMLE`, which learn the lists of a teacher: the recipe's guide.
"""

from dataclasses import dataclass
from math import log
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import log_softmax, softmax

from simemb.arguments import checked_fields
from simemb.errors import RecipeError
from simemb.method.deferral import deferrable
from simemb.method.objectives.base import Objective, Pair, above_zero, cosines
from simemb.method.objectives.row_blocks import by_query


@checked_fields
@dataclass(frozen=True)
class Consistency(Objective):
    """Make the two views of a text agree on how near the other view of every text is.

    l_i = (KL(P_i || M_i) + KL(Q_i || M_i)) / 2, M_i = (P_i + Q_i) / 2
    P_i = softmax over j of cos(q_i, k_j) / t, Q_i = softmax over j of cos(k_i, q_j) / t

    RankCSE, section 3.3: the Jensen-Shannon divergence, from 0 to log 2. The own text (j = i) is in both lists.
    """

    temperature: float = 0.05
    """t > 0, in cosine units: that of the InfoNCE beside it."""

    negatives: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "temperature")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The mean of l_i over this process's queries."""
        return by_query(self._mean, pair)

    def _mean(self, pair: Pair) -> Float[Tensor, ""]:
        p = log_softmax(cosines(pair.query, pair.key) / self.temperature, dim=1)
        q = log_softmax(cosines(pair.key[pair.own], pair.queries) / self.temperature, dim=1)
        middle = torch.logaddexp(p, q) - log(2)
        return ((p.exp() * (p - middle) + q.exp() * (q - middle)).sum(dim=1) / 2).mean()


@checked_fields
@dataclass(frozen=True)
class ListNet(Objective):
    """Give each text's similarities to the others the distribution that they have for the guide.

    l_i = -sum over j != i of p_ij log r_ij
    p_i = softmax over j != i of T_ij / teacher_temperature, r_i = softmax over j != i of cos(q_i, k_j) / temperature

    T_ij: the guide's cosine of query i and key j; of several guides, the weighted mean of theirs. RankCSE, section 3.4;
    ListNet (Cao et al., 2007) with the probabilities of the first place. As in perceptiveshawty/RankCSE, where the
    teacher has half the temperature, the own text is left out: InfoNCE teaches its place.
    """

    temperature: float = 0.05
    """That of the encoder, above 0, in cosine units (tau_2)."""
    teacher_temperature: float = 0.025
    """That of the guide, above 0, in cosine units (tau_3)."""

    negatives: ClassVar[bool] = True
    guided: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "temperature", "teacher_temperature")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The mean of l_i over this process's queries."""
        return by_query(self._mean, pair)

    def _mean(self, pair: Pair) -> Float[Tensor, ""]:
        student, teacher = _lists_of_others(pair)
        p = softmax(teacher / self.teacher_temperature, dim=1)
        return -(p * log_softmax(student / self.temperature, dim=1)).sum(dim=1).mean()


@checked_fields
@dataclass(frozen=True)
class ListMLE(Objective):
    """Give each text's similarities to the others the order that they have for the guide.

    l_i = -1/(N - 1) sum over places m = 1 .. N - 1 of log( exp(s_m) / sum over n >= m of exp(s_n) )
    s_m = cos(q_i, k_j) / temperature, where j is the text in place m of the guide's order: the m-th nearest to i

    The likelihood of that order (Xia et al., 2008; RankCSE, section 3.4), by the number of places, as in
    perceptiveshawty/RankCSE. There the own text has the first place; here it has none, as in `ListNet`.
    """

    temperature: float = 0.05
    """Above 0, in cosine units (tau_2)."""

    negatives: ClassVar[bool] = True
    guided: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "temperature")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The mean of l_i over this process's queries."""
        return by_query(self._mean, pair)

    def _mean(self, pair: Pair) -> Float[Tensor, ""]:
        student, teacher = _lists_of_others(pair)
        if not student.shape[1]:
            return student.sum()
        farthest_first = teacher.argsort(dim=1, stable=True)
        logits = student.gather(1, farthest_first) / self.temperature
        return (logits.logcumsumexp(dim=1) - logits).mean()


def _lists_of_others(pair: Pair) -> tuple[Float[Tensor, "batch others"], Float[Tensor, "batch others"]]:
    """The cosines of each query with the keys of other examples: the encoder's, and the guide's."""
    guide = pair.guide
    if guide is None:
        raise RecipeError("ranking is learnt from the recipe's guide: name an encoder there")
    student, teacher = cosines(pair.query, pair.key), cosines(guide.query, guide.key).detach()
    others: Bool[Tensor, "batch all"] = torch.ones_like(student, dtype=torch.bool)
    others.diagonal(pair.first).fill_(False)
    return (student[others].view(len(student), -1), teacher[others].view(len(student), -1))
