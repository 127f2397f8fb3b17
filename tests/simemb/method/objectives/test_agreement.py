"""Regression, Barlow Twins, VICReg, alignment and uniformity against loops written from their papers."""

from collections.abc import Callable
from itertools import combinations, pairwise
from math import exp, log

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from simemb.errors import RecipeError
from simemb.method.objectives.agreement import AlignUniform, BarlowTwins, Regression, VICReg
from simemb.method.objectives.base import Objective, Pair

Vectors = list[list[Tensor]]


def rows(count: int, seed: int, dim: int = 4) -> Tensor:
    return torch.randn(count, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def duplicates() -> tuple[Tensor, Tensor]:
    query, key = rows(5, 1), rows(5, 2)
    query[3], key[3] = query[0], key[0]
    key[4] = query[4]
    return query, key


def zeros() -> tuple[Tensor, Tensor]:
    query, key = rows(4, 3), rows(4, 4)
    query[1], key[2] = 0, 0
    query[3], key[3] = 0, 0
    return query, key


CASES: dict[str, Callable[[], tuple[Tensor, Tensor]]] = {
    "random": lambda: (rows(6, 5), rows(6, 6)),
    "two": lambda: (rows(2, 7), rows(2, 8)),
    "duplicates": duplicates,
    "zero vectors": zeros,
    "constant": lambda: (torch.ones(4, 4, dtype=torch.float64), torch.ones(4, 4, dtype=torch.float64)),
    "both views alike": lambda: (rows(5, 9), rows(5, 9)),
    "opposite": lambda: (rows(4, 10), -rows(4, 10)),
    "large": lambda: (1e3 * rows(4, 11), 1e3 * rows(4, 12)),
}


# ---- the papers, number by number ---------------------------------------------------------------------------


def mean(values: list[Tensor]) -> Tensor:
    return sum(values, torch.zeros((), dtype=torch.float64)) / len(values)


def unit(vector: list[Tensor]) -> list[Tensor]:
    """Divided by its length; a zero vector stays, with the gradient that a length of at least 1e-12 leaves."""
    squares = sum(v * v for v in vector)
    length = squares.sqrt() if squares > 0 else torch.tensor(1e-12, dtype=torch.float64)
    return [v / length for v in vector]


def squared_distance(a: list[Tensor], b: list[Tensor]) -> Tensor:
    return sum(((x - y) ** 2 for x, y in zip(a, b, strict=True)), torch.zeros((), dtype=torch.float64))


def slow_regression(query: Vectors, key: Vectors) -> Tensor:
    return mean([squared_distance(unit(q), unit(k)) for q, k in zip(query, key, strict=True)])


def slow_barlow(query: Vectors, key: Vectors, off_diagonal: float = 5e-3) -> Tensor:
    def column(vectors: Vectors, i: int) -> list[Tensor]:
        values = [vector[i] for vector in vectors]
        centered = [value - mean(values) for value in values]
        deviation = (mean([value**2 for value in centered]) + 1e-5).sqrt()
        return [value / deviation for value in centered]

    loss = torch.zeros((), dtype=torch.float64)
    for i in range(len(query[0])):
        for j in range(len(key[0])):
            correlation = mean([a * b for a, b in zip(column(query, i), column(key, j), strict=True)])
            loss = loss + ((1 - correlation) ** 2 if i == j else off_diagonal * correlation**2)
    return loss


def slow_vicreg(query: Vectors, key: Vectors, weights=(25.0, 25.0, 1.0), epsilon: float = 1e-4) -> Tensor:
    def covariance(vectors: Vectors, i: int, j: int) -> Tensor:
        middle = [mean([vector[place] for vector in vectors]) for place in (i, j)]
        return sum((v[i] - middle[0]) * (v[j] - middle[1]) for v in vectors) / (len(vectors) - 1)

    width = len(query[0])
    squares = [(q[j] - k[j]) ** 2 for q, k in zip(query, key, strict=True) for j in range(width)]
    loss = weights[0] * mean(squares)
    for vectors in (query, key):
        hinges = [(1 - (covariance(vectors, j, j) + epsilon).sqrt()).clamp(min=0) for j in range(width)]
        others = [covariance(vectors, i, j) ** 2 for i in range(width) for j in range(width) if i != j]
        loss = loss + weights[1] * mean(hinges) / 2 + weights[2] * sum(others) / width
    return loss


def slow_align_uniform(query: Vectors, key: Vectors, alpha=2.0, t=2.0, uniformity=1.0) -> Tensor:
    query, key = ([unit(vector) for vector in vectors] for vectors in (query, key))
    # Where two views coincide the root has no gradient; the distance's is 0 there, for it is at its least.
    distances = [squared_distance(q, k) for q, k in zip(query, key, strict=True)]
    align = mean([d ** (alpha / 2) if d > 0 else 0 * d for d in distances])
    uniform = [
        mean([(-t * squared_distance(a, b)).exp() for a, b in combinations(vectors, 2)]).log()
        for vectors in (query, key)
    ]
    return align + uniformity * (uniform[0] + uniform[1]) / 2


PROOFS: dict[str, tuple[Objective, Callable[[Vectors, Vectors], Tensor]]] = {
    "regression": (Regression(), slow_regression),
    "barlow": (BarlowTwins(), slow_barlow),
    "barlow, other weight": (BarlowTwins(off_diagonal=0.3), lambda q, k: slow_barlow(q, k, 0.3)),
    "vicreg": (VICReg(), slow_vicreg),
    "vicreg, other weights": (VICReg(2.0, 3.0, 5.0, 0.01), lambda q, k: slow_vicreg(q, k, (2.0, 3.0, 5.0), 0.01)),
    "align and uniform": (AlignUniform(), slow_align_uniform),
    "align and uniform, others": (AlignUniform(1.0, 3.0, 0.5), lambda q, k: slow_align_uniform(q, k, 1.0, 3.0, 0.5)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("proof", PROOFS)
def test_value_and_gradient_are_those_of_the_paper(case: str, proof: str):
    objective, slow = PROOFS[proof]
    ours = [tensor.clone().requires_grad_() for tensor in CASES[case]()]
    theirs = [tensor.clone().requires_grad_() for tensor in CASES[case]()]
    loss = objective(Pair(ours[0], ours[1]))
    reference = slow(*([list(row) for row in tensor] for tensor in theirs))
    torch.testing.assert_close(loss, reference, atol=1e-6, rtol=1e-9)
    loss.backward()
    reference.backward()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine.grad, other.grad, atol=1e-6, rtol=1e-6)


# ---- the constants of the released code, and numbers by hand -------------------------------------------------


def test_barlow_twins_has_the_constants_of_the_released_code():
    """Zbontar et al., 2021, eq. 1 and 2, entry by entry, with biased variances, to which 1e-5 is added."""
    query, key = rows(9, 20), rows(9, 21)
    columns = []
    for view in (query, key):
        centered = [column - column.mean() for column in view.T]
        columns.append([column / (column.square().mean() + 1e-5).sqrt() for column in centered])
    expected = query.new_zeros(())
    for i, first in enumerate(columns[0]):
        for j, second in enumerate(columns[1]):
            correlation = (first * second).mean()
            expected += (1 - correlation) ** 2 if i == j else 5e-3 * correlation**2
    torch.testing.assert_close(BarlowTwins()(Pair(query, key)), expected)


def test_regression_by_hand():
    # Pairs at 90 and at 60 degrees: 2 - 2 cos is 2 and 1, whatever the lengths.
    query = torch.tensor([[2.0, 0.0], [1.0, 0.0]])
    key = torch.tensor([[0.0, 5.0], [0.5, 0.75**0.5]])
    assert Regression()(Pair(query, key)).item() == pytest.approx(1.5, abs=1e-6)


def test_half_of_regression_has_the_gradient_of_simsiam():
    query, key = rows(5, 22).requires_grad_(), rows(5, 23)
    (ours,) = torch.autograd.grad(0.5 * Regression()(Pair(query, key)), query)
    (theirs,) = torch.autograd.grad(-(normalize(query) * normalize(key)).sum(1).mean(), query)
    torch.testing.assert_close(ours, theirs)


def test_barlow_twins_by_hand():
    # Columns (1, -1, 1, -1) and (1, 1, -1, -1) are uncorrelated, with variance 1; the second view repeats the first
    # column: C = [[1, 1], [0, 0]], so (1 - 1)^2 + (1 - 0)^2 + 0.1 (1^2 + 0^2) = 1.1, but for the epsilon of 1e-5.
    first, second = torch.tensor([1.0, -1, 1, -1]), torch.tensor([1.0, 1, -1, -1])
    loss = BarlowTwins(0.1)(Pair(torch.stack([first, second], 1), torch.stack([first, first], 1)))
    assert loss.item() == pytest.approx(1.1, abs=1e-5)


def test_vicreg_by_hand():
    # Query rows +-(0.3, 0.3): variance and covariance 0.18 over n - 1 = 1. Key rows +-(0.3, -0.3): covariance -0.18.
    # s = mean of (0, 0.36, 0, 0.36) = 0.18; v = 1 - sqrt(0.18 + 0.07) = 0.5 of each view; c = 2 * 0.0324 / 2 of each.
    query = torch.tensor([[0.3, 0.3], [-0.3, -0.3]], dtype=torch.float64)
    key = torch.tensor([[0.3, -0.3], [-0.3, 0.3]], dtype=torch.float64)
    loss = VICReg(10.0, 4.0, 100.0, epsilon=0.07)(Pair(query, key))
    assert loss.item() == pytest.approx(10 * 0.18 + 4 * 0.5 + 100 * 2 * 0.0324, abs=1e-9)


def test_align_uniform_by_hand():
    # Unit vectors at 0, 90 and 180 degrees: squared distances 2, 2, 4. The key is the query turned by 60 degrees,
    # so that every distance is 1.
    query = torch.tensor([[3.0, 0.0], [0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    turn = torch.tensor([[0.5, 0.75**0.5], [-(0.75**0.5), 0.5]], dtype=torch.float64)
    loss = AlignUniform(alpha=3.0, t=2.0, uniformity=0.5)(Pair(query, query @ turn))
    assert loss.item() == pytest.approx(1 + 0.5 * log((2 * exp(-4) + exp(-8)) / 3), abs=1e-9)


# ---- how they behave ----------------------------------------------------------------------------------------

ALL = [Regression(), BarlowTwins(), VICReg(), AlignUniform()]


@pytest.mark.parametrize("objective", ALL)
def test_twenty_steps_descend(objective: Objective):
    query, key = rows(16, 30, dim=8).requires_grad_(), rows(16, 31, dim=8)
    optimizer = torch.optim.SGD([query], lr=0.05)
    losses = []
    for _ in range(20):
        loss = objective(Pair(query, key))
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert all(after < before for before, after in pairwise(losses))


@pytest.mark.parametrize("objective", ALL)
def test_the_mean_over_processes_is_the_loss_of_the_whole_batch(objective: Objective):
    query, key = rows(6, 32).requires_grad_(), rows(6, 33).requires_grad_()
    whole = objective(Pair(query, key))
    halves = [objective(Pair(query[first : first + 3], key, first=first, others=query)) for first in (0, 3)]
    both = torch.stack(halves).mean()
    torch.testing.assert_close(both, whole)
    expected = torch.autograd.grad(whole, (query, key))
    torch.testing.assert_close(torch.autograd.grad(both, (query, key)), expected)


@pytest.mark.parametrize("objective", ALL)
@pytest.mark.parametrize("case", CASES)
def test_nothing_is_infinite_in_single_precision(objective: Objective, case: str):
    query, key = (tensor.float().requires_grad_() for tensor in CASES[case]())
    loss = objective(Pair(query, key))
    loss.backward()
    assert loss.dtype == torch.float32
    assert all(torch.isfinite(tensor).all() for tensor in (loss, query.grad, key.grad))


def test_a_single_vector_has_nothing_to_spread_from():
    query, key = rows(1, 34), rows(1, 35)
    assert AlignUniform()(Pair(query, key)).item() == pytest.approx(Regression()(Pair(query, key)).item())


def test_collapse_satisfies_regression_only():
    collapsed = torch.ones(8, 4, dtype=torch.float64)
    least = {type(objective).__name__: objective(Pair(collapsed, collapsed)).item() for objective in ALL}
    assert least["Regression"] == 0
    assert least["BarlowTwins"] == 4  # every (1 - C_ii)^2 is 1
    assert least["VICReg"] == pytest.approx(25 * 0.99)  # the hinge 1 - sqrt(1e-4)
    assert least["AlignUniform"] == 0  # the greatest uniformity there is
    assert AlignUniform()(Pair(rows(8, 36), rows(8, 36))).item() < -1


def test_uniformity_of_opposite_vectors_does_not_underflow():
    opposite = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    assert AlignUniform(t=100.0)(Pair(opposite, opposite)).item() == pytest.approx(-400)


def test_who_needs_other_examples():
    assert [objective.negatives for objective in ALL] == [False, False, False, True]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BarlowTwins(off_diagonal=-1.0), r"objective\.off_diagonal must be at least 0, not -1\.0"),
        (lambda: VICReg(similarity=-1.0), r"objective\.similarity must be at least 0, not -1\.0"),
        (lambda: VICReg(variance=float("nan")), r"objective\.variance must be at least 0, not nan"),
        (lambda: VICReg(covariance=-0.5), r"objective\.covariance must be at least 0, not -0\.5"),
        (lambda: VICReg(epsilon=0.0), r"objective\.epsilon must be above 0, not 0\.0"),
        (lambda: AlignUniform(alpha=0.5), r"objective\.alpha must be at least 1, not 0\.5"),
        (lambda: AlignUniform(t=0.0), r"objective\.t must be above 0, not 0\.0"),
        (lambda: AlignUniform(uniformity=-1.0), r"objective\.uniformity must be at least 0, not -1\.0"),
    ],
)
def test_a_constant_out_of_its_range_is_refused(make: Callable[[], Objective], message: str):
    with pytest.raises(RecipeError, match=message):
        make()
