"""The materials of a run: each of its data, opened, and what the recipe learns from them.

`--mix join` makes one of all data; any other mix keeps them apart.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from simemb.corpus import sources
from simemb.corpus.in_memory import list_digest
from simemb.corpus.rows import Rows
from simemb.corpus.sources import Source
from simemb.method.lessons import by_source
from simemb.method.recipe import Recipe
from simemb.training.dataset import TrainingData
from simemb.training.examples import open_examples


@dataclass(frozen=True)
class Opened:
    """Data before they are tokenized.

    recipe: that of a run on these data alone. rows: as the recipe learns from them. labels: the column of labels that
    it learns from or that sorted them, or "".
    """

    recipe: Recipe
    rows: Rows
    labels: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The text columns, those of which a row may have several texts or none at the end."""
        return (*self.rows.columns, *self.rows.listed)


@dataclass(frozen=True)
class Material(Opened):
    """Data that are loaded."""

    data: TrainingData

    @property
    def examples(self) -> int:
        """The number of examples."""
        return self.data.examples(self.recipe.views)

    def record(self) -> dict[str, Any]:
        """What recipe.json says of one of several data, beside its name."""
        labels = {"labels": self.labels} if self.labels else {}
        content = {"digest": self.rows.digest(), "rows": len(self.data.online.table)}
        return {"columns": list(self.columns), **labels, **content}


def open_materials(
    recipe: Recipe, data: Any, columns: Sequence[str] | None, *, delimiter: str | None, header: bool
) -> list[Opened]:
    """The data as one, or one by one if the recipe keeps them apart.

    Raises:
        RecipeError: the recipe has lessons or weights, and not one for each.
        DataError: some of the data cannot be used, see `simemb.training.examples.open_examples`.
    """
    apart = (
        recipe.mix != "join"
        and isinstance(data, list | tuple)
        and all(isinstance(one, os.PathLike | Source | Rows) for one in data)
    )
    parts = list(data) if apart else [data]
    named = [lesson.columns or columns for lesson in recipe.lessons] or [columns] * len(parts)
    return [
        Opened(alone, *open_examples(alone, part, names, delimiter=delimiter, header=header))
        for part, alone, names in zip(parts, by_source(recipe, len(parts)), named, strict=True)
    ]


def samples(recipe: Recipe) -> Any:
    """The bundled corpora that suit a recipe: one, or one for each of its lessons."""
    if not recipe.lessons:
        return sample_for(recipe)
    return [sources.get(sample_for(alone)) for alone in by_source(recipe, len(recipe.lessons))]


def sample_for(recipe: Recipe) -> str:
    """The bundled corpus that suits a recipe without lessons."""
    if any(view.offset for view in recipe.views):
        return "sample_stories"
    if recipe.classed:
        return "sample_classes"
    if recipe.objective is not None and recipe.objective.scored:
        return "sample_pairs"
    return "sample" if recipe.columns == 1 else "sample_triplets"


def content_of(materials: Sequence[Material]) -> dict[str, Any]:
    """What recipe.json says about the data of a run: digest and rows of all, and of each if they are kept apart."""
    each = [material.record() for material in materials]
    if len(each) == 1:
        return {name: each[0][name] for name in ("digest", "rows")}
    digest = list_digest([one["digest"] for one in each])
    return {"digest": digest, "rows": sum(one["rows"] for one in each), "parts": each}
