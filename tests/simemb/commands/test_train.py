"""`simemb train`: several seeds, and what is checked before the first run."""

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from simemb.commands import train as train_verb
from simemb.errors import SimembError
from simemb.training.fit import fit


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


def test_a_seed_that_never_reached_a_checkpoint_goes_on_from_its_first_step(
    tiny_base: Path, sentences_file: Path
) -> None:
    train(tiny_base, sentences_file, "--output", "runs/seed-1")
    state = Path("runs/seed-1/last/state.safetensors")
    before = load_file(state)
    state.unlink()
    train(tiny_base, sentences_file, "--output", "runs", "--seeds", "1", "--resume")
    after = load_file(state)
    assert all(np.array_equal(after[name], before[name]) for name in before.keys() | after.keys())


# ---- train --resume DIR ----------------------------------------------------------------------------------


@pytest.fixture
def begun(tiny_base: Path, sentences_file: Path, dev_file: Path, tmp_path: Path) -> Path:
    """A run with options and relative paths, at its end, whose checkpoint is gone."""
    for path in (tiny_base, sentences_file, dev_file):
        (tmp_path / path.name).symlink_to(path)
    words = ["simcse", "--model", "tiny-bert", "--data", "sentences.txt", "sentences.txt", "--dev", "dev.tsv"]
    words += ["--seed", "5", "--metric", "pearson", "--pooling", "mean", "--batch-size", "16", "--max-steps", "3"]
    train_verb.run([*words, "--eval-every", "2", "--objective.temperature", "0.1", "--output", "run"])
    shutil.move("run/last/state.safetensors", "state.safetensors")
    return tmp_path / "run"


def test_resume_needs_no_option_typed_again_wherever_it_is_typed(
    begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(begun / "best")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    caplog.set_level("INFO", logger="simemb")
    train_verb.run(["--resume", "../run"])
    assert "going on after step 0 of 3" in caplog.text
    before, after = (load_file(path) for path in ("../state.safetensors", "../run/last/state.safetensors"))
    assert all(np.array_equal(after[name], before[name]) for name in before.keys() | after.keys())
    caplog.clear()
    train_verb.run(["--resume=../run"])
    assert "the run is at its end (step 3 of 3): nothing is left to train" in caplog.text
    assert [path.name for path in Path().iterdir()] == []


@pytest.mark.parametrize(
    ("words", "refusal"),
    [
        (["--resume", "run", "--seed", "6"], "cannot resume with another run: seed is now 6 and was 5"),
        (["--epochs", "9", "--resume", "run"], "cannot resume with another recipe: epochs is now 9"),
        (["--resume", "run", "--data", "sentences.txt"], "cannot resume with another run: data"),
        (["--resume", "nothing"], "nothing: nothing to resume, there is no run; name the folder that holds its"),
        (["--resume", "run/recipe.json"], "run/recipe.json is the record of a run: name its folder, run"),
        (["--resume", "run/last"], "nothing to resume, there is no run; name run, or start one"),
        (["--resume", "."], "nothing to resume, there is a folder, but no run"),
        (["--resume"], "--resume: give the directory of the run"),
        (["--resume", "--seed", "5"], "--resume: give the directory of the run"),
        (["simcse", "--resume", "run"], "takes no directory: `simemb train --resume run`"),
        (["--resume", "run", "--output", "run"], "leave out --output"),
        (["--resume", "run", "--overwrite"], "choose one"),
        (["--seed", "5"], "wants a recipe before --seed"),
    ],
)
def test_what_cannot_be_resumed_is_told_in_one_line(words: list[str], refusal: str, begun: Path) -> None:
    files = {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()}
    with pytest.raises(SimembError) as caught:
        train_verb.run(words)
    assert refusal in str(caught.value)
    assert "\n" not in str(caught.value)
    assert files == {path: path.read_bytes() for path in begun.rglob("*") if path.is_file()}


def test_runs_of_several_seeds_go_on_by_the_command_that_is_told(
    tiny_base: Path, sentences_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    words = ["simcse", "--model", str(tiny_base), "--data", str(sentences_file), "--dev", "none", "--max-steps", "1"]
    words += ["--batch-size", "8", "--seeds", "1", "2", "--output", "my runs"]
    monkeypatch.setattr("sys.argv", ["/usr/bin/simemb", "train", *words, "--overwrite"])
    train_verb.run([*words, "--overwrite"])
    with pytest.raises(SimembError, match=r"my runs holds the runs of several seeds; `(.*)` goes on with them") as told:
        train_verb.run(["--resume", "my runs"])
    command = shlex.split(str(told.value).split("`")[1])
    assert command == ["simemb", "train", *words, "--resume"]
    shutil.rmtree("my runs/seed-2")
    train_verb.run(command[2:])
    assert Path("my runs/seed-2/best").is_dir()


def test_data_that_are_no_longer_there_must_be_given_again(begun: Path) -> None:
    Path("sentences.txt").rename("moved.txt")
    with pytest.raises(SimembError, match=r"the data of the run, 'sentences\.txt', are no file here; give the same"):
        train_verb.run(["--resume", "run"])
    train_verb.run(["--resume", "run", "--data", "moved.txt", "moved.txt"])


def test_python_resumes_by_the_directory_alone(begun: Path) -> None:
    assert fit(resume="run").steps == 3
    with pytest.raises(SimembError, match='metric is now "spearman" and was "pearson"'):
        fit(resume=begun, metric="spearman")
    for given, refusal in (({"resume": "run", "output": "run"}, "output is not needed"), ({}, "'output'")):
        with pytest.raises(SimembError, match=refusal):
            fit(**given)
    with pytest.raises(SimembError, match="missing a required argument: 'recipe'"):
        fit(output="other")


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


def test_the_overview_has_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    train_verb.run(["--help"])
    overview = capsys.readouterr().out.partition("\nrecipes")[0]
    assert max(map(len, overview.splitlines())) <= 80
