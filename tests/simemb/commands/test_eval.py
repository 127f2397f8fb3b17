"""`simemb eval`: what is checked first, and what is kept where."""

import json
from pathlib import Path
from typing import Any

import pytest

from simemb.commands import eval as eval_verb
from simemb.commands import train as train_verb
from simemb.commands.parsing import UsageError
from simemb.errors import SimembError
from simemb.files import sha256_of


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def train(model: Path, data: Path, *more: str) -> None:
    words = ["simcse", "--model", str(model), "--data", str(data), "--dev", "none", "--batch-size", "16"]
    train_verb.run([*words, "--max-steps", "2", *more])


def test_an_unknown_suite_is_noticed_before_a_model_is_loaded(monkeypatch: pytest.MonkeyPatch, tiny_base: Path) -> None:
    def load(model: str, pooling: str | None) -> Any:
        raise AssertionError("loaded")

    monkeypatch.setattr(eval_verb, "load_encoder", load)
    with pytest.raises(SimembError, match="unknown suite"):
        eval_verb.run([str(tiny_base), "--suite", "stss"])


def test_eval_keeps_no_record_in_a_directory_that_is_no_run(tiny_base: Path, dev_file: Path) -> None:
    before = sorted(tiny_base.iterdir())
    eval_verb.run([str(tiny_base), "--suite", str(dev_file), "--no-geometry", "--json", "deep/scores.json"])
    assert sorted(tiny_base.iterdir()) == before
    assert json.loads(Path("deep/scores.json").read_text())["model"] == str(tiny_base)


def test_a_file_is_recorded_by_its_checksum_as_report_and_python_record_it(tiny_base: Path, dev_file: Path) -> None:
    eval_verb.run([str(tiny_base), "--suite", str(dev_file), "--json", "scores.json"])
    assert json.loads(Path("scores.json").read_text())["data"] == {str(dev_file): sha256_of(dev_file)}


def test_eval_writes_strict_json_where_a_score_is_not_defined(tiny_base: Path) -> None:
    rows = "".join(f"{score}\ta dog\ta dog\n" for score in (1, 2, 3))
    Path("same.tsv").write_text("score\tsentence1\tsentence2\n" + rows)
    eval_verb.run([str(tiny_base), "--suite", "same.tsv", "--json", "scores.json"])
    record = json.loads(Path("scores.json").read_text(), parse_constant=pytest.fail)
    assert record["average"]["all"]["spearman"] is None


def test_eval_of_a_run_keeps_the_record_with_its_training_and_tells_the_model_card(
    tiny_base: Path, sentences_file: Path, dev_file: Path
) -> None:
    train(tiny_base, sentences_file, "--output", "run")
    eval_verb.run(["run", "--suite", str(dev_file)])
    record = json.loads(Path("run/scores/dev.json").read_text())
    assert record["trained"]["seed"] == 1
    assert record["trained"]["data"]["name"] == str(sentences_file)
    assert record["overlap"]["tasks"].keys() == {"dev"}
    assert record["command"]
    assert "## Scores" in Path("run/best/README.md").read_text()
    eval_verb.run(["run", "--suite", str(dev_file), "--pooling", "mean"])
    assert json.loads(Path("run/scores/dev.json").read_text()) == record


def test_eval_of_several_sizes_has_a_row_for_each_and_the_run_keeps_each(
    tiny_base: Path, sentences_file: Path, dev_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tiny_base, sentences_file, "--output", "run")
    capsys.readouterr()
    words = ["run", "--suite", str(dev_file), "--no-geometry", "--truncate-dim"]
    eval_verb.run([*words, "8", "4", "8", "--json", "scores.json"])
    shown = capsys.readouterr().out
    assert [f"run, {size} dims" in " ".join(shown.split()) for size in (8, 4)] == [True, True]
    records = json.loads(Path("scores.json").read_text())
    assert [record["truncate_dim"] for record in records] == [8, 4]
    assert sorted(path.name for path in Path("run/scores").iterdir()) == ["dev@4.json", "dev@8.json"]
    assert "### dev, the first 8 dimensions" in Path("run/best/README.md").read_text()
    with pytest.raises(SimembError, match=r"run: --truncate-dim must be in 1 to \d+, .* not 9999"):
        eval_verb.run([*words, "8", "9999"])


