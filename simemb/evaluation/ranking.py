"""What a ranking is worth: measures of retrieval as trec_eval defines them, and how well a score parts two classes.

trec_eval 9, https://github.com/usnistgov/trec_eval; nDCG after Järvelin & Kekäläinen, 2002, with the judgment as gain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, log2, nan

import numpy as np
from numpy.typing import NDArray

Judgments = Mapping[str, int]
"""Documents that people judged for a query -> relevance: above 0 is relevant, and what is not there is not."""


def ranked(scores: Mapping[str, float]) -> list[str]:
    """Documents by falling score; those of equal score by falling id, character by character, as trec_eval does.

    >>> ranked({"d1": 0.5, "d2": 0.5, "d10": 0.5, "d3": 0.9})
    ['d3', 'd2', 'd10', 'd1']
    """
    return sorted(scores, key=lambda document: (scores[document], document), reverse=True)


def ndcg(ranking: Sequence[str], judgments: Judgments, k: int) -> float:
    """Discounted gain of the first k documents over that of the best possible ranking of all judged ones.

    DCG = sum over ranks i = 1 ... k of gain_i / log2(i + 1), where the gain is the relevance.

    Returns:
        0 to 1; nan if no document is relevant.
    """
    gains = [max(judgments.get(document, 0), 0) for document in ranking[:k]]
    best = sorted((gain for gain in judgments.values() if gain > 0), reverse=True)[:k]
    return _discounted(gains) / _discounted(best) if best else nan


def recall(ranking: Sequence[str], judgments: Judgments, k: int) -> float:
    """Share of the relevant documents that are among the first k: 0 to 1; nan if there are none."""
    relevant = _relevant(judgments)
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else nan


def reciprocal_rank(ranking: Sequence[str], judgments: Judgments, k: int) -> float:
    """1 / rank of the first relevant document, 0 if it is not among the first k; nan if there is none."""
    relevant = _relevant(judgments)
    ranks = (rank for rank, document in enumerate(ranking[:k], 1) if document in relevant)
    return 1 / next(ranks, inf) if relevant else nan


def average_precision(ranking: Sequence[str], judgments: Judgments) -> float:
    """Mean over the relevant documents of the precision at the rank of each, which is 0 where it is not ranked.

    Returns:
        0 to 1; nan if no document is relevant.
    """
    relevant = _relevant(judgments)
    ranks = [rank for rank, document in enumerate(ranking, 1) if document in relevant]
    return sum(found / rank for found, rank in enumerate(ranks, 1)) / len(relevant) if relevant else nan


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains, 1))


def _relevant(judgments: Judgments) -> set[str]:
    return {document for document, relevance in judgments.items() if relevance > 0}


@dataclass(frozen=True)
class Separation:
    """How well a cosine tells positive pairs from negative ones: in points, but for the thresholds; nan without both.

    Attributes:
        auc: Area under the ROC curve: how often a positive pair has the higher cosine, a tie counting half.
        average_precision: Sum of precision x gain in recall over the thresholds, from the highest (as scikit-learn
            defines it, without interpolation).
        accuracy: The best that any threshold reaches.
        accuracy_threshold: That threshold: pairs with this cosine or more are called positive. It lies midway between
            two cosines that occur; if none shall be positive, just above the highest.
        f1: The best harmonic mean of precision and recall.
        f1_threshold: Likewise.
    """

    auc: float
    average_precision: float
    accuracy: float
    accuracy_threshold: float
    f1: float
    f1_threshold: float


def separation(cosines: NDArray[np.float64], positive: NDArray[np.bool_]) -> Separation:
    """How well cosines [pairs] separate the pairs that are `positive` [pairs] from the others.

    Pairs of equal cosine fall on one side of a threshold together, so no order among them is assumed.
    """
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return Separation(nan, nan, nan, nan, nan, nan)
    called, hits, thresholds = _cuts(cosines, positive)
    false = called - hits
    area = np.sum(np.diff(false) * (hits[1:] + hits[:-1])) / (2 * positives * negatives)
    precision = hits[1:] / called[1:]
    right = (hits + negatives - false) / (positives + negatives)
    f1 = 2 * hits / (called + positives)
    return Separation(
        auc=100 * float(area),
        average_precision=100 * float(np.sum(np.diff(hits) * precision) / positives),
        accuracy=100 * float(right.max()),
        accuracy_threshold=float(thresholds[right.argmax()]),
        f1=100 * float(f1.max()),
        f1_threshold=float(thresholds[f1.argmax()]),
    )


def _cuts(
    cosines: NDArray[np.float64], positive: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Every way to cut between different cosines, from "none is positive" to "all are".

    Returns:
        For each the number of pairs called positive, how many of them are, and the threshold.
    """
    values, group = np.unique(-cosines, return_inverse=True)
    values = -values
    called = np.cumsum(np.append(0, np.bincount(group)))
    hits = np.cumsum(np.append(0, np.bincount(group[positive], minlength=len(values))))
    middle = (values[:-1] + values[1:]) / 2
    # Between neighbors among the floats there is nothing: the middle is rounded to one of them.
    between = np.where(middle > values[1:], middle, values[:-1])
    return called, hits, np.concatenate([[np.nextafter(values[0], np.inf)], between, values[-1:]])
