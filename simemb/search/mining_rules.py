"""Which texts near an anchor become its hard negatives: limits on their similarity and rank."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

from simemb.arguments import checked_fields
from simemb.errors import DataError, unknown

if TYPE_CHECKING:
    from simemb.search.hits import Hit


@checked_fields
@dataclass(frozen=True)
class Rules:
    """Which texts n near an anchor a become its negatives; p is the positive of the same row.

    A candidate is one of the `depth` texts nearest to a, is neither a nor one of its positives, and satisfies

        cos(a, n) <= min(cos(a, p) - margin, cos(a, p) - relative_margin |cos(a, p)|, max_similarity),

    without the terms that are None. The negatives are the nearest candidates, or random ones.

    relative_margin=0.05 is TopK-PercPos at 95 %, the best of Moreira et al. (2024); margin is their TopK-MarginPos,
    max_similarity their TopK-Abs, skip their Top-K shifted by N. With a reranker its relevances, from 0 to 1, take the
    place of the cosines in the formula; candidates are still found by cosines.
    """

    negatives: int = 1
    """Negatives of a row, 1 or more. A row with fewer candidates gets fewer."""
    depth: int = 100
    """Nearest texts searched for each anchor. More finds more negatives and takes longer."""
    skip: int = 0
    """Skip this many of the nearest texts that are not known positives, as they may be unlabeled positives."""
    margin: float = 0.0
    """Least difference between the similarities of the positive and a negative, in [-2, 2]; -2 allows all."""
    relative_margin: float | None = None
    """The same difference as a share of the positive's similarity, in [0, 1]: 0.05 allows up to 95 % of it."""
    max_similarity: float | None = None
    """Highest similarity of a negative and the anchor, in [-1, 1]."""
    pick: Literal["nearest", "random"] = "nearest"
    """Take the nearest candidates, which are the hardest, or random ones."""
    seed: int = 1
    """Seed of `--pick random`."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("negatives", 1, None),
            ("skip", 0, None),
            ("depth", self.skip + self.negatives, None),
            ("margin", -2, 2),
            ("relative_margin", 0, 1),
            ("max_similarity", -1, 1),
            ("seed", 0, None),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= (high or float("inf")):
                allowed = f"{low} or more" if high is None else f"in [{low}, {high}]"
                reason = " (skip + negatives)" if name == "depth" else ""
                raise DataError(f"{name} must be {allowed}{reason}, not {value}")
        if self.pick not in ("nearest", "random"):
            raise DataError(unknown("pick", self.pick, ["nearest", "random"]))

    def choose(
        self,
        hits: Iterable["Hit"],
        positive: float,
        rng: random.Random,
        similarity: "Callable[[Hit], float]" = attrgetter("score"),
    ) -> list["Hit"]:
        """The negatives among the hits that are not known positives; the nearest comes first.

        positive: cos(a, p), in [-1, 1]. similarity: gives that of a hit; by default the cosine by which it was found.
        """
        limit = positive - self.margin
        if self.relative_margin is not None:
            limit = min(limit, positive - self.relative_margin * abs(positive))
        if self.max_similarity is not None:
            limit = min(limit, self.max_similarity)
        candidates = (hit for hit in islice(hits, self.skip, None) if similarity(hit) <= limit)
        if self.pick == "nearest":
            return list(islice(candidates, self.negatives))
        pool = list(candidates)
        return sorted(rng.sample(pool, min(self.negatives, len(pool))), key=lambda hit: hit.rank)
