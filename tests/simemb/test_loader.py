"""The batches of every step: they follow from the seed and the step, and miss no example."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simemb.errors import TrainingError
from simemb.loader import Loader, mix
from simemb.objectives import InfoNCE
from simemb.recipe import Recipe
from simemb.views import View

VIEWS = (View(target=False), View(online=False))


class Table:
    """Row r of column c is one token, 10 r + c, repeated so that lengths differ."""

    def __init__(self, size: int):
        self.size = size

    def __len__(self) -> int:
        return self.size

    def ids(self, column: int, rows: Sequence[int]) -> list[np.ndarray[tuple[int], np.dtype[np.int32]]]:
        return [np.full(1 + row % 3, 10 * row + column, np.int32) for row in rows]


def loader(size: int, *, seed: int = 1, rank: int = 0, world: int = 1, views=VIEWS, **fields) -> Loader:
    recipe = Recipe(views=views, objective=InfoNCE(), **fields)
    return Loader(Table(size), recipe, views, seed=seed, rank=rank, world=world)


def rows_of(found: Loader, epoch: int) -> list[list[int]]:
    return [found.rows(epoch, number) for number in range(found.batches_per_epoch)]


@settings(max_examples=30, deadline=None)
@given(size=st.integers(2, 60), batch_size=st.integers(2, 17), epoch=st.integers(0, 3))
def test_every_example_comes_once_an_epoch_and_the_last_partial_batch_is_kept(size: int, batch_size: int, epoch: int):
    batches = rows_of(loader(size, batch_size=batch_size, epochs=4), epoch)
    assert sorted(row for batch in batches for row in batch) == list(range(size))
    assert [len(batch) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
    assert len(batches[-1]) == (size % batch_size or batch_size)


def test_the_order_differs_by_epoch_and_seed_and_is_the_same_for_the_same_seed():
    first = loader(50, batch_size=8)
    assert rows_of(first, 0) != rows_of(first, 1)
    assert rows_of(first, 0) == rows_of(loader(50, batch_size=8), 0)
    assert rows_of(first, 0) != rows_of(loader(50, batch_size=8, seed=2), 0)


def test_a_step_does_not_depend_on_which_steps_were_asked_before():
    through = loader(50, batch_size=8, epochs=3)
    every = [through.step(step) for step in range(through.steps)]
    for step in (9, 0, 20, 6, 7):
        (straight,) = loader(50, batch_size=8, epochs=3).step(step)
        assert straight.ids.tolist() == every[step][0].ids.tolist()


def test_a_batch_holds_all_of_view_0_then_all_of_view_1():
    views = (View(column=0, target=False), View(column=1, online=False))
    found = loader(9, batch_size=4, views=views)
    rows = found.rows(0, 0)
    (batch,) = found.step(0)
    by_sentence = dict(zip(batch.segments.tolist(), batch.ids.tolist(), strict=True))
    assert [by_sentence[place] for place in range(8)] == [10 * r for r in rows] + [10 * r + 1 for r in rows]


def test_accumulation_groups_batches_and_keeps_the_last_partial_group():
    found = loader(50, batch_size=8, accumulate=3, epochs=2)  # 7 batches an epoch: 3 + 3 + 1
    assert (found.batches_per_epoch, found.steps_per_epoch, found.steps) == (7, 3, 6)
    assert [len(found.step(step)) for step in range(6)] == [3, 3, 1, 3, 3, 1]
    (last,) = found.step(2)
    assert len(last) == 2 * 2  # two examples left, two views


@pytest.mark.parametrize(("max_steps", "expected"), [(None, 14), (5, 5), (14, 14), (99, 14)])
def test_max_steps_ends_a_run_early_and_never_makes_it_longer(max_steps: int | None, expected: int):
    assert loader(50, batch_size=8, epochs=2, max_steps=max_steps).steps == expected


@pytest.mark.parametrize("world", [2, 3, 4])
@pytest.mark.parametrize("size", [48, 50, 57])
def test_processes_share_every_batch_in_the_order_of_their_ranks(world: int, size: int):
    whole = loader(size, batch_size=12)
    shares = [loader(size, batch_size=12, rank=rank, world=world) for rank in range(world)]
    for number in range(shares[0].batches_per_epoch):
        parts = [share.rows(0, number) for share in shares]
        joined = [row for part in parts for row in part]
        assert len({len(part) for part in parts}) == 1
        assert joined == whole.rows(0, number)[: len(joined)]
        assert len(whole.rows(0, number)) - len(joined) < world


def test_a_rest_with_too_few_examples_for_the_processes_is_left_out():
    found = loader(25, batch_size=12, world=2)  # the 25th cannot be shared by two
    assert found.batches_per_epoch == 2
    assert all(len(batch) for step in range(found.steps) for batch in found.step(step))


@pytest.mark.parametrize(("size", "batch_size"), [(3, 8), (50, 3)])
def test_more_processes_than_examples_in_a_batch_are_refused(size: int, batch_size: int):
    with pytest.raises(TrainingError, match="4 processes cannot share a batch of 3"):
        loader(size, batch_size=batch_size, world=4)


def test_mixed_seeds_do_not_collide_and_fit_a_generator():
    seeds = [mix(a, b, c) for a in range(20) for b in range(20) for c in range(20)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert mix(1, 2, 0, 0) != mix(1, 2) != mix(1, 2, 0)
    assert mix(0) != mix(0, 0)


def test_mixed_seeds_are_the_same_on_every_machine():
    assert mix(1, 2) == 6326965974410291933
