"""`simemb train --config`: the same options from a file, and the file of a run that repeats it."""

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load_file

from simemb.commands import configuration
from simemb.commands import train as train_verb
from simemb.errors import SimembError
from simemb.method.recipe_files import find


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(here: Path) -> Any:
    def write(text: str) -> str:
        (here / "mine.yaml").write_text(text, encoding="utf-8")
        return "mine.yaml"

    return write


def options_of_words(*words: str) -> Any:
    return train_verb.read(list(words))[0]


def test_the_options_of_a_file_are_those_of_the_command_line(write: Any):
    typed = options_of_words(
        *("simcse_sup", "--data", "a.tsv", "b.tsv", "--dev", "stsb_dev", "sickr", "--seed", "7", "--no-header"),
        *("--objective.temperature", "1e-1", "--learning-rate", "2e-5", "--max-steps", "3", "--betas", "0.8", "0.9"),
        *("--views.1.column", "0", "--precision", "no", "--delimiter", "-"),
    )
    read = options_of_words(
        "--config",
        write(
            """
            recipe: simcse_sup
            data: [a.tsv, b.tsv]
            dev:
              - stsb_dev
              - sickr
            seed: 7
            header: no
            delimiter: "-"
            objective: {temperature: 1e-1}
            learning_rate: 2e-5
            max-steps: 3
            betas: [0.8, 0.9]
            views: [{}, {column: 0}]
            precision: no
            """
        ),
    )
    assert vars(read) == vars(typed)
    assert read.layout.header is False


def test_the_command_line_wins_and_names_its_own_recipe(write: Any):
    path = write("recipe: simcse\nseed: 7\ndata: [a.txt, b.txt]\nheader: false\nbatch-size: 8\n")
    read = options_of_words("--config", path, "--seed=3", "--data", "c.txt", "--header")
    assert (read.seed, read.data, read.layout.header, read.recipe.batch_size) == (3, ("c.txt",), True, 8)
    read = options_of_words("esimcse", f"--config={path}", "--batch_size", "16")
    assert (read.recipe.memory, read.recipe.batch_size, read.seed) == (find("esimcse").memory, 16, 7)


def test_a_value_that_is_null_is_none(write: Any):
    assert options_of_words("--config", write("recipe: simcse\npatience: null\n")).recipe.patience is None


@pytest.mark.parametrize("more", [[], ["--head.keep"]])
def test_every_run_leaves_a_file_that_repeats_it_bit_for_bit(
    more: list[str], tiny_base: Path, sentences_file: Path, dev_file: Path, here: Path, monkeypatch: pytest.MonkeyPatch
):
    (here / "own.txt").write_bytes(sentences_file.read_bytes())
    words = ["simcse", "--model", str(tiny_base), "--data", "own.txt", "--dev", str(dev_file), "--pooling", "mean"]
    words += ["--batch-size", "16", "--max-steps", "3", "--eval-every", "2", "--learning-rate", "3e-4", "--seed", "5"]
    train_verb.run([*words, "--output", "one", *more])
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    train_verb.run(["--config", "../one/run.yaml", "--output", "two"])
    one, two = here / "one", here / "elsewhere" / "two"
    records = [json.loads((run / "recipe.json").read_text()) for run in (one, two)]
    assert records[0]["recipe"] == records[1]["recipe"]
    assert {**records[0]["run"], "data": str(here / "own.txt")} == records[1]["run"]
    for name in ("best/model.safetensors", "last/state.safetensors"):
        ours, again = load_file(one / name), load_file(two / name)
        assert all((tensor == again[key]).all() for key, tensor in ours.items())
    # of its own file, an option that is typed is another run
    train_verb.run(["--config", "../one/run.yaml", "--output", "three", "--seed", "6", "--batch-size", "8"])
    third = json.loads(Path("three/recipe.json").read_text())
    assert (third["run"]["seed"], third["recipe"]["batch_size"]) == (6, 8)


def test_a_run_of_data_in_memory_is_not_repeated_with_other_data(tiny_base: Path, here: Path):
    from simemb.training.fit import fit

    texts = ["the red dog eats a ball", "a cat", "the old singer"]
    fit("simcse", tiny_base, texts, output="run", dev="none")
    with pytest.raises(SimembError, match="the list"):
        train_verb.run(["--config", "run/run.yaml", "--output", "again"])
    assert not (here / "again").exists()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("recipe: simcse\nseed: 1\ntemperatur: 0.1\n", r"mine.yaml, line 3: unknown option 'temperatur': did you mean"),
        ("recipe: simcse\nobjective:\n  temprature: 0.1\n", r"line 3: .*did you mean objective.temperature\?"),
        ("recipe: simcse\nseed: seven\n", r"mine.yaml, line 2: --seed: 'seven' is not a whole number"),
        ("recipe: simcse\nseed: [1, 2]\n", "line 2: seed takes one value, not 2"),
        ("recipe: simcse\nheader: maybe\n", "line 2: header must be true or false, not 'maybe'"),
        ("recipe: simcse\nmetric: spearmn\n", "line 2: .*did you mean 'spearman'"),
        ("recipe: simcse\nseed: 1\nseed: 2\n", "line 3: seed is given twice"),
        ("recipe: simcse\nconfig: other.yaml\n", "line 2: unknown option 'config'"),
        ("recipe: simcse\ndata: [[a]]\n", "line 2: data is a list in a list"),
        ("recipe: simcse\ndata: &x [a]\ndev: *x\n", r"line 3: \*x stands for something above: write it out"),
        ("recipe: " + "[" * 30 + "]" * 30, "line 1: is nested more than 20 levels deep"),
        ("recipe: simcse\n\tseed: 1\n", "mine.yaml, line 2: cannot be read as YAML: found character"),
        ("- simcse\n", "must hold options by name"),
        ("recipe: simcsee\n", "unknown recipe 'simcsee': did you mean 'simcse'"),
        ("recipe: 7\n", "line 1: recipe must be a name, or a recipe itself"),
        ("recipe: {kind: Recipe, vews: []}\n", "mine.yaml: unknown field of Recipe 'vews': did you mean 'views'"),
        ("recipe: !!python/object/apply:os.system [true]\n", "line 1: cannot be read as YAML: could not determine"),
        ("seed: 1\n", r"mine.yaml names no recipe: give one in it \(`recipe: simcse`\) or before --config"),
        ("", "mine.yaml names no recipe"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(text: str, line: str, write: Any, here: Path):
    with pytest.raises(SimembError, match=line) as caught:
        train_verb.run(["--config", write(text), "--output", "run"])
    assert "\n" not in str(caught.value)
    assert not (here / "run").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--config"], "--config: give a file of options"),
        (["--config", "--seed"], "--config: give a file of options"),
        (["--config", "none.yaml"], "--config none.yaml: cannot be read: No such file"),
        (["--config", "."], r"--config \.: cannot be read"),
        (["--config", "mine.yaml", "--config=mine.yaml"], "--config is given twice"),
        (["--config", "mine.yaml", "--resume", "run"], "--resume after a recipe takes no directory"),
    ],
)
def test_an_option_without_a_file_is_told(words: list[str], line: str, write: Any):
    write("recipe: simcse\n")
    with pytest.raises(SimembError, match=line):
        train_verb.run(words)


def test_nothing_in_a_file_is_run(write: Any):
    read = configuration.read(Path(write('seed: !!python/object/apply:os.getcwd "x"\n')))
    assert read.entries[0].values == ("x",)
