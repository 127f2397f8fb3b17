"""The batches of every step: they follow from the seed and the step, and miss no example."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simemb.errors import TrainingError
from simemb.method.heads import MLP
from simemb.method.memory import Queue
from simemb.method.objectives import InfoNCE
from simemb.method.order_augmentations import Shuffle
from simemb.method.recipe import Recipe
from simemb.method.span_augmentations import MaskSpan, SpanPair
from simemb.method.step_input import StepInput
from simemb.method.targets import EMA, view_plan
from simemb.method.token_augmentations import Crop, Delete, Repeat, Vocabulary
from simemb.method.views import View
from simemb.training.dataset import TokenizedTexts, TrainingData
from simemb.training.loader import Loader
from simemb.transformer.batch import Batch

VIEWS = (View(target=False), View(online=False))
SPECIAL = 1_000_000
VOCABULARY = Vocabulary(
    special=np.arange(SPECIAL + 2) >= SPECIAL,
    starts=np.ones(SPECIAL + 2, dtype=bool),
    mask=None,
    limit=64,
    characters=np.full(SPECIAL + 2, 5),
)


@dataclass(frozen=True)
class Table:
    """Row r of column c is one token, 10 r + c, repeated so that lengths differ."""

    size: int

    def __len__(self) -> int:
        return self.size

    def ids(self, column: int, rows: Sequence[int]) -> list[np.ndarray[tuple[int], np.dtype[np.int32]]]:
        assert all(0 <= row < self.size for row in rows)
        return [np.full(1 + row % 3, 10 * row + column, np.int32) for row in rows]


class LongTable(Table):
    """Row r of column c is 12 tokens from 1000 r + 100 c on, between two special ones."""

    def ids(self, column: int, rows: Sequence[int]) -> list[np.ndarray[tuple[int], np.dtype[np.int32]]]:
        assert all(0 <= row < self.size for row in rows)
        first = [1000 * row + 100 * column for row in rows]
        return [np.array([SPECIAL, *range(f, f + 12), SPECIAL + 1], np.int32) for f in first]


def loader(
    size: int | TrainingData, *, seed: int = 1, rank: int = 0, world: int = 1, views=VIEWS, objective=None, **fields
) -> Loader:
    material = size if isinstance(size, TrainingData) else TrainingData(TokenizedTexts(Table(size), VOCABULARY))
    recipe = Recipe(views=views, objective=objective or InfoNCE(), **fields)
    split = view_plan(views, recipe.target, recipe.memory, fixed_dropout=recipe.fixed_dropout)
    return Loader(material, recipe, views, split, seed=seed, rank=rank, world=world)


def rows_of(found: Loader, epoch: int) -> list[list[int]]:
    return [found.rows(epoch, number) for number in range(found.batches_per_epoch)]


def sentences(batch: Batch) -> list[tuple[list[int], list[int]]]:
    """Ids and positions of every sentence, in the order in which they were given."""
    return [
        (batch.ids[here].tolist(), batch.positions[here].tolist())
        for place in range(len(batch))
        for here in [batch.segments == place]
    ]


def by_row(examples: StepInput, views: int) -> dict[tuple[int, int], tuple[list[int], list[int]]]:
    """The online sentences of one batch by example and view."""
    found = {}
    for chunk in examples.chunks:
        rows = examples.rows[chunk.first : chunk.first + chunk.size].tolist()
        every = sentences(chunk.online)
        assert len(every) == views * len(rows)
        for place in range(views):
            found |= {(row, place): every[place * len(rows) + number] for number, row in enumerate(rows)}
    return found


def epoch_of(found: Loader, epoch: int, views: int = 2) -> dict[tuple[int, int], tuple[list[int], list[int]]]:
    """The online sentences of one epoch by example and view."""
    steps = range(epoch * found.steps_per_epoch, (epoch + 1) * found.steps_per_epoch)
    batches = [examples for step in steps for examples in found.step(step)]
    return {key: sentence for examples in batches for key, sentence in by_row(examples, views).items()}


# ---- which examples ------------------------------------------------------------------------------


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
        assert straight.rows.tolist() == every[step][0].rows.tolist()
        assert straight.chunks[0].online.ids.tolist() == every[step][0].chunks[0].online.ids.tolist()


def test_a_batch_holds_all_of_view_0_then_all_of_view_1():
    views = (View(column=0, target=False), View(column=1, online=False))
    found = loader(9, batch_size=4, views=views)
    rows = found.rows(0, 0)
    (examples,) = found.step(0)
    assert examples.rows.tolist() == rows
    (chunk,) = examples.chunks
    assert (chunk.first, chunk.size, chunk.second) == (0, 4, None)
    assert [ids[0] for ids, _ in sentences(chunk.online)] == [10 * r for r in rows] + [10 * r + 1 for r in rows]


def test_a_slow_copy_has_a_batch_of_its_own_with_the_views_that_it_sees():
    found = loader(9, batch_size=4, views=(View(), View(column=1, online=False)), target=EMA())
    (examples,) = found.step(0)
    (chunk,) = examples.chunks
    rows = examples.rows.tolist()
    assert [ids[0] for ids, _ in sentences(chunk.online)] == [10 * r for r in rows]
    assert [ids[0] for ids, _ in sentences(chunk.second)] == [10 * r for r in rows] + [10 * r + 1 for r in rows]
    assert examples.sentences == 4 + 8


def test_a_twin_reads_the_texts_with_its_own_tokenizer():
    other = TokenizedTexts(LongTable(9), VOCABULARY)
    material = TrainingData(TokenizedTexts(Table(9), VOCABULARY), second=other)
    found = loader(material, batch_size=4, views=VIEWS, target=EMA())
    (examples,) = found.step(0)
    (chunk,) = examples.chunks
    rows = examples.rows.tolist()
    assert [ids[0] for ids, _ in sentences(chunk.online)] == [10 * r for r in rows]
    assert [ids[1] for ids, _ in sentences(chunk.second)] == [1000 * r for r in rows]


def test_accumulation_groups_batches_and_keeps_the_last_partial_group():
    found = loader(50, batch_size=8, accumulate=3, epochs=2)  # 7 batches an epoch: 3 + 3 + 1
    assert (found.batches_per_epoch, found.steps_per_epoch, found.steps) == (7, 3, 6)
    assert [len(found.step(step)) for step in range(6)] == [3, 3, 1, 3, 3, 1]
    (last,) = found.step(2)
    assert len(last) == 2
    assert last.sentences == 2 * 2  # two examples left, two views


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
    assert all(len(examples) for step in range(found.steps) for examples in found.step(step))


@pytest.mark.parametrize(("size", "world", "batches"), [(25, 1, 2), (26, 1, 3), (27, 2, 2), (28, 2, 3)])
def test_batch_norm_leaves_out_a_rest_that_gives_a_process_a_single_example(size: int, world: int, batches: int):
    assert loader(size, batch_size=12, world=world, head=MLP(norm="batch")).batches_per_epoch == batches
    assert loader(size, batch_size=12, world=world).batches_per_epoch == 3  # others do with a single example


@pytest.mark.parametrize(("size", "batch_size"), [(3, 8), (50, 3)])
def test_more_processes_than_examples_in_a_batch_are_refused(size: int, batch_size: int):
    with pytest.raises(TrainingError, match="4 processes cannot share a batch of 3"):
        loader(size, batch_size=batch_size, world=4)


@pytest.mark.parametrize(("size", "batch_size"), [(3, 8), (50, 3)])
def test_batch_norm_refuses_processes_that_would_see_a_single_example(size: int, batch_size: int):
    batch_norm = MLP(norm="batch")
    with pytest.raises(TrainingError, match=r"2 processes cannot share a batch of 3 \(allowed: 4 or more"):
        loader(size, batch_size=batch_size, world=2, head=batch_norm)
    assert loader(size, batch_size=batch_size, world=2).steps
    assert loader(size, batch_size=batch_size, head=batch_norm).steps
    with pytest.raises(TrainingError, match=r"1 process cannot share a batch of 1 \(allowed: 2 or more"):
        loader(1, batch_size=8, head=batch_norm)


# ---- chunks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("chunk", "sizes"), [(3, [3, 3, 2]), (4, [4, 4]), (8, [8]), (99, [8])])
def test_chunks_are_the_batch_cut_into_pieces_of_that_size(chunk: int, sizes: list[int]):
    views = (View(column=0, target=False), View(column=1, online=False))
    (whole,) = loader(20, batch_size=8, views=views).step(0)
    (cut,) = loader(20, batch_size=8, views=views, chunk=chunk).step(0)
    assert [piece.size for piece in cut.chunks] == sizes
    assert [piece.first for piece in cut.chunks] == [sum(sizes[:number]) for number in range(len(sizes))]
    assert cut.rows.tolist() == whole.rows.tolist()
    assert by_row(cut, 2) == by_row(whole, 2)


# ---- further down the data -----------------------------------------------------------------------


def test_a_view_with_an_offset_reads_the_rows_further_down_and_the_last_rows_start_no_example():
    views = (View(target=False), View(online=False, offset=1), View(column=1, online=False, negative=True, offset=2))
    found = loader(20, batch_size=6, views=views)
    assert found.examples == 18
    assert sorted(row for batch in rows_of(found, 0) for row in batch) == list(range(18))
    for (row, place), (ids, _) in epoch_of(found, 0, 3).items():
        assert ids[0] == (10 * row, 10 * (row + 1), 10 * (row + 2) + 1)[place]


# ---- augmentations -------------------------------------------------------------------------------

REPEATED = (View(target=False), View(online=False, augment=(Repeat(rate=0.5, count="paper"),)))


def long(size: int = 24) -> TrainingData:
    return TrainingData(TokenizedTexts(LongTable(size), VOCABULARY))


def test_the_two_spans_of_a_pair_are_drawn_together_and_anew_in_every_epoch():
    """Which of the views keeps which span makes no difference to where the spans lie."""
    anchor, positive = (View(augment=(SpanPair(part, 0.2, 0.5),)) for part in ("anchor", "positive"))
    found, swapped = (
        loader(long(), batch_size=8, epochs=2, views=views) for views in ((anchor, positive), (positive, anchor))
    )
    for epoch in range(2):
        spans = epoch_of(found, epoch)
        assert spans == {(row, 1 - place): span for (row, place), span in epoch_of(swapped, epoch).items()}
    assert epoch_of(found, 0) != epoch_of(found, 1)


@pytest.mark.parametrize("augmentation", [Repeat(rate=0.5, count="paper"), Delete(0.5), Crop(0.3, 0.6), Shuffle()])
def test_an_augmentation_is_drawn_again_in_every_epoch_and_touches_no_other_view(augmentation):
    views = (View(target=False), View(online=False, augment=(augmentation,)))
    found = loader(long(), batch_size=8, epochs=3, views=views)
    epochs = [epoch_of(found, epoch) for epoch in range(3)]
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    changed = 0
    for row in range(24):
        plain = [SPECIAL, *range(1000 * row, 1000 * row + 12), SPECIAL + 1], list(range(14))
        for epoch in epochs:
            assert epoch[row, 0] == plain
            changed += epoch[row, 1] != plain
    assert changed > 24  # of 72: repeating may draw 0 repeats


@pytest.mark.parametrize("augmentation", [Repeat(rate=0.5, count="paper"), Delete(0.5), Crop(0.3, 0.6), Shuffle()])
def test_a_frozen_augmentation_is_drawn_once(augmentation):
    views = (View(target=False), View(online=False, augment=(replace(augmentation, frozen=True),)))
    found = loader(long(), batch_size=8, epochs=3, views=views)
    first, second, third = (epoch_of(found, epoch) for epoch in range(3))
    assert first == second == third
    assert len({len(ids) for ids, _ in first.values()} | {str(places) for _, places in first.values()}) > 2


@pytest.mark.parametrize("frozen", [False, True])
def test_what_is_drawn_for_an_example_does_not_depend_on_batch_size_chunks_or_accumulation(frozen: bool):
    views = (View(target=False), View(online=False, augment=(Repeat(rate=0.5, count="paper", frozen=frozen),)))
    for epoch in range(2):
        expected = epoch_of(loader(long(), batch_size=24, epochs=2, views=views), epoch)
        for fields in ({"batch_size": 5}, {"batch_size": 8, "chunk": 3}, {"batch_size": 4, "accumulate": 3}):
            assert epoch_of(loader(long(), epochs=2, views=views, **fields), epoch) == expected


def test_what_is_drawn_for_an_example_does_not_depend_on_the_number_of_processes():
    whole = epoch_of(loader(long(), batch_size=8, views=REPEATED), 0)
    shares = [epoch_of(loader(long(), batch_size=8, views=REPEATED, rank=rank, world=2), 0) for rank in range(2)]
    assert shares[0].keys().isdisjoint(shares[1])
    assert shares[0] | shares[1] == whole


def test_what_is_drawn_for_an_example_does_not_depend_on_what_was_resumed():
    through = loader(long(), batch_size=8, epochs=2, views=REPEATED)
    every = [by_row(through.step(step)[0], 2) for step in range(through.steps)]
    (resumed,) = loader(long(), batch_size=8, epochs=2, views=REPEATED).step(4)
    assert by_row(resumed, 2) == every[4]


def test_another_seed_and_another_view_draw_otherwise():
    augment = (Repeat(rate=0.5, count="paper"),)
    views = (View(augment=augment), View(augment=augment))
    one, other = (epoch_of(loader(long(), batch_size=8, views=views, seed=seed), 0) for seed in (1, 2))
    assert one != other
    assert any(one[row, 0] != one[row, 1] for row in range(24))


def test_shared_augmentations_draw_alike_in_all_views_and_a_short_masked_span_lies_within_a_long_one():
    material = TrainingData(TokenizedTexts(LongTable(24), replace(VOCABULARY, mask=SPECIAL + 1)))
    views = (View(target=False), *(View(online=False, augment=(MaskSpan(rate, shared=True),)) for rate in (0.25, 0.5)))
    places = set()
    for epoch in range(3):
        drawn = epoch_of(loader(material, views=views), epoch, views=3)
        for row in range(24):
            light, heavy = (
                {n for n, token in enumerate(drawn[row, view][0][1:-1]) if token > SPECIAL} for view in (1, 2)
            )
            assert (len(light), len(heavy)) == (3, 6)
            assert light < heavy
            assert heavy == set(range(min(heavy), max(heavy) + 1))
            places.add(min(heavy))
    assert places == set(range(7))
    apart = (View(target=False), *(View(online=False, augment=(MaskSpan(0.25),)) for _ in range(2)))
    drawn = epoch_of(loader(material, views=apart), 0, views=3)
    assert any(drawn[row, 1] != drawn[row, 2] for row in range(24))


def test_several_augmentations_of_a_view_follow_each_other():
    views = (View(target=False), View(online=False, augment=(Crop(0.5, 0.5), Shuffle())))
    for (_, place), (ids, positions) in epoch_of(loader(long(), batch_size=8, views=views), 0).items():
        if place:
            assert len(ids) == 8  # half of 12 tokens, and two special ones
            assert ids[1:-1] == list(range(ids[1], ids[1] + 6))
            assert sorted(positions) == list(range(8))


# ---- what is known of the examples ---------------------------------------------------------------


@dataclass(frozen=True)
class Texts:
    """The same few texts again and again."""

    columns: tuple[tuple[tuple[int, ...], ...], ...]

    def __len__(self) -> int:
        return len(self.columns[0])

    def ids(self, column: int, rows: Sequence[int]) -> list[np.ndarray[tuple[int], np.dtype[np.int32]]]:
        return [np.array(self.columns[column][row], np.int32) for row in rows]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple)] * 2), min_size=3))
def test_numbers_of_texts_are_equal_exactly_where_the_texts_are(pairs: list[tuple[tuple[int, ...], ...]]):
    columns = tuple(zip(*pairs, strict=True))
    views = (View(target=False), View(online=False, column=1), View(online=False, column=1, offset=1))
    found = loader(TrainingData(TokenizedTexts(Texts(columns))), batch_size=99, views=views)
    (examples,) = found.step(0)
    rows = examples.rows.tolist()
    texts = (
        [columns[0][row] for row in rows] + [columns[1][row] for row in rows] + [columns[1][row + 1] for row in rows]
    )
    numbers = torch.cat(examples.texts).tolist()
    assert [len(texts) for texts in examples.texts] == [len(rows)] * 3
    assert all(
        (numbers[i] == numbers[j]) == (texts[i] == texts[j]) for i in range(len(texts)) for j in range(len(texts))
    )


def test_the_numbers_are_those_of_the_texts_before_they_were_augmented():
    plain, changed = (loader(long(), batch_size=24, views=views).step(0)[0].texts for views in (VIEWS, REPEATED))
    assert torch.equal(torch.stack(plain), torch.stack(changed))
    assert torch.equal(changed[0], changed[1])


def test_vectors_and_scores_are_looked_up_by_row():
    scores = np.arange(20, dtype=np.float32) / 2
    teacher_vectors = {1: np.arange(40, dtype=np.float32).reshape(20, 2)}
    guided = {column: np.arange(20, dtype=np.float32)[:, None] + 100 * column for column in (0, 1)}
    material = TrainingData(
        TokenizedTexts(Table(20)), scores=scores, teacher_vectors=teacher_vectors, guide_vectors=guided
    )
    views = (View(column=0, target=False), View(column=1, online=False, offset=3))
    found = loader(material, batch_size=6, views=views, chunk=4)
    assert found.examples == 17
    for step in range(found.steps):
        (examples,) = found.step(step)
        rows = examples.rows
        assert examples.scores.tolist() == (rows / 2).tolist()
        assert examples.teacher_vectors.keys() == {1}
        assert examples.teacher_vectors[1].tolist() == [[2 * row + 6, 2 * row + 7] for row in rows.tolist()]
        assert examples.guide_vectors[0].flatten().tolist() == rows.tolist()
        assert examples.guide_vectors[1].flatten().tolist() == (rows + 103).tolist()


def test_without_scores_and_other_encoders_nothing_is_known():
    (examples,) = loader(9, batch_size=4, memory=Queue()).step(0)
    assert (examples.scores, examples.teacher_vectors, examples.guide_vectors) == (None, {}, {})


def test_examples_move_as_a_whole():
    material = replace(long(), scores=np.zeros(24, np.float32), guide_vectors={0: np.ones((24, 3), np.float32)})
    (examples,) = loader(material, batch_size=6, chunk=4, views=VIEWS, target=EMA()).step(0)
    moved = examples.to("meta")
    tensors = [moved.rows, *moved.texts, moved.scores, *moved.guide_vectors.values()]
    tensors += [batch.ids for chunk in moved.chunks for batch in (chunk.online, chunk.second)]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert len(moved) == len(examples)
    assert moved.sentences == examples.sentences


# ---- any number of negatives ---------------------------------------------------------------------

NEGATIVE = View(column=2, online=False, negative=True)
SPANS = np.array([[0, 2], [2, 0], [2, 5], [7, 1], [8, 3], [11, 0]])


class Spanned(Table):
    """As `Table`; column 2 has 11 texts."""

    def ids(self, column: int, rows: Sequence[int]) -> list[np.ndarray[tuple[int], np.dtype[np.int32]]]:
        return (Table(11) if column == 2 else Table(self.size)).ids(column, rows)


class LongSpanned(LongTable):
    """The same of `LongTable`."""

    def ids(self, column: int, rows: Sequence[int]) -> list[np.ndarray[tuple[int], np.dtype[np.int32]]]:
        return LongTable.ids(LongTable(11) if column == 2 else self, column, rows)


def spanned(**fields: Any) -> TrainingData:
    return TrainingData(TokenizedTexts(Spanned(6), VOCABULARY), spans={2: SPANS}, **fields)


def texts_of(chunk: Batch, sizes: Sequence[int]) -> list[list[int]]:
    """The first token of every sentence, view by view."""
    found = dict(
        zip(chunk.order.tolist(), (ids[0].item() for ids in chunk.ids.split(list(chunk.lengths))), strict=True)
    )
    numbers = iter(range(len(found)))
    return [[found[next(numbers)] for _ in range(size)] for size in sizes]


@pytest.mark.parametrize("chunk", [None, 2])
def test_each_row_brings_the_negatives_it_has(chunk: int | None):
    views = (*VIEWS, NEGATIVE)
    (examples,) = loader(spanned(), batch_size=6, views=views, chunk=chunk).step(0)
    texts = [text for part in examples.chunks for text in texts_of(part.online, part.sizes((0, 1, 2)))[2]]
    rows = examples.rows.tolist()
    assert [rows[owner] for owner in examples.owners[2].tolist()] == [row for row in rows for _ in range(SPANS[row, 1])]
    assert texts == [10 * text + 2 for row in rows for text in range(SPANS[row, 0], SPANS[row].sum())]
    assert len(examples.texts[2]) == len(set(examples.texts[2].tolist())) == 11
    assert examples.sentences == 6 + 6 + 11


def test_a_row_without_negatives_is_a_row():
    (examples,) = loader(spanned(), batch_size=6, views=(*VIEWS, NEGATIVE), chunk=1).step(0)
    assert {len(part.owners[2]) for part in examples.chunks} == {0, 1, 2, 3, 5}


def test_of_many_negatives_others_are_drawn_in_each_epoch():
    def drawn(epoch: int, **fields: Any) -> list[int]:
        found = loader(spanned(), batch_size=6, views=(*VIEWS, NEGATIVE), negatives=2, epochs=8, **fields)
        (examples,) = found.step(epoch)
        places = dict(zip(examples.rows.tolist(), range(6), strict=True))
        mine = examples.owners[2] == places[2]
        (texts,) = [texts_of(part.online, part.sizes((0, 1, 2)))[2] for part in examples.chunks]
        return [text // 10 for text, own in zip(texts, mine.tolist(), strict=True) if own]

    epochs = [drawn(epoch) for epoch in range(8)]
    assert all(len(set(texts)) == 2 and texts == sorted(texts) and set(texts) <= set(range(2, 7)) for texts in epochs)
    assert len(set(map(tuple, epochs))) > 3
    assert {text for texts in epochs for text in texts} == set(range(2, 7))
    assert epochs == [drawn(epoch) for epoch in range(8)] != [drawn(epoch, seed=2) for epoch in range(8)]


def test_vectors_of_negatives_are_looked_up_by_text():
    vectors = np.arange(11, dtype=np.float32)[:, None]
    (examples,) = loader(spanned(guide_vectors={2: vectors}), batch_size=6, views=(*VIEWS, NEGATIVE), chunk=4).step(0)
    texts = [text for part in examples.chunks for text in texts_of(part.online, part.sizes((0, 1, 2)))[2]]
    assert examples.guide_vectors[2].flatten().tolist() == [text // 10 for text in texts]


def test_an_augmented_negative_does_not_depend_on_the_batch():
    views = (*VIEWS, replace(NEGATIVE, augment=(Shuffle(),)))
    numbers = TrainingData(TokenizedTexts(LongSpanned(6), VOCABULARY), spans={2: SPANS})

    def shuffled(batch_size: int) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        given = loader(numbers, batch_size=batch_size, views=views)
        for step in range(given.steps):
            for chunk in given.step(step)[0].chunks:
                for ids in chunk.online.ids.split(list(chunk.online.lengths)):
                    if ids[1] // 100 % 10 == 2:
                        found[int(ids[1]) // 1000] = ids.tolist()
        return found

    assert shuffled(6) == shuffled(2)
    assert len(shuffled(6)) == 11
