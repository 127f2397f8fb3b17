"""The run directory: who may start where, and what resuming compares."""

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from simemb.errors import BusyError, TrainingError
from simemb.training.environment import environment
from simemb.training.run_directory import RunDirectory

RECORD: dict[str, Any] = {
    "recipe": {"kind": "Recipe", "batch_size": 64, "views": [{"column": 0}], "betas": [0.9, 0.999]},
    "run": {"model": "m", "seed": 1, "data": "wiki.txt"},
    "data": {"digest": "abc", "rows": 10},
    "versions": {"torch": "1"},
}


def started(directory: Path, *, checkpoint: bool = True) -> RunDirectory:
    run = RunDirectory(directory)
    with run.writing():
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
    with run.writing():
        run.refuse(resume=False, overwrite=True)
        run.claim({**RECORD, "data": {}}, resume=False)
        assert run.staged
        assert not run.checkpoint.exists()
        assert RunDirectory(tmp_path / "run").checkpoint.exists()  # the old run stays
        run.publish()
    assert not run.checkpoint.exists()
    assert json.loads(run.recipe.read_text())["data"] == {}
    assert run.metrics.read_text() == ""
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_run_that_is_not_published_leaves_the_old_one(tmp_path: Path):
    old = started(tmp_path / "run")
    run = RunDirectory(tmp_path / "run")
    with run.writing():
        run.refuse(resume=False, overwrite=True)
        run.claim({**RECORD, "data": {}}, resume=False)
    assert old.checkpoint.read_bytes() == b"state"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("recipe.json", "{}", "its recipe.json is not of a run"),
        ("recipe.json", "[" * 100_000, "its recipe.json is not of a run"),
        ("notes.txt", "years of work", "holds 'notes.txt', which is no part of a run"),
    ],
)
def test_overwrite_removes_only_what_is_a_run_and_nothing_else(name: str, text: str, words: str, tmp_path: Path):
    run = started(tmp_path / "run")
    (run.path / name).write_text(text)
    with pytest.raises(TrainingError, match=words):
        run.refuse(resume=False, overwrite=True)


@pytest.mark.parametrize(
    "name", ["best/thesis.txt", "twin/thesis.txt", "last/a.txt", "scores/b.txt", "simemb/c.txt", "last/deep/d.txt"]
)
def test_what_is_no_part_of_a_run_is_found_inside_its_folders_too(name: str, tmp_path: Path):
    run = started(tmp_path / "run")
    (run.path / name).parent.mkdir(parents=True, exist_ok=True)
    (run.path / name).write_text("years of work")
    with pytest.raises(TrainingError, match=f"holds '{name}', which is no part of a run"):
        run.refuse(resume=False, overwrite=True)


def test_what_a_run_and_its_killed_writers_leave_is_replaced(tmp_path: Path):
    run = started(tmp_path / "run")
    stray = f"last/.state.safetensors.{'0' * 32}.partial/state.safetensors"
    for name in (stray, "last/.tmpAbC123", "scores/sts.json", "simemb/events.out.tfevents.1", "simemb/7/hparams.yml"):
        (run.path / name).parent.mkdir(parents=True, exist_ok=True)
        (run.path / name).write_text("")
    run.refuse(resume=False, overwrite=True)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_what_another_wrote_meanwhile_is_not_removed(moment: str, tmp_path: Path):
    """Another program that knows no locks writes a run between the check and the replacement."""
    started(tmp_path / "run")
    run = RunDirectory(tmp_path / "run")
    with run.writing():
        run.refuse(resume=False, overwrite=True)
        if moment == "after":
            run.claim(RECORD, resume=False)
        (tmp_path / "run" / "last" / "state.safetensors").write_bytes(b"another state")
        with pytest.raises(TrainingError, match="another wrote there meanwhile; nothing was replaced"):
            run.publish() if moment == "after" else run.claim(RECORD, resume=False)
    assert RunDirectory(tmp_path / "run").checkpoint.read_bytes() == b"another state"


def test_a_second_writer_is_refused_at_once(tmp_path: Path):
    with RunDirectory(tmp_path / "run").writing():
        found = []
        thread = threading.Thread(target=lambda: found.append(refusal(tmp_path / "run")))
        thread.start()
        thread.join()
        assert found == [f"{tmp_path / 'run'} is being written by process {os.getpid()}; choose another --output"]
    assert list(tmp_path.iterdir()) == []


