"""Who takes part: names made short, poolings told apart, and directories of seeds taken as one or refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from simemb.comparison.entrants import entrants, runs
from simemb.comparison.names import labels
from simemb.errors import DataError, ModelError


class Encoder:
    name = "in memory"

    def fingerprint(self) -> str:
        return "abc"

    def encode(self, texts: list[str], *, batch_size: int | None = None, progress: bool | None = None) -> Any:
        raise AssertionError(f"who takes part is known before {texts} is encoded, {batch_size}, {progress}")


def model(path: Path) -> Path:
    """A directory that looks like one of a model."""
    path.mkdir(parents=True)
    (path / "config.json").write_text("{}")
    return path


def run(directory: Path, seed: int, **changes: Any) -> Path:
    """A run directory, as far as a comparison looks into it."""
    path = directory / f"seed-{changes.pop('folder', seed)}"
    model(path / "best")
    record = {
        "recipe": {"name": "simcse", "batch_size": changes.get("batch_size", 64)},
        "run": {"model": "bert", "seed": seed},
        "data": {"digest": changes.get("digest", "abc")},
    }
    (path / "recipe.json").write_text(json.dumps(record))
    return path


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["a/one", "b/two"], ["one", "two"]),
        (["a/x/run", "b/x/run", "c"], ["a/x/run", "b/x/run", "c"]),
        (["one"], ["one"]),
        (["x/one", "x/one"], ["one", "one"]),
        (["org/bert", "bert"], ["org/bert", "bert"]),
        (["/", "one"], ["/", "one"]),
        (["a/x/run", "b/x/run", "b/y/run"], ["a/x/run", "b/x/run", "y/run"]),
        (["run", "run/best", "a/run"], ["run", "run/best", "a/run"]),
        (["mini", "./mini", "a/mini", "a/base", "base"], ["mini", "./mini", "a/mini", "a/base", "base"]),
        (["./mini", "a/one"], ["./mini", "one"]),
        (["a/mini", "/b/a/mini"], ["a/mini", "b/a/mini"]),
    ],
)
def test_labels_are_as_short_as_they_can_be(names: list[str], short: list[str]):
    assert labels(names) == short


def test_a_model_is_an_entrant_of_one(tmp_path: Path):
    encoder = Encoder()
    first, second = entrants([model(tmp_path / "one"), encoder])
    assert (first.label, first.models, first.pooling) == ("one", (str(tmp_path / "one"),), None)
    assert second.models == (encoder,)
    assert second.encoder(0) is encoder


def test_several_encoders_are_an_entrant_with_several_runs(tmp_path: Path):
    group = [Encoder(), Encoder()]
    assert entrants([group])[0].models == tuple(group)


def test_a_pooling_is_for_all_or_for_each(tmp_path: Path):
    one, two = model(tmp_path / "one"), model(tmp_path / "two")
    assert [each.pooling for each in entrants([one, two], ["cls"])] == ["cls", "cls"]
    assert [each.pooling for each in entrants([one, two], ["cls", "mean"])] == ["cls", "mean"]
    with pytest.raises(DataError, match="3 poolings for 2 models"):
        entrants([one, two], ["cls", "mean", "max"])


def test_one_model_with_two_poolings_is_two_entrants(tmp_path: Path):
    one = model(tmp_path / "one")
    assert [each.label for each in entrants([one, one], ["cls", "mean"])] == ["one (cls)", "one (mean)"]
    with pytest.raises(DataError, match="is named twice"):
        entrants([one, one])


def test_a_directory_without_a_model_is_refused_at_once(tmp_path: Path):
    with pytest.raises(ModelError, match="holds no model"):
        entrants([model(tmp_path / "one"), tmp_path])


def test_a_directory_of_seeds_is_one_entrant(tmp_path: Path):
    for seed in (10, 2, 1):
        run(tmp_path, seed)
    (found,) = entrants([tmp_path])
    assert found.label == tmp_path.name
    assert [Path(path).name for path in found.models] == ["seed-1", "seed-2", "seed-10"]


def test_what_is_no_directory_of_seeds_has_no_runs(tmp_path: Path):
    (tmp_path / "seed-one").mkdir()
    (tmp_path / "seed-1").write_text("")
    assert runs(tmp_path) == []
    assert runs(Path("princeton-nlp/unsup-simcse")) == []


def test_runs_that_are_not_on_the_record_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    for seed in (1, 2, 3):
        run(tmp_path, seed)
    (tmp_path / "seeds.json").write_text(json.dumps({"runs": [{"directory": "seed-1"}, {"directory": "seed-3"}]}))
    assert [path.name for path in runs(tmp_path)] == ["seed-1", "seed-3"]
    assert "without seed-2" in caplog.text


def test_a_run_on_the_record_must_be_there(tmp_path: Path):
    run(tmp_path, 1)
    (tmp_path / "seeds.json").write_text(json.dumps({"runs": [{"directory": "seed-1"}, {"directory": "seed-2"}]}))
    with pytest.raises(DataError, match="names seed-2, which is not there"):
        runs(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 32}, r"seed-2 differs from seed-1 in recipe.batch_size: they are no runs of one training"),
        ({"digest": "def"}, r"differs from seed-1 in data.digest"),
    ],
)
def test_runs_of_two_trainings_are_no_group(tmp_path: Path, changes: dict[str, Any], message: str):
    run(tmp_path, 1)
    run(tmp_path, 2, **changes)
    with pytest.raises(DataError, match=message):
        runs(tmp_path)


def test_the_same_seed_twice_is_no_group(tmp_path: Path):
    run(tmp_path, 1)
    run(tmp_path, 1, folder=2)
    with pytest.raises(DataError, match="has the seed of"):
        runs(tmp_path)


@pytest.mark.parametrize("content", ["no json", "[]", '{"recipe": {}}'])
def test_a_damaged_record_is_named(tmp_path: Path, content: str):
    (run(tmp_path, 1) / "recipe.json").write_text(content)
    with pytest.raises(DataError, match=r"recipe.json: cannot be read: "):
        runs(tmp_path)


def test_a_missing_record_is_named(tmp_path: Path):
    (run(tmp_path, 1) / "recipe.json").unlink()
    with pytest.raises(DataError, match=r"recipe.json: cannot be read: No such file"):
        runs(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[]", "it must be an object, not a list"),
        ('{"runs": {}}', "runs must be a list"),
        ('{"runs": []}', "names no run"),
        ('{"runs": [{"seed": 1}]}', r"runs\[0\].directory is missing"),
        ('{"runs": [{"directory": 1}]}', r"runs\[0\].directory must be a string, not 1"),
    ],
)
def test_a_damaged_record_of_seeds_is_named(tmp_path: Path, content: str, words: str):
    run(tmp_path, 1)
    (tmp_path / "seeds.json").write_text(content)
    with pytest.raises(DataError, match=f"seeds.json: .*{words}"):
        runs(tmp_path)
