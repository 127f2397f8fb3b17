"""Reversed and span-masked tokens: what they touch, and where spans lie."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simemb.errors import RecipeError
from simemb.method.sequence_augmentations import MaskSpan, Reverse
from simemb.method.token_augmentations import Sentence, Vocabulary

CLS, SEP, MASK = 0, 1, 2
VOCABULARY = Vocabulary(np.arange(200) < 4, np.ones(200, dtype=bool), MASK, limit=120)
ordinary = st.lists(st.integers(4, 199), max_size=40)


def sentence(ids: list[int]) -> Sentence:
    return Sentence(np.array(ids), np.arange(len(ids)))


@given(ordinary)
def test_ordinary_tokens_are_reversed_between_the_special_ones(ids: list[int]):
    given_sentence = sentence([CLS, *ids, SEP])
    found = Reverse()(given_sentence, VOCABULARY, np.random.default_rng(1))
    assert found.ids.tolist() == [CLS, *reversed(ids), SEP]
    assert found.positions.tolist() == list(range(len(ids) + 2))
    assert given_sentence.ids.tolist() == [CLS, *ids, SEP]  # what it is given is the cache


@settings(deadline=None)
@given(ordinary, st.floats(0, 0.99), st.floats(0, 0.99), st.integers(0, 2**32))
def test_of_one_draw_the_span_of_a_lower_rate_lies_within_that_of_a_higher_one(
    ids: list[int], one: float, other: float, seed: int
):
    spans = []
    for rate in sorted((one, other)):
        found = MaskSpan(rate)(sentence([CLS, *ids, SEP]), VOCABULARY, np.random.default_rng(seed))
        masked = np.flatnonzero(found.ids == MASK)
        assert len(masked) == int(rate * len(ids))
        assert masked.tolist() == list(range(masked[0], masked[-1] + 1) if len(masked) else ())
        kept = np.flatnonzero(found.ids != MASK)
        assert found.ids[kept].tolist() == np.array([CLS, *ids, SEP])[kept].tolist()
        spans.append(set(masked.tolist()))
    assert spans[0] <= spans[1]


def test_a_span_begins_everywhere_equally_often():
    rng, ids = np.random.default_rng(2), [CLS, *range(10, 20), SEP]
    starts = Counter(int(np.argmax(MaskSpan(0.3)(sentence(ids), VOCABULARY, rng).ids == MASK)) for _ in range(8000))
    assert set(starts) == set(range(1, 9))
    assert all(900 < count < 1100 for count in starts.values())


def test_masking_a_span_without_a_mask_token_is_refused():
    with pytest.raises(RecipeError, match="MaskSpan needs a mask token"):
        MaskSpan()(sentence([CLS, 5, SEP]), replace(VOCABULARY, mask=None), np.random.default_rng(1))


def test_a_rate_out_of_range_is_refused():
    with pytest.raises(RecipeError, match=r"MaskSpan\.rate must be at least 0 and below 1, not 1\.0"):
        MaskSpan(1.0)
