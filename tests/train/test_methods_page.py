"""The tables of docs/methods.md match the recipes, and its examples train as they stand."""

import json
import re
from pathlib import Path
from runpy import run_path

import pytest

from simemb.cookbook import RECIPES, names

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")


def example(kind: str) -> str:
    (block,) = re.findall(rf"```python {kind}\n(.*?)```", PAGE, re.DOTALL)
    return block


def test_the_tables_are_those_that_the_recipes_make():
    assert run_path(str(ROOT / "docs" / "make_methods.py"))["filled"](PAGE) == PAGE, "run python docs/make_methods.py"


def test_every_recipe_that_the_advice_names_exists():
    advice = PAGE.partition("## Which one")[2].partition("\n## ")[0]
    cells = [line.split("|")[2] for line in advice.splitlines() if line.startswith("|") and "`" in line]
    named = {code.split()[0] for cell in cells for code in re.findall("`([^`]+)`", cell)}
    assert len(named) > 5
    assert named <= set(names(RECIPES))


def test_the_example_of_several_data_trains(
    tiny_base: Path, triplets_file: Path, dev_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from simemb.cli import main

    monkeypatch.chdir(tmp_path)
    Path("mixed.py").write_text(example("mixed"), encoding="utf-8")
    words = ["train", "./mixed.py", "--model", str(tiny_base), "--dev", "none", "--output", "run"]
    words += ["--data", str(triplets_file), str(triplets_file), str(dev_file), "--lessons.2.objective.scale", "10"]
    assert main([*words, "--batch-size", "8", "--max-steps", "6"]) == 0
    lessons = json.loads(Path("run/recipe.json").read_text())["recipe"]["lessons"]
    assert lessons[2]["objective"] == {"kind": "CoSENT", "weight": 1.0, "scale": 10.0}


@pytest.mark.parametrize("kind", ["mine", "own", "sum"])
def test_the_example_of_a_method_of_ones_own_trains_and_resumes(
    kind: str, tiny_base: Path, sentences_file: Path, dev_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from simemb.cli import main

    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(example(kind), encoding="utf-8")
    words = ["train", "./mine.py", "--model", str(tiny_base), "--data", str(sentences_file), "--dev", str(dev_file)]
    words += ["--output", "run", "--batch-size", "8", "--max-steps", "4", "--eval-every", "2"]
    assert main(words) == 0
    assert main([*words, "--resume"]) == 0
    assert (tmp_path / "run" / "best" / "modules.json").exists()
