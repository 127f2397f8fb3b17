"""Augmentations of tokens: what they may touch, how much of it, and how often over 10,000 draws."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from families import make_encoder, make_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import BertJapaneseTokenizer, PreTrainedTokenizerFast

from simemb.errors import RecipeError
from simemb.method.order_augmentations import Reverse, Shuffle
from simemb.method.span_augmentations import MaskSpan
from simemb.method.token_augmentations import (
    Crop,
    Delete,
    Mask,
    Repeat,
    Sentence,
    Span,
    TokenAugmentation,
    Vocabulary,
)
from simemb.transformer.batch import Batch

CLS, SEP, MASK = 0, 1, 2
SPECIALS = 4
DRAWS = 10_000
# Ids 4, 6, 8 ... begin a word, 5, 7, 9 ... continue one.
VOCABULARY = Vocabulary(
    np.arange(200) < SPECIALS, np.arange(200) % 2 == 0, MASK, limit=120, characters=np.arange(200) % 5 + 1
)
EVERY: tuple[TokenAugmentation, ...] = (
    *(Repeat(0.6, unit, count) for unit in ("subword", "word") for count in ("code", "paper")),
    Delete(0.4),
    Crop(0.3, 0.9),
    Span(0.4),
    Shuffle(),
    Shuffle(special=False),
    Mask(0.4),
    Reverse(),
    MaskSpan(0.4),
)

ordinary = st.integers(SPECIALS, 199)
# Text between special tokens, text without any, special tokens anywhere, nothing but special tokens.
sentences = st.one_of(
    st.lists(ordinary, max_size=50).map(lambda ids: [CLS, *ids, SEP]),
    st.lists(ordinary, min_size=1, max_size=50),
    st.lists(st.one_of(ordinary, st.integers(0, SPECIALS - 1)), min_size=1, max_size=50),
    st.lists(st.integers(0, SPECIALS - 1), min_size=1, max_size=8),
)
distinct = st.lists(ordinary, unique=True, max_size=50).map(lambda ids: [CLS, *ids, SEP])
seeds = st.integers(0, 2**32)
rates = st.floats(0, 1, exclude_max=True)


def sentence_of(ids: Iterable[int]) -> Sentence:
    row = np.array(list(ids))
    return Sentence(row, np.arange(len(row)))


def framed(length: int) -> Sentence:
    """[CLS], distinct tokens, [SEP]: `length` in all."""
    return sentence_of([CLS, *range(SPECIALS, SPECIALS + length - 2), SEP])


def draw(
    augmentation: TokenAugmentation, ids: Iterable[int], seed: int = 0, vocabulary: Vocabulary = VOCABULARY
) -> Any:
    return augmentation(sentence_of(ids), vocabulary, np.random.default_rng(seed))


def draws(augmentation: TokenAugmentation, sentence: Sentence, number: int = DRAWS) -> list[Sentence]:
    rng = np.random.default_rng(7)
    return [augmentation(sentence, VOCABULARY, rng) for _ in range(number)]


def specials(ids: Iterable[int]) -> list[int]:
    return [number for number in ids if number < SPECIALS]


def words_of(ids: list[int]) -> list[list[int]]:
    """The words of some ids, one token at a time."""
    words: list[list[int]] = []
    for place, number in enumerate(ids):
        if not place or number < SPECIALS or ids[place - 1] < SPECIALS or number % 2 == 0:
            words.append([])
        words[-1].append(number)
    return words


def copies(units: list[list[int]], result: list[int]) -> list[int]:
    """How often each unit stands in the result, one after the other; units differ."""
    counts = []
    for unit in units:
        times = 0
        while result[: len(unit)] == unit:
            result, times = result[len(unit) :], times + 1
        counts.append(times)
    assert not result
    return counts


def assert_as_expected(counts: Counter[Any], expected: dict[Any, float], number: int = DRAWS) -> None:
    """Every frequency within 4.5 standard deviations of its probability: by chance, one in 100,000 is not."""
    assert set(counts) <= set(expected)
    for value, probability in expected.items():
        deviation = (probability * (1 - probability) / number) ** 0.5
        assert abs(counts[value] / number - probability) < 4.5 * deviation, (value, counts[value] / number, probability)


def uniform(values: Iterable[Any]) -> dict[Any, float]:
    values = list(values)
    return dict.fromkeys(values, 1 / len(values))


# ---- of all --------------------------------------------------------------------------------------


@pytest.mark.parametrize("augmentation", EVERY, ids=repr)
@settings(max_examples=40)
@given(ids=sentences, seed=seeds)
def test_one_seed_gives_one_result_of_a_fitting_length(augmentation: TokenAugmentation, ids: list[int], seed: int):
    sentence = sentence_of(ids)
    first, second = (augmentation(sentence, VOCABULARY, np.random.default_rng(seed)) for _ in range(2))
    assert first.ids.tolist() == second.ids.tolist()
    assert first.positions.tolist() == second.positions.tolist()
    assert 1 <= len(first.ids) == len(first.positions) <= VOCABULARY.limit
    assert sentence.ids.tolist() == ids
    assert sentence.positions.tolist() == list(range(len(ids)))
    if not isinstance(augmentation, (Span, Shuffle)):
        assert first.positions.tolist() == list(range(len(first.ids)))


@pytest.mark.parametrize(
    "augmentation", [kind for kind in EVERY if not isinstance(kind, (Span, Mask, MaskSpan))], ids=repr
)
@settings(max_examples=40)
@given(ids=sentences, seed=seeds)
def test_special_tokens_are_neither_dropped_nor_doubled(augmentation: TokenAugmentation, ids: list[int], seed: int):
    assert specials(draw(augmentation, ids, seed).ids) == specials(ids)


@pytest.mark.parametrize("kind", [Repeat, Delete, Span, Mask, MaskSpan])
@given(ids=sentences, seed=seeds)
def test_a_rate_of_0_changes_nothing(kind: Callable[[float], TokenAugmentation], ids: list[int], seed: int):
    sentence = sentence_of(ids)
    assert kind(0.0)(sentence, VOCABULARY, np.random.default_rng(seed)) is sentence


@pytest.mark.parametrize("kind", [Repeat, Delete, Span, Mask, MaskSpan])
@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan")])
def test_a_rate_out_of_range_is_refused(kind: Callable[[float], TokenAugmentation], rate: float):
    with pytest.raises(RecipeError, match=rf"^{kind.__name__}\.rate must be at least 0 and below 1, not {rate}$"):
        kind(rate)


def test_different_seeds_give_different_results():
    for augmentation in (kind for kind in EVERY if not isinstance(kind, Reverse)):
        results = {(tuple(s.ids), tuple(s.positions)) for s in draws(augmentation, framed(32), 50)}
        assert len(results) > 5, augmentation


# ---- repetition ----------------------------------------------------------------------------------


@given(ids=distinct, rate=rates, seed=seeds)
def test_repeated_subwords_stand_side_by_side_between_the_first_and_the_last_token(
    ids: list[int], rate: float, seed: int
):
    times = copies([[number] for number in ids], draw(Repeat(rate), ids, seed).ids.tolist())
    assert set(times) <= {1, 2}
    assert times[0] == times[-1] == 1
    assert times.count(2) <= max(0, min(10, int(rate * len(ids))) - 1)


@given(ids=distinct, rate=rates, seed=seeds)
def test_the_papers_repeats_are_any_ordinary_tokens(ids: list[int], rate: float, seed: int):
    times = copies([[number] for number in ids], draw(Repeat(rate, count="paper"), ids, seed).ids.tolist())
    assert set(times) <= {1, 2}
    assert times[0] == times[-1] == 1
    assert times.count(2) <= max(2, int(rate * (len(ids) - 2)))


@given(ids=distinct, rate=rates, seed=seeds)
def test_repeated_words_are_whole(ids: list[int], rate: float, seed: int):
    words = words_of(ids)
    if len(words) > 3:
        times = copies(words, draw(Repeat(rate, "word"), ids, seed).ids.tolist())
        assert set(times) <= {1, 2}
        # The released code never repeats the last word either: it samples range(0, n - 1).
        assert times[0] == times[-2] == times[-1] == 1
        assert times.count(2) < min(10, len(words) - 2, max(2, int(rate * (len(words) - 2))))


def test_how_many_repeats_there_are_at_most_for_every_length():
    for length in range(3, 61):
        seen = {len(result.ids) - length for result in draws(Repeat(), framed(length), 200)}
        assert seen == set(range(max(1, min(10, int(0.32 * length))))), length


@pytest.mark.parametrize(
    ("augmentation", "length", "most", "places"),
    [
        (Repeat(), 32, 9, range(1, 31)),
        (Repeat(), 15, 3, range(1, 14)),
        (Repeat(0.5), 10, 4, range(1, 9)),
        (Repeat(count="paper"), 32, 9, range(1, 31)),
        (Repeat(count="paper"), 6, 2, range(1, 5)),
        (Repeat(0.1, count="paper"), 22, 2, range(1, 21)),
    ],
)
def test_repeats_are_as_many_and_where_the_definition_says(augmentation: Repeat, length: int, most: int, places: range):
    results = draws(augmentation, framed(length))
    assert_as_expected(Counter(len(result.ids) - length for result in results), uniform(range(most + 1)))
    ids = framed(length).ids.tolist()
    hits = Counter(
        ids.index(number) for result in results for number, n in Counter(result.ids.tolist()).items() if n == 2
    )
    assert_as_expected(hits, dict.fromkeys(places, most / 2 / len(places)))


@pytest.mark.parametrize(("count", "most", "candidates"), [("code", 4, 14), ("paper", 5, 15)])
def test_repeated_words_are_as_many_and_where_the_definition_says(count: Any, most: int, candidates: int):
    # 15 words of two tokens: int(0.35 * 15) = 5.
    ids = [CLS, *range(4, 34), SEP]
    results = draws(Repeat(0.35, "word", count), sentence_of(ids))
    assert_as_expected(Counter((len(result.ids) - 32) // 2 for result in results), uniform(range(most + 1)))
    hits = Counter(
        place for result in results for place, n in enumerate(copies(words_of(ids), result.ids.tolist())) if n == 2
    )
    assert_as_expected(hits, dict.fromkeys(range(1, candidates + 1), most / 2 / candidates))


def test_a_long_sentence_has_nine_repeated_words_at_most():
    ids = [CLS, *range(4, 84), SEP]
    assert {(len(r.ids) - 82) // 2 for r in draws(Repeat(0.5, "word"), sentence_of(ids), 400)} == set(range(10))


def test_neither_end_of_a_text_without_special_tokens_is_repeated():
    hits = {
        n
        for r in draws(Repeat(0.6), sentence_of(range(4, 14)), 500)
        for n, c in Counter(r.ids.tolist()).items()
        if c > 1
    }
    assert hits == set(range(5, 13))


@pytest.mark.parametrize("ids", [[CLS, 5, 7, 6, 9, 8, SEP], [5, 7, 6, 9, 8]])
def test_the_first_word_is_one_even_without_its_mark(ids: list[int]):
    results = {
        tuple(number for number in r.ids if number >= SPECIALS)
        for r in draws(Repeat(0.6, "word"), sentence_of(ids), 100)
    }
    assert results == {(5, 7, 6, 9, 8), (5, 7, 5, 7, 6, 9, 8), (5, 7, 6, 9, 6, 9, 8)}


@pytest.mark.parametrize("count", ["code", "paper"])
@pytest.mark.parametrize("unit", ["subword", "word"])
@given(ids=distinct, room=st.integers(0, 4), seed=seeds)
def test_repeats_without_room_are_dropped(unit: Any, count: Any, ids: list[int], room: int, seed: int):
    narrow = replace(VOCABULARY, limit=len(ids) + room)
    result = draw(Repeat(0.9, unit, count), ids, seed, narrow).ids.tolist()
    assert len(result) <= narrow.limit
    wide = draw(Repeat(0.9, unit, count), ids, seed).ids.tolist()
    assert not Counter(result) - Counter(wide)
    if unit == "subword":
        assert len(result) == min(len(wide), narrow.limit)


@given(length=st.integers(1, 60), count=st.sampled_from(["code", "paper"]), seed=seeds)
def test_a_sentence_of_one_word_has_its_subwords_repeated(length: int, count: Any, seed: int):
    ids = [CLS, 4, *range(5, 5 + 2 * (length - 1), 2), SEP]
    as_words, as_subwords = (draw(Repeat(0.4, unit, count), ids, seed) for unit in ("word", "subword"))
    assert as_words.ids.tolist() == as_subwords.ids.tolist()


def test_short_sentences_repeat_nothing_as_in_the_released_code():
    for ids in ([7], [7, 8], [CLS, SEP], [CLS, 7, SEP], [CLS, 7, 8, 9, 10, SEP]):
        assert {tuple(result.ids) for result in draws(Repeat(), sentence_of(ids), 100)} == {tuple(ids)}


def test_one_word_may_be_repeated_once_by_the_papers_count():
    assert {tuple(result.ids) for result in draws(Repeat(count="paper"), sentence_of([CLS, 7, SEP]), 100)} == {
        (CLS, 7, SEP),
        (CLS, 7, 7, SEP),
    }


@pytest.mark.parametrize(("field", "value"), [("unit", "wrod"), ("count", "papr")])
def test_an_unknown_kind_of_repetition_is_refused_with_the_nearest(field: str, value: str):
    with pytest.raises(RecipeError, match=rf"unknown Repeat.{field} '{value}': did you mean '(word|paper)'\?"):
        Repeat(**{field: value})


# ---- deleting, masking, cropping, shuffling ------------------------------------------------------


@given(ids=sentences, rate=rates, seed=seeds)
def test_deletion_leaves_the_exact_number_in_order(ids: list[int], rate: float, seed: int):
    result = draw(Delete(rate), ids, seed).ids.tolist()
    total = len(ids) - len(specials(ids))
    assert len(ids) - len(result) == int(rate * total)
    assert not total or len(result) > len(specials(ids))
    rest = iter(ids)
    assert all(number in rest for number in result)


@given(ids=sentences, rate=rates, seed=seeds)
def test_masking_hits_the_exact_number_of_ordinary_tokens(ids: list[int], rate: float, seed: int):
    result = draw(Mask(rate), ids, seed).ids.tolist()
    changed = [old for old, new in zip(ids, result, strict=True) if old != new]
    assert len(changed) == int(rate * (len(ids) - len(specials(ids))))
    assert not specials(changed)
    assert result.count(MASK) == ids.count(MASK) + len(changed)


def test_masking_without_a_mask_token_is_refused():
    with pytest.raises(RecipeError, match="Mask needs a mask token"):
        draw(Mask(), [CLS, 7, SEP], vocabulary=replace(VOCABULARY, mask=None))


@pytest.mark.parametrize("kind", [Delete, Mask])
def test_every_ordinary_token_is_hit_equally_often(kind: Callable[[float], TokenAugmentation]):
    hits = Counter(n for result in draws(kind(0.3), framed(12)) for n in set(range(4, 14)) - set(result.ids.tolist()))
    assert_as_expected(hits, dict.fromkeys(range(4, 14), 0.3))


@given(ids=distinct, shares=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)), seed=seeds)
def test_a_crop_is_one_span_between_the_special_tokens(ids: list[int], shares: tuple[float, float], seed: int):
    low, high = sorted(shares)
    result = draw(Crop(low, high), ids, seed).ids.tolist()
    assert (result[0], result[-1]) == (CLS, SEP)
    inner, kept = ids[1:-1], result[1:-1]
    if inner:
        start = inner.index(kept[0])
        assert kept == inner[start : start + len(kept)]
        assert max(1, round(low * len(inner))) <= len(kept) <= max(1, round(high * len(inner)))


def test_crops_are_of_all_lengths_and_in_all_places():
    results = draws(Crop(0.5, 1), framed(22))
    # round(f * 20) with f uniform in [0.5, 1]: the two ends get half a share.
    lengths = Counter(len(result.ids) - 2 for result in results)
    assert_as_expected(lengths, {10: 0.05, 20: 0.05} | dict.fromkeys(range(11, 20), 0.1))
    starts = Counter(int(result.ids[1]) - SPECIALS for result in draws(Crop(0.5, 0.5), framed(22)))
    assert_as_expected(starts, uniform(range(11)))


@pytest.mark.parametrize(("shortest", "longest"), [(0, 1), (0.6, 0.5), (0.5, 1.1), (-1, 0.5), (float("nan"), 1)])
def test_a_crop_out_of_range_is_refused(shortest: float, longest: float):
    with pytest.raises(RecipeError, match="Crop needs 0 < shortest <= longest <= 1"):
        Crop(shortest, longest)


@given(ids=sentences, rate=rates, seed=seeds)
def test_a_span_keeps_its_positions_and_counts_special_tokens(ids: list[int], rate: float, seed: int):
    result = draw(Span(rate), ids, seed)
    size, start = max(1, int(len(ids) * (1 - rate))), int(result.positions[0])
    assert result.positions.tolist() == list(range(start, start + size))
    assert result.ids.tolist() == ids[start : start + size]


def test_spans_begin_everywhere_equally_often():
    assert_as_expected(Counter(int(r.positions[0]) for r in draws(Span(0.4), framed(10))), uniform(range(5)))


@given(ids=sentences, seed=seeds)
def test_shuffling_moves_positions_only(ids: list[int], seed: int):
    result = draw(Shuffle(), ids, seed)
    assert result.ids.tolist() == ids
    assert sorted(result.positions.tolist()) == list(range(len(ids)))


def test_every_order_is_equally_likely_and_special_tokens_take_part():
    orders = Counter(tuple(result.positions.tolist()) for result in draws(Shuffle(), framed(4)))
    assert_as_expected(orders, uniform(itertools.permutations(range(4))))


def test_special_tokens_stay_in_place_where_they_are_not_to_move():
    orders = Counter(tuple(result.positions.tolist()) for result in draws(Shuffle(special=False), framed(5)))
    assert_as_expected(orders, uniform((0, *inner, 4) for inner in itertools.permutations(range(1, 4))))


def test_augmentations_follow_each_other():
    sentence, rng = framed(30), np.random.default_rng(0)
    for augmentation in (Repeat(), Crop(0.6, 0.6), Mask(0.2), Shuffle(), Span(0.3)):
        sentence = augmentation(sentence, VOCABULARY, rng)
    assert len(sentence.ids) == len(set(sentence.positions.tolist())) < 22
    assert max(sentence.positions) < 28


@pytest.mark.parametrize(("family", "first"), [("bert", 0), ("roberta", 2)])
def test_a_shuffled_batch_uses_the_positions_of_its_family_and_no_others(family: str, first: int):
    encoder = make_encoder(family)
    vocabulary = Vocabulary.of(encoder.tokenizer, encoder.max_length)
    rows, _ = encoder.tokenize(["the red dog runs fast", "a man plays the guitar and we saw the sky"])
    rng = np.random.default_rng(1)
    shuffled = [Shuffle()(sentence_of(row), vocabulary, rng) for row in rows]
    batch = Batch.collate(rows)
    positions = np.concatenate([shuffled[row].positions for row in batch.order.tolist()])
    seen: list[torch.Tensor] = []
    hook = encoder.backbone.embeddings.position_embeddings.register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0])
    )
    plain = encoder(batch)
    moved = encoder(replace(batch, positions=torch.from_numpy(positions)))
    hook.remove()
    assert not torch.allclose(plain, moved, atol=1e-3)
    for used in seen:
        for part in used.reshape(-1).split(list(batch.lengths)):
            assert sorted(part.tolist()) == list(range(first, first + len(part)))
    assert seen[0].tolist() != seen[1].tolist()


# ---- what a tokenizer says -----------------------------------------------------------------------


def pieces(tokens: Iterable[str]) -> dict[str, int]:
    return {token: number for number, token in enumerate(tokens)}


def byte_level() -> PreTrainedTokenizerFast:
    tokens = ["<s>", "</s>", "<unk>", "<mask>", "the", "Ġ", "Ġthe", "dog", "Ġdog", "s", "##", *"tedohgs"[:6]]
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("d", "o"), ("do", "g"), ("Ġ", "dog")]
    vocabulary = pieces(dict.fromkeys([*tokens, "th", "do"]))
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.BertProcessing(("</s>", 1), ("<s>", 0))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", mask_token="<mask>"
    )


def metaspace() -> PreTrainedTokenizerFast:
    words = ["▁", "今天", "天气", "很", "好", "我们", "去", "公园", "▁we", "▁go", "ing", "▁to", "▁the", "▁park", "##"]
    tokenizer = Tokenizer(
        models.Unigram([("<s>", 0.0), ("</s>", 0.0), ("<unk>", -10.0), *((word, -2.0) for word in words)], unk_id=2)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.BertProcessing(("</s>", 1), ("<s>", 0))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>", cls_token="<s>"
    )


def words_by(tokenizer: Any, text: str) -> list[str]:
    """The words of a text as the tables have them, joined with their own marks."""
    vocabulary = Vocabulary.of(tokenizer, 64)
    words: list[str] = []
    for number in tokenizer(text)["input_ids"]:
        if vocabulary.special[number]:
            continue
        token = tokenizer.convert_ids_to_tokens(number)
        if vocabulary.starts[number] or not words:
            words.append("")
        words[-1] += token
    return words


def test_the_tables_have_an_entry_for_every_token():
    for tokenizer in (make_tokenizer(), make_tokenizer("roberta"), byte_level(), metaspace()):
        tokenizer.add_tokens(["<smile>"])
        vocabulary = Vocabulary.of(tokenizer, 77)
        assert len(vocabulary.special) == len(vocabulary.starts) == len(tokenizer)
        assert vocabulary.limit == 77
        assert vocabulary.mask == tokenizer.mask_token_id
        named = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
        assert set(np.flatnonzero(vocabulary.special)) == named


def test_wordpiece_continues_words_with_its_mark():
    assert words_by(make_tokenizer(), "the dogs run") == ["the", "dog##s", "r##u##n"]


def test_letters_that_look_like_another_mark_do_not_mislead():
    names = {"unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    tokens = [*names.values(), "Ġ", "▁", "Ġorġ", "dog", "##s", "##ing", "##ed", "##er"]
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordPiece(pieces(tokens))), **names)
    assert Vocabulary.of(tokenizer, 64).starts.tolist() == [True] * 7 + [False] * 4


def test_byte_level_bpe_begins_words_with_a_space_and_the_text_begins_one_anyway():
    assert words_by(byte_level(), "the dogs the") == ["the", "Ġdogs", "Ġthe"]


def test_sentencepiece_begins_words_with_its_mark():
    assert words_by(metaspace(), "we going to the park") == ["▁we", "▁going", "▁to", "▁the", "▁park"]


def test_a_vocabulary_without_marks_is_one_of_words(tiny_tokenizer: Any):
    assert Vocabulary.of(tiny_tokenizer, 64).starts.all()


def test_a_slow_tokenizer_gives_the_same_tables(tmp_path: Any):
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "dog", "##s", "##ing"]
    (tmp_path / "vocab.txt").write_text("\n".join(tokens), encoding="utf-8")
    slow = BertJapaneseTokenizer(str(tmp_path / "vocab.txt"), word_tokenizer_type="basic")
    assert not slow.is_fast
    vocabulary = Vocabulary.of(slow, 64)
    assert vocabulary.starts.tolist() == [True] * 7 + [False] * 2
    assert vocabulary.special.tolist() == [True, False, True, True, True] + [False] * 4
    assert vocabulary.mask == 4
    assert words_by(slow, "the dogs") == ["the", "dog##s"]


def test_a_token_for_the_unknown_that_also_ends_texts_is_special():
    model = Tokenizer(models.WordLevel({"<end>": 0, "dog": 1}, unk_token="<end>"))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=model, unk_token="<end>", eos_token="<end>", bos_token="<end>")
    assert Vocabulary.of(tokenizer, 64).special.tolist() == [True, False]


@pytest.mark.parametrize("text", ["今天天气很好我们去公园", "今天天气很好 我们去公园"])
def test_unspaced_text_has_its_subwords_repeated(text: str):
    tokenizer = metaspace()
    vocabulary = Vocabulary.of(tokenizer, 64)
    ids = tokenizer(text)["input_ids"]
    results = {tuple(draw(Repeat(0.5, "word"), ids, seed, vocabulary).ids.tolist()) for seed in range(200)}
    lengths = {len(result) - len(ids) for result in results}
    assert {0, 1, 2, 3} <= lengths <= {0, 1, 2, 3, 4}
    assert all(copies([[number] for number in ids], list(result)).count(2) <= 4 for result in results)


def test_chinese_in_wordpiece_has_characters_for_words():
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"今天气很好", "##s"]
    tokenizer = Tokenizer(models.WordPiece(pieces(tokens), unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", mask_token="[MASK]")
    assert words_by(fast, "今天天气很好") == list("今天天气很好")


def test_an_unknown_word_is_a_word_of_the_text():
    tokenizer = make_tokenizer()
    vocabulary = Vocabulary.of(tokenizer, 64)
    ids = tokenizer("中 the 中 dog")["input_ids"]
    assert ids.count(tokenizer.unk_token_id) == 2
    assert draw(Delete(0.99), ids, 0, vocabulary).ids.tolist().count(tokenizer.cls_token_id) == 1
    assert len(draw(Delete(0.99), ids, 0, vocabulary).ids) == 3
