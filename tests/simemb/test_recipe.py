"""Recipes: as Python, as JSON, from a file of one's own, and what they refuse."""

import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import simemb
from simemb.auxiliary import MaskedLM
from simemb.errors import RecipeError
from simemb.heads import Projector
from simemb.objectives import InfoNCE
from simemb.recipe import Recipe, find, settings
from simemb.registry import RECIPES as PACKAGE
from simemb.registry import names, summary
from simemb.views import View

VIEWS = (View(target=False), View(online=False))
EVERYTHING = Recipe(
    views=(View(column=0, target=False), View(column=1, online=False), View(column=2, online=False, negative=True)),
    objective=InfoNCE(temperature=0.07, hard_negative_weight=-0.5),
    head=Projector(width=7, activation="relu", keep=True, deviation=0.1),
    auxiliaries=(MaskedLM(weight=0.2, probability=0.3),),
    pooling="mean",
    dropout=0.0,
    max_steps=3,
    betas=(0.8, 0.95),
    patience=2,
)
RECIPES = {name: find(name) for name in names(PACKAGE)} | {"everything": EVERYTHING}


@pytest.mark.parametrize("name", RECIPES)
def test_the_repr_is_python_that_gives_the_recipe(name: str):
    public = {noun: getattr(simemb, noun) for noun in simemb.__all__}
    assert eval(repr(RECIPES[name]), public) == RECIPES[name]


@pytest.mark.parametrize("name", RECIPES)
def test_json_and_back_gives_the_recipe(name: str):
    content = json.loads(json.dumps(RECIPES[name].to_json()))
    assert Recipe.from_json(content) == RECIPES[name]


def test_an_unknown_field_or_kind_names_the_nearest():
    content = EVERYTHING.to_json()
    with pytest.raises(RecipeError, match=r"unknown field of Recipe 'bach_size': did you mean 'batch_size'\?"):
        Recipe.from_json({**content, "bach_size": 3})
    with pytest.raises(RecipeError, match=r"unknown kind of noun 'InfoNSE': did you mean 'InfoNCE'\?"):
        Recipe.from_json({**content, "objective": {"kind": "InfoNSE"}})
    with pytest.raises(RecipeError, match=r"unknown field of InfoNCE 'temprature'"):
        Recipe.from_json({**content, "objective": {"kind": "InfoNCE", "temprature": 1}})


