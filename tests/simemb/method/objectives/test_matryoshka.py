"""Matryoshka against the sum of its equation, around objectives with and without state."""

from dataclasses import dataclass, replace
from itertools import pairwise
from math import log
from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from simemb.errors import RecipeError
from simemb.method.objectives.base import Objective, Pair, Texts
from simemb.method.objectives.distillation import SimilarityKL
from simemb.method.objectives.false_negatives import FalseNegatives
from simemb.method.objectives.info_nce import InfoNCE
from simemb.method.objectives.matryoshka import Matryoshka, Nested


def rows(count: int, seed: int, dim: int = 8) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def slow(query: Tensor, key: Tensor, hard: Tensor, memory: Tensor, temperature: float) -> Tensor:
    """InfoNCE, candidate by candidate."""
    losses = []
    for i, q in enumerate(query):
        logits = [torch.dot(q, c) / (q.norm() * c.norm()) / temperature for c in (*key, *hard, *memory)]
        losses.append(torch.stack(logits).exp().sum().log() - logits[i])
    return torch.stack(losses).mean()


@dataclass(frozen=True)
class Distance(Objective):
    """Squared distance to the key, times the score of the pair."""

    scored: ClassVar[bool] = True

    def __call__(self, pair: Pair) -> Tensor:
        assert pair.scores is not None
        return (pair.scores * (pair.query - pair.key[pair.own]).square().sum(1)).mean()


@dataclass(frozen=True)
class Banked(Distance):
    banked: ClassVar[bool] = True


@dataclass(frozen=True)
class Clustered(Distance):
    clustered: ClassVar[bool] = True


