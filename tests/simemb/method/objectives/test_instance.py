"""NCE and invariance-with-spread against loops written from the papers."""

from collections.abc import Callable
from itertools import pairwise
from math import e, exp, log

import pytest
import torch
from torch import Tensor

from simemb.errors import RecipeError
from simemb.method.objectives.base import Pair
from simemb.method.objectives.instance import NCE, InvariantSpread, NCELoss


def rows(count: int, seed: int, dim: int = 5) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def units(count: int, seed: int, dim: int = 5) -> Tensor:
    return torch.nn.functional.normalize(rows(count, seed, dim), dim=1)


def dot(a: list[Tensor], b: list[Tensor]) -> Tensor:
    return torch.stack([x * y for x, y in zip(a, b, strict=True)]).sum()


def unit(vector: Tensor) -> list[Tensor]:
    """The elements of the unit vector; a zero vector stays one."""
    if not vector.any():
        return list(vector * 0)
    length = torch.stack([x * x for x in vector]).sum().sqrt()
    return [x / length for x in vector]


def duplicates() -> tuple[Tensor, Tensor]:
    first, second = rows(6, 1), rows(6, 2)
    first[3], first[4], second[5] = first[0], first[0], second[2]
    second[0] = first[0]
    return first, second


def zeros() -> tuple[Tensor, Tensor]:
    first, second = rows(4, 3), rows(4, 4)
    first[1], second[2] = 0, 0
    return first, second


CASES: dict[str, Callable[[], tuple[Tensor, Tensor]]] = {
    "random": lambda: (rows(8, 5), rows(8, 6)),
    "two": lambda: (rows(2, 7), rows(2, 8)),
    "duplicates": duplicates,
    "zero vectors": zeros,
    "equal views": lambda: (rows(5, 9), rows(5, 9)),
    "opposite": lambda: (rows(4, 10), -rows(4, 10)),
    "tiny and huge": lambda: (1e-6 * rows(4, 11), 1e6 * rows(4, 12)),
}


# ---- NCE ------------------------------------------------------------------------------------------------------


def slow_nce(query: Tensor, own: list[int], bank: Tensor, drawn: Tensor, z: float, t: float, weight: float) -> Tensor:
    """Wu et al., 2018, eq. 4, 6, 7 and 10, example by example."""
    n, m = len(bank), drawn.shape[1]

    def h(v: list[Tensor], row: int) -> Tensor:
        p = (dot(v, list(bank[row])) / t).exp() / z
        return p / (p + m / n)

    losses = []
    for i, vector in enumerate(query):
        v = unit(vector)
        loss = -h(v, own[i]).log()
        for j in drawn[i].tolist():
            loss = loss - (1 - h(v, j)).log()
        for x, old in zip(v, bank[own[i]], strict=True):
            loss = loss + weight * (x - old) ** 2
        losses.append(loss)
    return torch.stack(losses).mean()


def nce(spec: NCE, z: float | None = None) -> NCELoss:
    loss = spec.build(5).double()
    if z is not None:
        loss.log_normalizer.fill_(log(z))
    return loss


def against_bank(query: Tensor, own: list[int], bank: Tensor) -> Pair:
    return Pair(query, bank[own], memory=bank, rows=torch.tensor(own))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("size", "draws"), [(12, 7), (8, 30), (8, 1)])
@pytest.mark.parametrize(("temperature", "proximal"), [(0.07, 0.0), (0.5, 3.0)])
def test_nce_equals_the_loops_of_the_paper(case: str, size: int, draws: int, temperature: float, proximal: float):
    vectors = CASES[case]()[0]
    bank = units(size, 20)
    own = list(range(len(vectors)))[::-1]
    loss = nce(NCE(temperature, draws, proximal), z=40.0)
    fast, slow = vectors.clone().requires_grad_(), vectors.clone().requires_grad_()
    torch.manual_seed(3)
    value = loss(against_bank(fast, own, bank))
    torch.manual_seed(3)
    drawn = torch.randint(size, (len(vectors), draws))
    expected = slow_nce(slow, own, bank, drawn, 40.0, temperature, proximal)
    torch.testing.assert_close(value, expected, atol=1e-6, rtol=1e-9)
    value.backward()
    expected.backward()
    assert fast.grad is not None
    assert slow.grad is not None
    assert torch.isfinite(fast.grad).all()
    there = vectors.abs().sum(dim=1) > 1e-3  # the gradient of v/|v| is unbounded at 0
    torch.testing.assert_close(fast.grad[there], slow.grad[there], atol=1e-6, rtol=1e-6)


def test_a_number_of_nce_computed_by_hand():
    # One row f = (1, 0), queries at 0 and 90 degrees, t = 1, m = n = 1: Z = (e + 1) / 2, so P = 1.462117 and 0.537883,
    # h = P / (P + 1) = 0.593846 and 0.349755; -log h(1 - h) = 1.422159 and 1.480928, the mean is 1.451543.
    # The second query is sqrt(2) from its row, so lambda = 3 adds 3 * 2 / 2.
    bank = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    query = torch.tensor([[2.0, 0.0], [0.0, 3.0]], dtype=torch.float64)
    pair = Pair(query, bank[[0, 0]], memory=bank)
    assert nce(NCE(1.0, 1, 0.0))(pair).item() == pytest.approx(1.451543, abs=1e-6)
    assert nce(NCE(1.0, 1, 3.0))(pair).item() == pytest.approx(4.451543, abs=1e-6)


