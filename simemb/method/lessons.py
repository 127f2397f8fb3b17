"""Lessons: what a recipe learns from each of several sources, where they are not all read alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from simemb.arguments import checked_fields
from simemb.errors import RecipeError
from simemb.method.objectives import Objective
from simemb.method.views import View


@checked_fields
@dataclass(frozen=True)
class Lesson:
    """What one of several sources teaches; what is left out is as the recipe has it.

    All lessons train one encoder, through one head, predictor and second network, which are the recipe's. An objective
    with a state and a memory are each source's own.
    """

    views: tuple[View, ...] = ()
    """Which columns of the source are encoded, and how."""
    objective: Objective | None = None
    """The loss of its batches."""
    columns: tuple[str, ...] = ()
    """Its text columns by name, in role order; by default those that the run names, or recognized ones."""


def views_of(recipe: Any) -> Sequence[tuple[View, ...]]:
    """The views of each lesson, or those of the recipe alone."""
    return [lesson.views or recipe.views for lesson in recipe.lessons] or [recipe.views]


def objectives_of(recipe: Any) -> Sequence[Objective | None]:
    """The objective of each lesson, or that of the recipe alone."""
    return [lesson.objective or recipe.objective for lesson in recipe.lessons] or [recipe.objective]


def by_source(recipe: Any, sources: int) -> list[Any]:
    """For each source the recipe of a run on that source alone.

    Raises:
        RecipeError: there are lessons or weights, and not one for each source.
    """
    for name, given in (("lessons", recipe.lessons), ("weights", recipe.weights)):
        if given and len(given) != sources:
            raise RecipeError(f"the recipe has {len(given)} {name} for {sources} sources of data: give one for each")
    if recipe.lessons:
        return list(_alone(recipe))
    return [replace(recipe, mix="join", weights=())] * sources


def _alone(recipe: Any) -> Iterator[Any]:
    for number, lesson in enumerate(recipe.lessons):
        views, objective = lesson.views or recipe.views, lesson.objective or recipe.objective
        asked = {  # what another lesson has a use for need not be of use to this one
            "per_label": objective is not None and objective.classed,
            "negatives": any(view.optional for view in views),
            "reranker": objective is not None and objective.graded,
            "guide": objective is not None and objective.guided,
        }
        given = {name: getattr(recipe, name) if used else None for name, used in asked.items()}
        given |= {"views": views, "objective": objective}
        given |= {"guide_weights": recipe.guide_weights if given["guide"] is not None else ()}
        try:
            yield replace(recipe, **given, mix="join", weights=(), lessons=())
        except RecipeError as error:
            raise RecipeError(f"lessons.{number}: {error}") from error


def check_sources(recipe: Any) -> None:
    """Raise `RecipeError` for lessons and weights that no run could use."""
    if recipe.lessons and recipe.mix == "join":
        raise RecipeError("--mix join makes one of all data, and the recipe has a lesson for each: choose another mix")
    if recipe.weights and recipe.mix != "proportional":
        raise RecipeError(f"--mix {recipe.mix} gives no weight to a source: weights go with --mix proportional")
    if not all(0 < weight < inf for weight in recipe.weights):
        raise RecipeError(f"--weights must each be above 0, not {recipe.weights}")
    if recipe.auxiliaries and any(lesson.views for lesson in recipe.lessons):
        raise RecipeError(
            f"{type(recipe.auxiliaries[0]).__name__} reads the views of the recipe, and a lesson has its own: leave "
            "one of them out"
        )
    for _ in _alone(recipe):  # each is checked as it is made
        pass
