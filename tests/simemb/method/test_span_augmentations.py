"""Span pairs and masked spans against loops written from their papers and released code, and over many draws."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from families import make_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st

from simemb.errors import RecipeError
from simemb.method.recipe_json import from_json, noun_classes, to_json
from simemb.method.span_augmentations import MaskCharacters, MaskSpan, SpanPair
from simemb.method.token_augmentations import Sentence, Vocabulary

CLS, SEP, MASK, FIRST = 0, 1, 2, 4
WORDS = np.arange(300)
VOCABULARY = Vocabulary(WORDS < FIRST, WORDS % 2 == 0, MASK, limit=300, characters=WORDS % 5 + 1)


def framed(length: int) -> Sentence:
    """[CLS], `length` distinct tokens, [SEP]."""
    ids = np.array([CLS, *range(FIRST, FIRST + length), SEP])
    return Sentence(ids, np.arange(len(ids)))


def span_of(sentence: Sentence) -> tuple[int, int]:
    """Start and length of the span in a framed sentence of which a part was kept."""
    first, *inner, last = sentence.ids.tolist()
    assert (first, last) == (CLS, SEP)
    assert inner == list(range(inner[0], inner[0] + len(inner)))
    assert sentence.positions.tolist() == list(range(len(sentence.ids)))
    return inner[0] - FIRST, len(inner)


def slow_spans(tokens: int, shortest: int, longest: int, rng: np.random.Generator) -> dict[str, tuple[int, int]]:
    """Section 3.1 of DeCLUTR, with one anchor and one positive of a document, in numbers of tokens."""
    anchor = shortest + int(rng.beta(4, 2) * (longest - shortest))
    positive = shortest + int(rng.beta(2, 4) * (longest - shortest))
    start = int(rng.integers(0, tokens - anchor + 1))
    lowest = start - positive if start - positive > 0 else 0
    highest = start + anchor if start + anchor < tokens - positive else tokens - positive
    return {"anchor": (start, anchor), "positive": (int(rng.integers(lowest, highest + 1)), positive)}


@pytest.mark.parametrize("tokens", [200, 40, 16])
@pytest.mark.parametrize("seed", range(30))
def test_span_pairs_are_those_of_the_paper(tokens: int, seed: int):
    expected = slow_spans(tokens, max(1, tokens // 16), tokens // 4, np.random.default_rng(seed))
    for part in ("anchor", "positive"):
        kept = SpanPair(part)(framed(tokens), VOCABULARY, np.random.default_rng(seed))
        assert span_of(kept) == expected[part]


def test_a_positive_touches_its_anchor_and_lies_everywhere_around_it():
    """Before it, over its begin, within, over its end, behind it; anchors are longer on average."""
    places: Counter[str] = Counter()
    lengths: list[tuple[int, int]] = []
    for seed in range(2000):
        (start, anchor), (near, positive) = (
            span_of(SpanPair(part)(framed(160), VOCABULARY, np.random.default_rng(seed)))
            for part in ("anchor", "positive")
        )
        assert start - positive <= near <= start + anchor
        assert min(anchor, positive) >= 10
        assert max(anchor, positive) <= 40
        lengths.append((anchor, positive))
        before, after = near < start, near + positive > start + anchor
        inside = near + positive > start and near < start + anchor
        places[f"{'over' if inside else 'beside'} {before:d}{after:d}"] += 1
    assert {"beside 10", "over 10", "over 00", "over 01", "beside 01"} <= set(places)
    anchors, positives = np.mean(lengths, axis=0)
    assert anchors == pytest.approx(10 + 30 * 4 / 6 - 0.5, abs=0.5)
    assert positives == pytest.approx(10 + 30 * 2 / 6 - 0.5, abs=0.5)


@pytest.mark.parametrize("tokens", [0, 1, 2, 3])
@pytest.mark.parametrize("part", ["anchor", "positive"])
def test_a_short_document_keeps_a_token(tokens: int, part: Any):
    kept = SpanPair(part)(framed(tokens), VOCABULARY, np.random.default_rng(1))
    assert len(kept.ids) == 2 + min(tokens, 1)


# ---- a masked span --------------------------------------------------------------------------------------


def slow_mask(ids: list[int], characters: int, least: int, rng: np.random.Generator) -> list[int]:
    """The released code's choice of a run of characters; a token is masked if one of its characters is in it."""
    text = [place for place, token in enumerate(ids) if token >= FIRST for _ in range(token % 5 + 1)]
    if len(text) <= characters or len(text) < least:
        return ids
    first = int(rng.integers(len(text) - characters))
    touched = sorted({*text[first : first + characters]})
    return [MASK if place == touched[0] else token for place, token in enumerate(ids) if place not in touched[1:]]


