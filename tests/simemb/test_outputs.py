"""The one rule of outputs: what exists is not replaced unless somebody asks for it."""

import inspect
import os
import re
import threading
from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import simemb
from simemb import cli, files, outputs
from simemb.commands.options import options_of
from simemb.errors import BusyError, DataError, SimembError

WRITERS: dict[str, tuple[str, str]] = {
    "train": ("train simcse --model no-model --data no.txt --output {}", "run"),
    "encode": ("encode no-model no.txt --output {}", "old.npy"),
    "eval": ("eval no-model --json {}", "old.json"),
    "compare": ("compare no-model another --json {}", "old.json"),
    "report": ("report no-model --output {}", "old.html"),
    "plot": ("plot scores no-model --output {}", "old.svg"),
    "index": ("index no-model no.txt --output {}", "index"),
    "mine": ("mine no-model no.tsv --output {}", "old.tsv"),
    "distil": ("distil --static no-model --output {}", "model"),
    "dedupe": ("dedupe no.txt --model no-model --output {}", "old.jsonl"),
    "cluster": ("cluster no.txt --model no-model --output {}", "old.tsv"),
    "pairs": ("pairs no.txt --model no-model --output {}", "old.tsv"),
    "whiten": ("whiten no-model --data no.txt --output {}", "model"),
    "new": ("new {} --data no.txt", "model"),
}
"""Verbs that write what a user names: words that would fail at everything but the output, and the output."""
WRITES_NOTHING = {"push", "list", "search", "serve"}
MAKES_A_FOLDER_OF_ITS_OWN = {"demo"}
CHANGES_WHAT_IT_IS_GIVEN = {"update"}


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def something(tmp_path: Path, tiny_base: Path) -> Callable[[str], Path]:
    """Makes an output of the kind that its name says."""

    def make(name: str) -> Path:
        if "." in name:
            Path(name).write_text("mine")
        elif name == "model":
            encoder = simemb.Encoder.load(tiny_base, pooling="mean")
            assert isinstance(encoder, simemb.Encoder)
            encoder.save(name)
        elif name == "index":
            simemb.Index.build(simemb.Encoder.load(tiny_base, pooling="mean"), ["a"], path=name)
        else:
            Path(name, "last").mkdir(parents=True)
            Path(name, "recipe.json").write_text('{"recipe": {"name": "simcse"}, "run": {"seed": 1}, "data": {}}')
            Path(name, "last", "state.safetensors").write_text("state")
        return Path(name)

    return make


def content(path: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in (path, *path.rglob("*")) if file.is_file()}


def test_every_verb_that_writes_is_here() -> None:
    assert cli.verbs().keys() == WRITERS.keys() | WRITES_NOTHING | MAKES_A_FOLDER_OF_ITS_OWN | CHANGES_WHAT_IT_IS_GIVEN


@pytest.mark.parametrize("verb", WRITERS)
def test_what_exists_is_refused_before_the_work_in_one_line_and_stays(
    verb: str, something: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words, name = WRITERS[verb]
    path = something(name)
    before = content(path)
    capsys.readouterr()
    assert cli.main(words.format(path).split()) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert line.startswith(f"simemb: {path} exists")
    assert "--overwrite" in line
    assert content(path) == before
    # With the option it goes on, to what is wrong next.
    assert cli.main([*words.format(path).split(), "--overwrite"]) == 2
    assert "exists" not in capsys.readouterr().err
    assert content(path) == before
    assert [entry.name for entry in Path().iterdir()] == [name]


@pytest.mark.parametrize("verb", WRITERS)
def test_every_verb_that_writes_has_the_option(verb: str) -> None:
    module = import_module(f"simemb.commands.{verb}")
    kinds = [kind for kind in vars(module).values() if isinstance(kind, type) and kind.__module__ == module.__name__]
    assert any("--overwrite" in [option.name for option in options_of(kind)] for kind in kinds if fields(kind))


@pytest.mark.parametrize(
    "writer",
    [
        *(simemb.Encoder.save, simemb.Encoder.encode_to_file, simemb.Index.save, simemb.Index.build, simemb.fit),
        "simemb.evaluation.scores:Scores.save",
        "simemb.comparison.compare:Comparison.save",
        "simemb.search.mining:mine",
        "simemb.encoder.untrained:new",
        "simemb.encoder.saving:save",
        "simemb.report.figures.panel:save",
    ],
)
def test_writers_of_python_replace_nothing_by_default(writer: Any) -> None:
    if isinstance(writer, str):
        module, _, names = writer.partition(":")
        writer = import_module(module)
        for name in names.split("."):
            writer = getattr(writer, name)
    parameter = inspect.signature(writer).parameters["overwrite"]
    assert (parameter.default, parameter.kind) == (False, inspect.Parameter.KEYWORD_ONLY)


def test_a_file_is_refused_by_what_is_there_and_what_to_do() -> None:
    Path("a.json").write_text("x" * 1234)
    line = "a.json exists (a file of 1,234 bytes): "
    line += "--overwrite (in Python overwrite=True) replaces it, or give another name"
    with pytest.raises(DataError, match=re.escape(line)):
        outputs.check_file(Path("a.json"), overwrite=False)
    with pytest.raises(DataError, match=re.escape(line)):
        outputs.write_text(Path("a.json"), "new", overwrite=False)
    outputs.check_file(Path("a.json"), overwrite=True)
    assert Path("a.json").read_text() == "x" * 1234
    outputs.write_text(Path("a.json"), "new", overwrite=True)
    assert Path("a.json").read_text() == "new"


def test_what_appears_during_the_work_is_not_replaced() -> None:
    def work() -> None:
        with outputs.new_file(Path("a.txt"), overwrite=False) as partial:
            partial.write_text("ours")
            Path("a.txt").write_text("another's")

    with pytest.raises(DataError, match="exists"):
        work()
    assert Path("a.txt").read_text() == "another's"
    assert [path.name for path in Path().iterdir()] == ["a.txt"]


def test_a_check_leaves_nothing_behind(tmp_path: Path) -> None:
    outputs.check_file(tmp_path / "new" / "deep" / "a.json", overwrite=False)
    assert not list(tmp_path.iterdir())
    Path("folder").mkdir()
    for path, words in ((Path("folder"), "is a directory"), (Path("-"), "/dev/stdout is standard output")):
        with pytest.raises(DataError, match=words):
            outputs.check_file(path, overwrite=True)


def test_a_file_that_another_is_writing_is_refused_at_once() -> None:
    refused: list[SimembError] = []

    def attempt() -> None:
        try:
            outputs.check_file(Path("a.npy"), overwrite=True)
        except SimembError as error:
            refused.append(error)

    with files.writing(Path("a.npy")):
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()
    assert isinstance(refused[0], BusyError)


def test_pipes_and_descriptors_are_written_into_and_stay() -> None:
    os.mkfifo("pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_text()))
    reader.start()
    outputs.check_file(Path("pipe"), overwrite=False)
    outputs.write_text(Path("pipe"), "through", overwrite=False)
    reader.join()
    assert read == ["through"]
    assert Path("pipe").is_fifo()
    outputs.write_text(Path("/dev/null"), "nothing", overwrite=False)


def test_standard_output_in_a_file_goes_on_where_it_is() -> None:
    with Path("out.txt").open("w") as file:
        file.write("before\n")
        file.flush()
        path = Path(f"/dev/fd/{file.fileno()}")
        outputs.check_file(path, overwrite=False)
        outputs.write_text(path, "between\n", overwrite=False)
        file.write("after\n")
    assert Path("out.txt").read_text() == "before\nbetween\nafter\n"
