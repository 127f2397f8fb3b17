"""Swapped predictions and self-distillation against loops written from the papers."""

from collections.abc import Callable
from itertools import pairwise
from math import exp, log

import pytest
import torch
from torch import Tensor

from simemb.errors import RecipeError
from simemb.method.objectives.base import Pair
from simemb.method.objectives.clusters import Centered, CenteredLoss, Swapped, sinkhorn


def scores(count: int, seed: int, width: int = 6) -> Tensor:
    """Cosines of random vectors with random prototypes."""
    vectors = torch.randn(count + width, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    vectors = torch.nn.functional.normalize(vectors, dim=1)
    return vectors[:count] @ vectors[count:].T


def duplicates() -> tuple[Tensor, Tensor]:
    query, key = scores(7, 1), scores(7, 2)
    query[3], key[5], key[6], key[:, 4] = query[0], key[1], key[1], key[:, 2]
    return query, key


def zeros() -> tuple[Tensor, Tensor]:
    query, key = scores(4, 3), scores(4, 4)
    query[1], key[2], key[3] = 0, 0, 0
    return query, key


CASES: dict[str, Callable[[], tuple[Tensor, Tensor]]] = {
    "random": lambda: (scores(9, 5), scores(9, 6)),
    "two": lambda: (scores(2, 7), scores(2, 8)),
    "duplicates": duplicates,
    "zero vectors": zeros,
    "equal views": lambda: (scores(5, 9), scores(5, 9)),
    "opposite": lambda: (scores(5, 10), -scores(5, 10)),
    "one prototype for all": lambda: (scores(4, 11), torch.eye(4, 6, dtype=torch.float64)[[0, 0, 0, 0]]),
}


def slow_log_softmax(row: Tensor, temperature: float) -> list[Tensor]:
    total = torch.stack([(x / temperature).exp() for x in row]).sum()
    return [x / temperature - total.log() for x in row]


def slow_cross_entropy(wanted: list[list[float]], query: Tensor, temperature: float) -> Tensor:
    losses = []
    for target, row in zip(wanted, query, strict=True):
        predicted = slow_log_softmax(row, temperature)
        losses.append(-torch.stack([w * p for w, p in zip(target, predicted, strict=True)]).sum())
    return torch.stack(losses).mean()


# ---- Swapped --------------------------------------------------------------------------------------------------


def slow_codes(key: Tensor, epsilon: float, iterations: int) -> list[list[float]]:
    """Caron et al., 2020, eq. 5, normalized in the order of the released code: Q is prototypes by samples."""
    samples, prototypes = key.shape
    q = [[exp(key[b, k].item() / epsilon) for b in range(samples)] for k in range(prototypes)]
    whole = sum(sum(row) for row in q)
    q = [[x / whole for x in row] for row in q]
    for _ in range(iterations):
        for k in range(prototypes):
            mass = sum(q[k])
            q[k] = [x / mass / prototypes for x in q[k]]
        for b in range(samples):
            mass = sum(q[k][b] for k in range(prototypes))
            for k in range(prototypes):
                q[k][b] = q[k][b] / mass / samples
    return [[q[k][b] * samples for k in range(prototypes)] for b in range(samples)]


def compare(value: Tensor, expected: Tensor, fast: Tensor, slow: Tensor) -> None:
    torch.testing.assert_close(value, expected, atol=1e-6, rtol=1e-9)
    value.backward()
    expected.backward()
    torch.testing.assert_close(fast.grad, slow.grad, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("temperature", "epsilon", "iterations"), [(0.1, 0.05, 3), (1.0, 0.5, 1), (0.2, 0.05, 50)])
def test_swapped_equals_the_loops_of_the_paper(case: str, temperature: float, epsilon: float, iterations: int):
    query, key = CASES[case]()
    fast, slow = query.clone().requires_grad_(), query.clone().requires_grad_()
    value = Swapped(temperature, epsilon, iterations)(Pair(fast, key))
    compare(value, slow_cross_entropy(slow_codes(key, epsilon, iterations), slow, temperature), fast, slow)


def test_a_number_of_swapped_computed_by_hand():
    # exp of the identity has equal row and column sums, so the codes are its rows over e + 1: 0.731059 and 0.268941.
    # The predictions are the same: l is their entropy, 0.731059 * 0.313262 + 0.268941 * 1.313262 = 0.582203.
    eye = torch.eye(2, dtype=torch.float64)
    assert Swapped(1.0, 1.0, 3)(Pair(eye, eye)).item() == pytest.approx(0.582203, abs=1e-6)


def test_many_iterations_give_every_prototype_the_same_mass():
    codes = sinkhorn(scores(12, 20) / 0.2, 500)
    torch.testing.assert_close(codes.sum(dim=1), torch.ones(12, dtype=torch.float64))
    torch.testing.assert_close(codes.sum(dim=0), torch.full((6,), 2.0, dtype=torch.float64))


def test_vectors_that_are_all_alike_are_spread_over_all_prototypes():
    codes = sinkhorn(scores(1, 21).expand(5, 6) / 0.05, 3)
    torch.testing.assert_close(codes, torch.full((5, 6), 1 / 6, dtype=torch.float64))


def test_no_gradient_goes_through_the_codes():
    query, key = scores(4, 22).requires_grad_(), scores(4, 23).requires_grad_()
    Swapped()(Pair(query, key)).backward()
    assert key.grad is None
    assert query.grad is not None


@pytest.mark.parametrize("share", [1, 2, 3])
def test_the_codes_are_those_of_the_whole_batch_in_every_process(share: int):
    query, key = scores(6, 24), scores(6, 25)
    whole = Swapped()(Pair(query, key))
    parts = [Swapped()(Pair(query[at : at + share], key, first=at, others=query)) for at in range(0, 6, share)]
    torch.testing.assert_close(torch.stack(parts).mean(), whole)


@pytest.mark.parametrize("epsilon", [0.05, 0.002])
def test_swapped_stays_finite_in_float32(epsilon: float):
    ones = torch.ones(4, 6)
    for key in (ones, -ones, 0 * ones, 2 * torch.eye(4, 6) - 1):
        query = ones.clone().requires_grad_()
        value = Swapped(0.005, epsilon)(Pair(query, key))
        value.backward()
        assert torch.isfinite(value)
        assert query.grad is not None
        assert torch.isfinite(query.grad).all()


def test_twenty_steps_of_swapped_descend():
    query, key = scores(10, 26).requires_grad_(), scores(10, 27)
    descend(lambda: Swapped()(Pair(query, key)), query, rate=0.1)


def descend(loss: Callable[[], Tensor], query: Tensor, rate: float) -> None:
    optimizer = torch.optim.SGD([query], lr=rate)
    values = []
    for _ in range(20):
        value = loss()
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        values.append(value.item())
    assert values[-1] < 0.7 * values[0]
    assert all(after < before for before, after in pairwise(values))


# ---- Centered -------------------------------------------------------------------------------------------------


def slow_teacher(key: Tensor, center: Tensor, temperature: float) -> list[list[float]]:
    """Caron et al., 2021, eq. 1 with a bias."""
    rows = []
    for row in key.tolist():
        powers = [exp((x - c) / temperature) for x, c in zip(row, center.tolist(), strict=True)]
        rows.append([power / sum(powers) for power in powers])
    return rows


def centered(width: int = 6, **constants: float) -> CenteredLoss:
    return Centered(**constants).build(width).double()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("student", "teacher"), [(0.1, 0.04), (0.5, 1.0)])
