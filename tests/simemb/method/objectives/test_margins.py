"""The margins of SNCSE and ArcCSE against loops over the papers' formulas."""

from itertools import pairwise
from math import sqrt

import pytest
import torch
from torch import Tensor

from simemb.errors import RecipeError
from simemb.method.objectives.base import Pair, Texts
from simemb.method.objectives.margins import BidirectionalMargin, Entailment

OWNERS = torch.tensor([0, 1, 0, 2, 4, 4, 4])  # of row 0 there are two, of row 4 three, of row 3 none


def rows(count: int, seed: int, dim: int = 5) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cosine(a: Tensor, b: Tensor) -> float:
    x, y = a.tolist(), b.tolist()
    dot = sum(p * q for p, q in zip(x, y, strict=True))
    return dot / (sqrt(sum(p * p for p in x)) * sqrt(sum(q * q for q in y)))


def slow_bidirectional(query: Tensor, key: Tensor, hard: Tensor, owner: Tensor, alpha: float, beta: float) -> float:
    losses = []
    for negative, i in zip(hard, owner.tolist(), strict=True):
        difference = cosine(query[i], negative) - cosine(query[i], key[i])
        losses.append(max(0.0, difference + alpha) + max(0.0, -difference - beta))
    return sum(losses) / len(losses)


def slow_entailment(query: Tensor, hard: Tensor, owner: Tensor, margin: float) -> float:
    losses = []
    for i, q in enumerate(query):
        own = [cosine(q, negative) for negative, row in zip(hard, owner.tolist(), strict=True) if row == i]
        losses += [max(0.0, far - near + margin) for near, far in pairwise(own)]
    return sum(losses) / len(losses)


@pytest.mark.parametrize(("alpha", "beta"), [(0.1, 0.3), (0.0, 0.0), (0.5, 2.0)])
def test_a_soft_negative_has_the_loss_of_the_paper(alpha: float, beta: float):
    query, key, hard = rows(5, 1), rows(5, 2), rows(7, 3)
    expected = slow_bidirectional(query, key, hard, OWNERS, alpha, beta)
    assert BidirectionalMargin(alpha, beta)(Pair(query, key, hard, owner=OWNERS)).item() == pytest.approx(expected)
    one_each = BidirectionalMargin(alpha, beta)(Pair(query, key, hard[:5])).item()
    assert one_each == pytest.approx(slow_bidirectional(query, key, hard[:5], torch.arange(5), alpha, beta))


@pytest.mark.parametrize(("angle", "loss"), [(0.0, 0.1), (0.3, 0.1 - 0.044664), (0.6, 0.0), (1.2, 0.637642 - 0.3)])
def test_a_soft_negative_by_hand(angle: float, loss: float):
    # The key is the query, so D = cos(angle) - 1: 0, -0.044664, -0.174664 (within the margins), -0.637642.
    query = torch.tensor([[1.0, 0.0]])
    hard = torch.tensor([[torch.tensor(angle).cos(), torch.tensor(angle).sin()]])
    assert BidirectionalMargin()(Pair(query, query, hard)).item() == pytest.approx(loss, abs=1e-5)


def test_a_negation_with_the_text_of_the_sentence_counts_as_nothing():
    query, key = rows(3, 4), rows(3, 5)
    hard = rows(3, 6)
    numbers = torch.tensor([1, 2, 3])
    pair = Pair(query, key, hard, texts=Texts(numbers, numbers, torch.tensor([7, 2, 9])))
    others = torch.tensor([0, 2])
    expected = slow_bidirectional(query[others], key[others], hard[others], torch.arange(2), 0.1, 0.3)
    assert BidirectionalMargin()(pair).item() == pytest.approx(expected * 2 / 3)


@pytest.mark.parametrize("margin", [0.0, 0.2])
def test_entailment_has_the_loss_of_the_paper(margin: float):
    query, key, hard = rows(5, 7), rows(5, 8), rows(7, 9)
    expected = slow_entailment(query, hard, OWNERS, margin)
    assert Entailment(margin)(Pair(query, key, hard, owner=OWNERS)).item() == pytest.approx(expected)
    two_views = rows(10, 10)
    owner = torch.arange(5).repeat(2)
    expected = slow_entailment(query, two_views, owner, margin)
    assert Entailment(margin)(Pair(query, key, two_views, owner=owner)).item() == pytest.approx(expected)


def test_entailment_asks_nothing_of_a_single_negative():
    query, key, hard = rows(5, 11), rows(5, 12), rows(5, 13).requires_grad_()
    loss = Entailment(0.5)(Pair(query, key, hard))
    loss.backward()
    assert loss.item() == 0
    assert hard.grad is not None
    assert not hard.grad.any()


@pytest.mark.parametrize("objective", [BidirectionalMargin(), Entailment(0.1)])
def test_the_mean_over_processes_is_the_loss_of_the_whole_batch(objective: BidirectionalMargin | Entailment):
    query, key, hard = (rows(count, seed).requires_grad_() for count, seed in ((6, 14), (6, 15), (7, 16)))
    numbers = torch.arange(6)
    texts = Texts(numbers, numbers, torch.tensor([1, 1, 30, 40, 50, 4, 60]))
    whole = Pair(query, key, hard, owner=OWNERS, texts=texts)
    shares = [
        objective(Pair(query[first : first + 3], key, hard, first=first, others=query, owner=OWNERS, texts=texts))
        for first in (0, 3)
    ]
    torch.testing.assert_close(torch.stack(shares).mean(), objective(whole))
    parts = torch.autograd.grad(
        torch.stack(shares).mean(), [query, key, hard], materialize_grads=True, allow_unused=True
    )
    full = torch.autograd.grad(objective(whole), [query, key, hard], materialize_grads=True, allow_unused=True)
    for part, of_whole in zip(parts, full, strict=True):
        torch.testing.assert_close(part, of_whole)


@pytest.mark.parametrize("objective", [BidirectionalMargin(), Entailment()])
def test_without_hard_negatives_there_is_no_loss(objective: BidirectionalMargin | Entailment):
    assert objective(Pair(rows(3, 17), rows(3, 18))).item() == 0


def test_the_gradient_pushes_a_soft_negative_between_the_margins():
    query, key = rows(6, 19), rows(6, 19)
    hard = (rows(6, 19) + 0.1 * rows(6, 20)).requires_grad_()
    optimizer = torch.optim.Adam([hard], lr=0.02)
    for _ in range(200):
        optimizer.zero_grad()
        BidirectionalMargin()(Pair(query, key, hard)).backward()
        optimizer.step()
    difference = torch.cosine_similarity(query, hard) - 1
    assert ((difference <= -0.1 + 0.02) & (difference >= -0.3 - 0.02)).all()


@pytest.mark.parametrize(("alpha", "beta"), [(-0.1, 0.3), (0.4, 0.3), (0.1, 2.5), (float("nan"), 0.3)])
def test_margins_out_of_order_are_refused(alpha: float, beta: float):
    with pytest.raises(RecipeError, match=r"objective\.alpha must be from 0 to objective\.beta"):
        BidirectionalMargin(alpha, beta)


@pytest.mark.parametrize("margin", [-0.1, float("inf"), float("nan")])
def test_a_margin_below_zero_is_refused(margin: float):
    with pytest.raises(RecipeError, match=r"objective\.margin must be at least 0"):
        Entailment(margin)
