"""Untrained models: their files, their vocabulary in Latin and Chinese letters, and what they go on to learn."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from simemb import Encoder
from simemb.cli import main
from simemb.corpus.rows import open_rows
from simemb.encoder.untrained import SPECIAL, learn_tokenizer, new
from simemb.errors import DataError, ModelError

SMALL: dict[str, Any] = {"vocabulary": 200, "layers": 2, "width": 32, "heads": 2, "length": 24}
CHINESE = ["我们今天去北京。", "他在北京大学学习 AI！", "今天天气很好，我们学习。", "北京的天气好。"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def digests(folder: str) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in Path(folder).iterdir()}


def test_a_new_model_has_the_size_that_was_asked_for(sentences_file: Path) -> None:
    model = new("blank", sentences_file, **SMALL)
    config = json.loads(Path("blank/config.json").read_text())
    assert config["architectures"] == ["BertForMaskedLM"]
    assert [config[name] for name in ("num_hidden_layers", "hidden_size", "num_attention_heads")] == [2, 32, 2]
    assert (config["intermediate_size"], config["max_position_embeddings"]) == (128, 24)
    assert config["vocab_size"] == len(AutoTokenizer.from_pretrained("blank")) <= 200
    assert Path("blank/model.safetensors").is_file()
    loaded = AutoModelForMaskedLM.from_pretrained("blank")
    assert loaded.num_parameters() == model.num_parameters()
    deviation = loaded.bert.encoder.layer[0].attention.self.query.weight.detach().std()
    assert float(deviation) == pytest.approx(0.02, rel=0.1)


def test_the_same_texts_and_seed_give_the_same_files_and_another_seed_other_weights(
    sentences_file: Path,
) -> None:
    new("first", sentences_file, **SMALL)
    new("second", sentences_file, **SMALL)
    new("third", sentences_file, seed=2, **SMALL)
    first, third = digests("first"), digests("third")
    assert first == digests("second")
    assert {name for name in first if first[name] != third[name]} == {"model.safetensors"}


def test_the_random_numbers_of_the_caller_are_left_alone(sentences_file: Path) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    new("blank", sentences_file, **SMALL)
    assert torch.equal(before, torch.get_rng_state())


def test_a_new_model_is_an_encoder(sentences_file: Path) -> None:
    new("blank", sentences_file, **SMALL)
    encoder = Encoder.load("blank", pooling="mean")
    assert (encoder.dim, encoder.max_length) == (32, 24)
    assert encoder.encode(["the dog sees a ball", "a" * 300 + " b" * 100]).shape == (2, 32)


# ---- the vocabulary ----------------------------------------------------------------------------------------


def pieces(texts: list[str], **options: Any) -> Any:
    return learn_tokenizer(open_rows(texts), **{"vocabulary": 100, "length": 32, **options})


def test_the_vocabulary_begins_with_the_special_tokens_and_holds_the_frequent_words() -> None:
    tokenizer = pieces(["the dog runs", "the cat runs", "The Dog sleeps"] * 5)
    assert tokenizer.convert_ids_to_tokens(range(5)) == list(SPECIAL)
    assert tokenizer.tokenize("The DOG runs") == ["the", "dog", "runs"]
    assert tokenizer.convert_ids_to_tokens(tokenizer("the dog")["input_ids"]) == ["[CLS]", "the", "dog", "[SEP]"]
    assert tokenizer.tokenize("##u [MASK] zoo") == ["[UNK]", "[UNK]", "u", "[MASK]", "[UNK]"]
    assert tokenizer.decode(tokenizer("the dog runs")["input_ids"], skip_special_tokens=True) == "the dog runs"


def test_ties_between_pieces_are_broken_the_same_way_every_time() -> None:
    words = [f"{a}{b}{c}" for a in "abcdef" for b in "ghijkl" for c in "mnopqr"]
    vocabularies = [pieces(words, vocabulary=90).get_vocab() for _ in range(5)]
    assert len(vocabularies[0]) == 90
    assert all(vocabulary == vocabularies[0] for vocabulary in vocabularies)


def test_a_cased_vocabulary_keeps_case_and_accents() -> None:
    texts = ["Ein Käse", "ein Kase"] * 5
    assert pieces(texts).tokenize("Ein Käse") == ["ein", "kase"]
    assert pieces(texts, cased=True).tokenize("Ein Käse") == ["Ein", "Käse"]


def test_chinese_characters_are_words_of_their_own_and_none_is_unknown() -> None:
    tokenizer = pieces(CHINESE)
    assert tokenizer.tokenize("今天去北京大学！") == list("今天去北京大学！")
    vocabulary = tokenizer.get_vocab()
    assert not {f"##{character}" for text in CHINESE for character in text if character not in "AI"} & set(vocabulary)
    assert all("[UNK]" not in tokenizer.tokenize(text) for text in CHINESE)
    assert sorted(vocabulary.values()) == list(range(len(vocabulary)))


def test_more_than_a_thousand_characters_have_tokens() -> None:
    texts = [chr(0x4E00 + number) * 2 for number in range(1500)]
    tokenizer = pieces(texts, vocabulary=1505)
    assert len(tokenizer) == 1505
    assert tokenizer.unk_token_id not in tokenizer(texts[1499])["input_ids"]


def test_the_rarest_characters_go_where_there_is_no_room_for_all() -> None:
    texts = ["ab" * 50, "c"]
    assert pieces(texts, vocabulary=9).tokenize("c") == ["[UNK]"]
    assert pieces(texts, vocabulary=11).tokenize("c") == ["c"]


def test_a_vocabulary_without_room_for_the_characters_is_refused_with_the_number_it_takes() -> None:
    with pytest.raises(
        DataError, match="vocabulary must be 9 or more, to hold the characters of 99% of the list, not 8"
    ):
        pieces(["ab" * 50, "c"], vocabulary=8)
    assert len(pieces(["ab" * 50, "c"], vocabulary=9)) == 9


def test_white_space_alone_teaches_nothing() -> None:
    with pytest.raises(DataError, match="nothing but white space"):
        pieces(["  ", "\t"])


def test_every_text_column_counts() -> None:
    tokenizer = pieces([("one", "two", "three")] * 3)
    assert tokenizer.tokenize("three two one") == ["three", "two", "one"]


# ---- mistakes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "says"),
    [
        ({"width": 30, "heads": 4}, r"width 30 cannot be divided by 4 heads: 32 can"),
        ({"width": 2, "heads": 4}, r"width 2 cannot be divided by 4 heads: 4 can"),
        ({"layers": 0}, "layers must be 1 or more, not 0"),
        ({"heads": 0}, "heads must be 1 or more, not 0"),
        ({"length": 2}, "length must be 3 or more, not 2"),
        ({"seed": -1}, "seed must be 0 or more, not -1"),
    ],
)
def test_a_size_that_cannot_be_is_refused(sizes: dict[str, int], says: str, sentences_file: Path) -> None:
    with pytest.raises(ModelError, match=says):
        new("blank", sentences_file, **sizes)
    assert not Path("blank").exists()


def test_a_model_is_replaced_only_when_asked_and_other_things_never(sentences_file: Path) -> None:
    new("blank", sentences_file, **SMALL)
    before = digests("blank")
    with pytest.raises(ModelError, match="blank exists"):
        new("blank", sentences_file, **SMALL)
    new("blank", sentences_file, **{**SMALL, "layers": 1}, overwrite=True)
    assert digests("blank") != before
    Path("thesis").mkdir()
    Path("thesis/chapter.txt").write_text("mine")
    with pytest.raises(ModelError, match="thesis holds no model"):
        new("thesis", sentences_file, **SMALL, overwrite=True)
    with pytest.raises(ModelError, match="a file is in the way"):
        new("thesis/chapter.txt", sentences_file, **SMALL, overwrite=True)
    assert Path("thesis/chapter.txt").read_text() == "mine"


# ---- on the command line -----------------------------------------------------------------------------------


def test_the_verb_makes_a_model_that_mlm_trains(sentences_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]
    assert main(["new", "blank", "--data", str(sentences_file), *sizes]) == 0
    said = capsys.readouterr().err
    assert "blank: an untrained BERT of 2 layers x 32" in said
    assert f"simemb train mlm --model blank --data {sentences_file}" in said
    words = ["train", "mlm", "--model", "blank", "--data", str(sentences_file), "--output", "run", "--dev", "none"]
    assert main([*words, "--max-steps", "2", "--batch-size", "16", "--max-length", "24"]) == 0
    assert Encoder.load("run").dim == 32


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"vocabulary": 10**9}, "vocabulary must be 1000000 or less"),
        ({"vocabulary": 10**20}, "vocabulary must be 1000000 or less"),
        ({"layers": 10**6}, "layers must be 1000 or less"),
        ({"width": 10**6, "heads": 10}, "width must be 65536 or less"),
        ({"heads": 10**9}, "heads must be 65536 or less"),
        ({"length": 10**9}, "length must be 1000000 or less"),
        ({"layers": 900, "width": 1024}, "11,332,943,872 weights, and at most 4,000,000,000"),
    ],
)
def test_a_giant_is_refused_before_the_texts_are_read(tmp_path: Path, sizes: dict[str, int], message: str):
    with pytest.raises(ModelError, match=message):
        new(tmp_path / "new", (pytest.fail("read") for _ in range(1)), **sizes)


def test_a_text_that_is_too_long_to_be_taken_at_once_gives_the_same_vocabulary(monkeypatch: pytest.MonkeyPatch):
    rows = open_rows(["the man plays a guitar and the woman sings " * 40, "a dog runs " * 30])
    whole = learn_tokenizer(rows, vocabulary=60, length=16).get_vocab()
    monkeypatch.setattr("simemb.encoder.untrained.PART", 50)
    assert learn_tokenizer(rows, vocabulary=60, length=16).get_vocab() == whole


def test_an_endless_word_is_learned_from_by_its_ends() -> None:
    """Its pieces are never used, and to learn them all takes minutes."""
    learned = learn_tokenizer(open_rows(["a man", "ab" * 400_000]), vocabulary=60, length=16).get_vocab()
    assert max(map(len, learned)) <= 2 + 200
    assert "##ab" in learned
