"""Checks of a recipe's passes through the network: fixed dropout, and chunks."""

from typing import Any

from simemb.errors import RecipeError
from simemb.method.targets import view_plan


def check_passes(recipe: Any) -> None:
    """Raise `RecipeError` for fixed dropout or chunks that the views do not allow."""
    representatives = view_plan(
        recipe.views, recipe.target, recipe.memory, fixed_dropout=recipe.fixed_dropout
    ).representatives
    if recipe.fixed_dropout and all(place == first for place, first in representatives.items()):
        raise RecipeError("--fixed-dropout: no two views of the encoder are read alike, so there is no mask to fix")
    if recipe.chunk is not None and any(view.adversarial for view in recipe.views):
        raise RecipeError("--chunk: an adversarial view needs the gradient of the whole batch at once")