@pytest.mark.parametrize("moved", [False, True])
def test_centered_equals_the_loops_of_the_paper(case: str, student: float, teacher: float, moved: bool):
    query, key = CASES[case]()
    loss = centered(student=student, teacher=teacher, warmup=0.0)
    if moved:
        loss.center.copy_(scores(1, 30)[0])
    fast, slow = query.clone().requires_grad_(), query.clone().requires_grad_()
    value = loss(Pair(fast, key))
    compare(value, slow_cross_entropy(slow_teacher(key, loss.center, teacher), slow, student), fast, slow)


def test_a_number_of_centered_computed_by_hand():
    # Teacher and student both say 0.731059 and 0.268941: their entropy is 0.582203. The center then moves half-way to
    # the key (1, 0), so the teacher sees (0.5, 0) and says 0.622459 and 0.377541:
    # 0.622459 * 0.313262 + 0.377541 * 1.313262 = 0.690802.
    view = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    loss = centered(2, student=1.0, teacher=1.0, teacher_start=1.0, momentum=0.5)
    assert loss(Pair(view, view)).item() == pytest.approx(0.582203, abs=1e-6)
    loss.after_step()
    assert loss.center.tolist() == [0.5, 0.0]
    assert loss(Pair(view, view)).item() == pytest.approx(0.690802, abs=1e-6)


def test_the_center_is_the_moving_average_of_the_batch_means():
    loss, expected = centered(), [0.0] * 6
    for step in range(5):
        key = scores(4, 40 + step)
        loss(Pair(scores(4, 50), key))
        loss.after_step()
        expected = [0.9 * c + 0.1 * sum(column) / 4 for c, column in zip(expected, key.T.tolist(), strict=True)]
    assert loss.center.tolist() == pytest.approx(expected, abs=1e-12)


def test_all_pairs_of_a_step_meet_the_same_center_and_each_view_counts_once():
    # Views: a seen by both branches, b by the target only, c by the student only. The pairs are (a, b), (c, a), (c, b).
    a, b, c = scores(4, 60), scores(4, 61), scores(4, 62)
    loss = centered()
    loss.center.copy_(scores(1, 63)[0])
    start = loss.center.clone()
    alone = [centered(), centered(), centered()]
    for (query, key), fresh in zip(((a, b), (c, a), (c, b)), alone, strict=True):
        fresh.center.copy_(start)
        assert loss(Pair(query, key)).item() == fresh(Pair(query, key.clone())).item()
    assert torch.equal(loss.center, start)
    loss.after_step()
    torch.testing.assert_close(loss.center, 0.9 * start + 0.1 * torch.cat([a, b]).mean(dim=0))


