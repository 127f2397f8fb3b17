"""Agreement of two views on soft clusters, without negatives.

Here query and key are scores: the cosines of each vector with k learnt prototypes (`MLP(prototypes=k)`).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from simemb.arguments import checked_fields
from simemb.errors import RecipeError
from simemb.method.deferral import deferrable
from simemb.method.objectives.base import Objective, Pair, above_zero, at_least


@checked_fields
@dataclass(frozen=True)
class Swapped(Objective):
    """Predict from one view the cluster code of the other; clusters are equally large over the batch.

    l_i = -sum over prototypes k of code_ik log softmax(query_i / t)_k

    code: the rows of Diag(u) exp(keys / epsilon) Diag(v). Sinkhorn and Knopp's alternating normalization
    chooses u and v so that every example sums to 1 and, approximately, every prototype has the same mass over the
    batch. The keys of all processes are one batch. No gradient flows through the codes.

    Caron et al., 2020 (SwAV), section 3.1: eq. 1 and 2 for the loss, eq. 3 and 5 for the codes, whose order of
    normalization is that of the released code (facebookresearch/swav). SwAV's queue of older vectors is left out.
    """

    temperature: float = 0.1
    """t > 0, in cosine units."""
    epsilon: float = 0.05
    """Above 0, in cosine units; smaller values make the codes harder assignments."""
    iterations: int = 3
    """Number of rounds in which prototypes and then examples are normalized, at least 1."""

    clustered = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "temperature", "epsilon")
        at_least(1, self, "iterations")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """Mean of l_i over the queries."""
        codes = sinkhorn(pair.key.detach() / self.epsilon, self.iterations)[pair.own]
        return _cross_entropy(codes, pair.query / self.temperature)


def sinkhorn(scores: Float[Tensor, "all k"], iterations: int) -> Float[Tensor, "all k"]:
    """exp(scores) with columns and then rows normalized to 1, `iterations` times; each row ends as a distribution.

    Computed in logarithms, so that no prototype's mass can underflow. The sum to which columns are normalized (1 / k of
    the total in the paper) does not matter, since the rows are normalized afterwards.
    """
    codes = scores
    for _ in range(iterations):
        codes = log_softmax(log_softmax(codes, dim=0), dim=1)
    return codes.exp()


@checked_fields
@dataclass(frozen=True)
class Centered(Objective):
    """Predict from one view the centered and sharpened distribution of a teacher for the other.

    l_i = -sum over k of softmax((key_i - c) / t_teacher)_k log softmax(query_i / t_student)_k
    c <- m c + (1 - m) (mean of the step's keys)

    The center c starts at 0. It keeps the teacher from one prototype for all examples; the low t_teacher keeps it from
    the uniform distribution. No gradient flows through the keys.

    Caron et al., 2021 (DINO), section 3.1, eq. 1 to 4 and algorithm 1.
    """

    student: float = 0.1
    """t_student > 0."""
    teacher: float = 0.07
    """t_teacher > 0 after the warm-up."""
    teacher_start: float = 0.04
    """t_teacher > 0 at the start of the linear warm-up."""
    warmup: float = 0.1
    """Fraction of the training in [0, 1] over which t_teacher rises; 0 is no warm-up. In the paper the first 30 of
    300 epochs."""
    momentum: float = 0.9
    """m, in [0, 1): weight of the old center in each update."""

    clustered = True

    @deferrable
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
        """t_teacher at `progress`, the fraction of the training that is done, from 0 to 1."""
        fraction = min(1.0, progress / self.warmup) if self.warmup else 1.0
        return self.teacher_start + fraction * (self.teacher - self.teacher_start)


class CenteredLoss(nn.Module):
    """The loss of `Centered`, with the center as a buffer.

    All pairs of views of a step use the same center. In training their keys are collected, and `after_step` moves the
    center once, towards the mean of these keys.
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
            # By address: a view in several pairs is the same memory each time and counts once. While the tensor is
            # held here, no other tensor can get its address.
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


def _cross_entropy(codes: Float[Tensor, "batch k"], logits: Float[Tensor, "batch k"]) -> Float[Tensor, ""]:
    return -(codes * log_softmax(logits, dim=1)).sum(dim=1).mean()
