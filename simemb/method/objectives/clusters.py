"""Agreement of two views on soft clusters, without negatives.

Query and key are scores already: cosines of each vector with k learnt prototypes (`MLP(prototypes=k)`).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from simemb.errors import RecipeError
from simemb.method.objectives.base import Objective, Pair, above_zero, at_least


@dataclass(frozen=True)
class Swapped(Objective):
    """Predict from one view the cluster that the other was given, clusters being equally large over the batch.

    l_i = -sum over prototypes k of code_ik log softmax(query_i / t)_k

    code: rows of Diag(u) exp(keys / epsilon) Diag(v), with u and v such that over the batch every prototype gets the
    same mass and every example sums to 1, approximately, by Sinkhorn and Knopp's alternating normalization. The keys
    of all processes are one batch. No gradient goes through the codes.

    Caron et al., 2020 (SwAV), section 3.1: eq. 1 and 2 the loss, eq. 3 and 5 the codes, whose order of normalization
    is that of the released code (facebookresearch/swav). Its queue of older vectors is not here.
    """

    temperature: float = 0.1
    """t > 0, in cosine units."""
    epsilon: float = 0.05
    """Above 0, in cosine units: the smaller, the nearer the codes are to a hard assignment."""
    iterations: int = 3
    """At least 1: how often prototypes and examples are normalized in turn."""

    clustered = True

    def __post_init__(self) -> None:
        above_zero(self, "temperature", "epsilon")
        at_least(1, self, "iterations")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """Mean of l_i over the queries."""
        codes = sinkhorn(pair.key.detach() / self.epsilon, self.iterations)[pair.own]
        return _cross_entropy(codes, pair.query / self.temperature)


def sinkhorn(scores: Float[Tensor, "all k"], iterations: int) -> Float[Tensor, "all k"]:
    """exp(scores) with columns and then rows normalized to 1, `iterations` times; each row ends as a distribution.

    In logarithms, so that no prototype's mass can vanish. To how much a column is normalized (the paper: 1 / k of the
    whole) does not matter, since the rows follow.
    """
    codes = scores
    for _ in range(iterations):
        codes = log_softmax(log_softmax(codes, dim=0), dim=1)
    return codes.exp()


@dataclass(frozen=True)
class Centered(Objective):
    """Say of one view what a teacher, centered and sharpened, says of the other.

    l_i = -sum over k of softmax((key_i - c) / t_teacher)_k log softmax(query_i / t_student)_k
    c <- m c + (1 - m) (mean of the step's keys)

    The center c starts at 0. It keeps the teacher from choosing one prototype for everything, and the low t_teacher
    from choosing all alike. No gradient goes through the keys.

    Caron et al., 2021 (DINO), section 3.1, eq. 1 to 4 and algorithm 1.
    """

    student: float = 0.1
    """t_student > 0."""
    teacher: float = 0.07
    """t_teacher > 0 after the warm-up."""
    teacher_start: float = 0.04
    """t_teacher > 0 at the start; from there it rises linearly."""
    warmup: float = 0.1
    """Fraction of the training in [0, 1] over which t_teacher rises. The paper names its first 30 epochs, a tenth of
    300; 0 is no warm-up."""
    momentum: float = 0.9
    """m, in [0, 1): how much of the center is kept at every step."""

    clustered = True

    def __post_init__(self) -> None:
        above_zero(self, "student", "teacher", "teacher_start")
        if not 0 <= self.warmup <= 1:
            raise RecipeError(f"objective.warmup must be in [0, 1], not {self.warmup}")
        if not 0 <= self.momentum < 1:
            raise RecipeError(f"objective.momentum must be in [0, 1), not {self.momentum}")

    def build(self, width: int) -> "CenteredLoss":
        """The loss with its center, for `width` prototypes."""
        return CenteredLoss(self, width)

    def teacher_temperature(self, progress: float) -> float:
        """t_teacher when `progress` of the training, from 0 to 1, is done."""
        risen = min(1.0, progress / self.warmup) if self.warmup else 1.0
        return self.teacher_start + risen * (self.teacher - self.teacher_start)


class CenteredLoss(nn.Module):
    """`Centered`, and the center.

    All pairs of views of a step meet the same center: the keys they bring while training are collected, and
    `after_step` moves the center by their mean, once.
    """

    center: Float[Tensor, "k"]

    def __init__(self, spec: Centered, width: int):
        super().__init__()
        self.spec = spec
        self.register_buffer("center", torch.zeros(width))
        self._keys: dict[int, Tensor] = {}

    def forward(self, pair: Pair) -> Float[Tensor, ""]:
        """Mean of l_i over the queries."""
        keys = pair.key.detach()
        if self.training:
            # By address: a view that stands in several pairs is the same memory each time and counts once. Keeping
            # the tensor keeps its address from being given to another.
            self._keys[keys.data_ptr()] = keys
        sharpened = (keys[pair.own] - self.center) / self.spec.teacher_temperature(pair.progress)
        return _cross_entropy(sharpened.softmax(dim=1), pair.query / self.spec.student)

    @torch.no_grad()
    def after_step(self) -> None:
        """Move the center towards the mean of the keys since the last call, if there were any."""
        if self._keys:
            mean = torch.cat(list(self._keys.values())).mean(dim=0)
            self.center.lerp_(mean, 1 - self.spec.momentum)
            self._keys.clear()


def _cross_entropy(wanted: Float[Tensor, "batch k"], logits: Float[Tensor, "batch k"]) -> Float[Tensor, ""]:
    return -(wanted * log_softmax(logits, dim=1)).sum(dim=1).mean()