def test_batches_that_are_accumulated_move_the_center_once():
    loss, query = centered(), scores(4000, 70)
    keys = [scores(4000, seed) for seed in (71, 72, 73)] + [scores(2, 74)]
    for key in keys:
        loss(Pair(query[: len(key)], key.clone()))  # freed by the caller: the next must not get the same address
    loss.after_step()
    torch.testing.assert_close(loss.center, 0.1 * torch.cat(keys).mean(dim=0))
    before = loss.center.clone()
    loss.after_step()
    assert torch.equal(loss.center, before)


def test_evaluation_leaves_the_center_alone():
    loss = centered().eval()
    loss(Pair(scores(3, 73), scores(3, 74)))
    loss.after_step()
    assert not loss.center.any()


def test_the_center_is_all_that_is_saved():
    loss = centered()
    loss(Pair(scores(3, 75), scores(3, 76)))
    assert list(loss.state_dict()) == ["center"]
    loss.after_step()
    resumed = centered()
    resumed.load_state_dict(loss.state_dict())
    pair = Pair(scores(3, 77), scores(3, 78))
    assert resumed(pair).item() == loss(pair).item()


def test_the_teacher_warms_up_linearly():
    spec = Centered(warmup=0.2)
    temperatures = [spec.teacher_temperature(progress) for progress in (0.0, 0.1, 0.2, 0.7, 1.0)]
    assert temperatures == pytest.approx([0.04, 0.055, 0.07, 0.07, 0.07])
    assert Centered(warmup=0.0).teacher_temperature(0.0) == pytest.approx(0.07)
    query, key = scores(3, 79), scores(3, 80)
    middle = centered(warmup=0.2)(Pair(query, key, progress=0.1)).item()
    assert middle == pytest.approx(centered(teacher=0.055, warmup=0.0)(Pair(query, key)).item())


def test_no_gradient_goes_through_the_teacher():
    query, key = scores(4, 81).requires_grad_(), scores(4, 82).requires_grad_()
    loss = centered()
    loss(Pair(query, key)).backward()
    loss.after_step()
    assert key.grad is None
    assert query.grad is not None
    assert not loss.center.requires_grad


@pytest.mark.parametrize("share", [1, 2, 3])
def test_every_process_has_the_center_of_the_whole_batch(share: int):
    query, key = scores(6, 83), scores(6, 84)
    whole = centered()
    expected = whole(Pair(query, key))
    whole.after_step()
    parts = []
    for at in range(0, 6, share):
        loss = centered()
        parts.append(loss(Pair(query[at : at + share], key, first=at, others=query)))
        loss.after_step()
        assert torch.equal(loss.center, whole.center)
    torch.testing.assert_close(torch.stack(parts).mean(), expected)


def test_centered_stays_finite_in_float32():
    ones = torch.ones(4, 6)
    for key in (ones, -ones, 0 * ones, 2 * torch.eye(4, 6) - 1):
        query = ones.clone().requires_grad_()
        value = Centered(student=0.005, teacher_start=0.005).build(6)(Pair(query, key))
        value.backward()
        assert torch.isfinite(value)
        assert query.grad is not None
        assert torch.isfinite(query.grad).all()


def test_twenty_steps_of_centered_descend():
    query, key, loss = scores(10, 85).requires_grad_(), scores(10, 86), centered()
    descend(lambda: loss(Pair(query, key)), query, rate=0.1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Swapped(temperature=0.0), r"objective\.temperature must be above 0, not 0\.0"),
        (lambda: Swapped(epsilon=-0.1), r"objective\.epsilon must be above 0, not -0\.1"),
        (lambda: Swapped(iterations=0), r"objective\.iterations must be at least 1, not 0"),
        (lambda: Centered(student=0.0), r"objective\.student must be above 0, not 0\.0"),
        (lambda: Centered(teacher=-1.0), r"objective\.teacher must be above 0, not -1\.0"),
        (lambda: Centered(teacher_start=0.0), r"objective\.teacher_start must be above 0, not 0\.0"),
        (lambda: Centered(warmup=1.5), r"objective\.warmup must be in \[0, 1\], not 1\.5"),
        (lambda: Centered(momentum=1.0), r"objective\.momentum must be in \[0, 1\), not 1\.0"),
    ],
)
def test_constants_out_of_range_are_refused(make: Callable[[], object], message: str):
    with pytest.raises(RecipeError, match=message):
        make()


def test_what_they_say_of_themselves():
    for objective in (Swapped, Centered):
        assert objective.clustered
        assert not objective.negatives
    assert log(Centered().teacher / Centered().student) < 0  # the teacher is the sharper of the two
