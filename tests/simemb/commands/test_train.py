"""What the verbs do beyond handing on their options: what is checked first, and what is kept where."""

import json
from pathlib import Path
from typing import Any

import pytest

from simemb.commands import train as commands
from simemb.commands.parsing import UsageError
from simemb.errors import SimembError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def train(model: Path, data: Path, *more: str) -> None:
    words = ["simcse", "--model", str(model), "--data", str(data), "--dev", "none", "--batch-size", "16"]
    commands.run("train", [*words, "--max-steps", "2", *more])


def test_every_seed_is_looked_at_before_the_first_is_trained(tiny_base: Path, sentences_file: Path) -> None:
    train(tiny_base, sentences_file, "--output", "runs/seed-2")
    with pytest.raises(SimembError, match="seed-2 exists"):
        train(tiny_base, sentences_file, "--output", "runs", "--seeds", "1", "2")
    assert [path.name for path in Path("runs").iterdir()] == ["seed-2"]
    train(tiny_base, sentences_file, "--output", "runs", "--seeds", "1", "2", "--overwrite")
    assert json.loads(Path("runs/seeds.json").read_text())["suite"] is None


def test_a_seed_that_never_reached_a_checkpoint_says_how_to_begin_it_again(
    tiny_base: Path, sentences_file: Path
) -> None:
    train(tiny_base, sentences_file, "--output", "runs/seed-1")
    Path("runs/seed-1/last/state.safetensors").unlink()
    with pytest.raises(SimembError, match=r"seed-1: nothing to resume, .*; --overwrite starts it again"):
        train(tiny_base, sentences_file, "--output", "runs", "--seeds", "1", "--resume")


def test_an_unknown_suite_is_noticed_before_a_model_is_loaded(monkeypatch: pytest.MonkeyPatch, tiny_base: Path) -> None:
    def load(model: str, pooling: str | None) -> Any:
        raise AssertionError("loaded")

    monkeypatch.setattr(commands, "_load", load)
    with pytest.raises(SimembError, match="unknown suite"):
        commands.run("eval", [str(tiny_base), "--suite", "stss"])


def test_eval_keeps_no_record_in_a_directory_that_is_no_run(tiny_base: Path, dev_file: Path) -> None:
    before = sorted(tiny_base.iterdir())
    commands.run("eval", [str(tiny_base), "--suite", str(dev_file), "--no-geometry", "--json", "deep/scores.json"])
    assert sorted(tiny_base.iterdir()) == before
    assert json.loads(Path("deep/scores.json").read_text())["model"] == str(tiny_base)


def test_eval_writes_strict_json_where_a_score_is_not_defined(tiny_base: Path) -> None:
    rows = "".join(f"{score}\ta dog\ta dog\n" for score in (1, 2, 3))
    Path("same.tsv").write_text("score\tsentence1\tsentence2\n" + rows)
    commands.run("eval", [str(tiny_base), "--suite", "same.tsv", "--json", "scores.json"])
    record = json.loads(Path("scores.json").read_text(), parse_constant=pytest.fail)
    assert record["average"]["all"]["spearman"] is None


def test_vectors_never_replace_the_texts_they_are_from(tiny_base: Path, sentences_file: Path) -> None:
    Path("a.txt").write_text(sentences_file.read_text())
    Path("a.npy").symlink_to("a.txt")
    with pytest.raises(UsageError, match="is the input too"):
        commands.run("encode", [str(tiny_base), "a.txt", "--output", "a.npy"])
    assert Path("a.txt").read_text() == sentences_file.read_text()


def test_vectors_replace_older_vectors(tiny_base: Path, sentences_file: Path) -> None:
    Path("a.npy").write_text("old")
    commands.run("encode", [str(tiny_base), str(sentences_file), "--output", "a.npy"])
    assert Path("a.npy").read_bytes().startswith(b"\x93NUMPY")
    assert [path.name for path in Path().iterdir()] == ["a.npy"]


def test_eval_of_a_run_keeps_the_record_with_its_training_and_tells_the_model_card(
    tiny_base: Path, sentences_file: Path, dev_file: Path
) -> None:
    train(tiny_base, sentences_file, "--output", "run")
    commands.run("eval", ["run", "--suite", str(dev_file)])
    record = json.loads(Path("run/scores/dev.json").read_text())
    assert record["trained"]["seed"] == 1
    assert record["trained"]["data"]["name"] == str(sentences_file)
    assert record["overlap"]["tasks"].keys() == {"dev"}
    assert record["command"]
    assert "## Scores" in Path("run/best/README.md").read_text()
    commands.run("eval", ["run", "--suite", str(dev_file), "--pooling", "mean"])
    assert json.loads(Path("run/scores/dev.json").read_text()) == record


def test_eval_takes_vectors_from_the_cache_unless_told_not_to(tiny_base: Path, dev_file: Path, monkeypatch) -> None:
    monkeypatch.setenv("SIMEMB_CACHE", "cache")
    words = [str(tiny_base), "--suite", str(dev_file), "--no-geometry"]
    commands.run("eval", [*words, "--no-cache"])
    assert not Path("cache/vectors").exists()
    commands.run("eval", words)
    assert len(list(Path("cache/vectors").iterdir())) == 1


def test_an_output_that_cannot_be_written_is_noticed_before_a_model_is_loaded(tiny_base: Path, monkeypatch) -> None:
    monkeypatch.setattr(commands, "_load", lambda *_: pytest.fail("loaded"))
    Path("file").write_text("in the way")
    for verb in ("eval", "compare"):
        with pytest.raises(SimembError, match=r"file/x\.json: cannot be written: "):
            commands.run(verb, [str(tiny_base), "other", "--json", "file/x.json"])


def test_a_number_that_the_suite_lacks_loses_no_record(tiny_base: Path, dev_file: Path) -> None:
    with pytest.raises(SimembError, match="unknown number of suite dev 'auc'"):
        commands.run("eval", [str(tiny_base), "--suite", str(dev_file), "--metric", "auc", "--json", "scores.json"])
    assert json.loads(Path("scores.json").read_text())["suite"] == "dev"


def test_a_directory_of_seeds_says_what_takes_it(tiny_base: Path, sentences_file: Path, dev_file: Path) -> None:
    train(tiny_base, sentences_file, "--output", "runs", "--seeds", "1", "2")
    with pytest.raises(SimembError, match=r"runs holds the runs of several seeds: name one of them \(runs/seed-1\)"):
        commands.run("eval", ["runs", "--suite", str(dev_file)])


def test_an_encoder_is_not_compared_with_itself(tiny_base: Path, sentences_file: Path, dev_file: Path) -> None:
    train(tiny_base, sentences_file, "--output", "run")
    with pytest.raises(SimembError, match=r"run and .* are one encoder"):
        commands.run("compare", ["run", "run/best", "--suite", str(dev_file)])
