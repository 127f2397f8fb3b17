"""Matryoshka: any objective at several lengths of the same vectors.

The first columns then are an embedding of their own, and an encoder can be truncated after training.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simemb.arguments import checked_fields
from simemb.errors import RecipeError
from simemb.method.deferral import deferrable
from simemb.method.objectives.base import Objective, Pair
from simemb.method.objectives.composed import Composed, name_of, walk

Loss = Callable[[Pair], Float[Tensor, ""]]


@checked_fields
@dataclass(frozen=True)
class Matryoshka(Composed):
    """loss = sum over d of c_d * objective(the first d columns of every vector)

    Kusupati et al., 2022, eq. 1, with all c_d = 1. The vectors of a guide are not shortened, nor are keys that may
    differ in width from the queries.
    """

    objective: Objective
    """The objective at each length. Its own `weight` must stay 1: the weights are set here."""
    dims: tuple[int, ...] | None = None
    """The lengths d, ascending, up to the width of the vectors; by default the width and three halvings of it."""
    weights: tuple[float, ...] | None = None
    """The factors c_d, at least 0, one for each of `dims`; by default 1."""

    @deferrable
    def __post_init__(self) -> None:
        for flag, reason in (
            ("banked", "a memory bank holds vectors of one length"),
            ("clustered", "its columns are scores of prototypes, of which the first are no better than the rest"),
        ):
            if getattr(self.objective, flag):
                raise RecipeError(f"Matryoshka cannot wrap {name_of(self.objective, flag)}: {reason}")
        if self.objective.weight != 1:
            raise RecipeError("objective.objective.weight is not used: set objective.weight or objective.weights")
        dims = self.dims if self.dims is not None else (1, 2, 4, 8)
        if not dims or dims[0] < 1 or any(low >= high for low, high in pairwise(dims)):
            raise RecipeError(f"objective.dims must ascend from at least 1, not {self.dims}")
        if self.weights is not None and len(self.weights) != len(dims):
            raise RecipeError(f"objective.weights must be {len(dims)}, one for each of dims, not {self.weights}")
        if not all(factor >= 0 for factor in self.weights or ()):
            raise RecipeError(f"objective.weights must be at least 0, not {self.weights}")

    @property
    def parts(self) -> tuple[Objective, ...]:
        """The objective at each length."""
        return (self.objective,)

    def build(self, width: int) -> "Matryoshka | Nested":
        """The objective itself; if the inner one has state, a module that holds a state for each of the dims.

        Raises:
            RecipeError: the vectors have fewer columns than the longest of the dims.
        """
        dims = self.sizes(width)
        if dims[-1] > width:
            raise RecipeError(f"objective.dims must be at most {width}, the width of the vectors, not {dims[-1]}")
        modules = [loss for loss in map(self.objective.build, dims) if isinstance(loss, nn.Module)]
        return Nested(self, modules) if modules else self

    def sizes(self, width: int) -> tuple[int, ...]:
        """The lengths, for vectors of `width` dimensions.

        >>> from simemb import InfoNCE
        >>> Matryoshka(InfoNCE()).sizes(384)
        (48, 96, 192, 384)
        """
        return self.dims if self.dims is not None else tuple(max(width >> halvings, 1) for halvings in (3, 2, 1, 0))

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The weighted sum over the dims."""
        return self.weighted_sum([self.objective] * len(self.sizes(pair.query.shape[1])), pair)

    def weighted_sum(self, losses: Sequence[Loss], pair: Pair) -> Float[Tensor, ""]:
        """The weighted sum of these losses, one for each length."""
        dims = self.sizes(pair.query.shape[1])
        weights = self.weights or (1.0,) * len(dims)
        pairs = [shorten(pair, dim, keys=not self.any_width) for dim in dims]
        terms = [weight * loss(shorter) for loss, shorter, weight in zip(losses, pairs, weights, strict=True)]
        return torch.stack(terms).sum()


class Nested(nn.Module):
    """Matryoshka around an objective with state, which each of the dims has for itself."""

    def __init__(self, objective: Matryoshka, losses: Sequence[nn.Module]) -> None:
        super().__init__()
        self.objective = objective
        self.losses = nn.ModuleList(losses)

    def forward(self, pair: Pair) -> Float[Tensor, ""]:
        """The weighted sum over the dims."""
        return self.objective.weighted_sum(list(self.losses), pair)


def shorten(pair: Pair, dim: int, *, keys: bool = True) -> Pair:
    """The pair with the first `dim` columns of its vectors, or of its queries only; the guide's stay whole."""
    others = None if pair.others is None else pair.others[:, :dim]
    pair = replace(pair, query=pair.query[:, :dim], others=others)
    if not keys:
        return pair
    hard, memory = (None if block is None else block[:, :dim] for block in (pair.hard, pair.memory))
    return replace(pair, key=pair.key[:, :dim], hard=hard, memory=memory)


def nested_sizes(objective: Objective | None, width: int) -> tuple[int, ...]:
    """The lengths of all Matryoshkas in an objective, ascending, for vectors of `width` dimensions; () without any.

    >>> from simemb import CoSENT, InfoNCE, Sum
    >>> nested_sizes(Sum((Matryoshka(InfoNCE(), (64, 384)), CoSENT())), 384)
    (64, 384)
    """
    return tuple(
        sorted({size for each in walk(objective) if isinstance(each, Matryoshka) for size in each.sizes(width)})
    )
