"""The trainings that make the bundled models, in their order; each is a recipe of `train/` with other numbers."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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


SMALL: dict[str, Any] = {"batch_size": 256, "dropout": 0.0, "pooling": "mean", "keep": "last", "eval_every": 500}
"""What all stages have in common. Without dropout: a model this small sees every text twice at most."""


def stages(teacher: Path) -> tuple[Stage, ...]:
    """Language modelling, distillation, triplets; `teacher` has the width of the student."""
    return (
        Stage("base", "untrained", "mlm", language_modelling(), "texts.txt", dev="none", model="base"),
        Stage("distilled", "base", "distil", distillation(teacher), "texts.txt", dev="stsb_dev"),
        Stage("mini", "distilled", "simcse_sup", inference(), "triplets.tsv", dev="stsb_dev", model="mini"),
    )


def language_modelling() -> Recipe:
    """Two passes of masked language modelling."""
    return replace(find("mlm"), max_length=LENGTH, epochs=2, learning_rate=1e-3, **SMALL)


def distillation(teacher: Path) -> Recipe:
    """Two passes of regression to the direction of the teacher's vector."""
    return replace(
        find("distil"),
        objective=Regression(),
        predictor=None,
        target=Frozen(model=str(teacher), precision="float32" if missing() else "int8"),
        max_length=LENGTH,
        epochs=2,
        learning_rate=1e-3,
        warmup=0.05,
        weight_decay=0.01,
        **SMALL,
    )


def inference() -> Recipe:
    """Contrast with hard negatives on a third of the triplets: STS-B dev hardly moves after 40 steps."""
    return replace(
        find("simcse_sup"), head=None, max_length=64, max_steps=160, learning_rate=1e-4, warmup=0.05, **SMALL
    )
