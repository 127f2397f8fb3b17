"""Sum: several objectives of the same vectors, each with its weight and, as a `Term`, with a queue of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simemb.arguments import checked_fields
from simemb.errors import RecipeError
from simemb.method.deferral import deferrable
from simemb.method.memory import Queue
from simemb.method.objectives.base import Objective, Pair
from simemb.method.objectives.composed import Composed, name_of, terms

Loss = Callable[[Pair], Float[Tensor, ""]]


@checked_fields
@dataclass(frozen=True)
class Sum(Composed):
    """loss = sum over k of w_k * l_k

    l_k: the k-th objective; w_k: its own `weight`. All see the same `Pair`: the recipe's views, memory and guide serve
    each term that asks for them. The loss of each is logged as `term_k`, without its weight.
    """

    objectives: tuple[Objective, ...]
    """The terms, in order."""

    @deferrable
    def __post_init__(self) -> None:
        if not self.objectives:
            raise RecipeError("objective.objectives: a sum needs a term")
        for place, part in enumerate(self.objectives):
            if not 0 <= part.weight < inf:
                raise RecipeError(f"objective.objectives.{place}.weight must be at least 0, not {part.weight}")
        for flag, reason in (
            ("banked", "takes its keys from a bank"),
            ("clustered", "works on scores of prototypes"),
        ):
            if getattr(self, flag) and not all(getattr(term, flag) for term in terms(self)):
                other = next(name_of(term) for term in terms(self) if not getattr(term, flag))
                raise RecipeError(f"{name_of(self, flag)} {reason} and {other} does not: one sum cannot have both")
        asked = [flag for flag in ("scored", "graded", "classed") if getattr(self, flag)]
        if len(asked) > 1:
            first, second = (name_of(self, flag) for flag in asked[:2])
            raise RecipeError(f"{first} and {second} learn from different labels, and a row of data has one kind")

    @property
    def parts(self) -> tuple[Objective, ...]:
        """The terms."""
        return self.objectives

    def build(self, width: int) -> "SumLoss":
        """The loss with the states of its terms, if they have any."""
        return SumLoss(self, [part.build(width) for part in self.objectives])


class SumLoss(nn.Module):
    """The loss of `Sum`, with the states of its terms."""

    def __init__(self, spec: Sum, losses: Sequence[Loss]) -> None:
        super().__init__()
        self.weights = [part.weight for part in spec.objectives]
        self.losses = losses
        self.states = nn.ModuleDict(
            {str(place): loss for place, loss in enumerate(losses) if isinstance(loss, nn.Module)}
        )

    def forward(self, pair: Pair) -> Float[Tensor, ""]:
        """The weighted sum of the terms."""
        return self.total(self.terms(pair))

    def terms(self, pair: Pair) -> Float[Tensor, "terms"]:
        """The loss of each term, without its weight."""
        return torch.stack([loss(pair) for loss in self.losses])

    def total(self, losses: Float[Tensor, "terms"]) -> Float[Tensor, ""]:
        """The weighted sum of the losses of the terms."""
        return torch.stack([weight * loss for weight, loss in zip(self.weights, losses, strict=True)]).sum()


@checked_fields
@dataclass(frozen=True)
class Term(Composed):
    """An objective with a queue of its own: in a sum, one term then sees past keys and another does not.

    It takes the place of the recipe's queue, which serves all other terms that use one.
    """

    objective: Objective
    """The loss. Its own `weight` must stay 1: that of the term counts."""
    memory: Queue
    """Its negatives of earlier batches: all keys that the target encodes."""

    @deferrable
    def __post_init__(self) -> None:
        if self.objective.weight != 1:
            raise RecipeError("a term's objective.weight is not used: set the weight of the term")
        if not self.objective.outsiders:
            raise RecipeError(f"a queue holds negatives, for which {name_of(self.objective)} has no use")
        if self.memory.view is not None:
            raise RecipeError("the queue of a term takes all keys: only the recipe's memory can have a view")

    @property
    def parts(self) -> tuple[Objective, ...]:
        """The objective."""
        return (self.objective,)

    def build(self, width: int) -> "TermLoss":
        """The loss with its queue, for keys of `width` dimensions."""
        return TermLoss(self, width)


class TermLoss(nn.Module):
    """The loss of `Term`, with its queue, which `simemb.method.method` fills after each batch."""

    def __init__(self, spec: Term, width: int) -> None:
        super().__init__()
        self.queue = spec.memory.build(width, torch.Generator().manual_seed(0))
        self.loss = spec.objective.build(width)

    def forward(self, pair: Pair) -> Float[Tensor, ""]:
        """The loss with the queue for a memory."""
        keys, numbers = self.queue.read()
        texts = None if pair.texts is None else replace(pair.texts, memory=numbers)
        return self.loss(replace(pair, memory=keys, texts=texts))


def served(objective: Objective | None) -> list[Objective]:
    """The losses that the recipe's memory serves: all but those with a queue of their own."""
    if isinstance(objective, Term):
        return []
    if isinstance(objective, Composed):
        return [term for part in objective.parts for term in served(part)]
    return [] if objective is None else [objective]
