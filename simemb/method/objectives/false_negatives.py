"""Masks of candidates that do not count as negatives because they mean the same as the query.

Every mask has one row for each query and one column for each candidate.
"""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor

from simemb.arguments import checked_fields
from simemb.errors import RecipeError
from simemb.method.deferral import deferrable


@checked_fields
@dataclass(frozen=True)
class FalseNegatives:
    """Leave out the negatives that are too close to the query, according to an encoder.

    Candidate c does not count for query i if s(i, c) > threshold, or if s(i, c) > s(i, key of i) - margin,
    where s is the cosine. The query's own key and own hard negatives always count.

    `margin=0, guided=True` is the guided in-batch selection of GISTEmbed (Solatorio, 2024); without a guide
    the cosines are the trained model's own, without gradient.
    """

    threshold: float | None = None
    """Cosine from -1 to 1 above which a candidate is left out. Set either this or a margin."""
    margin: float | None = None
    """From -1 to 1; candidates whose cosine exceeds that of the own key minus the margin are left out."""
    guided: bool = False
    """Whether the cosines are those of the recipe's guide, not of the trained model; the memory then always counts."""

    @deferrable
    def __post_init__(self) -> None:
        if (self.threshold is None) == (self.margin is None):
            raise RecipeError("objective.false_negatives takes either a threshold or a margin")
        for name, value in (("threshold", self.threshold), ("margin", self.margin)):
            if value is not None and not -1 <= value <= 1:
                raise RecipeError(f"objective.false_negatives.{name} must be from -1 to 1, not {value}")

    def among(
        self, similarities: Float[Tensor, "batch columns"], positive: Float[Tensor, "batch 1"]
    ) -> Bool[Tensor, "batch columns"]:
        """Mask of the candidates that are too close, from their cosines and those of the own keys."""
        if self.threshold is not None:
            return similarities > self.threshold
        return similarities > positive - (self.margin or 0.0)


def duplicates(
    candidates: Int[Tensor, "columns"],
    queries: Int[Tensor, "all"],
    query: Int[Tensor, "batch"],
    key: Int[Tensor, "batch"],
) -> Bool[Tensor, "batch columns"]:
    """Mask of the candidates with the text of the query or of its key, and of keys whose query has the same text.

    candidates: text numbers, of which the first `all` are the keys of `queries`. query, key: text numbers of this
    process's rows.
    """
    same = (candidates == query[:, None]) | (candidates == key[:, None])
    same[:, : len(queries)] |= queries == query[:, None]
    return same