@pytest.mark.parametrize("missing", ["views", "objective"])
def test_json_without_a_needed_field_is_refused(missing: str):
    content = {name: value for name, value in EVERYTHING.to_json().items() if name != missing}
    with pytest.raises(RecipeError, match=missing):
        Recipe.from_json(content)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"batch_size": 1}, "--batch-size 1 leaves no in-batch negatives"),
        ({"batch_size": 0}, "--batch-size must be at least 1"),
        ({"epochs": 0}, "--epochs must be at least 1"),
        ({"accumulate": 0}, "--accumulate must be at least 1"),
        ({"max_steps": 0}, "--max-steps must be at least 1"),
        ({"eval_every": -1}, "--eval-every must be at least 1"),
        ({"patience": 0}, "--patience must be at least 1"),
        ({"max_length": 0}, "--max-length must be at least 1"),
        ({"dropout": 1.0}, r"--dropout must be in \[0, 1\)"),
        ({"warmup": 1.0}, r"--warmup must be in \[0, 1\)"),
        ({"warmup": float("nan")}, r"--warmup must be in \[0, 1\)"),
        ({"learning_rate": 0.0}, "--learning-rate must be above 0"),
        ({"learning_rate": float("nan")}, "--learning-rate must be above 0"),
        ({"max_grad_norm": -1.0}, "--max-grad-norm must be above 0"),
        ({"epsilon": 0.0}, "--epsilon must be above 0"),
        ({"views": (View(),)}, "no pair of views"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(changes: dict[str, Any], words: str):
    with pytest.raises(RecipeError, match=words):
        replace(EVERYTHING, **changes)


def test_columns_counts_the_views_that_the_data_must_have():
    assert EVERYTHING.columns == 2
    assert Recipe(views=VIEWS, objective=InfoNCE()).columns == 1


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(RecipeError, match=r"unknown recipe 'simsce': did you mean 'simcse'\?.*\./like_this\.py"):
        find("simsce")


def test_a_file_of_ones_own_is_a_recipe(tmp_path: Path):
    mine = tmp_path / "mine.py"
    mine.write_text(f"from simemb import *\nrecipe = {EVERYTHING!r}\n")
    assert find(str(mine)) == EVERYTHING


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def (", "cannot be imported: SyntaxError"),
        ("import no_such_module_here", "cannot be imported: ModuleNotFoundError"),
        ("from simemb import NoSuchNoun", "cannot be imported: "),
        ("from simemb import Recipe\nrecipe = Recipe(wrong=1)", "cannot be imported: TypeError"),
        ("", "defines no `recipe`"),
        ("recipe = 3", "defines no `recipe`"),
        ("1 / 0", "cannot be imported: ZeroDivisionError"),
    ],
)
def test_a_file_that_gives_no_recipe_says_why(tmp_path: Path, text: str, words: str):
    mine = tmp_path / "mine.py"
    mine.write_text(text)
    with pytest.raises(RecipeError, match=words):
        find(str(mine))


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(RecipeError, match=r"no recipe file .*nothing\.py"):
        find(str(tmp_path / "nothing.py"))
    with pytest.raises(RecipeError, match=r"recipe\.json is not a run's recipe\.json"):
        find(str(tmp_path / "recipe.json"))


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"recipe": 3}', '{"recipe": []}'])
def test_json_that_is_no_run_is_refused(tmp_path: Path, text: str):
    path = tmp_path / "recipe.json"
    path.write_text(text)
    with pytest.raises(RecipeError):
        find(str(path))


def test_the_recipe_json_of_a_run_gives_recipe_and_settings(tmp_path: Path):
    path = tmp_path / "recipe.json"
    run = {
        "model": "m",
        "data": "d",
        "columns": ["a"],
        "dev": "none",
        "metric": "pearson",
        "seed": 3,
        "precision": "no",
    }
    path.write_text(json.dumps({"recipe": EVERYTHING.to_json(), "run": run | {"fingerprint": "f"}}))
    assert find(str(path)) == EVERYTHING
    assert settings(str(path)) == run | {"columns": ("a",)}
    assert settings("simcse") == {}


@pytest.mark.parametrize("name", names(PACKAGE))
def test_every_recipe_has_a_summary_in_one_sentence(name: str):
    assert summary(PACKAGE, name).endswith(".")
    assert len(summary(PACKAGE, name)) <= 120


def test_every_field_of_a_recipe_has_a_help_text_on_the_command_line(
    capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    import tyro

    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(SystemExit):
        tyro.cli(Recipe, args=["--help"], default=EVERYTHING, config=(tyro.conf.AvoidSubcommands,))
    shown = capsys.readouterr().out.replace("│", " ")
    helps = {}
    for entry in re.split(r"\n\s*(?=--|-h)", shown)[1:]:
        words = entry.partition("\n\n")[0].split("╰")[0]
        option = re.match(r"--([a-z0-9.-]+)", words)
        if option:
            text = re.sub(r"--\S+|\b[A-Z]+\b|\{[^}]*\}\|?|\[.*\]|\(default:[^)]*\)?", " ", words)
            helps[option[1].replace("no-", "")] = " ".join(text.split())
    nouns = {"": EVERYTHING, "objective.": EVERYTHING.objective, "head.": EVERYTHING.head}
    nouns |= {"views.1.": EVERYTHING.views[1], "auxiliaries.0.": EVERYTHING.auxiliaries[0]}
    plain = {f"{prefix}{field.name}" for prefix, noun in nouns.items() for field in fields(noun)}
    for name in plain - {"views", "objective", "head", "auxiliaries"}:
        assert len(helps[name.replace("_", "-")].split()) >= 2, (name, helps)
