"""Which heads and predictors a recipe can have."""

from typing import Any

from simemb.errors import RecipeError
from simemb.method.objectives import Matryoshka


def check_heads(recipe: Any) -> None:
    """Raise `RecipeError` for kept layers where none can be kept, and for nested sizes that training would drop."""
    head, predictor = recipe.head, recipe.predictor
    if predictor is not None and predictor.keep:
        raise RecipeError("a predictor is never part of the encoder: it keeps no layers")
    if isinstance(recipe.objective, Matryoshka) and predictor is not None:
        raise RecipeError("the predictor is dropped after training, and the nested sizes with it: leave it out")
    if isinstance(recipe.objective, Matryoshka) and head is not None and head.dropped:
        raise RecipeError(
            "the head is dropped after training, and the nested sizes with it: keep all of it (--head.keep), "
            "or have none"
        )
