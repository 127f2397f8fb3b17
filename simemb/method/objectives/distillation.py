"""Objectives of distillation: the keys are the vectors of a frozen teacher.

DistilCSE's contrast of the teacher's vector of a text with a queue of those of other texts is `InfoNCE`.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax, mse_loss

from simemb.arguments import checked_fields
from simemb.method.deferral import deferrable
from simemb.method.objectives.base import Objective, Pair, above_zero, cosines
from simemb.method.objectives.row_blocks import by_query


@checked_fields
@dataclass(frozen=True)
class SquaredError(Objective):
    """Reproduce the teacher's vectors.

    l_i = (1/width) sum over dimensions of (q_ij - k_ij)^2

    Reimers & Gurevych, 2020, section 2 (sentence-transformers' MSELoss). Vectors are not normalized. The query
    must have the teacher's width: if the widths differ, add a linear head or predictor.
    """

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """Mean of l_i over this process's queries."""
        return mse_loss(pair.query, pair.key[pair.own])


@checked_fields
@dataclass(frozen=True)
class SimilarityKL(Objective):
    """Reproduce the teacher's similarities among the texts of the batch; the widths may differ.

    l_i = KL(p_i || r_i) = sum over j != i of p_ij log(p_ij / r_ij)
    p_i = softmax over j != i of cos(k_i, k_j) / teacher_temperature, r_i = softmax of cos(q_i, q_j) / temperature

    CompRess (Koohpayegani et al., 2020), section 3, in its form "2q", in which teacher and student each compare in
    their own space. CompRess compares with a long queue of older examples, without gradient to them; here the other
    texts of the batch, of all processes, take their place, with gradient. SEED (Fang et al., 2021), section 3.2,
    compares the student's query with the teacher's vectors, the text's own included, so its widths must be equal; its
    cross-entropy differs from KL by a constant. A batch needs at least three examples: with one other text both
    distributions are the same.
    """

    temperature: float = 0.05
    """Temperature of the student, above 0, in cosine units (CompRess: 0.04)."""
    teacher_temperature: float | None = None
    """Temperature of the teacher, above 0; by default the student's, as in CompRess."""

    negatives: ClassVar[bool] = True
    any_width: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "temperature", "teacher_temperature")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """Mean of l_i over this process's queries."""
        return by_query(self._mean, pair)

    def _mean(self, pair: Pair) -> Float[Tensor, ""]:
        teacher_temperature = self.temperature if self.teacher_temperature is None else self.teacher_temperature
        student = _log_neighbors(pair.query, pair.queries, pair.first, self.temperature)
        teacher = _log_neighbors(pair.key[pair.own], pair.key, pair.first, teacher_temperature)
        return kl_div(student, teacher, reduction="batchmean", log_target=True)


def _log_neighbors(
    own: Float[Tensor, "batch dim"], rows: Float[Tensor, "all dim"], first: int, temperature: float
) -> Float[Tensor, "batch others"]:
    """Log-softmax of each vector's similarities to all rows except its own."""
    similar = cosines(own, rows) / temperature
    others = torch.ones_like(similar, dtype=torch.bool)
    others.diagonal(first).fill_(False)
    return log_softmax(similar[others].view(len(own), len(rows) - 1), dim=1)