@pytest.mark.parametrize("weights", [None, (1.0, 0.5, 0.0)])
def test_value_and_gradient_are_those_of_the_sum_over_dims(weights: tuple[float, ...] | None):
    tensors = [rows(count, seed).requires_grad_() for seed, count in enumerate((5, 5, 5, 3))]
    query, key, hard, memory = tensors
    objective = Matryoshka(InfoNCE(0.5), (2, 5, 8), weights)
    loss = objective(Pair(query, key, hard, memory))
    expected = torch.zeros((), dtype=torch.float64)
    for dim, weight in zip((2, 5, 8), weights or (1, 1, 1), strict=True):
        expected = expected + weight * slow(*(tensor[:, :dim] for tensor in tensors), temperature=0.5)
    torch.testing.assert_close(loss, expected)
    for ours, theirs in zip(torch.autograd.grad(loss, tensors), torch.autograd.grad(expected, tensors), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_number_computed_by_hand():
    # A zero vector has cosine 0 with all: [[1, 0], [-1, 0]] in one dimension, [[1, 0], [0, 0]] in two.
    query = torch.tensor([[1.0, 1.0], [-1.0, 1.0]], dtype=torch.float64)
    key = torch.tensor([[2.0, 2.0], [0.0, 0.0]], dtype=torch.float64)
    # 3 x ln(1 + e^-1) + (ln(1 + e^-1) + ln 2) / 2 = 3 x 0.313262 + 0.503205
    loss = Matryoshka(InfoNCE(1.0), (1, 2), (3.0, 1.0))(Pair(query, key))
    assert loss.item() == pytest.approx(1.442990, abs=1e-6)


@pytest.mark.parametrize("inner", [InfoNCE(0.3), InfoNCE(0.3, symmetric=True), InfoNCE(0.3, within_view=True)])
def test_the_mean_over_processes_is_the_loss_of_the_whole_batch(inner: InfoNCE):
    query, key, hard = rows(6, 1), rows(6, 2), rows(6, 3)
    texts = Texts(torch.tensor([0, 1, 2, 1, 3, 4]), torch.arange(10, 16), torch.arange(20, 26))
    whole = Pair(query, key, hard, texts=texts)
    objective = Matryoshka(inner, (3, 8))
    shares = [objective(replace(whole, query=query[first : first + 3], others=query, first=first)) for first in (0, 3)]
    torch.testing.assert_close(torch.stack(shares).mean(), objective(whole))


def test_the_guide_judges_with_its_whole_vectors():
    rule = FalseNegatives(margin=0.0, guided=True)
    guide = Pair(rows(6, 4, 3), rows(6, 5, 3))  # fewer columns than the longest of the dims
    pair = Pair(rows(6, 6), rows(6, 7), guide=guide)
    inner = InfoNCE(0.5, false_negatives=rule)
    expected = sum(inner(replace(pair, query=pair.query[:, :dim], key=pair.key[:, :dim])).item() for dim in (2, 8))
    assert Matryoshka(inner, (2, 8))(pair).item() == pytest.approx(expected)


def test_an_objective_with_state_has_one_for_each_of_the_dims():
    module = Matryoshka(InfoNCE(0.5, learnt=True), (2, 8), (1.0, 2.0)).build(8)
    assert isinstance(module, Nested)
    assert [name for name, _ in module.named_parameters()] == ["losses.0.log_scale", "losses.1.log_scale"]
    with torch.no_grad():
        next(module.parameters()).fill_(-log(0.25))
    query, key = rows(5, 8), rows(5, 9)
    expected = InfoNCE(0.25)(Pair(query[:, :2], key[:, :2])) + 2 * InfoNCE(0.5)(Pair(query, key))
    torch.testing.assert_close(module(Pair(query, key)), expected, rtol=1e-6, atol=1e-6)
    module(Pair(query, key)).backward()
    assert all(parameter.grad is not None and parameter.grad != 0 for parameter in module.parameters())


def test_an_objective_without_state_needs_no_module():
    objective = Matryoshka(InfoNCE(), (2, 8))
    assert objective.build(8) is objective
    assert not isinstance(objective, nn.Module)


def test_it_says_of_itself_what_the_objective_says():
    assert Matryoshka(InfoNCE(), (2,)).negatives
    assert not Matryoshka(InfoNCE(), (2,)).scored
    assert Matryoshka(Distance(), (2,)).scored
    assert not Matryoshka(Distance(), (2,)).negatives
    assert not Matryoshka(Distance(), (2,)).banked
    assert Matryoshka(SimilarityKL(), (2,)).any_width
    assert not Matryoshka(InfoNCE(), (2,)).any_width


def test_keys_that_may_have_any_width_stay_whole():
    query, key, dims = rows(5, 12), rows(5, 13, dim=3), (2, 4, 8)
    loss = Matryoshka(SimilarityKL(0.5), dims)(Pair(query, key))
    terms = [SimilarityKL(0.5)(Pair(query[:, :dim], key)) for dim in dims]
    torch.testing.assert_close(loss, torch.stack(terms).sum())


def test_scores_reach_the_objective():
    query, key, scores = rows(4, 10), rows(4, 11), torch.rand(4, dtype=torch.float64)
    terms = [(scores * (query - key)[:, :dim].square().sum(1)).mean() for dim in (1, 4)]
    torch.testing.assert_close(Matryoshka(Distance(), (1, 4))(Pair(query, key, scores=scores)), sum(terms))


def test_twenty_steps_descend_at_every_length():
    query, key = rows(8, 12).requires_grad_(), rows(8, 13)
    optimizer = torch.optim.SGD([query], lr=0.2)
    losses, short = [], []
    for _ in range(20):
        loss = Matryoshka(InfoNCE(0.3), (3, 8))(Pair(query, key))
        losses.append(loss.item())
        short.append(InfoNCE(0.3)(Pair(query[:, :3], key[:, :3])).item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert all(after < before for before, after in pairwise(losses))
    assert short[-1] < short[0] - 0.1


def test_more_dims_than_the_vectors_have_are_refused():
    with pytest.raises(RecipeError, match=r"objective\.dims must be at most 8, the width of the vectors, not 9"):
        Matryoshka(InfoNCE(), (2, 9)).build(8)


@pytest.mark.parametrize("dims", [(), (0, 2), (4, 2), (2, 2)])
def test_dims_that_do_not_ascend_are_refused(dims: tuple[int, ...]):
    with pytest.raises(RecipeError, match=r"objective\.dims must ascend from at least 1"):
        Matryoshka(InfoNCE(), dims)


@pytest.mark.parametrize(
    ("weights", "reason"), [((1.0,), "must be 2, one for each of dims"), ((1.0, -1.0), "must be at least 0")]
)
def test_weights_that_do_not_fit_are_refused(weights: tuple[float, ...], reason: str):
    with pytest.raises(RecipeError, match=reason):
        Matryoshka(InfoNCE(), (2, 4), weights)


@pytest.mark.parametrize(
    ("inner", "reason"),
    [
        (Banked(), "cannot wrap Banked: a memory bank"),
        (Clustered(), "cannot wrap Clustered: its columns are scores of prototypes"),
        (InfoNCE(weight=2.0), r"objective\.objective\.weight is not used"),
    ],
)
def test_objectives_that_cannot_be_nested_are_refused(inner: Objective, reason: str):
    with pytest.raises(RecipeError, match=reason):
        Matryoshka(inner, (2, 4))
