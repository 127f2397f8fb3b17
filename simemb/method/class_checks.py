"""What a recipe must be to learn from class labels of single texts."""

from typing import Any

from simemb.errors import RecipeError
from simemb.method.objectives import name_of, terms


def is_alone(recipe: Any) -> bool:
    """Whether the recipe has one view, whose texts are compared with each other by one network."""
    alone = len(recipe.views) == 1 and recipe.views[0].online and recipe.views[0].target
    classed = recipe.classed and all(term.classed for term in terms(recipe.objective))
    return alone and classed and recipe.target is None and recipe.predictor is None


def check_classes(recipe: Any) -> None:
    """Raise `RecipeError` for texts that have no label, and for groups of a label that no batch can hold."""
    if recipe.classed and any(view.text != (0, 0) for view in recipe.views):
        raise RecipeError(
            f"{name_of(recipe.objective, 'classed')} learns from labels of single texts: views of column 0 only"
        )
    several = recipe.per_label
    if several is None:
        return
    if not recipe.classed and not any(lesson.objective and lesson.objective.classed for lesson in recipe.lessons):
        raise RecipeError("--per-label groups texts by class labels, from which the recipe does not learn; SupCon does")
    if not 2 <= several <= recipe.batch_size:
        raise RecipeError(f"--per-label must be from 2 to --batch-size ({recipe.batch_size}), not {several}")
