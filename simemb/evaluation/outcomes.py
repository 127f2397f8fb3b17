"""What an encoder made of every single unit of a task: what comparisons and pictures are made from.

A unit is a pair, a sentence or a query. Units stand in an order that is the same for every encoder, so two
encoders can be compared unit by unit (`simemb.comparison.significance`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simemb.evaluation.metrics import spearman


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The units of one task.

    Attributes:
        texts: What each unit is: the two sentences of a pair, or the one sentence or query.
        values: What the encoder made of it [units]: the cosine of a pair, 1 or 0 for a right or wrong label, the nDCG
            of a query in [0, 1].
        gold: What people said of it [units], where the score is a correlation; otherwise None, and it is a mean.
        subsets: The subset that each unit is of.
    """

    texts: Sequence[tuple[str, ...]]
    values: NDArray[np.float64]
    gold: NDArray[np.float64] | None
    subsets: Sequence[str]

    def __len__(self) -> int:
        return len(self.values)

    def statistic(self, rows: NDArray[np.intp] | None = None) -> float:
        """The score in points: Spearman's correlation of values and gold over all units, or the mean of the values.

        rows: the units to take, some perhaps several times (a bootstrap sample); by default all, once.
        """
        values = self.values if rows is None else self.values[rows]
        if self.gold is None:
            return 100 * float(values.mean()) if len(values) else float("nan")
        return 100 * spearman(values, self.gold if rows is None else self.gold[rows])
