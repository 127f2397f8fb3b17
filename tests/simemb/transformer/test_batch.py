"""Ragged batches: nothing is lost, nothing is added, and the caller's order comes back."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simemb.transformer.batch import Batch

FEW = settings(max_examples=40, deadline=None)
SENTENCES = st.lists(st.lists(st.integers(0, 999), min_size=1, max_size=9), min_size=1, max_size=12)


def by_row(batch: Batch) -> list[list[int]]:
    """The sentences in the caller's order, read off the segments alone."""
    return [batch.ids[batch.segments == row].tolist() for row in range(len(batch))]


@given(SENTENCES)
@FEW
def test_every_sentence_is_found_again_in_the_caller_s_row(sentences):
    assert by_row(Batch.collate(sentences)) == sentences


@given(SENTENCES)
@FEW
def test_sentences_are_sorted_by_length_and_equal_lengths_keep_their_order(sentences):
    batch = Batch.collate(sentences)
    rows = sorted(range(len(sentences)), key=lambda row: len(sentences[row]))
    assert batch.order.tolist() == rows
    assert batch.lengths == tuple(len(sentences[row]) for row in rows)
    assert batch.ids.tolist() == [token for row in rows for token in sentences[row]]


@given(SENTENCES)
@FEW
def test_positions_count_from_zero_in_each_sentence(sentences):
    batch = Batch.collate(sentences)
    assert batch.positions.tolist() == [place for length in batch.lengths for place in range(length)]


@given(SENTENCES)
@FEW
def test_runs_are_maximal_and_cover_the_batch(sentences):
    batch = Batch.collate(sentences)
    assert [length for count, length in batch.runs for _ in range(count)] == list(batch.lengths)
    assert len({length for _, length in batch.runs}) == len(batch.runs)


@given(SENTENCES)
@FEW
def test_splitting_gives_one_dense_block_per_run_and_loses_nothing(sentences):
    batch = Batch.collate(sentences)
    tokens = batch.ids[:, None].float()
    blocks = list(batch.split(tokens))
    assert [tuple(block.shape) for block in blocks] == [(*run, 1) for run in batch.runs]
    assert torch.equal(torch.cat([block.flatten(0, 1) for block in blocks]), tokens)


@given(SENTENCES)
@FEW
def test_restoring_undoes_the_sorting(sentences):
    batch = Batch.collate(sentences)
    lengths = torch.tensor(batch.lengths).float()[:, None]
    assert batch.restore(lengths)[:, 0].tolist() == [len(sentence) for sentence in sentences]


@given(SENTENCES, st.integers(1000, 1003))
@FEW
def test_padding_makes_the_rectangle_and_its_mask(sentences, padding):
    batch = Batch.collate(sentences)
    ids, mask = batch.pad(padding)
    ordered = [sentences[row] for row in batch.order]
    longest = max(map(len, sentences))
    assert ids.tolist() == [sentence + [padding] * (longest - len(sentence)) for sentence in ordered]
    assert mask.tolist() == [[1] * len(sentence) + [0] * (longest - len(sentence)) for sentence in ordered]
    assert torch.equal(ids[mask.bool()], batch.ids)


def test_equal_input_gives_an_equal_batch():
    sentences = np.random.default_rng(0).integers(0, 9, (40, 3)).tolist()
    first, second = Batch.collate(sentences), Batch.collate(sentences)
    assert torch.equal(first.ids, second.ids)
    assert torch.equal(first.order, second.order)


def test_sentences_may_be_arrays_of_any_integer_type():
    batch = Batch.collate([np.array([5, 6], np.int32), np.array([7], np.uint16)])
    assert batch.ids.tolist() == [7, 5, 6]
    assert batch.ids.dtype == torch.int64


@pytest.mark.parametrize("sentences", [[], [[]], [[1, 2], []]], ids=["no sentence", "only empty", "one empty"])
def test_a_batch_without_tokens_is_refused(sentences):
    with pytest.raises(ValueError, match="at least one sentence"):
        Batch.collate(sentences)


def test_moving_a_batch_keeps_everything():
    batch = Batch.collate([[1, 2], [3]])
    moved = batch.to("cpu")
    assert torch.equal(moved.ids, batch.ids)
    assert torch.equal(moved.positions, batch.positions)
    assert moved.lengths == batch.lengths
    assert torch.equal(moved.order, batch.order)
    assert torch.equal(moved.starts, batch.starts)


def test_starts_follow_from_the_lengths_unless_they_are_given():
    batch = Batch.collate([[1, 2], [3], [4, 5, 6]])
    assert batch.starts.tolist() == [0, 1, 3, 6]
    assert batch.firsts.tolist() == [0, 1, 3]
    starts = torch.tensor([0, 2, 4, 6], dtype=torch.int32)
    assert replace(batch, precomputed_starts=starts).starts is starts
    with pytest.raises(ValueError, match="one start per sentence"):
        replace(batch, lengths=(6,), precomputed_starts=starts)


def test_a_batch_by_length_has_the_same_sentences():
    batch = Batch.collate([[1, 2, 3], [4], [5, 6, 7], [8, 9]])
    parts = batch.by_length()
    assert [part.lengths for part in parts] == [(1,), (2,), (3, 3)]
    assert torch.equal(torch.cat([part.ids for part in parts]), batch.ids)
    assert torch.equal(torch.cat([part.positions for part in parts]), batch.positions)
    assert torch.equal(torch.cat([part.order for part in parts]), batch.order)
