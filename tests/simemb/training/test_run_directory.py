"""The run directory: who may start where, and what resuming compares."""

import json
from pathlib import Path
from typing import Any

import pytest

from simemb.errors import TrainingError
from simemb.training.run_directory import RunDirectory, environment

RECORD: dict[str, Any] = {
    "recipe": {"kind": "Recipe", "batch_size": 64, "views": [{"column": 0}], "betas": [0.9, 0.999]},
    "run": {"model": "m", "seed": 1, "data": "wiki.txt"},
    "data": {"digest": "abc", "rows": 10},
    "versions": {"torch": "1"},
}


def started(directory: Path, *, checkpoint: bool = True) -> RunDirectory:
    run = RunDirectory(directory)
    run.claim(RECORD, resume=False)
    if checkpoint:
        run.checkpoint.parent.mkdir()
        run.checkpoint.write_bytes(b"state")
    return run


def test_a_new_or_an_empty_directory_is_free(tmp_path: Path):
    RunDirectory(tmp_path / "new" / "deep").refuse(resume=False, overwrite=False)
    RunDirectory(tmp_path).refuse(resume=False, overwrite=False)
    RunDirectory(tmp_path).refuse(resume=False, overwrite=True)


def test_a_directory_with_something_in_it_is_refused_and_left_alone(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for overwrite in (False, True):
        with pytest.raises(TrainingError, match=r"is not a run directory .*--overwrite leaves it alone; give another"):
            RunDirectory(tmp_path).refuse(resume=False, overwrite=overwrite)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_overwrite_replaces_a_run(tmp_path: Path):
    started(tmp_path / "run")
    run = RunDirectory(tmp_path / "run")
    run.refuse(resume=False, overwrite=True)
    run.claim({**RECORD, "data": {}}, resume=False)
    assert not run.checkpoint.exists()
    assert json.loads(run.recipe.read_text())["data"] == {}
    assert run.metrics.read_text() == ""


@pytest.mark.parametrize("place", ["file", "file/run", "file/run/deep"])
def test_a_file_in_the_way_is_named(place: str, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="a file is in the way"):
        RunDirectory(tmp_path / place).refuse(resume=False, overwrite=True)


def test_resume_needs_a_checkpoint(tmp_path: Path):
    for directory in (tmp_path / "nothing", started(tmp_path / "early", checkpoint=False).path):
        with pytest.raises(TrainingError, match=r"nothing to resume, there is no last.state\.safetensors"):
            RunDirectory(directory).refuse(resume=True, overwrite=False)
    RunDirectory(started(tmp_path / "run").path).refuse(resume=True, overwrite=False)


def test_resume_and_overwrite_together_are_refused(tmp_path: Path):
    run = started(tmp_path / "run")
    with pytest.raises(TrainingError, match="choose one"):
        run.refuse(resume=True, overwrite=True)
    assert run.checkpoint.exists()


def test_resume_with_the_same_record_is_fine_whatever_the_versions(tmp_path: Path):
    run = started(tmp_path / "run")
    run.compare({**RECORD, "versions": {"torch": "2"}})
    assert json.loads(run.recipe.read_text())["versions"] == {"torch": "1"}


@pytest.mark.parametrize(
    ("section", "change", "words"),
    [
        ("recipe", {"batch_size": 32}, r"another recipe: batch_size is .* (32|64)"),
        ("recipe", {"views": [{"column": 1}]}, r"another recipe: views\.0\.column is .* [01]"),
        ("recipe", {"betas": [0.8, 0.999]}, r"another recipe: betas\.0 is"),
        ("run", {"seed": 2}, "another run: seed is"),
        ("run", {"model": "other"}, "another run: model is"),
        ("data", {"digest": "xyz"}, "another data: digest is"),
        ("data", {"rows": 9}, "another data: rows is"),
    ],
)
def test_resume_names_what_is_not_as_it_was(section: str, change: dict[str, Any], words: str, tmp_path: Path):
    run = started(tmp_path / "run")
    with pytest.raises(TrainingError, match=words):
        run.compare({**RECORD, section: {**RECORD[section], **change}})


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"recipe": 3}'])
def test_resume_with_a_damaged_recipe_json_is_refused(text: str, tmp_path: Path):
    run = started(tmp_path / "run")
    run.recipe.write_text(text)
    with pytest.raises(TrainingError):
        run.compare(RECORD)


def test_a_line_that_a_crash_cut_short_is_left_out(tmp_path: Path):
    run = started(tmp_path / "run")
    for step in (1, 2, 3):
        run.log({"step": step, "loss": 1.5})
    with run.metrics.open("a") as file:
        file.write('{"step": 4, "lo')
    assert [record["step"] for record in run.logged()] == [1, 2, 3]
    run.forget_after(2)
    assert run.metrics.read_text() == '{"step": 1, "loss": 1.5}\n{"step": 2, "loss": 1.5}\n'


@pytest.mark.parametrize("name", ["best", "twin"])
def test_a_replacement_of_an_encoder_that_a_crash_cut_short_is_undone_on_resume(name: str, tmp_path: Path):
    run = started(tmp_path / "run")
    old = run.path / f"{name}.old"
    old.mkdir()
    (old / "config.json").write_text("{}")
    run.claim(RECORD, resume=True)
    assert (run.path / name / "config.json").exists()
    assert not old.exists()


def test_the_environment_is_plain_json_with_the_versions():
    content = json.loads(json.dumps(environment()))
    assert {"simemb", "torch", "transformers", "python"} <= set(content["versions"])
    assert content["command"]
