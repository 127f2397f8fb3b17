"""The input and the interface of all objectives.

Objectives are mathematics only: they depend on no model and no data, so each can be tested on two matrices.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from simemb.errors import RecipeError


@dataclass(frozen=True)
class Texts:
    """Numbers that are equal exactly where texts are equal, one for each row of a `Pair`'s matrices.

    query, key, hard: the texts of all processes. memory: the texts in the memory.
    """

    query: Int[Tensor, "all"]
    key: Int[Tensor, "all"]
    hard: Int[Tensor, "negatives"] | None = None
    memory: Int[Tensor, "memory"] | None = None


@dataclass(frozen=True)
class Grades:
    """Scores of a reranker: of this process's queries with their keys, of all hard negatives with their own query."""

    key: Float[Tensor, "batch"]
    hard: Float[Tensor, "negatives"]


@dataclass(frozen=True)
class Pair:
    """The vectors of one pair of views, a row for each example.

    query: the online branch's vectors of one view, in this process: rows `first` to `first` + batch - 1 of the whole
    batch. key: the target branch's vectors of the other view, in all processes; the key of query i is row
    `first` + i. hard: the hard negatives, in all processes, any number for each example; owner: the example of each, as
    a row of `key`, by default one for each example in order. memory: negatives from earlier batches (of a bank: all its
    vectors). others: the queries of all processes, by default `query`. rows: for a bank, the numbers of this process's
    examples in the data. scores: those of this process's examples, if the data has them. texts: which texts are equal.
    labels: the classes of the texts of all processes as numbers, if the recipe learns from class labels. same: whether
    the keys are the queries, in a recipe of one view. guide: a guide's vectors of the same rows. progress: the fraction
    of the training that is done, from 0 to 1. grades: the scores of a reranker, if the objective asks for them.
    """

    query: Float[Tensor, "batch width"]
    key: Float[Tensor, "all key_width"]
    hard: Float[Tensor, "negatives key_width"] | None = None
    memory: Float[Tensor, "memory key_width"] | None = None
    first: int = 0
    others: Float[Tensor, "all width"] | None = None
    rows: Int[Tensor, "batch"] | None = None
    scores: Float[Tensor, "batch"] | None = None
    texts: Texts | None = None
    labels: Int[Tensor, "all"] | None = None
    same: bool = False
    guide: "Pair | None" = None
    progress: float = 0.0
    owner: Int[Tensor, "negatives"] | None = None
    grades: Grades | None = None

    @property
    def owners(self) -> Int[Tensor, "negatives"]:
        """The example of each hard negative, as a row of `key`."""
        count = 0 if self.hard is None else len(self.hard)
        return torch.arange(count, device=self.key.device) if self.owner is None else self.owner

    @property
    def own_negatives(self) -> tuple[Int[Tensor, "own"], Int[Tensor, "own"]]:
        """The places in `hard` of this process's hard negatives, and the row of `query` that each belongs to."""
        row = self.owners - self.first
        place = ((row >= 0) & (row < len(self.query))).nonzero().flatten()
        return place, row[place]

    @property
    def queries(self) -> Float[Tensor, "all width"]:
        """The queries of all processes."""
        return self.query if self.others is None else self.others

    @property
    def own(self) -> slice:
        """The rows of this process among those of all processes."""
        return slice(self.first, self.first + len(self.query))


@dataclass(frozen=True)
class Objective:
    """From a pair of views to a scalar.

    A subclass is a frozen dataclass with the constants of its paper. Without state it computes the loss in `__call__`;
    with state (a learnt temperature, a center) its `build` returns a module that does.
    """

    weight: float = field(default=1.0, kw_only=True)
    """Factor on the loss; papers differ in whether they sum or average."""

    negatives: ClassVar[bool] = False
    """Whether other examples of the batch are pushed away; a batch of one then has nothing to learn from."""
    outsiders: ClassVar[bool] = False
    """Whether it uses views of negatives and the negatives of a queue."""
    rowwise: ClassVar[bool] = False
    """Whether it compares a query with its own hard negatives only, so that there must be a view of them."""
    scored: ClassVar[bool] = False
    """Whether the data must have a score for every pair."""
    graded: ClassVar[bool] = False
    """Whether the data or a reranker must score every candidate: the positive and each negative of a row."""
    classed: ClassVar[bool] = False
    """Whether the data must have a class label for every text, instead of further texts."""
    banked: ClassVar[bool] = False
    """Whether the keys come from a memory bank, so that there is no second view."""
    clustered: ClassVar[bool] = False
    """Whether it works on scores of prototypes (`MLP(prototypes=...)`)."""
    guided: ClassVar[bool] = False
    """Whether it asks a guide (`Pair.guide`)."""
    any_width: ClassVar[bool] = False
    """Whether keys may have another width than queries."""

    @property
    def takes_negatives(self) -> bool:
        """Whether it has a use for views of negatives."""
        return self.outsiders or self.rowwise

    def build(self, width: int) -> "Callable[[Pair], Float[Tensor, '']]":  # noqa: ARG002
        """The callable or module that computes the loss for `width` dimensions: by default the objective itself."""
        return self

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:  # noqa: ARG002
        """The loss, a mean over the queries, without `weight`."""
        raise TypeError(f"{type(self).__name__} has state: what build(width) gives computes the loss")


def above_zero(objective: Objective, *names: str) -> None:
    """Raise `RecipeError` for the first of these fields that is not above 0; None passes."""
    for name in names:
        value = getattr(objective, name)
        if value is not None and not value > 0:
            raise RecipeError(f"objective.{name} must be above 0, not {value}")


def at_least(least: int, objective: Objective, *names: str) -> None:
    """Raise `RecipeError` for the first of these fields that is below `least`."""
    for name in names:
        value = getattr(objective, name)
        if not value >= least:
            raise RecipeError(f"objective.{name} must be at least {least}, not {value}")


def cosines(a: Float[Tensor, "rows dim"], b: Float[Tensor, "columns dim"]) -> Float[Tensor, "rows columns"]:
    """Cosine of every row of a with every row of b; 0 for a zero vector."""
    return normalize(a, dim=1) @ normalize(b, dim=1).T
