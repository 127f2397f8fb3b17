"""Objectives against slow references written from the papers, and against SimCSE's own formulation."""

from itertools import pairwise
from math import exp, log, sqrt

import pytest
import torch
from torch import Tensor, nn

from simemb.errors import RecipeError
from simemb.objectives import InfoNCE, cosines


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    norms = sqrt(sum(x * x for x in a)) * sqrt(sum(y * y for y in b))
    return dot / norms if norms else 0.0


def slow_info_nce(query, key, hard, memory, temperature: float, weight: float, first: int) -> float:
    """Gao et al., 2021, eq. 4 and 5, pair by pair, in plain Python."""
    query, key, memory = query.tolist(), key.tolist(), [] if memory is None else memory.tolist()
    losses = []
    for i, q in enumerate(query):
        numerator = exp(cosine(q, key[first + i]) / temperature)
        denominator = sum(exp(cosine(q, k) / temperature) for k in key)
        for negatives in hard:
            for j, negative in enumerate(negatives.tolist()):
                own = weight if j == first + i else 0.0
                denominator += exp(cosine(q, negative) / temperature + own)
        denominator += sum(exp(cosine(q, old) / temperature) for old in memory)
        losses.append(-log(numerator / denominator))
    return sum(losses) / len(losses)


def simcse_models_py(z1: Tensor, z2: Tensor, z3: Tensor | None, temperature: float, weight: float) -> Tensor:
    """princeton-nlp/SimCSE, models.py, the lines of cl_forward that make the loss, transcribed."""
    sim = nn.CosineSimilarity(dim=-1)
    cos_sim = sim(z1.unsqueeze(1), z2.unsqueeze(0)) / temperature
    if z3 is not None:
        z1_z3_cos = sim(z1.unsqueeze(1), z3.unsqueeze(0)) / temperature
        cos_sim = torch.cat([cos_sim, z1_z3_cos], 1)
    labels = torch.arange(cos_sim.size(0)).long()
    if z3 is not None:
        weights = torch.tensor(
            [
                [0.0] * (cos_sim.size(-1) - z1_z3_cos.size(-1))
                + [0.0] * i
                + [weight]
                + [0.0] * (z1_z3_cos.size(-1) - i - 1)
                for i in range(z1_z3_cos.size(-1))
            ],
            dtype=z1.dtype,
        )
        cos_sim = cos_sim + weights
    return nn.CrossEntropyLoss()(cos_sim, labels)


def rows(count: int, seed: int, dim: int = 5) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, dim, generator=generator, dtype=torch.float64)


def duplicates() -> tuple[Tensor, Tensor, Tensor]:
    query = rows(6, 1)
    query[3] = query[0]
    key = query.clone()
    key[5] = key[4]
    return query, key, query.clone()


def zeros() -> tuple[Tensor, Tensor, Tensor]:
    query, key, hard = rows(4, 2), rows(4, 3), rows(4, 4)
    query[1], key[2], hard[0] = 0, 0, 0
    return query, key, hard


