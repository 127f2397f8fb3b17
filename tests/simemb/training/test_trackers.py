"""Trackers: what is reported to them is what metrics.jsonl has, in the main process and once a run."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simemb.errors import TrainingError
from simemb.method.recipe_files import find
from simemb.training.fit import fit

RECIPE = replace(find("simcse"), batch_size=16, eval_every=2, max_steps=2)


@pytest.fixture
def mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """mlflow with a store of its own, in files."""
    library = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    before = library.get_tracking_uri()
    library.set_tracking_uri((tmp_path / "store").as_uri())
    yield library
    library.set_tracking_uri(before)


def test_mlflow_has_the_numbers_of_the_log_under_the_name_of_the_run(
    mlflow: Any, tiny_base: Path, sentences_file: Path, dev_file: Path, tmp_path: Path
):
    for name in ("one", "two"):  # a second run in this process is a run of its own
        fit(RECIPE, tiny_base, sentences_file, output=tmp_path / name, dev=dev_file, trackers=["mlflow"])
    client = mlflow.MlflowClient()
    experiment = client.get_experiment_by_name("simemb")
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(run.info.run_name for run in runs) == ["one", "two"]
    assert {run.info.status for run in runs} == {"FINISHED"}
    lines = [json.loads(line) for line in (tmp_path / "one" / "metrics.jsonl").read_text().splitlines()]
    run = next(run for run in runs if run.info.run_name == "one")
    for name in ("loss", "learning_rate", "dev_spearman", "dev_uniformity"):
        reported = [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]
        assert reported == [(line["step"], line[name]) for line in lines if name in line]


def test_a_run_that_fails_leaves_no_open_run_behind(mlflow: Any, tiny_base: Path, sentences_file: Path, tmp_path: Path):
    class Failing:
        def on_step(self, _: object) -> None:
            raise ValueError("no")

    with pytest.raises(TrainingError, match="ValueError: no"):
        fit(
            RECIPE,
            tiny_base,
            sentences_file,
            output=tmp_path / "run",
            dev="none",
            trackers=["mlflow"],
            callbacks=[Failing()],
        )
    assert mlflow.active_run() is None


def test_a_tracker_that_cannot_begin_is_named_in_one_line(
    tiny_base: Path, sentences_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from accelerate import Accelerator

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no server at localhost:5000")

    monkeypatch.setattr(Accelerator, "init_trackers", fail)
    with pytest.raises(TrainingError, match="--trackers tensorboard: cannot begin: no server at localhost:5000"):
        fit(RECIPE, tiny_base, sentences_file, output=tmp_path / "run", dev="none", trackers=["tensorboard"])
