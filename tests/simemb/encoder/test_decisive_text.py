"""Of a long text a part is tokenized, and the tokens are those of the whole text, whatever the tokenizer is."""

import random
from typing import Any

import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from simemb.encoder import decisive_text as module
from simemb.encoder.decisive_text import decisive_plain, decisive_text
from simemb.encoder.tokenizer import tokenize

WORDS = (
    "a",
    "the",
    "dog",
    "Dogs",
    "running",
    "unbelievable",
    "中文",
    "é",
    "e\u0301",
    "1234567890",
    "[MASK]",
    "it's",
    "\u0130",
)
TEXTS = 40  # of each kind; a thousand of each were tried by hand
GAPS = (" ", " ", " ", "  ", "\n", "\t ", "\u200b", "\x01" * 40, ". ", "-", "", "\r\n", "\u3000", " \u0301")


def a_text(dice: random.Random, words: int) -> str:
    text = "".join(dice.choice(WORDS) + dice.choice(GAPS) for _ in range(words))
    if dice.random() < 0.3:  # something without end in the middle
        place, kind = dice.randrange(len(text)), dice.choice(("x", "ab", "\x01", " ", "中", "12", "é", "#", "\u0301"))
        text = text[:place] + kind * dice.choice((150, 700)) + text[place:]
    return text


def trained(model: Any, trainer: Any, normalizer: Any = None, words: Any = None) -> Tokenizer:
    tokenizer = Tokenizer(model)
    if normalizer:
        tokenizer.normalizer = normalizer
    if words:
        tokenizer.pre_tokenizer = words
    dice = random.Random(0)
    texts = [" ".join(dice.choice(WORDS) for _ in range(12)) for _ in range(200)]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens(["[CLS]", "[SEP]", "[MASK]"])
    ids = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ids)
    return tokenizer


def of_pieces(normalizer: Any = None, words: Any = None, longest: int = 100) -> Tokenizer:
    model = models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=longest)
    trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=["[UNK]"], show_progress=False)
    tokenizer = trained(model, trainer, normalizer, words)
    tokenizer.model = models.WordPiece(
        tokenizer.get_vocab(with_added_tokens=False), unk_token="[UNK]", max_input_chars_per_word=longest
    )
    return tokenizer


def of_pairs(normalizer: Any = None, words: Any = None) -> Tokenizer:
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["[UNK]"], show_progress=False)
    return trained(models.BPE(unk_token="[UNK]", fuse_unk=True), trainer, normalizer, words)


def of_unigrams(normalizer: Any = None, words: Any = None) -> Tokenizer:
    trainer = trainers.UnigramTrainer(
        vocab_size=120, special_tokens=["[UNK]"], unk_token="[UNK]", show_progress=False, max_piece_length=8
    )
    return trained(models.Unigram(), trainer, normalizer, words)


TOKENIZERS = {
    "BERT": lambda: of_pieces(normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()),
    "BERT that keeps control characters": lambda: of_pieces(words=pre_tokenizers.BertPreTokenizer()),
    "pieces of words of any length": lambda: of_pieces(words=pre_tokenizers.WhitespaceSplit(), longest=10**9),
    "pieces of words and of digits in threes": lambda: of_pieces(
        normalizers.Replace(Regex("[\x01\u200b]"), ""),
        pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Split(Regex(r"\p{N}{1,3}"), "isolated")]),
    ),
    "bytes in pairs": lambda: of_pairs(words=pre_tokenizers.ByteLevel(add_prefix_space=True)),
    "pairs": lambda: of_pairs(normalizers.NFKC(), pre_tokenizers.Whitespace()),
    "pairs without words": lambda: of_pairs(
        normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    ),
    "unigrams": lambda: of_unigrams(normalizers.NFKC(), pre_tokenizers.Metaspace()),
    "unigrams without words": lambda: of_unigrams(normalizers.Strip(), pre_tokenizers.Metaspace(split=False)),
}


@pytest.fixture(scope="module", params=TOKENIZERS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return TOKENIZERS[request.param]()


@pytest.mark.parametrize("side", ["right", "left"])
def test_the_tokens_are_those_of_the_whole_text(tokenizer: Tokenizer, side: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "FIRST", 128)
    monkeypatch.setattr(module, "CHARACTERS", 2)
    dice, shortened = random.Random(1), 0
    for _ in range(TEXTS):
        text, length = a_text(dice, dice.choice((60, 300))), dice.choice((3, 16, 64))
        tokenizer.enable_truncation(length, direction=side)
        part = decisive_text(text, tokenizer, length)
        shortened += len(part) < len(text)
        whole, again = tokenizer.encode(text), tokenizer.encode(part)
        assert (again.ids, bool(again.overflowing)) == (whole.ids, bool(whole.overflowing)), (text, part)
    assert shortened > TEXTS // 8


def test_a_text_of_usual_length_is_left_alone_and_not_tokenized_twice():
    class NoTokenizer:  # it cannot be asked for tokens
        truncation = {"direction": "right"}  # noqa: RUF012

    text = "word " * (2 * module.FIRST // 5)
    assert decisive_text(text, NoTokenizer(), 16) is text


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_tokenizer_in_python_gets_a_part_as_well(side: str):
    dice = random.Random(0)
    text = "".join(dice.choice("abc ") for _ in range(50_000))

    def ids_of(part: str) -> list[int]:
        words = [ord(word[0]) for word in part.split()]
        return words[:16] if side == "right" else words[-16:]

    part = decisive_plain(text, ids_of, 16, from_left=side == "right")
    assert len(part) < 10_000
    assert ids_of(part) == ids_of(text)


def test_of_a_long_text_little_is_tokenized_and_it_counts_as_cut(monkeypatch: pytest.MonkeyPatch):
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=TOKENIZERS["BERT"](), unk_token="[UNK]")
    texts = ["the dog " * 20_000, "the dog", "x" * 20_000 + " dog", "the dog " * 200]
    whole = tokenizer(texts, truncation=True, max_length=32)["input_ids"]
    read: list[int] = []
    monkeypatch.setattr(
        "simemb.encoder.tokenizer.decisive_text",
        lambda *args: read.append(len(decisive_text(*args))) or decisive_text(*args),
    )
    assert tokenize(texts, tokenizer, 32) == (whole, 2)
    assert read[0] == module.FIRST
