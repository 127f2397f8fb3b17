"""Of a word that is too long for WordPiece only the ends are tokenized, and every text keeps its tokens."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

from simemb.encoder.decisive_text import decisive_text
from simemb.encoder.endless_words import without_endless_words

LONGEST = 6
PIECES = ["[UNK]", "a", "##a", "b", "##b", "e", "##e", "ab", "##ab", "é", "中", "1", "##1", "-", "#", "ß", "##s", "s"]
CHARACTERS = "abeEAB1éÉßİǅ中가ᄀ٣_-# \t\n\u0301\u200b\u00ad\x00\ufffd\u1680𐐷Ａ²ªﬁά"
NORMALIZERS: dict[str, Any] = {
    "none": None,
    "BERT": normalizers.BertNormalizer(),
    "BERT with accents": normalizers.BertNormalizer(strip_accents=False, lowercase=False),
    "BERT that keeps all": normalizers.BertNormalizer(False, False, False, False),
    "lower case first": normalizers.Sequence([normalizers.Lowercase(), normalizers.BertNormalizer()]),
}
SPLITTERS = {"BERT": pre_tokenizers.BertPreTokenizer(), "spaces": pre_tokenizers.WhitespaceSplit()}


def tokenizer(normalizer: Any, splitter: Any, *added: AddedToken) -> Tokenizer:
    vocabulary = {piece: number for number, piece in enumerate(PIECES)}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=LONGEST))
    if normalizer is not None:
        made.normalizer = normalizer
    made.pre_tokenizer = splitter
    made.add_special_tokens(["[UNK]"])
    made.add_tokens(list(added))
    return made


ADDED = {
    "a word": [AddedToken("abba")],
    "a word once it is normalized": [AddedToken("Ébb", normalized=True)],
    "brackets": [AddedToken("[ab]"), AddedToken("b#a", normalized=True), AddedToken("-ab", single_word=True)],
}
TOKENIZERS = {
    f"{normalizer}, {splitter}": tokenizer(NORMALIZERS[normalizer], SPLITTERS[splitter])
    for normalizer in NORMALIZERS
    for splitter in SPLITTERS
} | {name: tokenizer(NORMALIZERS["BERT"], SPLITTERS["BERT"], *added) for name, added in ADDED.items()}


def runs(characters: str) -> st.SearchStrategy[str]:
    """Pieces of a few characters, repeated: words around every limit, one beside the other."""
    piece = st.text(st.sampled_from(characters), min_size=1, max_size=5)
    repeated = st.tuples(piece, st.integers(1, 12)).map(lambda pair: pair[0] * pair[1])
    return st.lists(repeated, max_size=6).map("".join)


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=80)
@given(text=runs(CHARACTERS) | runs("abeé1[]") | st.text(max_size=60))
@example(text="a" * 60 + "[ab]" + "b" * 60 + "b#a" + "a" * 60 + "-ab" + "a" * 60)
@example(text="x" * 30 + "abba" + "x" * 30)
@example(text="가" * 60 + "\u0301" * 60 + "é" * 60)
def test_every_text_keeps_its_tokens(name: str, text: str) -> None:
    chosen = TOKENIZERS[name]
    assert chosen.encode(without_endless_words(text, chosen)).ids == chosen.encode(text).ids


@pytest.mark.parametrize("word", ["x", "Abc1", "é", "слово", "ß", "x" * 500 + "中"])
def test_a_word_without_end_is_a_few_characters_long(word: str) -> None:
    chosen = TOKENIZERS["lower case first, BERT"]
    chosen.enable_truncation(16)
    text = "a " + word * (200_000 // len(word)) + " b"
    short = decisive_text(text, chosen, 16)
    chosen.no_truncation()
    assert len(short) < 20_000
    if len(set(word)) < 5 and "中" not in word:
        assert chosen.encode(short).ids == chosen.encode("a [UNK] b").ids


def test_words_with_an_added_token_inside_and_other_models_are_left_alone() -> None:
    text = "x" * 500
    assert without_endless_words("abba" + text, TOKENIZERS["a word"]) == "abba" + text
    others = (models.BPE({"x": 0}, []), models.Unigram([("x", 0.0)], 0, False), models.WordLevel({"x": 0}, "x"))
    for model in others:
        other = Tokenizer(model)
        other.pre_tokenizer = SPLITTERS["BERT"]
        assert without_endless_words(text, other) is text


def test_splitters_that_look_further_are_left_alone() -> None:
    text = "x" * 500
    for splitter in (pre_tokenizers.Whitespace(), pre_tokenizers.Metaspace(), pre_tokenizers.Digits()):
        assert without_endless_words(text, tokenizer(None, splitter)) is text
    assert without_endless_words(text, tokenizer(normalizers.NFC(), SPLITTERS["BERT"])) is text
