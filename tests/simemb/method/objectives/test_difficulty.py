"""The angular margin of ArcCSE and the mixed negatives of MixCSE, against loops over the papers' formulas."""

from math import acos, cos, exp, log, pi, radians, sqrt

import pytest
import torch
from torch import Tensor

from simemb.method.objectives.base import Pair, Texts
from simemb.method.objectives.difficulty import widen
from simemb.method.objectives.info_nce import InfoNCE


def rows(count: int, seed: int, dim: int = 5) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / (sqrt(sum(x * x for x in a)) * sqrt(sum(y * y for y in b)))


# ---- the angular margin ----------------------------------------------------------------------------------


@pytest.mark.parametrize("margin", [0.0, radians(10), 0.5])
@pytest.mark.parametrize("angle", [0.1, 0.5, pi / 2, 2.0, 2.6])
def test_an_angle_is_widened_by_the_margin(margin: float, angle: float):
    found = widen(torch.tensor([cos(angle)], dtype=torch.float64), margin).item()
    assert found == pytest.approx(cos(angle + margin), abs=1e-9)


def test_near_the_opposite_direction_it_goes_on_falling_where_the_cosine_would_rise():
    angles = torch.linspace(0.01, pi, 400, dtype=torch.float64)
    widened = widen(angles.cos(), 0.5)
    assert (widened.diff() < 0).all()
    assert widened.diff().abs().max() < 0.02  # there is no jump where the formula changes
    assert widened[-1].item() == pytest.approx(-2 + cos(0.5), abs=1e-9)


@pytest.mark.parametrize("value", [1.0, -1.0])
def test_equal_and_opposite_vectors_have_a_finite_gradient(value: float):
    query = rows(3, 1).requires_grad_()
    key = (value * query.detach()).clone().requires_grad_()
    InfoNCE(0.05, angular_margin=0.2)(Pair(query, key)).backward()
    for tensor in (query, key):
        assert tensor.grad is not None
        assert tensor.grad.isfinite().all()


def slow_arccon(query: list[list[float]], key: list[list[float]], temperature: float, margin: float) -> float:
    """ArcCSE's ArcCon: the margin is added to theta_ii wherever it stands, in numerator and denominator."""
    losses = []
    for i, q in enumerate(query):
        own = exp(cos(acos(cosine(q, key[i])) + margin) / temperature)
        others = sum(exp(cosine(q, k) / temperature) for j, k in enumerate(key) if j != i)
        losses.append(-log(own / (own + others)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_the_loss_is_that_of_the_paper(temperature: float):
    query, key = rows(7, 2), rows(7, 3)
    expected = slow_arccon(query.tolist(), key.tolist(), temperature, radians(10))
    found = InfoNCE(temperature, angular_margin=radians(10))(Pair(query, key)).item()
    assert found == pytest.approx(expected, abs=1e-8)


# ---- mixed negatives -------------------------------------------------------------------------------------


def slow_mixcse(query: list[list[float]], key: list[list[float]], temperature: float, share: float) -> float:
    """MixCSE: one more term in the denominator, of the normalized mixture of own key and another key."""

    def unit(v: list[float]) -> list[float]:
        return [x / sqrt(sum(y * y for y in v)) for x in v]

    losses = []
    for i, q in enumerate(query):
        other = key[(i + 1) % len(key)]
        mixed = unit([share * a + (1 - share) * b for a, b in zip(unit(key[i]), unit(other), strict=True)])
        own = exp(cosine(q, key[i]) / temperature)
        denominator = sum(exp(cosine(q, k) / temperature) for k in key) + exp(cosine(q, mixed) / temperature)
        losses.append(-log(own / denominator))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_the_loss_is_that_of_the_formula(share: float):
    query, key = rows(6, 4), rows(6, 5)
    expected = slow_mixcse(query.tolist(), key.tolist(), 0.1, share)
    assert InfoNCE(0.1, mix=share)(Pair(query, key)).item() == pytest.approx(expected, abs=1e-8)


def test_the_mixture_moves_the_query_and_no_key():
    query = rows(2, 6)
    alone, mixed = (rows(2, 7).requires_grad_() for _ in range(2))
    InfoNCE(0.5)(Pair(query, alone)).backward()
    loss = InfoNCE(0.5, mix=0.2)(Pair(query, mixed))
    loss.backward()
    assert alone.grad is not None
    assert mixed.grad is not None
    # A constant in the denominator scales the chances of the keys, and adds no direction of its own.
    assert torch.linalg.matrix_rank(torch.stack([alone.grad[0], mixed.grad[0], query[0], query[1]])) <= 3


def test_it_does_not_count_where_the_other_key_has_the_text_of_the_query():
    query, key = rows(3, 8), rows(3, 9)
    numbers = torch.tensor([1, 1, 2])  # rows 0 and 1 are the same sentence
    with_mixture, without = (
        InfoNCE(0.5, mix=mix)(Pair(query, key, texts=Texts(numbers, numbers))) for mix in (0.2, None)
    )
    shares = []
    for i, (other, logits) in enumerate([(None, [0, 2]), (2, [1, 2]), (0, [0, 1, 2])]):
        terms = [exp(cosine(query[i].tolist(), key[j].tolist()) / 0.5) for j in logits]
        own = exp(cosine(query[i].tolist(), key[i].tolist()) / 0.5)
        extra = 0.0
        if other is not None:
            a, b = (key[j] / key[j].norm() for j in (i, other))
            extra = exp(cosine(query[i].tolist(), (0.2 * a + 0.8 * b).tolist()) / 0.5)
        shares.append(-log(own / (sum(terms) + extra)))
    assert with_mixture.item() == pytest.approx(sum(shares) / 3)
    assert without.item() < with_mixture.item()


def test_a_single_example_has_nothing_to_mix():
    query, key = rows(1, 10), rows(1, 11)
    assert InfoNCE(0.1, mix=0.2)(Pair(query, key)).item() == 0
    memory = rows(3, 12)
    pair = Pair(query, key, memory=memory)
    assert InfoNCE(0.1, mix=0.2)(pair).item() == InfoNCE(0.1)(pair).item()
