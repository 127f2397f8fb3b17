"""Ranking objectives against loops written from RankCSE, and their gradients."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from math import log

import pytest
import torch
from torch import Tensor

from simemb.errors import RecipeError
from simemb.method.objectives import row_blocks
from simemb.method.objectives.base import Objective, Pair
from simemb.method.objectives.ranking import Consistency, ListMLE, ListNet

Slow = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]


def rows(count: int, seed: int, dim: int = 4) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cosine(a: Tensor, b: Tensor) -> Tensor:
    return torch.dot(a, b) / (a.norm() * b.norm())


def distribution(text: Tensor, others: list[Tensor], temperature: float) -> list[Tensor]:
    weights = [(cosine(text, other) / temperature).exp() for other in others]
    return [weight / sum(weights) for weight in weights]


def slow_consistency(query: Tensor, key: Tensor, temperature: float) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    for q, k in zip(query, key, strict=True):
        first, second = distribution(q, list(key), temperature), distribution(k, list(query), temperature)
        for a, b in zip(first, second, strict=True):
            middle = (a + b) / 2
            total = total + (a * (a / middle).log() + b * (b / middle).log()) / 2
    return total / len(query)


def slow_list_net(query: Tensor, key: Tensor, guided: Tensor, own: Tensor, student: float, teacher: float) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    for i in range(len(query)):
        others = [j for j in range(len(key)) if j != i]
        wanted = distribution(guided[i], [own[j] for j in others], teacher)
        given = distribution(query[i], [key[j] for j in others], student)
        total = total - sum(w * g.log() for w, g in zip(wanted, given, strict=True))
    return total / len(query)


def slow_list_mle(query: Tensor, key: Tensor, guided: Tensor, own: Tensor, temperature: float) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    for i in range(len(query)):
        others = [j for j in range(len(key)) if j != i]
        order = sorted(others, key=lambda j: -cosine(guided[i], own[j]).item())
        weights = [(cosine(query[i], key[j]) / temperature).exp() for j in order]
        places = [(weights[m] / sum(weights[m:])).log() for m in range(len(order))]
        total = total - sum(places) / len(places)
    return total / len(query)


PROOFS: dict[str, tuple[Objective, Slow]] = {
    "consistency": (Consistency(0.3), lambda q, k, *_: slow_consistency(q, k, 0.3)),
    "ListNet": (ListNet(0.3, 0.2), lambda q, k, g, h: slow_list_net(q, k, g, h, 0.3, 0.2)),
    "ListNet as it is": (ListNet(), lambda q, k, g, h: slow_list_net(q, k, g, h, 0.05, 0.025)),
    "ListMLE": (ListMLE(0.3), lambda q, k, g, h: slow_list_mle(q, k, g, h, 0.3)),
}


@pytest.mark.parametrize("count", [2, 3, 7])
@pytest.mark.parametrize("proof", PROOFS)
def test_value_and_gradient_are_those_of_the_paper(proof: str, count: int):
    objective, slow = PROOFS[proof]
    query, key = rows(count, 1).requires_grad_(), rows(count, 2).requires_grad_()
    guide = Pair(rows(count, 3, 6), rows(count, 4, 6))
    loss, reference = objective(Pair(query, key, guide=guide)), slow(query, key, guide.query, guide.key)
    torch.testing.assert_close(loss, reference)
    ours, theirs = (torch.autograd.grad(each, (query, key), retain_graph=True) for each in (loss, reference))
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-9, rtol=1e-7)


@pytest.mark.parametrize("proof", PROOFS)
def test_the_gradient_is_that_of_finite_differences(proof: str):
    objective, _ = PROOFS[proof]
    guide = Pair(rows(5, 3), rows(5, 4))
    vectors = (rows(5, 1).requires_grad_(), rows(5, 2).requires_grad_())
    assert torch.autograd.gradcheck(lambda query, key: objective(Pair(query, key, guide=guide)), vectors)


@pytest.mark.parametrize("proof", PROOFS)
def test_the_mean_over_processes_is_the_loss_of_the_whole_batch(proof: str):
    objective, _ = PROOFS[proof]
    query, key, guide = rows(6, 1), rows(6, 2), Pair(rows(6, 3), rows(6, 4))
    shares = []
    for first in (0, 3):
        own = slice(first, first + 3)
        judged = Pair(guide.query[own], guide.key, first=first, others=guide.query)
        shares.append(objective(Pair(query[own], key, first=first, others=query, guide=judged)))
    torch.testing.assert_close(torch.stack(shares).mean(), objective(Pair(query, key, guide=guide)))


@pytest.mark.parametrize("proof", PROOFS)
def test_strips_of_queries_give_the_same(proof: str, monkeypatch: pytest.MonkeyPatch):
    objective, _ = PROOFS[proof]
    pair = Pair(rows(6, 1).requires_grad_(), rows(6, 2), guide=Pair(rows(6, 3), rows(6, 4)))
    whole = objective(pair)
    monkeypatch.setattr(row_blocks, "NUMBERS", 13)
    parts = objective(pair)
    torch.testing.assert_close(parts, whole)
    torch.testing.assert_close(*(torch.autograd.grad(loss, pair.query)[0] for loss in (parts, whole)))


def test_two_passes_that_agree_are_consistent_and_two_that_do_not_have_at_most_log_2():
    query = rows(5, 1)
    assert Consistency()(Pair(query, query)).item() == pytest.approx(0, abs=1e-12)
    apart = Consistency(0.01)(Pair(torch.eye(4), torch.eye(4).roll(1, 0)))
    assert 0.5 < apart.item() <= log(2) + 1e-6


@pytest.mark.parametrize("objective", [ListNet(0.2, 0.2), ListMLE(0.2)])
def test_twenty_steps_come_nearer_to_the_guides_order(objective: Objective):
    query, guide = rows(8, 5).requires_grad_(), Pair(rows(8, 6), rows(8, 6))
    optimizer = torch.optim.SGD([query], lr=1.0)
    losses = []
    for _ in range(20):
        losses.append(objective(Pair(query, query, guide=guide)))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert all(after < before for before, after in pairwise(losses))


def test_a_guide_is_needed_and_temperatures_must_be_above_zero():
    for objective in (ListNet(), ListMLE()):
        with pytest.raises(RecipeError, match="ranking is learnt from the recipe's guide"):
            objective(Pair(rows(3, 1), rows(3, 2)))
    for objective in (Consistency(), ListNet(), ListMLE()):
        with pytest.raises(RecipeError, match=r"objective\.temperature must be above 0, not 0"):
            replace(objective, temperature=0.0)
    with pytest.raises(RecipeError, match=r"objective\.teacher_temperature must be above 0"):
        ListNet(teacher_temperature=-1.0)
