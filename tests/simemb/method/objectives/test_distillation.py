"""Distillation by vectors and by similarities, against loops written from their papers."""

from collections.abc import Callable
from itertools import pairwise
from math import exp, log

import pytest
import torch
from torch import Tensor

from simemb.errors import RecipeError
from simemb.method.objectives.base import Objective, Pair
from simemb.method.objectives.distillation import SimilarityKL, SquaredError


def rows(count: int, seed: int, dim: int = 4) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def duplicates() -> tuple[Tensor, Tensor]:
    query, key = rows(5, 1), rows(5, 2)
    query[3], key[3] = query[0], key[0]
    key[4] = key[1]
    return query, key


def zeros() -> tuple[Tensor, Tensor]:
    query, key = rows(5, 3), rows(5, 4)
    query[1], key[2], query[3], key[3] = 0, 0, 0, 0
    return query, key


CASES: dict[str, Callable[[], tuple[Tensor, Tensor]]] = {
    "random": lambda: (rows(6, 5), rows(6, 6)),
    "two": lambda: (rows(2, 7), rows(2, 8)),
    "three": lambda: (rows(3, 9), rows(3, 10)),
    "duplicates": duplicates,
    "zero vectors": zeros,
    "constant": lambda: (torch.ones(4, 4, dtype=torch.float64), torch.ones(4, 4, dtype=torch.float64)),
    "both alike": lambda: (rows(5, 11), rows(5, 11)),
    "opposite": lambda: (rows(4, 12), -rows(4, 12)),
}


def cosine(a: Tensor, b: Tensor) -> Tensor:
    """Of two vectors; 0 for a zero vector, whose gradient is that of a length of at least 1e-12."""
    lengths = []
    for vector in (a, b):
        squares = sum(v * v for v in vector)
        lengths.append(squares.sqrt() if squares > 0 else torch.tensor(1e-12, dtype=torch.float64))
    return sum((x / lengths[0]) * (y / lengths[1]) for x, y in zip(a, b, strict=True))


def neighbors(vectors: Tensor, i: int, temperature: float) -> list[Tensor]:
    weights = [(cosine(vectors[i], vectors[j]) / temperature).exp() for j in range(len(vectors)) if j != i]
    return [weight / sum(weights) for weight in weights]


def slow_similarity_kl(query: Tensor, key: Tensor, student: float, teacher: float) -> Tensor:
    total = torch.zeros((), dtype=torch.float64)
    for i in range(len(query)):
        for p, r in zip(neighbors(key, i, teacher), neighbors(query, i, student), strict=True):
            total = total + p * (p.log() - r.log())
    return total / len(query)


def slow_squared_error(query: Tensor, key: Tensor) -> Tensor:
    squares = [(a - b) ** 2 for q, k in zip(query, key, strict=True) for a, b in zip(q, k, strict=True)]
    return sum(squares) / len(squares)


PROOFS: dict[str, tuple[Objective, Callable[[Tensor, Tensor], Tensor]]] = {
    "squared error": (SquaredError(), slow_squared_error),
    "similarities": (SimilarityKL(), lambda q, k: slow_similarity_kl(q, k, 0.05, 0.05)),
    "two temperatures": (SimilarityKL(0.5, 0.2), lambda q, k: slow_similarity_kl(q, k, 0.5, 0.2)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("proof", PROOFS)
def test_value_and_gradient_are_those_of_the_paper(case: str, proof: str):
    objective, slow = PROOFS[proof]
    query, key = CASES[case]()
    ours, theirs = query.clone().requires_grad_(), query.clone().requires_grad_()
    loss, reference = objective(Pair(ours, key)), slow(theirs, key)
    torch.testing.assert_close(loss, reference, atol=1e-6, rtol=1e-9)
    loss.backward()
    reference.backward()
    # A zero vector's gradient is of the order of 1e12, hence the relative part.
    torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-6, rtol=1e-6)


def test_the_teacher_may_have_another_width():
    query, key = rows(5, 20), rows(5, 21, dim=7)
    expected = slow_similarity_kl(query, key, 0.05, 0.05)
    torch.testing.assert_close(SimilarityKL()(Pair(query, key)), expected, atol=1e-6, rtol=1e-9)


def test_similarity_kl_by_hand():
    # The teacher: three vectors at 0, 0 and 90 degrees; t = 1. The student: all at right angles, so always (1/2, 1/2).
    teacher = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    # p_1 = p_2 = (e, 1) / (e + 1); p_3 = (1/2, 1/2), for which KL is 0.
    near, far = exp(1) / (exp(1) + 1), 1 / (exp(1) + 1)
    expected = 2 * (near * log(2 * near) + far * log(2 * far)) / 3
    loss = SimilarityKL(temperature=1.0)(Pair(torch.eye(3, dtype=torch.float64), teacher))
    assert loss.item() == pytest.approx(expected, abs=1e-9)


def test_squared_error_by_hand():
    query = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
    key = torch.tensor([[2.0, 2.0], [0.0, 3.0]])
    assert SquaredError()(Pair(query, key)).item() == pytest.approx((1 + 9) / 4)


def test_lengths_and_turns_do_not_matter_to_similarities():
    teacher = rows(6, 24)
    turn, _ = torch.linalg.qr(rows(4, 25))
    assert SimilarityKL()(Pair(3 * teacher @ turn, teacher)).item() == pytest.approx(0, abs=1e-9)
    assert SimilarityKL()(Pair(rows(6, 26), teacher)).item() > 0.1


def test_a_single_other_text_teaches_nothing():
    query = rows(2, 27).requires_grad_()
    loss = SimilarityKL()(Pair(query, rows(2, 28)))
    loss.backward()
    assert loss.item() == 0
    assert not query.grad.any()


@pytest.mark.parametrize("objective", [SquaredError(), SimilarityKL(0.2)])
def test_twenty_steps_descend(objective: Objective):
    query, key = rows(12, 29, dim=8).requires_grad_(), rows(12, 30, dim=8)
    optimizer = torch.optim.SGD([query], lr=0.5)
    losses = []
    for _ in range(20):
        loss = objective(Pair(query, key))
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert all(after < before for before, after in pairwise(losses))


@pytest.mark.parametrize("objective", [SquaredError(), SimilarityKL()])
def test_the_mean_over_processes_is_the_loss_of_the_whole_batch(objective: Objective):
    query, key = rows(6, 31).requires_grad_(), rows(6, 32)
    whole = objective(Pair(query, key))
    halves = [objective(Pair(query[first : first + 3], key, first=first, others=query)) for first in (0, 3)]
    both = torch.stack(halves).mean()
    torch.testing.assert_close(both, whole)
    torch.testing.assert_close(torch.autograd.grad(both, query), torch.autograd.grad(whole, query))


@pytest.mark.parametrize("objective", [SquaredError(), SimilarityKL(), SimilarityKL(0.01, 0.001)])
@pytest.mark.parametrize("case", CASES)
def test_nothing_is_infinite_in_single_precision(objective: Objective, case: str):
    query, key = (tensor.float() for tensor in CASES[case]())
    loss = objective(Pair(query.requires_grad_(), key))
    loss.backward()
    assert loss.dtype == torch.float32
    assert torch.isfinite(loss)
    assert torch.isfinite(query.grad).all()


def test_only_similarities_need_other_texts():
    assert SimilarityKL.negatives
    assert not SquaredError.negatives


@pytest.mark.parametrize("name", ["temperature", "teacher_temperature"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_not_above_zero_is_refused(name: str, value: float):
    with pytest.raises(RecipeError, match=rf"objective\.{name} must be above 0, not {value}"):
        SimilarityKL(**{name: value})
