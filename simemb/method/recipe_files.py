"""Find a recipe by name: in the cookbook, in a Python file, or in the `recipe.json` of a run."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from simemb import json_files
from simemb.cookbook import RECIPES, names
from simemb.errors import RecipeError, SimembError, unknown
from simemb.method.recipe import Recipe
from simemb.method.recipe_json import from_json, noun_classes
from simemb.records import shaped


@dataclass(frozen=True)
class _Run:
    """The settings of a run that its recipe.json may repeat."""

    model: str | None = None
    pooling: str | None = None
    dev: str | tuple[str, ...] | None = None
    metric: Literal["spearman", "pearson"] | None = None
    seed: int | None = None
    precision: Literal["no", "bf16", "fp16"] | None = None
    data: str | tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    labels: str | None = None
    delimiter: str | None = None
    header: bool | None = None


@dataclass(frozen=True)
class _Record:
    """What is read of a recipe.json. folder: where its relative paths begin."""

    recipe: Mapping[str, Any]
    folder: str | None = None
    run: _Run = field(default_factory=_Run)


def find(name: str) -> Recipe:
    """The recipe with that name, or in that file: `simcse`, `./mine.py`, or the `recipe.json` of a run."""
    path = Path(name)
    if path.suffix == ".json":
        return _recipe_of_run(path)
    if path.suffix == ".py":
        module = _import_file(path)
    elif name in names(RECIPES):
        module = importlib.import_module(f"{RECIPES}.{name}")
    else:
        own = f"./{name}.py" if Path(f"{name}.py").is_file() else "./like_this.py"
        raise RecipeError(unknown("recipe", name, names(RECIPES)) + f"; a file of your own is named {own}")
    recipe = getattr(module, "recipe", None)
    if not isinstance(recipe, Recipe):
        raise RecipeError(f"{name}: defines no `recipe` (a simemb.Recipe)")
    return recipe


def is_usual_length(tokens: int) -> bool:
    """Whether a recipe of the cookbook has this `max_length`, so that nobody need have chosen it."""
    return any(find(name).max_length == tokens for name in names(RECIPES))


def settings(name: str) -> dict[str, Any]:
    """The settings of a `recipe.json`'s run other than its recipe (model, data, seed ...); {} for other recipes."""
    if not name.endswith(".json"):
        return {}
    run = _read_run(Path(name)).run
    names = ("model", "pooling", "metric", "seed", "precision", "delimiter", "header")
    settings = {key: value for key in names if (value := getattr(run, key)) is not None}
    for key, value in (("data", run.data), ("dev", run.dev)):
        if value is not None:
            settings[key] = (value,) if isinstance(value, str) else value
    if run.columns:  # of several data that are kept apart none are named; the labels made the column of negatives
        settings["columns"] = (*run.columns[:2], run.labels) if run.labels else run.columns
    return settings


def _import_file(path: Path) -> Any:
    if not path.is_file():
        raise RecipeError(f"no recipe file {path} (allowed: a file that exists, or {', '.join(names(RECIPES))})")
    # Modules beside the file can be imported by it, and never hide one that is installed.
    if (folder := str(path.parent.resolve())) not in sys.path:
        sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(f"simemb_recipe_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SimembError as error:
        raise RecipeError(f"{_place(path, error)}: {error}") from error
    except KeyboardInterrupt:
        raise
    # The file is the user's own, so any exception becomes a message for the user; sys.exit() is one of them.
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise RecipeError(f"{_place(path, error)}: cannot be imported: {reason}") from error
    return module


def _place(path: Path, error: BaseException) -> str:
    """The file, and the line of it that an exception comes from."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path.resolve()]
    return f"{path}, line {frames[-1].lineno}" if frames else str(path)


def _recipe_of_run(path: Path) -> Recipe:
    """The recipe of a run."""
    return made_of(_read_run(path).recipe, path)


def made_of(content: Mapping[str, Any], path: Path) -> Recipe:
    """The recipe whose JSON a file has as its "recipe". Raises `RecipeError` with the name of the file."""
    try:
        recipe = from_json(content, {"Recipe": Recipe, **noun_classes()})
    except (TypeError, ValueError, AttributeError, RecipeError) as error:
        raise RecipeError(f"{path}: {error}") from error
    if not isinstance(recipe, Recipe):
        raise RecipeError(f"{path}: its 'recipe' is a {type(recipe).__name__}, not a Recipe")
    return recipe


def _read_run(path: Path) -> _Record:
    def refusal(reason: str) -> RecipeError:
        return RecipeError(f"{path} is not a run's recipe.json: {reason}")

    content = json_files.read_object(path, refusal, _Record)
    return shaped(_found_from_here(content, Path(content.get("folder") or Path.cwd())), _Record)


def _found_from_here(content: Mapping[str, Any], folder: Path) -> Mapping[str, Any]:
    """A record whose relative paths, which began at `folder`, lead from this process' folder to the same places."""
    if folder == Path.cwd():
        return content

    def found(name: Any) -> Any:
        if isinstance(name, list):
            return [found(part) for part in name]
        return str(folder / name) if isinstance(name, str) and name and (folder / name).exists() else name

    def moved(section: Any, *names: str) -> Any:
        known = isinstance(section, dict)
        return {**section, **{name: found(section[name]) for name in names if name in section}} if known else section

    recipe = moved(content["recipe"], "guide", "reranker")
    if "target" in recipe:
        recipe = {**recipe, "target": moved(recipe["target"], "model")}
    return {**content, "recipe": recipe, "run": moved(content.get("run", {}), "model", "data", "dev")}
