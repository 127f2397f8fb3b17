"""The demo: its steps are commands that work, it keeps what it was asked to keep, and nothing else."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from simemb.cli import main
from simemb.commands.demo import steps


def shown(words: list[str], folder: Path) -> str:
    command = [sys.executable, "-m", "simemb.cli", "demo", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_demo_searches_trains_and_compares(tmp_path: Path) -> None:
    text = shown(["--output", "kept"], tmp_path)
    for number, step in enumerate(steps(Path("kept")), 1):
        assert f"{number} of 3  {step.title}" in text
    commands = re.findall(r"^\$ simemb (\w+) ", text, re.MULTILINE)
    assert commands == ["index", "search", "search", "train", "compare"]
    music, money = (part.split("cosine")[1].split("\n")[2] for part in text.split("$ simemb search")[1:])
    assert "guitar" in music or "orchestra" in music
    assert "profits" in money or "interest rates" in money
    before, after = (float(re.findall(rf"^ *{row} +([\d.]+)", text, re.MULTILINE)[0]) for row in ("before", "after"))
    assert after > before + 2
    assert "run is better than base on sample" in text
    assert (tmp_path / "kept" / "plain.index").is_dir()
    assert (tmp_path / "kept" / "run" / "best").is_dir()


def test_a_directory_that_exists_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--output", str(tmp_path)]) == 2
    assert f"{tmp_path} exists" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
