"""Who reads an output changes nothing in it, and nothing beside it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simemb.cli import main
from simemb.encoder.encoder import Encoder
from simemb.training.run_directory import RunDirectory

STRAY = f".best.{'0' * 32}.partial"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, sentences_file: Path, dev_file: Path) -> Path:
    """A run and an index, with what a killed writer left, and folders of the user's."""
    home = tmp_path_factory.mktemp("home")
    words = ["--model", str(tiny_base), "--data", str(sentences_file), "--dev", str(dev_file), "--max-steps", "1"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMEMB_CACHE", str(tmp_path_factory.mktemp("cache")))
        assert main(["train", "simcse", *words, "--batch-size", "16", "--output", str(home / "run")]) == 0
        assert main(["index", str(home / "run"), str(sentences_file), "--output", str(home / "index")]) == 0
    for name in ("best.old", STRAY, f"run/{STRAY}", f"index/.index.json.{'1' * 32}.partial", "run.old"):
        (home / name).mkdir()
        (home / name / "thesis.txt").write_text("years of work")
    (home / ".run.simemb.lock").write_text("4711 elsewhere\n")
    return home


def state(home: Path) -> dict[str, Any]:
    """Everything about every name: which file it is, its size, its permissions and when it was changed."""
    found = {str(path.relative_to(home)): path.lstat() for path in sorted(home.rglob("*"))}
    return {name: (s.st_ino, s.st_size, s.st_mode, s.st_mtime_ns, s.st_ctime_ns) for name, s in found.items()}


def encode(home: Path, _: Path, __: Path) -> int:
    Encoder.load(home / "run").encode(["the dog sees a ball"])
    return 0


READERS: dict[str, Callable[[Path, Path, Path], int]] = {
    "encode": encode,
    "search": lambda home, _dev, _base: main(["search", str(home / "index"), "the dog sees a ball"]),
    "eval": lambda home, dev, _base: main(["eval", str(home / "run" / "best"), "--suite", str(dev)]),
    "compare": lambda home, dev, base: main(
        ["compare", str(home / "run"), str(base), "--suite", str(dev), "--resamples", "50"]
    ),
    "mine": lambda home, dev, _base: main(
        [
            *("mine", str(home / "run"), str(dev), "--columns", "sentence1", "sentence2"),
            *("--corpus", str(home / "index"), "--output", str(dev.with_name("mined.tsv"))),
        ]
    ),
    "log": lambda home, _dev, _base: int(not list(RunDirectory(home / "run").logged())),
    "repeat": lambda home, _dev, _base: (
        main(["train", str(home / "run" / "recipe.json"), "--output", os.devnull + "/x", "--max-steps", "1"]) - 2
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_changes_nothing(reader: str, home: Path, dev_file: Path, tiny_base: Path, tmp_path: Path) -> None:
    dev = tmp_path / dev_file.name
    dev.write_bytes(dev_file.read_bytes())
    before = state(home)
    assert READERS[reader](home, dev, tiny_base) == 0
    assert state(home) == before