def test_eval_takes_vectors_from_the_cache_unless_told_not_to(tiny_base: Path, dev_file: Path, monkeypatch) -> None:
    monkeypatch.setenv("SIMEMB_CACHE", "cache")
    words = [str(tiny_base), "--suite", str(dev_file), "--no-geometry"]
    eval_verb.run([*words, "--no-cache"])
    assert not Path("cache/vectors").exists()
    eval_verb.run(words)
    assert len(list(Path("cache/vectors").iterdir())) == 1


def test_an_output_that_cannot_be_written_is_noticed_before_a_model_is_loaded(tiny_base: Path, monkeypatch) -> None:
    monkeypatch.setattr(eval_verb, "load_encoder", lambda *_: pytest.fail("loaded"))
    Path("file").write_text("in the way")
    with pytest.raises(SimembError, match=r"file/x\.json: cannot be written: "):
        eval_verb.run([str(tiny_base), "other", "--json", "file/x.json"])


def test_a_number_that_the_suite_lacks_loses_no_record(tiny_base: Path, dev_file: Path) -> None:
    with pytest.raises(SimembError, match="unknown number of suite dev 'auc'"):
        eval_verb.run([str(tiny_base), "--suite", str(dev_file), "--metric", "auc", "--json", "scores.json"])
    assert json.loads(Path("scores.json").read_text())["suite"] == "dev"


def test_a_directory_of_seeds_says_what_takes_it(tiny_base: Path, sentences_file: Path, dev_file: Path) -> None:
    train(tiny_base, sentences_file, "--output", "runs", "--seeds", "1", "2")
    with pytest.raises(SimembError, match=r"runs holds the runs of several seeds: name one of them \(runs/seed-1\)"):
        eval_verb.run(["runs", "--suite", str(dev_file)])


def test_the_columns_of_a_file_may_be_named(
    tiny_base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("a1,b1,gold,label\na cat,the dog,1,1\nrain,the sun,2,0\nblue,green sky,3,1\n")
    eval_verb.run([str(tiny_base), "--suite", str(path), "--columns", "a1", "b1", "gold"])
    assert "odd: spearman" in capsys.readouterr().out
    for words in (["--suite", "stsb", "--columns", "a1", "b1"], ["--suite", str(path), "--columns", "a1"]):
        with pytest.raises(UsageError, match="--columns names the columns of files of scored pairs"):
            eval_verb.run([str(tiny_base), *words])


def test_scores_are_shown_where_the_run_cannot_be_written(
    tiny_base: Path, sentences_file: Path, dev_file: Path, capsys: pytest.CaptureFixture[str], caplog: Any
) -> None:
    """A run of somebody else, on a disk that may only be read."""
    train(tiny_base, sentences_file, "--output", "run")
    Path("run/scores").write_text("in the way of a folder")
    capsys.readouterr()
    eval_verb.run(["run", "--suite", str(dev_file), "--json", "scores.json"])
    assert "the scores are not kept in the run: run/scores/dev.json: cannot be written" in caplog.text
    assert "spearman" in capsys.readouterr().out
    assert Path("scores.json").is_file()


def test_stray_files_of_a_killed_eval_go_though_no_score_is_new(
    tiny_base: Path, sentences_file: Path, dev_file: Path
) -> None:
    train(tiny_base, sentences_file, "--output", "run")
    eval_verb.run(["run", "--suite", str(dev_file)])
    for name in (f".README.md.{'0' * 32}.partial", ".README.md.simemb.lock"):
        Path("run/best", name).write_text("")
    eval_verb.run(["run", "--suite", str(dev_file)])
    assert not [path.name for path in Path("run/best").iterdir() if path.name.startswith(".")]
