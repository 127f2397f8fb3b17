"""Checks of a recipe's passes through the network: fixed dropout, and chunks."""

from typing import Any

from simemb.errors import RecipeError
from simemb.method.targets import view_plan


def check_passes(recipe: Any) -> None:
    """Raise `RecipeError` for fixed dropout or chunks that the views or the auxiliaries do not allow."""
    representatives = view_plan(
        recipe.views, recipe.target, recipe.memory, fixed_dropout=recipe.fixed_dropout
    ).representatives
    if recipe.fixed_dropout and all(place == first for place, first in representatives.items()):
        raise RecipeError("--fixed-dropout: no two views of the encoder are read alike, so there is no mask to fix")
    if recipe.chunk is not None and any(view.adversarial for view in recipe.views):
        raise RecipeError("--chunk: an adversarial view needs the gradient of the whole batch at once")
    sampled = any(view.sampled_dropout for view in recipe.views)
    if sampled and any(view.adversarial for view in recipe.views):
        raise RecipeError("SampledDropout: an adversarial view is made in one pass with the others, at one rate")
    for part in recipe.auxiliaries:
        name = type(part).__name__
        if part.whole_batch and len(representatives) > 1:
            raise RecipeError(f"{name} compares the texts of one view, and the encoder sees {len(representatives)}")
        if part.whole_batch and (recipe.chunk is not None or recipe.batch_size < 2):
            option = "chunk" if recipe.chunk is not None else "batch-size"
            raise RecipeError(f"--{option}: {name} compares the texts of a whole batch with each other, two at least")
        if recipe.chunk is not None and part.reads_head and getattr(recipe.head, "batch_norm", False):
            raise RecipeError(
                f"--chunk: {name} reads vectors after the head, whose batch norm needs the whole batch at once: set "
                "projected=False, or take a head without"
            )
