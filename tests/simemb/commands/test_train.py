"""`simemb train`: several seeds, and what is checked before the first run."""

import json
from pathlib import Path

import pytest

from simemb.commands import train as train_verb
from simemb.errors import SimembError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def train(model: Path, data: Path, *more: str) -> None:
    words = ["simcse", "--model", str(model), "--data", str(data), "--dev", "none", "--batch-size", "16"]
    train_verb.run([*words, "--max-steps", "2", *more])


def test_every_seed_is_looked_at_before_the_first_is_trained(tiny_base: Path, sentences_file: Path) -> None:
    train(tiny_base, sentences_file, "--output", "runs/seed-2")
    with pytest.raises(SimembError, match="seed-2 exists"):
        train(tiny_base, sentences_file, "--output", "runs", "--seeds", "1", "2")
    assert [path.name for path in Path("runs").iterdir()] == ["seed-2"]
    train(tiny_base, sentences_file, "--output", "runs", "--seeds", "1", "2", "--overwrite")
    assert json.loads(Path("runs/seeds.json").read_text())["suite"] is None


def test_a_seed_that_never_reached_a_checkpoint_says_how_to_begin_it_again(
    tiny_base: Path, sentences_file: Path
) -> None:
    train(tiny_base, sentences_file, "--output", "runs/seed-1")
    Path("runs/seed-1/last/state.safetensors").unlink()
    with pytest.raises(SimembError, match=r"seed-1: nothing to resume, .*; --overwrite starts it again"):
        train(tiny_base, sentences_file, "--output", "runs", "--seeds", "1", "--resume")