def test_the_draws_are_uniform_over_the_whole_bank():
    query, bank, own = rows(2, 30), units(5, 31), [0, 3]
    draws = 200_000
    torch.manual_seed(0)
    value = nce(NCE(0.5, draws, 0.0), z=9.0)(against_bank(query, own, bank)).item()
    # m times the expectation over the uniform noise: every row, the own one too, with weight m / n.
    each = torch.arange(5).expand(2, 5)
    expected = 0.0
    for i in range(2):
        ratios = [exp(dot(unit(query[i]), list(bank[j])).item() / 0.5) / 9.0 * 5 / draws for j in each[i].tolist()]
        expected += (log(1 + 1 / ratios[own[i]]) + draws / 5 * sum(log(1 + ratio) for ratio in ratios)) / 2
    assert value == pytest.approx(expected, rel=3e-3)


def test_z_is_estimated_from_the_first_batch_and_kept():
    query, bank = rows(6, 32), units(300, 33)
    loss = nce(NCE(0.3, 40_000, 0.0))
    assert loss.log_normalizer.item() == -float("inf")
    loss(against_bank(query, [0, 1, 2, 3, 4, 5], bank))
    log_normalizer = loss.log_normalizer.item()
    exact = [sum(exp(dot(unit(v), list(f)).item() / 0.3) for f in bank) for v in query]  # eq. 5
    assert exp(log_normalizer) == pytest.approx(sum(exact) / 6, rel=0.03)
    loss(against_bank(rows(6, 34), [0, 1, 2, 3, 4, 5], units(300, 35)))
    assert loss.log_normalizer.item() == log_normalizer
    resumed = nce(NCE(0.3, 40_000, 0.0))
    resumed.load_state_dict(loss.state_dict())
    assert resumed.log_normalizer.item() == log_normalizer


def test_z_does_not_consume_the_draws_nor_depend_on_the_seed():
    pair = against_bank(rows(4, 36), [0, 1, 2, 3], units(9, 37))
    log_normalizers = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        loss = nce(NCE(draws=16))
        first = loss(pair)
        torch.manual_seed(seed)
        assert loss(pair).item() == first.item()
        log_normalizers.append(loss.log_normalizer.item())
    assert log_normalizers[0] == log_normalizers[1]


@pytest.mark.parametrize("temperature", [0.07, 0.005])
def test_nce_stays_finite_in_float32(temperature: float):
    bank = units(3, 38).float()
    for query in (bank.clone(), -bank, torch.zeros(3, 5)):
        query = query.requires_grad_()
        value = NCE(temperature).build(5)(Pair(query, bank, memory=bank))
        value.backward()
        assert torch.isfinite(value)
        assert query.grad is not None
        assert torch.isfinite(query.grad).all()


def test_the_bank_may_change_before_the_backward_pass():
    query, bank = rows(3, 43).requires_grad_(), units(7, 44)
    gradients = []
    for change in (False, True):
        torch.manual_seed(0)
        pair = against_bank(query, [1, 2, 3], bank)
        value = nce(NCE(draws=16))(pair)
        if change:
            bank[1:4] = units(3, 45)
        gradients.append(torch.autograd.grad(value, query)[0])
    assert torch.equal(*gradients)


def test_the_nce_of_two_processes_is_that_of_one():
    query, bank = rows(6, 39), units(11, 40)
    own = [4, 9, 0, 2, 2, 7]
    torch.manual_seed(5)
    whole = nce(NCE(0.2, 8, 2.0))
    expected = whole(against_bank(query, own, bank)).item()
    torch.manual_seed(5)
    halves = [nce(NCE(0.2, 8, 2.0)) for _ in range(2)]
    values = [
        half(Pair(query[at : at + 3], bank[own], memory=bank, first=at, others=query)).item()
        for half, at in zip(halves, (0, 3), strict=True)
    ]
    assert sum(values) / 2 == pytest.approx(expected, abs=1e-9)
    assert all(half.log_normalizer.item() == whole.log_normalizer.item() for half in halves)


def test_twenty_steps_of_nce_descend_and_bring_each_vector_to_its_row():
    query, bank = rows(8, 41, dim=6).requires_grad_(), units(40, 42, dim=6)
    loss = NCE(0.2, 64, 1.0).build(6).double()
    optimizer = torch.optim.SGD([query], lr=0.2)
    before = torch.cosine_similarity(query, bank[:8]).mean()
    values = []
    for _ in range(20):
        torch.manual_seed(0)
        value = loss(against_bank(query, list(range(8)), bank))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.7 * values[0]
    assert all(after < earlier for earlier, after in pairwise(values))
    assert torch.cosine_similarity(query, bank[:8]).mean() > before + 0.5


