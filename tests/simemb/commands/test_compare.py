"""`simemb compare` on the command line: real models on a small file, and what is refused in one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from simemb.commands import compare, train
from simemb.encoder.encoder import Encoder
from simemb.errors import SimembError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refused(*words: str) -> str:
    with pytest.raises(SimembError) as caught:
        compare.run(list(words))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_two_models_are_compared_on_a_file(tiny_base: Path, dev_file: Path, capsys: pytest.CaptureFixture[str]):
    words = ["mini", str(tiny_base), "--suite", str(dev_file), "--resamples", "200", "--pooling", "mean"]
    compare.run([*words, "--json", "deep/record.json"])
    shown = capsys.readouterr().out
    record = json.loads(Path("deep/record.json").read_text(), parse_constant=pytest.fail)
    (pair,) = record["duels"]
    assert f"{pair['second']} less {pair['first']}" in shown
    assert pair["verdict"] in shown
    assert "(level 5%, 200 resamples)." in pair["verdict"]
    assert (record["seed"], record["resamples"], record["units"]) == (1, 200, {"dev": 40})


def test_one_model_and_two_poolings(tiny_base: Path, dev_file: Path, capsys: pytest.CaptureFixture[str]):
    words = [str(tiny_base), str(tiny_base), "--suite", str(dev_file), "--resamples", "200"]
    compare.run([*words, "--pooling", "cls", "mean"])
    assert "tiny-bert (mean) less tiny-bert (cls)" in capsys.readouterr().out


def test_three_models_have_two_tables_and_three_verdicts(
    tiny_base: Path, dev_file: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["mini", str(tiny_base), "mini", "--suite", str(dev_file), "--resamples", "200"]
    compare.run([*words, "--pooling", "mean", "mean", "cls"])
    shown = capsys.readouterr().out
    assert shown.count(" less ") == 2
    assert shown.count("200 resamples)") == 3


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "a comparison needs at least two models, not 0"),
        (["mini"], "a comparison needs at least two models, not 1 (one is enough with --against published)"),
        (["mini", "other", "--suite", "stss"], "unknown suite 'stss'"),
        (["mini", "mini", "--suite", "sample"], "mini is named twice"),
        (["mini", "nowhere/to/be", "--suite", "sample"], "no model directory nowhere/to/be"),
        (["mini", ".", "--suite", "sample"], ". holds no model"),
        (["mini", "x", "--suite", "sample", "--against", "publishd"], "did you mean 'published'?"),
        (["mini", "--suite", "sample", "--against", "published"], "nothing published is at hand for suite sample"),
        (["mini", "--against", "published", "--base", "brt-base"], "did you mean 'bert-base'?"),
        (["mini", "x", "--suite", "sample", "--method", "simcse"], "add --against published"),
        (["mini", "x", "--suite", "sts/stsbb"], "unknown task of suite sts 'stsbb': did you mean 'stsb'?"),
        (["mini", "x", "--suite", "sample", "--precision", "int4"], "unknown value of --precision 'int4'"),
        (["mini", "mini", "--suit", "sample"], "did you mean --suite"),
        (["mini", "mini", "--suite", "sample", "--pooling", "a", "b", "c"], "3 poolings for 2 models"),
        (["mini", "mini", "--suite", "sample", "--pooling", "cls", "men"], "unknown pooling 'men'"),
        (["mini", "mini", "--suite", "sample", "--pooling", "cls", "mean", "--resamples", "9"], "9 resamples"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(words: list[str], line: str):
    assert line in refused(*words)


def test_a_file_that_is_called_like_a_suite_is_not_laid_beside_what_was_published_on_that(dev_file: Path):
    Path("sts.tsv").write_bytes(dev_file.read_bytes())
    assert "nothing published is at hand for suite sts.tsv" in refused(
        "mini", "--suite", "sts.tsv", "--against", "published"
    )


def test_an_output_that_cannot_be_written_is_noticed_before_a_model_is_loaded(tiny_base: Path, monkeypatch) -> None:
    monkeypatch.setattr("simemb.comparison.compare.compare", lambda *_, **__: pytest.fail("loaded"))
    Path("file").write_text("in the way")
    with pytest.raises(SimembError, match=r"file/x\.json: cannot be written: "):
        compare.run([str(tiny_base), "other", "--json", "file/x.json"])


def test_an_encoder_is_not_compared_with_itself(tiny_base: Path, sentences_file: Path, dev_file: Path) -> None:
    words = ["simcse", "--model", str(tiny_base), "--data", str(sentences_file), "--dev", "none", "--batch-size", "16"]
    train.run([*words, "--max-steps", "2", "--output", "run"])
    with pytest.raises(SimembError, match=r"run and .* are one encoder"):
        compare.run(["run", "run/best", "--suite", str(dev_file)])


def test_models_are_compared_in_the_precision_asked_for(
    tiny_base: Path, dev_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def load(model: str, *, pooling: str | None, precision: str, device: str) -> Any:
        asked.append(precision)
        return loaded(model, pooling=pooling, device=device)

    loaded = Encoder.load
    monkeypatch.setattr(Encoder, "load", load)
    words = ["mini", str(tiny_base), "--suite", str(dev_file), "--resamples", "200"]
    compare.run([*words, "--precision", "int8"])
    compare.run(words)
    assert asked == ["int8", "int8", "float32", "float32"]


def test_a_part_of_a_suite_is_compared_and_laid_beside_the_published(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIMEMB_DATA", str(shared_data))
    monkeypatch.setenv("COLUMNS", "200")
    words = ["mini", "--suite", "sts/sickr+stsb", "--resamples", "200", "--against", "published"]
    compare.run([*words, "--base", "roberta-base", "--method", "simcse"])
    shown = capsys.readouterr().out
    assert "our average is without sts12, sts13, sts14, sts15, sts16, the published ones are over all tasks" in shown
    assert {line.split()[1] for line in shown.splitlines() if "RoBERTa-base" in line} >= {"RoBERTa-base"}
    assert "BERT-large" not in shown
    assert "average of 2 of 7" in shown


@pytest.mark.slow
def test_a_real_model_beside_the_published(
    shared_data: Path, shared_models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("SIMEMB_DATA", str(shared_data))
    monkeypatch.setenv("COLUMNS", "300")
    compare.run([str(shared_models / "potion-base-4M"), "--against", "published"])
    shown = capsys.readouterr().out
    assert "75.11 ± 0.84" in shown
    ours = next(line.split() for line in shown.splitlines() if line.strip().startswith(">"))
    assert ours[1:3] == ["potion-base-4M", "ours"]
    assert float(ours[10]) == pytest.approx(71.72, abs=0.02)
