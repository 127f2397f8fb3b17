"""Memory: a queue that is first in first out, a bank whose rows belong to examples, and noise."""

from collections import deque

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from simemb.errors import RecipeError
from simemb.method.memory import Bank, BankState, Noise, NoiseState, Queue, QueueState
from simemb.method.objectives import InfoNCE, Pair


def queue(size: int, width: int = 2, start: str = "empty", seed: int = 1) -> QueueState:
    return Queue(size=size, start=start).build(width, torch.Generator().manual_seed(seed))


def push(state: QueueState, *numbers: int) -> None:
    """Keys (n, -n), texts 100 + n."""
    keys = torch.tensor([[n, -n] for n in numbers], dtype=torch.float32)
    state.push(keys, torch.tensor([100 + n for n in numbers]))


def held(state: QueueState) -> list[int]:
    """The numbers n inside, oldest first; a key always comes with its own text."""
    keys, texts = state.read()
    assert torch.equal(keys[:, 1], -keys[:, 0])
    assert [100 + n for n in keys[:, 0].tolist()] == texts.tolist()
    return [int(n) for n in keys[:, 0]]


# ---- queue -----------------------------------------------------------------------------------------------


def test_the_contents_after_every_step_written_out_by_hand():
    state = queue(5)
    assert held(state) == []
    push(state, 1, 2)
    assert held(state) == [1, 2]
    push(state, 3, 4)
    assert held(state) == [1, 2, 3, 4]
    push(state, 5, 6)
    assert held(state) == [2, 3, 4, 5, 6]
    push(state, 7, 8)
    assert held(state) == [4, 5, 6, 7, 8]
    push(state, 9)
    assert held(state) == [5, 6, 7, 8, 9]
    push(state, 10, 11, 12, 13, 14)
    assert held(state) == [10, 11, 12, 13, 14]


def test_of_a_batch_larger_than_the_queue_the_last_keys_stay():
    state = queue(3)
    push(state, 1, 2, 3, 4, 5)
    assert held(state) == [3, 4, 5]
    push(state, 6)
    assert held(state) == [4, 5, 6]
    push(state, *range(7, 15))
    assert held(state) == [12, 13, 14]


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 9), batches=st.lists(st.integers(1, 12), max_size=8))
def test_it_is_first_in_first_out_whatever_the_batches(size: int, batches: list[int]):
    state, expected, number = queue(size), deque[int](maxlen=size), 0
    for batch in batches:
        push(state, *range(number, number + batch))
        expected.extend(range(number, number + batch))
        number += batch
        assert held(state) == list(expected)


def test_with_batches_of_64_a_queue_of_160_holds_64_then_128_then_160():
    state, lengths = queue(160), []
    for _ in range(5):
        lengths.append(len(state.read()[0]))
        push(state, *range(64))
    assert lengths == [0, 64, 128, 160, 160]


def test_a_random_start_is_full_of_directions_that_leave_one_by_one():
    state = queue(6, width=40, start="random")
    before, _ = state.read()
    assert before.shape == (6, 40)
    torch.testing.assert_close(before.norm(dim=1), torch.ones(6))
    assert (before @ before.T - torch.eye(6)).abs().max() < 0.8
    state.push(torch.ones(2, 40), torch.tensor([7, 8]))
    after, texts = state.read()
    assert torch.equal(after[:4], before[2:])
    assert torch.equal(after[4:], torch.ones(2, 40))
    assert texts.tolist()[4:] == [7, 8]