@pytest.mark.parametrize(("characters", "least"), [(5, 30), (1, 0), (12, 0), (200, 0)])
@pytest.mark.parametrize("length", [0, 1, 6, 12, 40])
def test_a_masked_span_is_that_of_the_released_code_in_whole_tokens(length: int, characters: int, least: int):
    for seed in range(20):
        sentence = framed(length)
        masked = MaskCharacters(characters, least)(sentence, VOCABULARY, np.random.default_rng(seed))
        assert masked.ids.tolist() == slow_mask(sentence.ids.tolist(), characters, least, np.random.default_rng(seed))
        assert masked.positions.tolist() == list(range(len(masked.ids)))


def test_a_masked_span_leaves_special_tokens_inside_a_text_alone():
    ids = np.array([CLS, 8, 9, SEP, 12, 13, 14, SEP])
    for seed in range(50):
        masked = MaskCharacters(6, 0)(Sentence(ids, np.arange(8)), VOCABULARY, np.random.default_rng(seed)).ids.tolist()
        assert [token for token in masked if token in (CLS, SEP)] == [CLS, SEP, SEP]
        assert masked.count(MASK) == 1


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
def test_a_vocabulary_counts_the_characters_of_its_tokens(family: str):
    """With the space before a word: so the first word counts one more than the text has."""
    tokenizer = make_tokenizer(family)
    characters = Vocabulary.of(tokenizer, 32).characters
    text = "a man plays the guitar"
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert len(text) <= characters[ids].sum() <= len(text) + 1


# ---- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: SpanPair("anker"), r"SpanPair\.part.*anker.*anchor"),  # type: ignore[arg-type]
        (lambda: SpanPair(shortest=0.5, longest=0.2), "0 < shortest <= longest <= 1"),
        (lambda: SpanPair(shortest=0.0), "0 < shortest <= longest <= 1"),
        (lambda: MaskCharacters(0), r"MaskCharacters\.characters must be at least 1, not 0"),
        (lambda: MaskCharacters(least=-1), r"MaskCharacters\.least must be at least 0, not -1"),
    ],
)
def test_values_out_of_range_are_refused(make: Any, line: str):
    with pytest.raises(Exception, match=line):
        make()


def test_a_span_cannot_be_masked_without_a_mask_token():
    bare = Vocabulary(WORDS < FIRST, WORDS % 2 == 0, None, limit=300, characters=WORDS % 5 + 1)
    with pytest.raises(RecipeError, match="MaskCharacters needs a mask token"):
        MaskCharacters()(framed(40), bare, np.random.default_rng(1))


@pytest.mark.parametrize("augmentation", [SpanPair("positive", 0.1, 0.3), MaskCharacters(3, 0, frozen=True)])
def test_json_and_back(augmentation: Any):
    assert from_json(to_json(augmentation), noun_classes()) == augmentation


# ---- a share of the tokens -------------------------------------------------------------------------

INNER = st.lists(st.integers(FIRST, 299), max_size=40)


def of(ids: list[int]) -> Sentence:
    return Sentence(np.array(ids), np.arange(len(ids)))


@settings(deadline=None)
@given(INNER, st.floats(0, 0.99), st.floats(0, 0.99), st.integers(0, 2**32))
def test_of_one_draw_the_span_of_a_lower_rate_lies_within_that_of_a_higher_one(
    ids: list[int], one: float, other: float, seed: int
):
    spans = []
    for rate in sorted((one, other)):
        found = MaskSpan(rate)(of([CLS, *ids, SEP]), VOCABULARY, np.random.default_rng(seed))
        masked = np.flatnonzero(found.ids == MASK)
        assert len(masked) == int(rate * len(ids))
        assert masked.tolist() == list(range(masked[0], masked[-1] + 1) if len(masked) else ())
        kept = np.flatnonzero(found.ids != MASK)
        assert found.ids[kept].tolist() == np.array([CLS, *ids, SEP])[kept].tolist()
        spans.append(set(masked.tolist()))
    assert spans[0] <= spans[1]


def test_a_span_begins_everywhere_equally_often():
    rng, ids = np.random.default_rng(2), [CLS, *range(10, 20), SEP]
    starts = Counter(int(np.argmax(MaskSpan(0.3)(of(ids), VOCABULARY, rng).ids == MASK)) for _ in range(8000))
    assert set(starts) == set(range(1, 9))
    assert all(900 < count < 1100 for count in starts.values())


def test_masking_a_share_without_a_mask_token_is_refused():
    with pytest.raises(RecipeError, match="MaskSpan needs a mask token"):
        MaskSpan()(of([CLS, 5, SEP]), replace(VOCABULARY, mask=None), np.random.default_rng(1))


def test_a_rate_out_of_range_is_refused():
    with pytest.raises(RecipeError, match=r"MaskSpan\.rate must be at least 0 and below 1, not 1\.0"):
        MaskSpan(1.0)
