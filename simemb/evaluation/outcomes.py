"""The values of an encoder on each unit of a task; comparisons and figures are made from them.

A unit is a pair, a sentence or a query. The order of units is the same for every encoder, so two encoders can be
compared unit by unit (`simemb.comparison.significance`).
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
        texts: The texts of each unit: the two sentences of a pair, or the one sentence or query.
        values: The value of each unit [units]: the cosine of a pair, 1 or 0 for a correct or wrong label, or the nDCG
            of a query in [0, 1].
        gold: The gold score of each unit [units] if the score of the task is a correlation; None if it is a mean.
        subsets: The subset of each unit.
    """

    texts: Sequence[tuple[str, ...]]
    values: NDArray[np.float64]
    gold: NDArray[np.float64] | None
    subsets: Sequence[str]

    def __len__(self) -> int:
        return len(self.values)

    def statistic(self, rows: NDArray[np.intp] | None = None) -> float:
        """The score in points: Spearman's correlation of values and gold over the units, or the mean of the values.

        rows: the units to use, with repeats in a bootstrap sample; by default each unit once.
        """
        values = self.values if rows is None else self.values[rows]
        if self.gold is None:
            return 100 * float(values.mean()) if len(values) else float("nan")
        return 100 * spearman(values, self.gold if rows is None else self.gold[rows])
