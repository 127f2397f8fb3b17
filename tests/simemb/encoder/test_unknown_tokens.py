"""A vocabulary that does not know the texts is said once, wherever texts become tokens; a few odd texts are not."""

import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from simemb.commands.encode import run as encode
from simemb.commands.index import run as index
from simemb.encoder.encoder import Encoder
from simemb.encoder.unknown_tokens import LEAST, SAMPLE, UnknownTokens, look
from simemb.evaluation.evaluate import evaluate
from simemb.search.index import Index
from simemb.search.mining import mine
from simemb.training.fit import fit

CHINESE = ["一个男人在弹吉他。", "一只猫在睡觉。", "两只狗在雪地里跑。", "今天下雨了。"]
ENGLISH = ["the red dog eats a ball", "a cat sees the old singer"]
SAID = "its vocabulary does not know these texts"
PAIRS = [(CHINESE[0], CHINESE[1], 1.0), (CHINESE[0], CHINESE[2], 2.0), (CHINESE[1], CHINESE[3], 0.0)]


@pytest.fixture
def encoder(tiny_base: Path) -> Encoder:
    """With a tokenizer of its own, about which nothing has been said yet."""
    loaded = Encoder.load(tiny_base)
    assert isinstance(loaded, Encoder)
    return loaded


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The warnings so far."""
    caplog.set_level(logging.WARNING, "simemb")
    return lambda: [message for message in caplog.messages if SAID in message]


def test_the_warning_has_the_share_an_example_and_the_way_out(encoder: Encoder, said: Callable[[], list[str]]):
    encoder.encode([*CHINESE, "the dog"])
    (message,) = said()
    assert message.startswith(f"{encoder.name}: {SAID}: 94 % of their tokens are unknown, for example in '")
    assert any(repr(text) in message for text in CHINESE)
    assert "a multilingual one, or make one with a vocabulary of your own (`simemb new`)" in message


def test_it_is_said_once(encoder: Encoder, said: Callable[[], list[str]]):
    for _ in range(3):
        encoder.encode(CHINESE)
    assert len(said()) == 1


@pytest.mark.parametrize(
    "texts",
    [
        [*ENGLISH * 9, *CHINESE],
        ["the 猫", "雪"],
        ["", " ", "\t"],
        [],
        "ᚠᚢᚦ",
    ],
)
def test_odd_texts_among_others_and_texts_of_few_tokens_pass(
    texts: Any, encoder: Encoder, said: Callable[[], list[str]]
):
    encoder.encode(texts)
    assert not said()


def test_a_single_text_counts_if_it_is_long_enough(encoder: Encoder, said: Callable[[], list[str]]):
    encoder.encode("猫" * (LEAST - 1))
    assert not said()
    encoder.encode("猫" * LEAST)
    assert len(said()) == 1


def test_what_is_read_later_counts_together_with_what_was_read_before(encoder: Encoder, said: Callable[[], list[str]]):
    count = UnknownTokens(encoder)
    for texts in (ENGLISH, CHINESE[:1], CHINESE):
        assert not said()
        count.add(texts, encoder.tokenize(texts)[0])
    assert len(said()) == 1


def test_a_sample_from_everywhere_is_looked_at(encoder: Encoder, said: Callable[[], list[str]]):
    look(encoder, [*["the"] * SAMPLE * 4, *["猫猫猫"] * SAMPLE * 2])
    assert len(said()) == 1


# ---- every door ----------------------------------------------------------------------------------


def test_training_says_it_also_with_the_tokens_in_the_cache(
    tiny_base: Path, tmp_path: Path, said: Callable[[], list[str]]
):
    for number in (1, 2):
        fit("simcse", tiny_base, CHINESE * 8, output=tmp_path / str(number), dev="none")
        assert len(said()) == number


def test_scoring_says_it_also_with_the_vectors_in_the_cache(tiny_base: Path, said: Callable[[], list[str]]):
    for number in (1, 2):
        evaluate(Encoder.load(tiny_base), PAIRS, cache=True)
        assert len(said()) == number


def test_encoding_to_a_file_says_it(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[[], list[str]]
):
    monkeypatch.chdir(tmp_path)
    Path("texts.txt").write_text("\n".join(CHINESE) + "\n", encoding="utf-8")
    encode([str(tiny_base), "texts.txt", "--output", "vectors.npy"])
    assert len(said()) == 1
    index([str(tiny_base), "texts.txt", "--output", "texts.index"])
    assert len(said()) == 2


def test_a_search_says_it_of_its_queries(encoder: Encoder, said: Callable[[], list[str]]):
    found = Index.build(encoder, ENGLISH)
    assert not said()
    found.search(CHINESE[0])
    assert len(said()) == 1


def test_mining_says_it(encoder: Encoder, tmp_path: Path, said: Callable[[], list[str]]):
    mine(encoder, [(text, other) for text, other, _ in PAIRS], tmp_path / "triplets.tsv")
    assert len(said()) == 1


# ---- vocabularies that know everything -----------------------------------------------------------


def _fast(model: Any, **names: str) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


@pytest.mark.parametrize("names", [{}, {"unk_token": "<e>", "eos_token": "<e>"}, {"unk_token": "<u>"}])
def test_a_tokenizer_of_bytes_has_nothing_unknown(names: dict[str, str], said: Callable[[], list[str]]):
    letters = pre_tokenizers.ByteLevel.alphabet()
    vocabulary = {letter: place for place, letter in enumerate([*sorted(letters), *dict.fromkeys(names.values())])}
    tokenizer = _fast(models.BPE(vocab=vocabulary, merges=[]), **names)
    UnknownTokens(SimpleNamespace(tokenizer=tokenizer, name="bytes")).add(CHINESE, tokenizer(CHINESE)["input_ids"])
    UnknownTokens(SimpleNamespace(tokenizer=tokenizer, name="ends")).add(
        CHINESE, [[*ids, vocabulary.get(names.get("eos_token", ""), 0)] for ids in tokenizer(["a"] * 4)["input_ids"]]
    )
    assert not said()


def test_an_encoder_without_a_tokenizer_of_transformers_is_left_alone(said: Callable[[], list[str]]):
    look(SimpleNamespace(name="another"), CHINESE)
    UnknownTokens(SimpleNamespace(name="another")).add(CHINESE, [[1]] * 4)
    assert not said()
