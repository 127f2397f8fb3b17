"""Objectives that learn from a reranker: the scores of a query's own candidates, its positive and its hard negatives.

Only the differences of the scores count, so margins (the score of the positive less that of a negative) say as much.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import log_softmax, normalize

from simemb.arguments import checked_fields
from simemb.method.deferral import deferrable
from simemb.method.objectives.base import Grades, Objective, Pair, above_zero


@checked_fields
@dataclass(frozen=True)
class MarginMSE(Objective):
    """Put the same distance between positive and negative as the reranker does.

    loss = 1/T sum over the T triplets (q, p, n) of the batch of (s(q, p) - s(q, n) - (t(q, p) - t(q, n)))^2

    Margin-MSE (Hofstätter et al., 2020, arXiv 2010.02666); t is the reranker's score, s by default the dot product, as
    there. A query makes as many triplets as it has negatives; one without any makes none.
    """

    similarity: Literal["dot", "cosine"] = "dot"
    """s. Cosines need scores that differ by less than 2."""
    scale: float = 1.0
    """Factor on the reranker's margins, above 0: for cosines, what brings them into their range."""

    rowwise: ClassVar[bool] = True
    graded: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "scale")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The sum over this process's triplets, by the mean number of triplets of a process."""
        grades, (place, owner) = _grades(pair), pair.own_negatives
        key, hard = similarities(pair, place, owner, cosine=self.similarity == "cosine")
        if not len(pair.owners):
            return (key * 0).sum()
        error = key[owner] - hard - self.scale * (grades.key[owner] - grades.hard[place])
        return error.square().sum() * len(pair.key) / (len(pair.query) * len(pair.owners))


@checked_fields
@dataclass(frozen=True)
class CandidateKL(Objective):
    """Order and weigh a query's candidates as the reranker does.

    l_i = KL(p_i || r_i) = sum over the candidates c of query i of p_ic log(p_ic / r_ic)
    p_i = softmax over c of t(q_i, c) / teacher_temperature, r_i = softmax over c of s(q_i, c) / temperature

    Distillation (Hinton et al., 2015, section 2) over a list of candidates, as RocketQAv2 does it (Ren et al., 2021,
    arXiv 2110.07367). The candidates are the query's own key and hard negatives; a query without any has loss 0.
    """

    temperature: float = 0.05
    """Temperature of the encoder, above 0, in units of the similarity."""
    teacher_temperature: float = 1.0
    """Temperature of the reranker, above 0, in units of its scores."""
    similarity: Literal["cosine", "dot"] = "cosine"
    """s."""

    rowwise: ClassVar[bool] = True
    graded: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "temperature", "teacher_temperature")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """Mean of l_i over this process's queries."""
        grades, (place, owner) = _grades(pair), pair.own_negatives
        key, hard = similarities(pair, place, owner, cosine=self.similarity == "cosine")
        student = _log_softmax(key / self.temperature, hard / self.temperature, owner)
        teacher = _log_softmax(
            grades.key / self.teacher_temperature, grades.hard[place] / self.teacher_temperature, owner
        )
        no_candidate = teacher == -inf
        ratio = (teacher - student).masked_fill(no_candidate, 0)  # minus infinity on both sides
        return (teacher.exp() * ratio).sum(dim=1).mean()


def _grades(pair: Pair) -> Grades:
    assert pair.grades is not None
    return pair.grades


def similarities(
    pair: Pair, place: Int[Tensor, "own"], owner: Int[Tensor, "own"], *, cosine: bool
) -> tuple[Float[Tensor, "batch"], Float[Tensor, "own"]]:
    """s of each query and its key, and of each of its negatives."""
    query, key = pair.query, pair.key[pair.own]
    hard = key[:0] if pair.hard is None else pair.hard[place]
    if cosine:
        query, key, hard = (normalize(block, dim=1) for block in (query, key, hard))
    return (query * key).sum(dim=1), (query[owner] * hard).sum(dim=1)


def _log_softmax(
    key: Float[Tensor, "batch"], hard: Float[Tensor, "own"], owner: Int[Tensor, "own"]
) -> Float[Tensor, "batch columns"]:
    """Log-softmax over each query's key and negatives, in a column each; minus infinity elsewhere."""
    column = torch.arange(len(hard), device=hard.device)
    logits = key.new_full((len(key), len(hard)), -inf).index_put((owner, column), hard)
    return log_softmax(torch.cat([key[:, None], logits], dim=1), dim=1)
