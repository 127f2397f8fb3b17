"""One model of a report."""

import json
import logging
import shutil
from pathlib import Path

import pytest

from simemb.comparison.names import labels
from simemb.errors import DataError
from simemb.evaluation import evaluate
from simemb.report.figures.style import look
from simemb.report.model import ReportedModel


def reported(model: Path | str) -> ReportedModel:
    return ReportedModel(str(model), "it", look(0))


@pytest.mark.parametrize(
    ("models", "short"),
    [
        (["runs/first", "mini"], ["first", "mini"]),
        (["runs/first/best", "runs/second/best/"], ["first", "second"]),
        (["a/run", "b/run", "c"], ["a/run", "b/run", "c"]),
        (["a/x/run", "a/y/run", "b/y/run"], ["x/run", "a/y/run", "b/y/run"]),
        (["run", "a/run"], ["run", "a/run"]),
        (["best"], ["best"]),
    ],
)
def test_labels_are_as_short_as_they_can_be_and_differ(models: list[str], short: list[str]):
    assert labels(models) == short


def test_a_run_knows_its_recipe_and_history_without_loading_an_encoder(run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("simemb.encoder.encoder.Encoder.load", lambda *_, **__: pytest.fail("loaded"))
    found = reported(run)
    assert found.recipe is not None
    assert found.recipe["run"]["seed"] == 1
    assert found.history is not None


def test_the_best_of_a_run_is_the_run(run: Path):
    assert reported(run / "best").directory == run
    assert reported(run / "best").recipe == reported(run).recipe


def test_a_model_directory_has_neither_recipe_nor_history_nor_records(tiny_base: Path):
    found = reported(tiny_base)
    assert (found.recipe, found.history, found.records) == (None, None, {})


def test_scores_have_outcomes_and_geometry_and_say_how_the_model_was_trained(run: Path, dev_file: Path):
    scores = reported(run).scores(evaluate.find(str(dev_file)))
    assert len(scores.outcomes["dev"]) == 150
    assert scores.geometry is not None
    assert scores.trained is not None
    assert scores.trained["seed"] == 1


def test_vectors_come_from_the_cache_and_are_those_of_the_encoder(run: Path, monkeypatch: pytest.MonkeyPatch):
    found = reported(run)
    texts = ["the red dog", "a cat"]
    first = found.vectors(texts)
    assert first == pytest.approx(found.encoder.encode(texts), abs=1e-6)
    monkeypatch.setattr(found.encoder, "encode", lambda *_, **__: pytest.fail("encoded"))
    assert found.vectors(texts[::-1]) == pytest.approx(first[::-1])


# ---- records -------------------------------------------------------------------------------------


def keep(run: Path, name: str, **changes: object) -> Path:
    """Write a record into a run as `simemb eval` does."""
    path = run / "scores" / name
    path.parent.mkdir(exist_ok=True)
    record = {"suite": path.stem, "tasks": {}, "average": {}, "fingerprint": reported(run).fingerprint}
    path.write_text(json.dumps(record | changes))
    return path


def test_a_record_of_this_encoder_is_current_and_one_of_another_is_stale(
    own_run: Path, caplog: pytest.LogCaptureFixture
):
    current, stale = keep(own_run, "sts.json"), keep(own_run, "zh.json", fingerprint="of another")
    found = reported(own_run)
    assert {name: path for name, (path, _) in found.on_record.items()} == {"sts": current}
    with caplog.at_level(logging.WARNING, logger="simemb"):
        assert found.stale == [stale]
    assert "zh.json is stale: it is of another encoder" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not a record of scores"),
        ("[]", "is not a record of scores"),
        ('{"suite": "sts"}', "is not a record of scores"),
    ],
)
def test_a_damaged_record_is_refused_by_its_name(content: str, message: str, own_run: Path):
    keep(own_run, "sts.json").write_text(content)
    with pytest.raises(DataError, match=rf"sts\.json.* {message}"):
        _ = reported(own_run).on_record


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"recipe": {}, "run": {"seed": 1}}'])
def test_a_damaged_recipe_is_refused_by_its_name(content: str, own_run: Path):
    (own_run / "recipe.json").write_text(content)
    with pytest.raises(DataError, match=r"recipe\.json is damaged"):
        _ = reported(own_run).recipe


def test_a_run_whose_encoder_was_replaced_is_another_encoder(own_run: Path, tiny_base: Path):
    stale = keep(own_run, "sts.json")
    shutil.rmtree(own_run / "best")
    shutil.copytree(tiny_base, own_run / "best")
    assert reported(own_run).stale == [stale]
