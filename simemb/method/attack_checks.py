"""Checks of adversarial views: something must read each of them, and a gradient must reach it.

An attack follows the gradient of a loss of clean vectors: that of the labels if the recipe learns from any, else that
of the objective (`simemb.method.embedding_augmentations.Adversarial`). Where this gradient is 0, nothing would move.
"""

from collections.abc import Sequence

from simemb.errors import RecipeError
from simemb.method.auxiliaries import Auxiliary
from simemb.method.memory import Memory
from simemb.method.objectives import Objective
from simemb.method.targets import StopGradient, Target, view_plan
from simemb.method.views import View, clean_views, pairs


def check_attacks(
    views: tuple[View, ...],
    objective: Objective | None,
    target: Target | None,
    memory: Memory | None,
    auxiliaries: Sequence[Auxiliary],
) -> None:
    """Raise `RecipeError` for an adversarial view without effect, with the reason."""
    attacked = [place for place, view in enumerate(views) if view.adversarial]
    if not attacked:
        return
    plan = view_plan(views, target, memory)
    if any(place in plan.second for place in attacked):
        raise RecipeError("an adversarial view is made with the encoder's gradient: no slow copy or twin can see it")
    labeled = next((part for part in auxiliaries if part.labeled), None)
    clean = clean_views({place: views[place] for place in plan.online})
    queries, keys = _compared(views, objective)
    for place in attacked:
        if objective is None or place not in queries | keys:
            raise RecipeError(
                f"view {place} is adversarial, and no objective compares it: labels are learnt from clean views, so "
                "nothing would read it"
            )
        if labeled is not None:
            _check_labeled(place, views[place], labeled, clean)
        elif place not in queries and (isinstance(target, StopGradient) or objective.clustered):
            sender = StopGradient() if isinstance(target, StopGradient) else objective
            raise RecipeError(
                f"view {place} is adversarial and only a key, and {type(sender).__name__} sends no gradient to keys: "
                "make it a query (online=True)"
            )


def _compared(views: tuple[View, ...], objective: Objective | None) -> tuple[set[int], set[int]]:
    """The views whose vectors are queries of an objective, and those that are keys or negatives."""
    if objective is not None and objective.banked:
        return {place for place, view in enumerate(views) if view.online}, set()
    negatives = {place for place, view in enumerate(views) if view.negative}
    return {i for i, _ in pairs(views)}, {j for _, j in pairs(views)} | negatives


def _check_labeled(place: int, view: View, labeled: Auxiliary, clean: dict[tuple[int, int], int]) -> None:
    name = type(labeled).__name__
    if not labeled.reads(view):
        raise RecipeError(
            f"view {place} is adversarial and attacks the loss of {name}, which does not read its text "
            f"(column {view.column}, offset {view.offset}): no gradient reaches it"
        )
    if view.text not in clean:
        raise RecipeError(
            f"view {place} is adversarial, and {name} learns from clean vectors: add a clean view of column "
            f"{view.column} for the encoder"
        )
