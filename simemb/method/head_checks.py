"""Checks of head and predictor: which of their layers may be kept, and what they leave of nested sizes."""

from simemb.errors import RecipeError
from simemb.method.heads import Head
from simemb.method.objectives import Matryoshka, Objective, walk


def check_heads(head: Head | None, predictor: Head | None, objective: Objective | None) -> None:
    """Raise `RecipeError` for layers that cannot be kept, or that nested sizes would not survive."""
    if predictor is not None and predictor.keep:
        raise RecipeError("a predictor is never part of the encoder: it keeps no layers")
    nested = any(isinstance(each, Matryoshka) for each in walk(objective))
    if nested and predictor is not None:
        raise RecipeError("the predictor is dropped after training, and the nested sizes with it: leave it out")
    if nested and head is not None and head.dropped:
        raise RecipeError(
            "the head is dropped after training, and the nested sizes with it: keep all of it (--head.keep), "
            "or have none"
        )
