"""Checks of the views of negatives, and of views that change their text."""

from typing import Any

from simemb.errors import RecipeError
from simemb.method.memory_checks import of_negatives
from simemb.method.objectives import InfoNCE, Objective, name_of, terms


def check_negatives(recipe: Any) -> None:
    """Raise `RecipeError` for views of negatives that nothing reads, and for an objective that lacks them."""
    objective: Objective = recipe.objective
    given = any(view.negative for view in recipe.views)
    if objective.rowwise and not given:
        name = name_of(objective, "rowwise")
        raise RecipeError(f"{name} compares a row's own candidates: give the recipe a view of negatives")
    if given and not objective.takes_negatives:
        without = any(isinstance(term, InfoNCE) for term in terms(objective))
        why = "leaves them out (hard_negatives=False)" if without else of_negatives(objective)
        raise RecipeError(f"a view of negatives has no place: {name_of(objective)} {why}")


def check_changes(recipe: Any) -> None:
    """Raise `RecipeError` where a view changes its text, and a score or another model is about the text as it is."""
    changed = next((place for place, view in enumerate(recipe.views) if view.changes), None)
    if changed is None or recipe.objective is None:
        return
    judges = {
        "a guide judges": bool(recipe.guides),
        f"{name_of(recipe.objective, 'graded')} learns from scores of": recipe.objective.graded,
        f"{name_of(recipe.objective, 'scored')} learns from scores of": recipe.objective.scored,
    }
    for judge, present in judges.items():
        if present:
            kind = type(recipe.views[changed].changes[0]).__name__
            raise RecipeError(f"{judge} the texts as they are, and {kind} makes others of those of view {changed}")
