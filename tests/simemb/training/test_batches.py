"""Whose turn it is: the shares and the order of several sources follow from the seed and the step."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from simemb.method.objectives import InfoNCE
from simemb.method.recipe import Recipe
from simemb.method.views import View
from simemb.training.batches import ByLabel, Schedule, Turn, Turns, divided


def recipe(**fields: Any) -> Recipe:
    fields = {"mix": "proportional", **fields}
    return Recipe(views=(View(), View()), objective=InfoNCE(), **fields)


def epoch_of(turns: Turns, epoch: int) -> list[Turn]:
    return [turns.turn(epoch, number) for number in range(turns.count)]


def test_in_proportion_every_batch_of_every_source_comes_once_an_epoch_in_another_order():
    turns = Turns((3, 7, 1), recipe(), seed=1)
    for epoch in (0, 1, 5):
        found = epoch_of(turns, epoch)
        each = [Turn(source, epoch, number) for source, count in enumerate((3, 7, 1)) for number in range(count)]
        assert sorted(found, key=repr) == sorted(each, key=repr)
        assert [turn.number for turn in found if turn.source == 1] == list(range(7))
    orders = [[turn.source for turn in epoch_of(turns, epoch)] for epoch in (0, 1)]
    assert orders[0] != orders[1]
    assert orders[0] != [turn.source for turn in epoch_of(Turns((3, 7, 1), recipe(), seed=2), 0)]


def test_weights_divide_the_same_number_of_batches_and_a_small_source_begins_again():
    turns = Turns((2, 8), recipe(weights=(1, 1)), seed=1)
    assert (turns.shares, turns.count) == ((5, 5), 10)
    small = [turn for epoch in (0, 1) for turn in epoch_of(turns, epoch) if turn.source == 0]
    assert [(turn.of_pass, turn.number) for turn in small] == [divmod(place, 2) for place in range(10)]
    large = [turn for epoch in (0, 1) for turn in epoch_of(turns, epoch) if turn.source == 1]
    assert [(turn.of_pass, turn.number) for turn in large] == [divmod(place, 8) for place in range(10)]


@pytest.mark.parametrize(("mix", "share"), [("round_robin", 4), ("until_smallest", 2)])
def test_in_turn_each_source_has_the_batches_of_the_largest_or_of_the_smallest(mix: str, share: int):
    turns = Turns((2, 4, 3), recipe(mix=mix), seed=1)
    assert [turn.source for turn in epoch_of(turns, 0)] == [0, 1, 2] * share
    assert turns.turn(1, 0) == Turn(
        0,
        *divmod(share, 2),
    )
    assert turns.turn(1, 1) == Turn(1, *divmod(share, 4))


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=6), st.integers(1, 500))
def test_shares_are_within_a_batch_of_their_weights(weights: list[float], batches: int):
    shares = divided(batches, tuple(weights))
    exact = [batches * weight / sum(weights) for weight in weights]
    assert all(share == 1 or abs(share - each) < 1 for share, each in zip(shares, exact, strict=True))
    assert sum(shares) == batches or any(share == 1 for share in shares)


@pytest.mark.parametrize("mix", ["proportional", "round_robin", "until_smallest"])
def test_what_was_taken_is_what_the_turns_were(mix: str):
    turns, schedule = Turns((3, 5), recipe(mix=mix), seed=3), Schedule(8, recipe(mix=mix, accumulate=3, epochs=3))
    schedule = Schedule(turns.count, recipe(mix=mix, accumulate=3, epochs=3))
    counted: Counter[int] = Counter()
    for step in range(schedule.steps):
        assert turns.taken(*schedule.done(step)) == (counted[0], counted[1])
        epoch, numbers = schedule.of_step(step)
        counted.update(turns.turn(epoch, number).source for number in numbers)
    assert turns.taken(*schedule.done(schedule.steps)) == (counted[0], counted[1])


# ---- several texts of a class ---------------------------------------------------------------------

FREQUENT = np.repeat(np.arange(30), 9)
"""30 classes of 9 texts."""


def classes_of(labels: NDArray[np.int64], batch: list[int]) -> Counter[int]:
    return Counter(labels[batch].tolist())


@given(
    st.lists(st.integers(1, 12), min_size=2, max_size=9),
    st.integers(2, 5),
    st.integers(4, 40),
    st.integers(0, 2),
)
@settings(max_examples=60)
def test_every_text_comes_and_only_full_groups_repeat_one(sizes: list[int], several: int, largest: int, of_pass: int):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    batches = ByLabel(labels, largest, several, seed=1)
    found = [batches.batch(number, of_pass=of_pass) for number in range(batches.count)]
    assert [len(batch) for batch in found] == [batches.size(number) for number in range(batches.count)]
    counts = Counter(row for batch in found for row in batch)
    assert set(counts) == set(range(len(labels)))
    for label, size in enumerate(sizes):
        missing = -size % several if size > several else 0
        assert sum(counts[row] for row in np.flatnonzero(labels == label).tolist()) == size + missing
        assert max(counts[row] for row in np.flatnonzero(labels == label).tolist()) <= 2


def test_a_batch_holds_several_texts_of_each_of_many_classes():
    batches = ByLabel(FREQUENT, 24, 4, seed=1)
    for number in range(batches.count):
        counts = classes_of(FREQUENT, batches.batch(number, of_pass=0))
        assert len(counts) >= 4
        assert all(count % 4 == 0 for count in counts.values())


def test_a_rare_class_comes_together_and_few_classes_fill_a_batch_with_more_of_each():
    labels = np.array([0] * 60 + [1] * 60 + [2] * 3)
    batches = ByLabel(labels, 12, 4, seed=2)
    found = [classes_of(labels, batches.batch(number, of_pass=0)) for number in range(batches.count)]
    assert all(counts[0] >= 1 and counts[1] >= 1 for counts in found[:-1])
    assert sum(counts[2] > 0 for counts in found) <= 2


def test_the_order_follows_from_seed_pass_and_source():
    def order(**options: Any) -> list[int]:
        options = {"seed": 1, **options}
        return ByLabel(FREQUENT, 24, 4, **options).batch(0, of_pass=3)

    first = ByLabel(FREQUENT, 24, 4, seed=1)
    for of_pass in (0, 5):
        first.batch(1, of_pass=of_pass)
    assert first.batch(0, of_pass=3) == order()
    assert len({tuple(order(seed=2)), tuple(order(stream=(1,))), tuple(order())}) == 3
