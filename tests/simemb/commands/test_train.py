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


def test_an_option_mends_what_a_recipe_file_lacks(tiny_base: Path, sentences_file: Path) -> None:
    Path("mine.py").write_text(
        "from simemb import *\n"
        "nested = Matryoshka(InfoNCE(), dims=(4,))\n"
        "recipe = Recipe((View(target=False), View(online=False)), nested, MLP(), batch_size=16, max_steps=2)\n"
    )
    words = ["./mine.py", "--model", str(tiny_base), "--data", str(sentences_file), "--dev", "none", "--output", "run"]
    with pytest.raises(SimembError, match=r"keep all of it \(--head\.keep\)"):
        train_verb.run(words)
    train_verb.run([*words, "--head.keep", "2"])
    assert Path("run/best/modules.json").is_file()
