"""`simemb whiten`: what it writes, and what it leaves alone."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simemb.cli import main
from simemb.commands import eval as eval_verb
from simemb.commands.parsing import UsageError
from simemb.commands.whiten import run as whiten
from simemb.comparison.provenance import lineage, trained
from simemb.corpus import sources
from simemb.corpus.rows import open_rows
from simemb.encoder.encoder import Encoder
from simemb.errors import DataError, ModelError, TrainingError
from simemb.report.figures.style import look
from simemb.report.model import ReportedModel
from simemb.training.run_directory import RunDirectory


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_whiten_writes_an_encoder_of_vectors_that_are_white(tiny_base: Path, sentences_file: Path, caplog) -> None:
    with caplog.at_level("INFO", logger="simemb"):
        whiten([str(tiny_base), "--data", str(sentences_file), "--output", "white", "--dims", "20"])
    vectors = Encoder.load("white").encode(sorted(set(sentences_file.read_text().splitlines())))
    np.testing.assert_allclose(np.cov(vectors.T), np.eye(20), atol=2e-3)
    assert f"next: simemb eval {tiny_base} white" in caplog.text
    card = Path("white/README.md").read_text()
    assert "## Whitening" in card
    assert sentences_file.name in card


def test_all_text_columns_count_and_columns_choose(tiny_base: Path, triplets_file: Path, caplog) -> None:
    rows = [line.split("\t") for line in triplets_file.read_text().splitlines()[1:]]
    with caplog.at_level("INFO", logger="simemb"):
        whiten([str(tiny_base), "--data", str(triplets_file), "--output", "all", "--pooling", "cls"])
        whiten([str(tiny_base), "--data", str(triplets_file), "--output", "one", "--columns", "negative"])
    assert f"whitened on {len({text for row in rows for text in row})} texts" in caplog.text
    assert f"whitened on {len({negative for *_, negative in rows})} texts" in caplog.text
    assert Encoder.load("all").pooling == "cls"


def test_a_model_that_is_there_is_replaced_only_when_asked(tiny_base: Path, sentences_file: Path) -> None:
    words = [str(tiny_base), "--data", str(sentences_file), "--output", "white", "--dims"]
    whiten([*words, "8"])
    with pytest.raises(ModelError, match=r"white exists \(a model\): --overwrite .* replaces it"):
        whiten([*words, "9"])
    assert Encoder.load("white").dim == 8
    whiten([*words, "9", "--overwrite"])
    assert Encoder.load("white").dim == 9


def test_a_whitened_model_can_take_the_place_of_the_model_it_is_of(tiny_base: Path, sentences_file: Path) -> None:
    words = ["--data", str(sentences_file), "--output", "white", "--overwrite"]
    whiten([str(tiny_base), *words, "--dims", "12"])
    whiten(["white", *words, "--dims", "5"])
    assert Encoder.load("white").dim == 5


def test_what_it_was_whitened_on_and_what_it_was_before_is_on_record(tiny_base: Path, sentences_file: Path) -> None:
    words = ["--data", str(sentences_file), "--output", "white", "--overwrite", "--dims", "9"]
    whiten([str(tiny_base), *words])
    first = trained("white")
    assert first is not None
    assert first["whitening"]["dims"] == 9
    assert first["base"] == {"model": str(tiny_base), "fingerprint": Encoder.load(tiny_base).fingerprint()}
    assert first["data"]["digest"] == open_rows(sentences_file).digest()
    assert first["data"]["rows"] == len(sentences_file.read_text().splitlines())
    whiten(["white", *words])
    assert [*lineage(trained("white"))][1:] == [first]


def test_a_whitened_encoder_is_transductive_on_the_texts_that_it_was_whitened_on(
    tiny_base: Path, sentences_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMEMB_CACHE", "cache")
    texts = sorted(set(sentences_file.read_text().splitlines()))
    rows = [f"{row % 5}\t{one}\t{other}" for row, (one, other) in enumerate(zip(texts[::2], texts[1::2], strict=False))]
    Path("seen.tsv").write_text("\n".join(["score\tsentence1\tsentence2", *rows]) + "\n")
    whiten([str(tiny_base), "--data", str(sentences_file), "--output", "white", "--dims", "9"])
    eval_verb.run(["white", "--suite", "seen.tsv", "--json", "scores.json"])
    record = json.loads(Path("scores.json").read_text())
    assert record["overlap"]["transductive"] is True
    assert record["trained"]["data"]["name"] == str(sentences_file)
    assert not Path("white/scores").exists()


def test_a_whitened_encoder_does_not_pass_for_a_run(tiny_base: Path, sentences_file: Path) -> None:
    whiten([str(tiny_base), "--data", str(sentences_file), "--output", "white", "--dims", "9"])
    reported = ReportedModel("white", "white", look(0))
    assert (reported.recipe, reported.history) == (None, None)
    with pytest.raises(TrainingError, match="white is not a run directory"):
        RunDirectory("white").refuse(resume=False, overwrite=True)
    with pytest.raises(TrainingError, match="nothing to resume"):
        RunDirectory("white").refuse(resume=True, overwrite=False)


def test_a_warning_of_the_data_is_told(tiny_base: Path, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    warned = replace(sources.get("sample"), warning="holds test texts")
    monkeypatch.setattr(sources, "get", lambda _: warned)
    whiten([str(tiny_base), "--data", "sample", "--output", "white", "--dims", "9"])
    found = trained("white")
    assert found is not None
    assert found["data"]["warning"] == "holds test texts"
    assert "- mind: the data holds test texts" in Path("white/README.md").read_text()
    assert "sample: holds test texts" in caplog.text


def test_several_data_are_read_one_after_the_other_and_found_again(
    tiny_base: Path, sentences_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SIMEMB_CACHE", "cache")
    lines = sorted(set(sentences_file.read_text().splitlines()))
    Path("one.csv").write_text("\n".join(lines[:20]) + "\n")
    Path("two.csv").write_text("\n".join(lines[20:]) + "\n")
    rows = ["score\tsentence1\tsentence2", f"1\t{lines[0]}\t{lines[-1]}", f"2\t{lines[1]}\t{lines[-2]}"]
    Path("seen.tsv").write_text("\n".join(rows) + "\n")
    with caplog.at_level("INFO", logger="simemb"):
        words = ["--data", "one.csv", "--no-header", "--delimiter", "tab", "--data", "two.csv", "--output", "white"]
        whiten([str(tiny_base), *words, "--dims", "9"])
    assert f"whitened on {len(lines)} texts" in caplog.text
    assert not any("given twice" in line for line in caplog.messages)
    found = trained("white")
    assert found is not None
    assert (found["data"]["name"], found["data"]["parts"]) == ("one.csv + two.csv", ["one.csv", "two.csv"])
    eval_verb.run(["white", "--suite", "seen.tsv", "--no-geometry", "--json", "scores.json"])
    assert json.loads(Path("scores.json").read_text())["overlap"]["transductive"] is True


def test_data_are_asked_for_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["whiten", "mini", "--output", "white"], ["new", "blank"], ["new", "blank", "--data"]):
        assert main(words) == 2
        assert capsys.readouterr().err.startswith("simemb: missing: --data")


def test_what_is_no_model_is_left_alone(tiny_base: Path, sentences_file: Path) -> None:
    Path("thesis").mkdir()
    Path("thesis/chapter.tex").write_text("precious")
    Path("notes").write_text("precious")
    words = [str(tiny_base), "--data", str(sentences_file), "--overwrite", "--output"]
    with pytest.raises(ModelError, match="thesis holds no model"):
        whiten([*words, "thesis"])
    with pytest.raises(ModelError, match="notes: a file is in the way"):
        whiten([*words, "notes"])
    assert Path("thesis/chapter.tex").read_text() == Path("notes").read_text() == "precious"


def test_too_few_texts_are_one_line_and_nothing_is_written(tiny_base: Path) -> None:
    Path("few.txt").write_text("a man sees a dog\nthe dog sees a man\n")
    with pytest.raises(DataError, match="takes more than 32 different texts, not 2: give more"):
        whiten([str(tiny_base), "--data", "few.txt", "--output", "white"])
    assert not Path("white").exists()


def test_a_misspelt_option_is_one_line(tiny_base: Path) -> None:
    with pytest.raises(UsageError, match="--dims"):
        whiten([str(tiny_base), "--data", "x", "--output", "y", "--dimms", "3"])


def test_potion_is_refused_and_nothing_is_written(shared_models: Path, sentences_file: Path) -> None:
    with pytest.raises(ModelError, match="cannot be whitened"):
        whiten([str(shared_models / "potion-base-4M"), "--data", str(sentences_file), "--output", "white"])
    assert not Path("white").exists()


def test_the_next_command_can_be_pasted(tiny_base: Path, sentences_file: Path, caplog) -> None:
    with caplog.at_level("INFO", logger="simemb"):
        whiten([str(tiny_base), "--data", str(sentences_file), "--output", "my white's", "--dims", "8"])
    command = caplog.text.partition("next: ")[2].splitlines()[0]
    assert shlex.split(command) == ["simemb", "eval", str(tiny_base), "my white's", "--suite", "sts"]


def test_the_next_command_follows_the_language_of_the_texts(tiny_base: Path, tmp_path: Path, caplog) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("".join(f"猫吃{'鱼' * number}。\n" for number in range(40)), encoding="utf-8")
    with caplog.at_level("INFO", logger="simemb"):
        whiten([str(tiny_base), "--data", str(texts), "--output", "white", "--dims", "1"])
    assert caplog.text.partition("next: ")[2].splitlines()[0].endswith("white --suite zh")
