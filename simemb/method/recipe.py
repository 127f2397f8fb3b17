"""A recipe: everything that defines a training method, as a tree of frozen dataclasses.

`repr(recipe)` is valid Python, `dataclasses.replace` makes an ablation, and every field can be set from
the command line. Recipes live one to a file in the package `simemb.train` (or in a file of your own); the
file system is the registry.
"""

import importlib
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

from simemb.cookbook import RECIPES, names
from simemb.errors import RecipeError, unknown
from simemb.method.auxiliaries import Auxiliary
from simemb.method.field_checks import check
from simemb.method.heads import MLP, Head
from simemb.method.memory import Memory
from simemb.method.objectives import Objective
from simemb.method.recipe_json import nouns
from simemb.method.targets import Target
from simemb.method.views import View


@dataclass(frozen=True)
class Recipe:
    """(data -> views) x (encoder, head) x objective, and the optimizer's numbers.

    The defaults of the numbers are those of princeton-nlp/SimCSE with transformers 4.2.1 underneath:
    AdamW without weight decay or warm-up, linear decay, gradient norm 1, the last partial batch kept.
    """

    views: tuple[View, ...]
    """Which columns are encoded, and how."""
    objective: Objective | None = None
    """The loss on query and key vectors; None where an auxiliary is all there is to learn."""
    head: Head | None = None
    """What stands between the sentence vector and the objective."""
    predictor: Head | None = None
    """What follows the head on the side of the queries only."""
    target: Target | None = None
    """What encodes the keys; by default the encoder itself, with gradient."""
    memory: Memory | None = None
    """Negatives that outlive the batch, or a vector kept for every example."""
    auxiliaries: tuple[Auxiliary, ...] = ()
    """Further losses on the same encoder."""
    guide: str | None = None
    """A model that judges which negatives are false ones (`FalseNegatives(guided=True)`)."""
    fixed_dropout: bool = False
    """Views that are read alike get the same dropout mask, hence the same vector (SimCSE, table 2)."""
    pooling: str = "cls"
    """Pooling of a model that says nothing about it: cls, mean, max, first_last, last2."""
    max_length: int = 32
    """Tokens a training text is cut to, special tokens included; evaluation cuts only at the model's own limit."""
    dropout: float | None = None
    """Dropout of the backbone in [0, 1), attention included; by default the model's own."""
    batch_size: int = 64
    """Examples per batch, over all processes together: negatives come from the same batch."""
    chunk: int | None = None
    """Examples that go through the network at once, by default the batch: less memory, the same gradient."""
    accumulate: int = 1
    """Batches whose gradients are averaged in one optimizer step; it adds no negatives."""
    epochs: int = 1
    """Passes over the data."""
    max_steps: int | None = None
    """Stop after so many optimizer steps; the schedule then ends there."""
    learning_rate: float = 3e-5
    """The highest learning rate."""
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    """How the learning rate falls to 0 after the warm-up."""
    warmup: float = 0.0
    """Fraction of the steps in [0, 1) over which the learning rate rises from 0."""
    weight_decay: float = 0.0
    """AdamW's decoupled weight decay; biases, norms and temperatures have none."""
    betas: tuple[float, float] = (0.9, 0.999)
    """AdamW's decay rates of the two moments."""
    epsilon: float = 1e-8
    """AdamW's epsilon."""
    max_grad_norm: float = 1.0
    """Gradients are scaled down to this L2 norm."""
    eval_every: int = 125
    """Optimizer steps between evaluations and checkpoints."""
    patience: int | None = None
    """Stop after so many evaluations without a better score; by default never."""
    keep: Literal["best", "last"] = "best"
    """The checkpoint that is kept: the best on the dev suite, or the last one."""

    def __post_init__(self) -> None:
        check(self)

    @property
    def columns(self) -> int:
        """Text columns that the data must have: those of every view that is not optional."""
        return 1 + max((view.column for view in self.views if not view.optional), default=0)

    @property
    def smallest_share(self) -> int:
        """The fewest examples of a batch that a process can use: batch norm needs two."""
        heads = [head for head in (self.head, self.predictor) if isinstance(head, MLP)]
        return 2 if any(head.batch_norm for head in heads) else 1

    def to_json(self) -> dict[str, Any]:
        """The recipe as plain JSON; each noun carries its `kind`."""
        return _to_json(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> "Recipe":
        """The inverse of `to_json`. Raises `RecipeError` for fields or kinds that do not exist."""
        return _from_json(content)


def find(name: str) -> Recipe:
    """The recipe of that name, or in that file: `simcse`, `./mine.py`, or the `recipe.json` of a run."""
    path = Path(name)
    if path.suffix == ".json":
        return _repeated(path)
    if path.suffix == ".py":
        module = _import_file(path)
    elif name in names(RECIPES):
        module = importlib.import_module(f"{RECIPES}.{name}")
    else:
        raise RecipeError(unknown("recipe", name, names(RECIPES)) + "; a file of your own is named ./like_this.py")
    recipe = getattr(module, "recipe", None)
    if not isinstance(recipe, Recipe):
        raise RecipeError(f"{name}: defines no `recipe` (a simemb.Recipe)")
    return recipe


def settings(name: str) -> dict[str, Any]:
    """How the run of a `recipe.json` was made besides its recipe (model, data, seed ...); {} for other recipes."""
    if not name.endswith(".json"):
        return {}
    run = _read_run(Path(name)).get("run", {})
    kept = ("model", "data", "columns", "pooling", "dev", "metric", "seed", "precision")
    try:
        return {key: tuple(run[key]) if key == "columns" else run[key] for key in kept if key in run}
    except TypeError as error:
        raise RecipeError(f"{name} is damaged: its 'run' is not what a run writes ({error})") from error


def _import_file(path: Path) -> Any:
    if not path.is_file():
        raise RecipeError(f"no recipe file {path} (allowed: a file that exists, or {', '.join(names(RECIPES))})")
    spec = importlib.util.spec_from_file_location(f"simemb_recipe_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    # The file is the user's own: whatever it raises is for them to mend.
    except Exception as error:
        raise RecipeError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def _repeated(path: Path) -> Recipe:
    """The recipe of a run."""
    content = _read_run(path)["recipe"]
    try:
        recipe = _from_json(content)
    except (TypeError, ValueError, AttributeError, RecipeError) as error:
        raise RecipeError(f"{path}: {error}") from error
    if not isinstance(recipe, Recipe):
        raise RecipeError(f"{path}: its 'recipe' is a {type(recipe).__name__}, not a Recipe")
    return recipe


def _read_run(path: Path) -> Any:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path} is not a run's recipe.json: {error}") from error
    if not isinstance(content, dict) or "recipe" not in content:
        raise RecipeError(f"{path} is not a run's recipe.json: it has no 'recipe'")
    return content


def _to_json(noun: Any) -> dict[str, Any]:
    content: dict[str, Any] = {"kind": type(noun).__name__}
    for field in fields(noun):
        value = getattr(noun, field.name)
        if isinstance(value, tuple):
            content[field.name] = [_to_json(item) if is_dataclass(item) else item for item in value]
        else:
            content[field.name] = _to_json(value) if is_dataclass(value) else value
    return content


def _from_json(content: Mapping[str, Any]) -> Any:
    values = dict(content)
    kinds: dict[str, Any] = {"Recipe": Recipe, **nouns()}
    kind = values.pop("kind", None)
    if kind not in kinds:
        raise RecipeError(unknown("kind of noun", kind, kinds))
    allowed = [field.name for field in fields(kinds[kind])]
    for name, value in values.items():
        if name not in allowed:
            raise RecipeError(unknown(f"field of {kind}", name, allowed))
        if isinstance(value, list):
            values[name] = tuple(_from_json(item) if isinstance(item, dict) else item for item in value)
        elif isinstance(value, dict):
            values[name] = _from_json(value)
    try:
        return kinds[kind](**values)
    except TypeError as error:
        raise RecipeError(f"this {kind} is not whole: {error}") from error
