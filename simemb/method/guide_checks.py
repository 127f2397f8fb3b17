"""Checks of a recipe's guides: an objective must ask for them, and their weights must be theirs."""

from math import inf
from typing import Any

from simemb.errors import RecipeError
from simemb.method.lessons import objectives_of
from simemb.method.objectives import InfoNCE, name_of, terms


def check_guide(recipe: Any) -> None:
    """Raise `RecipeError` for guides that nothing asks, for none where one is asked, and for weights of none."""
    objective, guides = recipe.objective, recipe.guides
    if objective.guided and not guides:
        raise RecipeError(f"{name_of(objective, 'guided')} asks a guide, and the recipe has none: set --guide MODEL")
    if guides and not any(each and each.guided for each in objectives_of(recipe)):
        if any(isinstance(term, InfoNCE) for term in terms(objective)):
            raise RecipeError("false negatives: the recipe lacks FalseNegatives(guided=True) to judge")
        raise RecipeError(f"--guide judges texts, about which {name_of(objective)} does not ask")
    weights = recipe.guide_weights
    if weights and len(weights) != len(guides):
        raise RecipeError(f"--guide-weights: there are {len(weights)} for {len(guides)} guides: give one for each")
    if not all(0 < weight < inf for weight in weights):
        raise RecipeError(f"--guide-weights must each be above 0, not {weights}")
