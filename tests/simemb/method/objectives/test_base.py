"""What holds for every objective."""

import re

import pytest
import torch
from torch import Tensor

from simemb.errors import RecipeError
from simemb.method import objectives
from simemb.method.memory import Queue
from simemb.method.objectives.base import Objective, Pair, above_zero, at_least

EVERY = [
    objectives.Regression(),
    objectives.BarlowTwins(),
    objectives.VICReg(),
    objectives.AlignUniform(),
    objectives.Swapped(),
    objectives.Centered(),
    objectives.InfoNCE(),
    objectives.InfoNCE(within_view=True, symmetric=True),
    objectives.SimilarityKL(),
    objectives.SquaredError(),
    objectives.NCE(draws=3),
    objectives.InvariantSpread(),
    objectives.Matryoshka(objectives.AlignUniform(), (2, 4)),
    objectives.CoSENT(),
    objectives.CosineRegression(),
    objectives.MarginMSE(),
    objectives.CandidateKL(),
    objectives.SupCon(),
    objectives.BatchTriplet(),
    objectives.AnglE(),
    objectives.ScoredContrast(),
    objectives.BidirectionalMargin(),
    objectives.Entailment(),
    objectives.ContrastiveTension(),
    objectives.Consistency(),
    objectives.ListNet(),
    objectives.ListMLE(),
    objectives.Sum((objectives.InfoNCE(), objectives.VICReg(weight=0.5))),
    objectives.Term(objectives.InfoNCE(), Queue(8)),
]


def rows(count: int, seed: int) -> Tensor:
    return torch.randn(count, 4, generator=torch.Generator().manual_seed(seed))


def test_no_objective_is_missing_here():
    here = {getattr(objectives, name) for name in objectives.__all__ if isinstance(getattr(objectives, name), type)}
    assert {kind for kind in here if issubclass(kind, Objective)} - {Objective, objectives.Composed} == {
        type(one) for one in EVERY
    }


@pytest.mark.parametrize("objective", EVERY, ids=lambda objective: type(objective).__name__)
def test_value_and_gradient_of_a_batch_of_one_are_finite(objective: Objective):
    query = rows(1, 1).requires_grad_()
    memory = torch.nn.functional.normalize(rows(5, 3)) if objective.banked else None
    key = rows(1, 2) if memory is None else memory[:1]
    grades, numbers = objectives.Grades(torch.ones(1), torch.zeros(0)), torch.tensor([0])
    known = {"rows": numbers, "scores": torch.tensor([2.0]), "grades": grades, "labels": numbers}
    loss = objective.build(4)(Pair(query, key, memory=memory, guide=Pair(rows(1, 4), rows(1, 5)), **known))
    loss.backward()
    assert loss.isfinite()
    assert query.grad is not None
    assert query.grad.isfinite().all()


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_field_that_is_not_above_zero_is_named(value: float):
    objective = objectives.SimilarityKL()
    above_zero(objective, "temperature", "teacher_temperature")  # which is None
    object.__setattr__(objective, "teacher_temperature", value)
    with pytest.raises(RecipeError, match=re.escape(f"objective.teacher_temperature must be above 0, not {value}")):
        above_zero(objective, "temperature", "teacher_temperature")


def test_a_field_below_the_least_is_named():
    objective = objectives.NCE(draws=3)
    at_least(3, objective, "proximal", "draws")
    with pytest.raises(RecipeError, match=r"objective\.draws must be at least 4, not 3"):
        at_least(4, objective, "proximal", "draws")