def refusal(path: Path) -> str:
    with pytest.raises(BusyError) as caught, RunDirectory(path).writing():
        pass
    return str(caught.value)


def test_a_run_is_written_to_the_end_of_a_link(tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    started(tmp_path / "link")
    run = RunDirectory(tmp_path / "link")
    with run.writing():
        run.refuse(resume=False, overwrite=True)
        run.claim({**RECORD, "data": {}}, resume=False)
        run.publish()
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "elsewhere" / "recipe.json").read_text())["data"] == {}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "link"]


def test_what_a_killed_start_left_is_in_nobody_s_way(tmp_path: Path):
    (tmp_path / "run" / f".recipe.json.{'0' * 32}.partial").mkdir(parents=True)
    RunDirectory(tmp_path / "run").refuse(resume=False, overwrite=False)
    run = started(tmp_path / "run")
    assert sorted(path.name for path in run.path.iterdir()) == ["last", "metrics.jsonl", "recipe.json"]


@pytest.mark.parametrize("place", ["file", "file/run", "file/run/deep"])
def test_a_file_in_the_way_is_named(place: str, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="a file is in the way"):
        RunDirectory(tmp_path / place).refuse(resume=False, overwrite=True)


def test_resume_needs_a_run(tmp_path: Path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    for name, found in (("nothing", "no run"), ("full", "a folder, but no run")):
        with pytest.raises(TrainingError, match=f"nothing to resume, there is {found}; name the folder that holds its"):
            RunDirectory(tmp_path / name).refuse(resume=True, overwrite=False)
    for name in ("run", "early"):  # the second was killed before its first checkpoint
        RunDirectory(started(tmp_path / name, checkpoint=name == "run").path).refuse(resume=True, overwrite=False)
    assert {path.name for path in tmp_path.iterdir()} == {"full", "run", "early"}


def test_a_run_without_a_checkpoint_begins_its_log_anew(tmp_path: Path):
    run = started(tmp_path / "run", checkpoint=False)
    run.log({"step": 0, "loss": 1.5})
    record = run.recipe.read_bytes()
    with run.writing():
        run.claim(RECORD, resume=True)
    assert run.metrics.read_text() == ""
    assert run.recipe.read_bytes() == record


@pytest.mark.parametrize("text", ["", "{", "{}", "[]"])
def test_resume_of_a_damaged_run_is_refused(text: str, tmp_path: Path):
    run = started(tmp_path / "run")
    run.recipe.write_text(text)
    with pytest.raises(TrainingError, match=r"recipe\.json: is damaged or not of a run; give a new run another"):
        run.refuse(resume=True, overwrite=False)


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
        ("data", {"digest": "xyz"}, "another data: .* has as many rows as it had, with other texts"),
        ("run", {"fingerprint": "other"}, "another model: m has other weights"),
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


@pytest.mark.parametrize("line", [b"\xb4", b"[]", b"3", b'{"loss": 1}', b'{"step": "2"}', b'{"step": 2, "loss": {}}'])
def test_a_line_that_cannot_be_read_is_left_out_and_named(
    line: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    run = started(tmp_path / "run")
    run.log({"step": 1, "loss": 1.5})
    with run.metrics.open("ab") as file:
        file.write(line + b"\n")
    run.log({"step": 3, "loss": 0.5})
    assert [record["step"] for record in run.logged()] == [1, 3]
    assert "metrics.jsonl, line 2 cannot be read and is left out" in caplog.text


@pytest.mark.parametrize("name", ["best", "twin"])
def test_a_replacement_of_an_encoder_that_a_crash_cut_short_is_undone_on_resume(name: str, tmp_path: Path):
    run = started(tmp_path / "run")
    old = run.path / f".{name}.{'1f' * 16}.replaced"
    old.mkdir()
    (old / "config.json").write_text("{}")
    with run.writing():
        run.claim(RECORD, resume=True)
    assert (run.path / name / "config.json").exists()
    assert not old.exists()


def test_the_environment_is_plain_json_with_the_versions():
    content = json.loads(json.dumps(environment()))
    assert {"simemb", "torch", "transformers", "python"} <= set(content["versions"])
    assert content["command"]
