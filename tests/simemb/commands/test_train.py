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


def test_the_record_of_other_seeds_is_not_replaced_unasked(tiny_base: Path, sentences_file: Path) -> None:
    train(tiny_base, sentences_file, "--output", "runs", "--seeds", "1", "2")
    before = Path("runs/seeds.json").read_text()
    with pytest.raises(SimembError, match=r"seeds\.json exists .*--overwrite"):
        train(tiny_base, sentences_file, "--output", "runs", "--seeds", "3")
    assert Path("runs/seeds.json").read_text() == before
    assert not Path("runs/seed-3").exists()
    train(tiny_base, sentences_file, "--output", "runs", "--seeds", "1", "2", "3", "--resume")
    assert json.loads(Path("runs/seeds.json").read_text())["seeds"] == [1, 2, 3]


@pytest.mark.parametrize("spelled", ["--max-length=128", "--max_length 128"])
def test_a_length_that_was_typed_is_refused_where_that_of_a_recipe_is_cut(
    spelled: str, tiny_base: Path, sentences_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    words = ["mlm", "--model", str(tiny_base), "--data", str(sentences_file), "--dev", "none", "--batch-size", "16"]
    with pytest.raises(SimembError, match=r"--max-length 128 is more than .* accepts \(allowed: 3 to 48\)"):
        train_verb.run([*words, "--max-steps", "1", "--output", "run", *spelled.split()])
    assert not Path("run").exists()
    assert "texts are cut" not in caplog.text
    train_verb.run([*words, "--max-steps", "1", "--output", "run"])
    assert "texts are cut at 48 tokens" in caplog.text


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