# ---- InvariantSpread ------------------------------------------------------------------------------------------


def slow_spread(originals: Tensor, augmented: Tensor, t: float, own: range | None = None) -> Tensor:
    """Ye et al., 2019, eq. 2, 3 and 5, pair by pair; the mean over the own examples, by default all."""
    f, g = [unit(vector) for vector in originals], [unit(vector) for vector in augmented]
    count = len(f)

    def p(i: int, x: list[Tensor]) -> Tensor:
        return (dot(f[i], x) / t).exp() / torch.stack([(dot(f[k], x) / t).exp() for k in range(count)]).sum()

    losses = []
    for i in own or range(count):
        loss = -p(i, g[i]).log()
        for j in range(count):
            if j != i:
                loss = loss - (1 - p(i, f[j])).log()
        losses.append(loss)
    return torch.stack(losses).mean()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_invariance_and_spread_equal_the_loops_of_the_paper(case: str, temperature: float):
    fast = [tensor.clone().requires_grad_() for tensor in CASES[case]()]
    slow = [tensor.clone().requires_grad_() for tensor in CASES[case]()]
    value = InvariantSpread(temperature)(Pair(fast[0], fast[1]))
    expected = slow_spread(slow[0], slow[1], temperature)
    torch.testing.assert_close(value, expected, atol=1e-6, rtol=1e-9)
    value.backward()
    expected.backward()
    for ours, reference in zip(fast, slow, strict=True):
        assert ours.grad is not None
        assert torch.isfinite(ours.grad).all()
        there = reference.abs().sum(dim=1) > 1e-3
        assert reference.grad is not None
        torch.testing.assert_close(ours.grad[there], reference.grad[there], atol=1e-6, rtol=1e-6)


def test_a_number_of_invariance_and_spread_computed_by_hand():
    # Two orthogonal examples, unchanged by augmentation, t = 1: P(i|x'_i) = e / (e + 1), P(i|x_j) = 1 / (e + 1), so
    # l = 2 ln(1 + 1/e) = 0.626523. Three equal ones: ln 3 + 2 ln(3/2) = 1.909543.
    apart = 3 * torch.eye(2, dtype=torch.float64)
    assert InvariantSpread(1.0)(Pair(apart, apart)).item() == pytest.approx(0.626523, abs=1e-6)
    assert 2 * log(1 + 1 / e) == pytest.approx(0.626523, abs=1e-6)
    alike = torch.ones(3, 4, dtype=torch.float64)
    assert InvariantSpread()(Pair(alike, alike)).item() == pytest.approx(1.909543, abs=1e-6)


@pytest.mark.parametrize("share", [1, 2, 3])
def test_shares_of_the_batch_add_up_to_the_whole(share: int):
    first, second = rows(6, 50), rows(6, 51)
    whole = InvariantSpread()(Pair(first, second))
    parts = [
        InvariantSpread()(Pair(first[at : at + share], second, first=at, others=first)) for at in range(0, 6, share)
    ]
    torch.testing.assert_close(torch.stack(parts).mean(), whole)
    expected = [slow_spread(first, second, 0.1, range(at, at + share)) for at in range(0, 6, share)]
    torch.testing.assert_close(torch.stack(parts), torch.stack(expected))


def test_twenty_steps_of_invariance_and_spread_descend():
    query, key = rows(12, 52, dim=8).requires_grad_(), rows(12, 53, dim=8)
    optimizer = torch.optim.SGD([query], lr=0.2)
    values = []
    for _ in range(20):
        value = InvariantSpread(0.3)(Pair(query, key))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < values[0] - 0.3  # it cannot reach 0: every P(i | x_j) is above 0
    assert all(after < before for before, after in pairwise(values))


@pytest.mark.parametrize("temperature", [0.1, 0.005])
def test_invariance_and_spread_stay_finite_in_float32(temperature: float):
    same = rows(4, 54).float()
    same[2] = same[0]
    for key in (same, -same, torch.zeros(4, 5)):
        query = same.clone().requires_grad_()
        value = InvariantSpread(temperature)(Pair(query, key))
        value.backward()
        assert torch.isfinite(value)
        assert query.grad is not None
        assert torch.isfinite(query.grad).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: NCE(temperature=0.0), r"objective\.temperature must be above 0, not 0\.0"),
        (lambda: NCE(draws=0), r"objective\.draws must be at least 1, not 0"),
        (lambda: NCE(proximal=-1.0), r"objective\.proximal must be at least 0, not -1\.0"),
        (lambda: NCE(proximal=float("nan")), r"objective\.proximal must be at least 0, not nan"),
        (lambda: InvariantSpread(temperature=-1.0), r"objective\.temperature must be above 0, not -1\.0"),
    ],
)
def test_constants_out_of_range_are_refused(make: Callable[[], object], message: str):
    with pytest.raises(RecipeError, match=message):
        make()


def test_what_they_say_of_themselves():
    assert NCE.negatives
    assert NCE.banked
    assert InvariantSpread.negatives
    assert not InvariantSpread.banked
