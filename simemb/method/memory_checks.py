"""Checks of a memory: the objective must ask for it, and the view of a queue must be there to fill it."""

from collections.abc import Sequence

from simemb.errors import RecipeError
from simemb.method.memory import Bank, Memory, Noise, Queue
from simemb.method.objectives import Objective, name_of, served
from simemb.method.targets import Frozen, Target
from simemb.method.views import View


def check_memory(objective: Objective, memory: Memory | None, views: Sequence[View], target: Target | None) -> None:
    """Raise `RecipeError` for a memory that the objective has no use for, and for one that it lacks."""
    if objective.banked and not isinstance(memory, Bank):
        raise RecipeError(
            f"{name_of(objective, 'banked')} takes its keys from a bank: give the recipe a memory=Bank(...)"
        )
    if isinstance(memory, Bank) and not objective.banked:
        raise RecipeError(f"a bank gives keys by example, which {name_of(objective)} does not ask for; NCE does")
    if isinstance(memory, Queue | Noise) and not objective.outsiders:
        kind, name = "a queue holds" if isinstance(memory, Queue) else "noise serves as", name_of(objective)
        raise RecipeError(f"{kind} negatives, and {name} {of_negatives(objective)}: leave the memory out")
    if isinstance(memory, Queue | Noise) and not any(term.outsiders for term in served(objective)):
        raise RecipeError("each term that takes negatives of a queue has its own: leave the memory out")
    if isinstance(memory, Queue) and memory.view is not None:
        _check_queued(memory.view, views, target)


def _check_queued(place: int, views: Sequence[View], target: Target | None) -> None:
    """The view of a queue must exist with any data, and the network that makes the keys must encode it."""
    if place not in range(len(views)):
        raise RecipeError(f"--memory.view {place}: the recipe has views 0 to {len(views) - 1}")
    if any(view.negative for view in views[: place + 1]):
        raise RecipeError(f"--memory.view {place}: negatives, which not all data has, stand behind what a queue takes")
    if isinstance(target, Frozen) and not views[place].target:
        raise RecipeError(f"--memory.view {place}: a frozen teacher sees no such view, only those that are keys")


def of_negatives(objective: Objective) -> str:
    """What an objective without outsiders has to do with negatives, in words."""
    return "meets those of the batch only" if objective.negatives else "has none"