CASES = {
    "random": lambda: (rows(8, 5), rows(8, 6), rows(8, 7)),
    "two": lambda: (rows(2, 8), rows(2, 9), rows(2, 10)),
    "duplicates": duplicates,
    "zero vectors": zeros,
    "tiny and huge": lambda: (1e-6 * rows(5, 11), 1e6 * rows(5, 12), rows(5, 13)),
    "opposite": lambda: (rows(4, 14), -rows(4, 14), rows(4, 14)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("temperature", [0.05, 1.0])
@pytest.mark.parametrize("weight", [0.0, 1.5])
@pytest.mark.parametrize("remembered", [0, 3])
def test_info_nce_equals_the_loops_of_the_paper(case: str, temperature: float, weight: float, remembered: int):
    query, key, hard = CASES[case]()
    memory = rows(remembered, 20)
    objective = InfoNCE(temperature=temperature, hard_negative_weight=weight)
    for negatives in ((), (hard,), (hard, key.flip(0))):
        expected = slow_info_nce(query, key, negatives, memory, temperature, weight, 0)
        assert objective(query, key, negatives, memory).item() == pytest.approx(expected, abs=1e-6)
    without = slow_info_nce(query, key, (), None, temperature, weight, 0)
    assert objective(query, key).item() == pytest.approx(without, abs=1e-6)


@pytest.mark.parametrize("case", ["random", "two", "duplicates", "opposite"])
def test_the_gradient_is_that_of_the_loops(case: str):
    tensors = [tensor.clone().requires_grad_() for tensor in (*CASES[case](), rows(3, 21))]
    query, key, hard, memory = tensors
    objective = InfoNCE(temperature=0.5, hard_negative_weight=0.7)
    objective(query, key, (hard,), memory).backward()
    step = 1e-5
    for tensor in tensors:
        assert tensor.grad is not None
        numeric = torch.zeros_like(tensor)
        for place in range(tensor.numel()):
            values = []
            for sign in (1, -1):
                moved = [other.detach().clone() for other in tensors]
                moved[[other is tensor for other in tensors].index(True)].view(-1)[place] += sign * step
                values.append(slow_info_nce(moved[0], moved[1], (moved[2],), moved[3], 0.5, 0.7, 0))
            numeric.view(-1)[place] = (values[0] - values[1]) / (2 * step)
        torch.testing.assert_close(tensor.grad, numeric, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("weight", [0.0, 0.9])
@pytest.mark.parametrize("with_hard", [False, True])
def test_value_and_gradient_are_those_of_simcse(weight: float, with_hard: bool):
    ours = [rows(7, seed).requires_grad_() for seed in (30, 31, 32)]
    theirs = [tensor.detach().clone().requires_grad_() for tensor in ours]
    loss = InfoNCE(0.05, weight)(ours[0], ours[1], (ours[2],) if with_hard else ())
    reference = simcse_models_py(theirs[0], theirs[1], theirs[2] if with_hard else None, 0.05, weight)
    torch.testing.assert_close(loss, reference, atol=1e-9, rtol=0)
    loss.backward()
    reference.backward()
    for mine, other in zip(ours[: 2 + with_hard], theirs, strict=False):
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-9, rtol=0)


@pytest.mark.parametrize("first", [0, 2, 6])
def test_a_share_of_the_queries_has_the_loss_of_its_rows(first: int):
    query, key, hard = rows(8, 40), rows(8, 41), rows(8, 42)
    objective = InfoNCE(0.1, 0.5)
    share = objective(query[first : first + 2], key, (hard,), first=first).item()
    assert share == pytest.approx(
        slow_info_nce(query[first : first + 2], key, (hard,), None, 0.1, 0.5, first), abs=1e-6
    )
    shares = [objective(query[place : place + 2], key, (hard,), first=place) for place in range(0, 8, 2)]
    torch.testing.assert_close(torch.stack(shares).mean(), objective(query, key, (hard,)))


def test_a_number_computed_by_hand():
    # q = (1,0), (0,1); k_0 = q_0, k_1 at 60 degrees from q_1: cosines [[1, sin 60], [0, cos 60]], t = 1/2.
    query = torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    key = torch.tensor([[3.0, 0.0], [sqrt(3), 1.0]], dtype=torch.float64)
    # l_0 = ln(1 + e^(1.7320508 - 2)) = 0.568121; l_1 = ln(1 + e^(0 - 1)) = 0.313262; mean 0.440691
    assert InfoNCE(temperature=0.5)(query, key).item() == pytest.approx(0.440691, abs=1e-6)


def test_there_are_n_minus_one_negatives_in_one_direction():
    alike = torch.ones(16, 4)
    assert InfoNCE()(alike, alike).item() == pytest.approx(log(16), abs=1e-5)  # 2N - 1 would give ln 31
    query, key = rows(6, 50), rows(6, 51)
    assert InfoNCE()(query, key).item() != pytest.approx(InfoNCE()(key, query).item(), abs=1e-3)


def test_the_weight_stands_at_the_own_hard_negative_only():
    alike = torch.ones(4, 3, dtype=torch.float64)
    loss = InfoNCE(1.0, hard_negative_weight=log(5))(alike, alike, (alike,))
    assert loss.item() == pytest.approx(log(4 + 3 + 5))  # e^cos cancels; alpha = e^weight = 5 counts once


def test_twenty_steps_descend():
    query, key = rows(16, 60, dim=8).requires_grad_(), rows(16, 61, dim=8)
    optimizer = torch.optim.SGD([query], lr=0.5)
    losses = []
    for _ in range(20):
        loss = InfoNCE(0.1)(query, key)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.5 * losses[0]
    assert all(after < before for before, after in pairwise(losses))


def test_zero_vectors_give_a_finite_gradient():
    query, key, hard = (tensor.requires_grad_() for tensor in zeros())
    InfoNCE()(query, key, (hard,)).backward()
    assert all(torch.isfinite(tensor.grad).all() for tensor in (query, key, hard))


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_not_above_zero_is_refused(temperature: float):
    with pytest.raises(RecipeError, match=r"objective\.temperature must be above 0"):
        InfoNCE(temperature=temperature)


def test_cosines_of_a_zero_vector_are_zero():
    assert cosines(torch.zeros(1, 3), torch.eye(3)).tolist() == [[0.0, 0.0, 0.0]]
