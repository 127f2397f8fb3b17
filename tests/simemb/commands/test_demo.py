"""The demo: its steps are commands that work, it keeps what it was asked to keep, and nothing else."""

import re
from pathlib import Path

import pytest

from simemb.cli import main
from simemb.commands import demo
from simemb.commands.demo import steps


def test_the_demo_searches_trains_and_compares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "STEPS", 10)
    assert main(["demo", "--output", "kept"]) == 0
    text = capsys.readouterr().out
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
