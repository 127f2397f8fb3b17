"""The two models that ship: their size, their shape, what their directories say, and that they do what they are for."""

import json
from pathlib import Path

import pytest
from transformers import AutoModelForMaskedLM, AutoTokenizer

import simemb.bundled
from simemb import Encoder, evaluate
from simemb.corpus.rows import open_rows
from simemb.encoder.language_head import is_language_model
from simemb.encoder.names import BUNDLED
from simemb.errors import ModelError

FOLDER = Path(simemb.bundled.__file__).parent
ANSWERS = {
    "Somebody is making music.": ("guitar", "orchestra"),
    "The economy is in trouble.": ("profits", "interest rates"),
    "pets": ("dogs", "cat"),
    "What should I do when it is hot?": ("water",),
    "Someone prepares food.": ("onions", "bread"),
    "The roads are under water.": ("rain",),
    "Kids are having fun outside.": ("Children",),
}
"""Questions, and a word of every sentence that may answer them."""


@pytest.mark.parametrize("name", BUNDLED)
def test_a_model_is_small_and_complete(name: str) -> None:
    files = [path for path in (FOLDER / name).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 16e6
    config = json.loads((FOLDER / name / "config.json").read_text())
    assert (config["num_hidden_layers"], config["hidden_size"], config["dtype"]) == (3, 256, "float16")
    assert 10_000 <= config["vocab_size"] <= 16_000
    card = (FOLDER / name / "README.md").read_text(encoding="utf-8")
    for heading in ("Scores", "Contamination", "How it was made", "Data", "Not for"):
        assert f"\n## {heading}\n" in card
    assert "in the training data" in card


def test_mini_is_what_load_gives_without_a_name() -> None:
    encoder = Encoder.load()
    assert isinstance(encoder, Encoder)
    assert (encoder.name, encoder.pooling, encoder.dim, encoder.max_length) == ("mini", "mean", 256, 512)
    assert not is_language_model(FOLDER / "mini")


def test_mini_finds_the_sentence_that_answers() -> None:
    encoder = Encoder.load()
    sentences = [text for (text,) in open_rows("sample_search").texts()]
    vectors = encoder.encode(sentences, normalize=True)
    for question, answers in ANSWERS.items():
        nearest = sentences[int((vectors @ encoder.encode([question], normalize=True)[0]).argmax())]
        assert any(answer in nearest for answer in answers), (question, nearest)


def test_mini_overlooks_what_its_card_says_it_overlooks() -> None:
    card = " ".join((FOLDER / "mini" / "README.md").read_text(encoding="utf-8").split())
    pairs = (
        ("The man is sleeping.", "The man is not sleeping.", 0.95),
        ("The dog bit the man.", "The man bit the dog.", 0.99),
    )
    for first, second, told in pairs:
        assert f'"{first}" and "{second}" ' in card
        one, other = Encoder.load().encode([first, second], normalize=True)
        assert float(one @ other) == pytest.approx(told, abs=0.01)


def test_mini_scores_as_its_card_says(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tasks, which take a third of the time of all seven."""
    monkeypatch.setenv("SIMEMB_DATA", str(shared_data))
    card = (FOLDER / "mini" / "README.md").read_text(encoding="utf-8")
    lines = card.splitlines()
    (head,) = (number for number, line in enumerate(lines) if line.startswith("| sts12 |"))
    names, numbers = (lines[row].strip("| ").replace(" ", "").split("|") for row in (head, head + 2))
    told = dict(zip(names, map(float, numbers), strict=True))
    scores = evaluate(Encoder.load(), "sts/sts13+stsb+sickr")
    for name, task in scores.tasks.items():
        assert task.numbers()["spearman"] == pytest.approx(told[name], abs=0.1)
    average = told.pop("average")
    assert average == pytest.approx(sum(told.values()) / len(told), abs=0.01)
    assert average >= 76


def test_base_guesses_a_masked_word() -> None:
    model = AutoModelForMaskedLM.from_pretrained(FOLDER / "base", dtype="float32")
    tokenizer = AutoTokenizer.from_pretrained(FOLDER / "base")
    batch = tokenizer("Paris is the capital [MASK] France .", return_tensors="pt")
    place = batch["input_ids"][0].tolist().index(tokenizer.mask_token_id)
    logits = model(**batch).logits[0, place]
    assert tokenizer.convert_ids_to_tokens(int(logits.argmax())) == "of"
    assert is_language_model(FOLDER / "base")


def test_base_names_its_pooling(caplog: pytest.LogCaptureFixture) -> None:
    assert Encoder.load("base").pooling == "mean"
    assert "says nothing about pooling" not in caplog.text


def test_a_directory_of_the_same_name_is_pointed_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mini").mkdir()
    assert Encoder.load("mini").dim == 256
    assert "taking the model that ships with simemb; the directory here is ./mini" in caplog.text


def test_a_path_is_never_the_name_of_a_model_that_ships(
    tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mini").symlink_to(tiny_base)
    for path in (Path("mini"), "./mini"):
        encoder = Encoder.load(path, pooling="mean")
        assert (encoder.dim, encoder.name) == (32, "./mini")


@pytest.mark.parametrize(("typed", "meant"), [("minni", "mini"), ("bases", "base")])
def test_a_name_that_is_nearly_right_gets_the_right_one(
    typed: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match=rf"no model '{typed}'.*did you mean {meant}\?"):
        Encoder.load(typed)
