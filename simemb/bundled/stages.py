"""The trainings that make the bundled models, in their order; each is a recipe of `train/` with other numbers."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from simemb.method.objectives import Regression
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.method.targets import Frozen
from simemb.transformer.int8_layers import missing

VOCABULARY, LAYERS, WIDTH, HEADS, LENGTH = 16_000, 3, 256, 4, 512
SEED = 1


@dataclass(frozen=True)
class Stage:
    """One training.

    name: of its run directory. start: the directory that it starts from. method: the recipe of `train/` that it is
    made of, for the card. recipe: with its numbers. data: the file of texts.
    dev: the suite that is scored while it trains; it never chooses a checkpoint. model: the bundled model that it
    gives, or empty.
    """

    name: str
    start: str
    method: str
    recipe: Recipe
    data: str
    dev: str
    model: str = ""


def stages(teacher: Path) -> Iterator[Stage]:
    """Language modelling, then distillation, then inference triplets; `teacher` has the width of the student."""
    small = {"batch_size": 256, "dropout": 0.0, "pooling": "mean", "keep": "last", "eval_every": 500}
    yield Stage(
        name="base",
        start="untrained",
        method="mlm",
        recipe=replace(find("mlm"), max_length=LENGTH, epochs=2, learning_rate=1e-3, **small),
        data="texts.txt",
        dev="none",
        model="base",
    )
    distil = replace(
        find("distil"),
        objective=Regression(),
        predictor=None,
        target=Frozen(model=str(teacher), precision="float32" if missing() else "int8"),
        max_length=LENGTH,
        epochs=2,
        learning_rate=1e-3,
        warmup=0.05,
        weight_decay=0.01,
        **small,
    )
    yield Stage(name="distilled", start="base", method="distil", recipe=distil, data="texts.txt", dev="stsb_dev")
    triplets = replace(
        find("simcse_sup"),
        head=None,
        max_length=64,
        epochs=1,
        learning_rate=1e-4,
        warmup=0.05,
        **small,
    )
    yield Stage(
        name="mini",
        start="distilled",
        method="simcse_sup",
        recipe=triplets,
        data="triplets.tsv",
        dev="stsb_dev",
        model="mini",
    )
