"""What the tests of a report share: a run, another model, and a report of both."""

import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from simemb.report.report import Report


@pytest.fixture(scope="session")
def dev_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """150 pairs; the second sentence lacks words of the first, and the score is the share that is left, times 5."""
    dice = random.Random(3)
    words = ("the", "red", "small", "old", "man", "woman", "dog", "sees", "plays", "likes", "a", "guitar", "ball")
    path = tmp_path_factory.mktemp("texts") / "dev.tsv"
    lines = ["score\tsentence1\tsentence2\n"]
    for _ in range(150):
        first = dice.sample(words, dice.randint(3, 9))
        second = [word for word in first if dice.random() < 0.7] or first[:1]
        lines.append(f"{5 * len(second) / len(first):.3f}\t{' '.join(first)}\t{' '.join(second)}\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def run(
    tiny_base: Path, sentences_file: Path, dev_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A run of SimCSE on the tiny model: four steps, an evaluation at every second."""
    from simemb.method.recipe_files import find
    from simemb.training.fit import fit

    directory = tmp_path_factory.mktemp("runs") / "first"
    recipe = replace(find("simcse"), batch_size=16, learning_rate=1e-3, eval_every=2, max_steps=4)
    with pytest.MonkeyPatch.context() as patch:  # what a single test sets comes later
        patch.setenv("SIMEMB_CACHE", str(directory.parent / "cache"))
        fit(recipe, tiny_base, sentences_file, output=directory, dev=dev_file)
    yield directory
    assert not (directory / "scores").exists(), "a report leaves runs as they are"


@pytest.fixture
def own_run(run: Path, tmp_path: Path) -> Path:
    """A copy of the run, to be changed."""
    return Path(shutil.copytree(run, tmp_path / "own"))


@pytest.fixture(scope="session")
def report(run: Path, tiny_base: Path, dev_file: Path) -> Report:
    """The run and, by itself, the model that it started from."""
    return Report([str(run), str(tiny_base)], [str(dev_file)])