def test_the_seed_decides_a_random_start():
    first, again, other = (queue(6, start="random", seed=seed).read()[0] for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_what_was_read_does_not_change_when_new_keys_enter():
    state = queue(3)
    push(state, 1, 2, 3)
    keys, texts = state.read()
    push(state, 4, 5)
    assert keys[:, 0].tolist() == [1, 2, 3]
    assert texts.tolist() == [101, 102, 103]


def test_keys_enter_without_their_graph():
    state = queue(3)
    state.push(torch.ones(2, 2, requires_grad=True) * 2, torch.tensor([1, 2]))
    assert not state.read()[0].requires_grad


@pytest.mark.parametrize("pushes", [1, 2, 4])
def test_a_queue_is_restored_from_its_state_and_goes_on_alike(pushes: int):
    state, other = queue(5), queue(5, start="random", seed=9)
    for step in range(pushes):
        push(state, 2 * step, 2 * step + 1)
    other.load_state_dict(state.state_dict())
    assert held(other) == held(state)
    for one in (state, other):
        push(one, 50, 51, 52)
    assert held(other) == held(state)


@pytest.mark.parametrize("size", [0, -1])
def test_a_queue_without_room_is_refused(size: int):
    with pytest.raises(RecipeError, match=f"size must be at least 1, not {size}"):
        Queue(size=size)


# ---- bank ------------------------------------------------------------------------------------------------


def bank(rows: list[list[float]], momentum: float = 0.5) -> BankState:
    state = Bank(momentum=momentum).build(len(rows[0]), len(rows), torch.Generator())
    state.rows.copy_(torch.tensor(rows))
    return state


def close(values: Tensor, expected: list[list[float]]) -> None:
    torch.testing.assert_close(values, torch.tensor(expected), atol=1e-6, rtol=0)


def test_a_bank_starts_with_a_random_direction_for_every_example():
    first, again, other = (Bank().build(8, 5, torch.Generator().manual_seed(seed)).rows for seed in (1, 1, 2))
    assert first.shape == (5, 8)
    torch.testing.assert_close(first.norm(dim=1), torch.ones(5))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_rows_move_by_half_towards_the_direction_of_the_new_vector_by_hand():
    state = bank([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    state.push(torch.tensor([1, 2]), torch.tensor([[0.0, 5.0], [3.0, 0.0]]))
    half = 0.5**0.5
    close(state.rows, [[1.0, 0.0], [half, half], [half, half]])
    # once more towards the second axis: (half/2, half/2 + 1/2) made a unit vector
    state.push(torch.tensor([1]), torch.tensor([[0.0, 0.1]]))
    close(state.rows[1:2], [[0.38268343, 0.92387953]])  # cosine and sine of 67.5 degrees


def test_another_momentum_by_hand():
    state = bank([[1.0, 0.0]], momentum=0.8)
    state.push(torch.tensor([0]), torch.tensor([[0.0, 2.0]]))
    close(state.rows, [[0.8 / 0.68**0.5, 0.2 / 0.68**0.5]])


def test_with_momentum_0_a_row_is_the_last_direction():
    state = bank([[1.0, 0.0]], momentum=0.0)
    state.push(torch.tensor([0]), torch.tensor([[-3.0, 4.0]]))
    close(state.rows, [[-0.6, 0.8]])


def test_rows_follow_their_examples_in_whatever_order_an_epoch_brings_them():
    truth = torch.nn.functional.normalize(torch.randn(9, 4, generator=torch.Generator().manual_seed(3)))
    state = Bank().build(4, 9, torch.Generator().manual_seed(4))
    for epoch in range(12):
        order = torch.randperm(9, generator=torch.Generator().manual_seed(epoch))
        for part in order.split(4):
            state.push(part, truth[part])
    assert (state.rows * truth).sum(dim=1).min() > 0.99999


def test_a_bank_is_restored_from_its_state():
    state, other = bank([[1.0, 0.0], [0.0, 1.0]]), Bank().build(2, 2, torch.Generator().manual_seed(5))
    other.load_state_dict(state.state_dict())
    assert torch.equal(other.rows, state.rows)


def test_vectors_enter_a_bank_without_their_graph():
    state = bank([[1.0, 0.0]])
    state.push(torch.tensor([0]), torch.ones(1, 2, requires_grad=True))
    assert not state.rows.requires_grad


@pytest.mark.parametrize("momentum", [-0.1, 1.0, float("nan")])
def test_a_momentum_outside_of_0_to_1_is_refused(momentum: float):
    with pytest.raises(RecipeError, match=r"momentum must be in \[0, 1\)"):
        Bank(momentum=momentum)


# ---- noise -----------------------------------------------------------------------------------------------


def noise(width: int = 6, seed: int = 1, **fields: float) -> NoiseState:
    return Noise(**{"size": 7, **fields}).build(width, torch.Generator().manual_seed(seed))


def unit_rows(count: int, seed: int, width: int = 6) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def slow_climb(drawn: Tensor, query: Tensor, key: Tensor, spec: Noise) -> Tensor:
    """Zhou et al., 2022, section 3.3: gradient ascent on the loss, by autograd and one pair after the other."""
    vectors = drawn.double()
    for _ in range(spec.steps):
        vectors = vectors.detach().requires_grad_()
        losses = []
        for i, q in enumerate(query.double()):
            candidates = [*key.double(), *vectors]
            terms = [(torch.cosine_similarity(q, c, dim=0) / spec.temperature).exp() for c in candidates]
            losses.append(-(terms[i] / sum(terms)).log())
        (gradient,) = torch.autograd.grad(torch.stack(losses).mean(), vectors)
        vectors = vectors + spec.rate * gradient / gradient.norm(dim=1, keepdim=True)
    return vectors.detach()


@pytest.mark.parametrize("std", [0.5, 1.0])
def test_noise_is_normal_with_the_deviation_asked_for(std: float):
    drawn = noise(width=300, size=200, std=std).read()
    assert drawn.shape == (200, 300)
    assert drawn.mean().item() == pytest.approx(0, abs=0.02)
    assert drawn.std().item() == pytest.approx(std, rel=0.01)


def test_noise_is_the_same_within_a_step_and_another_in_each_step():
    state = noise()
    first = state.read()
    assert torch.equal(state.read(), first)
    state.after_step()
    assert not torch.equal(state.read(), first)


def test_seed_and_step_decide_the_noise():
    one, same, other = (noise(seed=seed) for seed in (1, 1, 2))
    for _ in range(3):
        for state in (one, same, other):
            state.after_step()
    assert torch.equal(one.read(), same.read())
    assert not torch.equal(one.read(), other.read())


def test_noise_goes_on_alike_from_its_state():
    state, other = noise(), noise(seed=5)
    for _ in range(4):
        state.after_step()
    other.load_state_dict(state.state_dict())
    assert torch.equal(other.read(), state.read())


def test_noise_without_steps_stays_where_it_was_drawn():
    state = noise()
    assert torch.equal(state.against(unit_rows(4, 1), unit_rows(4, 2)), state.read())


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("temperature", [0.05, 1.0])
def test_the_climb_is_that_of_gradient_ascent(steps: int, temperature: float):
    state = noise(steps=steps, rate=0.3, temperature=temperature)
    query, key = unit_rows(5, 3), unit_rows(5, 4)
    expected = slow_climb(state.read(), query, key, state.spec)
    torch.testing.assert_close(state.against(query, key).double(), expected, atol=1e-4, rtol=1e-4)


def test_the_climb_raises_the_loss_and_sends_no_gradient():
    state = noise(steps=4, rate=0.5)
    query, key = unit_rows(8, 5).requires_grad_(), unit_rows(8, 6)
    climbed = state.against(query, key)
    assert not climbed.requires_grad
    before, after = (InfoNCE(0.05)(Pair(query, key, memory=vectors)).item() for vectors in (state.read(), climbed))
    assert after > before


def test_noise_that_no_query_is_near_moves_nowhere_wild():
    state = noise(steps=2, rate=0.1, temperature=0.001)
    climbed = state.against(unit_rows(3, 7), unit_rows(3, 7))
    assert climbed.isfinite().all()
    assert ((climbed - state.read()).norm(dim=1) <= 0.2 + 1e-5).all()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"size": 0}, r"--memory\.size must be at least 1, not 0"),
        ({"steps": -1}, r"--memory\.steps must be at least 0, not -1"),
        ({"std": 0.0}, r"--memory\.std must be above 0, not 0\.0"),
        ({"rate": float("inf")}, r"--memory\.rate must be above 0, not inf"),
        ({"temperature": float("nan")}, r"--memory\.temperature must be above 0, not nan"),
    ],
)
def test_noise_that_makes_no_sense_is_refused(fields: dict, reason: str):
    with pytest.raises(RecipeError, match=reason):
        Noise(**fields)
