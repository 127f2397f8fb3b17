"""Which candidates do not count as negatives: those that say the same as the query.

Every function judges a matrix of one row for each query and one column for each candidate.
"""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor

from simemb.errors import RecipeError


@dataclass(frozen=True)
class FalseNegatives:
    """Leave out the negatives that an encoder finds too close to the query.

    Candidate c does not count for query i if s(i, c) > threshold, or if s(i, c) > s(i, key of i) - margin,
    where s is the cosine. The own key and the own hard negative are not judged.

    `margin=0, guided=True` is the guided in-batch selection of GISTEmbed (Solatorio, 2024); without a guide
    the model itself judges, and no gradient flows through what it says.
    """

    threshold: float | None = None
    """Cosine from -1 to 1 above which a candidate is left out; either this or a margin."""
    margin: float | None = None
    """From -1 to 1: a candidate is left out whose cosine exceeds that of the own key minus this."""
    guided: bool = False
    """Judge by the recipe's guide instead of the model that learns; the memory is then not judged."""

    def __post_init__(self) -> None:
        if (self.threshold is None) == (self.margin is None):
            raise RecipeError("objective.false_negatives takes either a threshold or a margin")
        for name, value in (("threshold", self.threshold), ("margin", self.margin)):
            if value is not None and not -1 <= value <= 1:
                raise RecipeError(f"objective.false_negatives.{name} must be from -1 to 1, not {value}")

    def among(
        self, similarities: Float[Tensor, "batch columns"], positive: Float[Tensor, "batch 1"]
    ) -> Bool[Tensor, "batch columns"]:
        """Where a candidate is too close, given its cosines and those of the own keys."""
        if self.threshold is not None:
            return similarities > self.threshold
        return similarities > positive - (self.margin or 0.0)


def duplicates(
    candidates: Int[Tensor, "columns"],
    queries: Int[Tensor, "all"],
    query: Int[Tensor, "batch"],
    key: Int[Tensor, "batch"],
) -> Bool[Tensor, "batch columns"]:
    """Where the text of a candidate is that of the query or of its key, or belongs to the same query.

    candidates: numbers of texts, of which the first `all` are the keys of `queries`. query, key: those of
    this process's rows.
    """
    same = (candidates == query[:, None]) | (candidates == key[:, None])
    same[:, : len(queries)] |= queries == query[:, None]
    return same
