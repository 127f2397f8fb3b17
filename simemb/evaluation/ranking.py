"""Measures of a ranking: retrieval as trec_eval defines it, and how well a score separates two classes.

trec_eval 9, https://github.com/usnistgov/trec_eval; nDCG after Järvelin & Kekäläinen, 2002, with the judgment as gain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, log2, nan

import numpy as np
from numpy.typing import NDArray

Judgments = Mapping[str, int]
"""Judged documents of a query -> relevance. Above 0 is relevant; a document without a judgment is not relevant."""


def rank_documents(scores: Mapping[str, float]) -> list[str]:
    """Documents by descending score, ties by descending id in the order of characters, as in trec_eval.

    >>> rank_documents({"d1": 0.5, "d2": 0.5, "d10": 0.5, "d3": 0.9})
    ['d3', 'd2', 'd10', 'd1']
    """
    return sorted(scores, key=lambda document: (scores[document], document), reverse=True)


def ndcg(ranking: Sequence[str], judgments: Judgments, k: int) -> float:
    """Discounted gain of the first k documents divided by that of the best possible ranking of all judged documents.

    DCG = sum over ranks i = 1 ... k of gain_i / log2(i + 1), where the gain is the relevance.

    Returns:
        0 to 1; nan if no document is relevant.
    """
    gains = [max(judgments.get(document, 0), 0) for document in ranking[:k]]
    best = sorted((gain for gain in judgments.values() if gain > 0), reverse=True)[:k]
    return _discounted(gains) / _discounted(best) if best else nan


def recall(ranking: Sequence[str], judgments: Judgments, k: int) -> float:
    """Share of the relevant documents that are among the first k: 0 to 1; nan if no document is relevant."""
    relevant = _relevant(judgments)
    return len(relevant.intersection(ranking[:k])) / len(relevant) if relevant else nan


def reciprocal_rank(ranking: Sequence[str], judgments: Judgments, k: int) -> float:
    """1 / rank of the first relevant document, 0 if it is not among the first k; nan if no document is relevant."""
    relevant = _relevant(judgments)
    ranks = (rank for rank, document in enumerate(ranking[:k], 1) if document in relevant)
    return 1 / next(ranks, inf) if relevant else nan


def average_precision(ranking: Sequence[str], judgments: Judgments) -> float:
    """Mean over the relevant documents of the precision at the rank of each, which is 0 for one without a rank.

    Returns:
        0 to 1; nan if no document is relevant.
    """
    relevant = _relevant(judgments)
    ranks = [rank for rank, document in enumerate(ranking, 1) if document in relevant]
    return sum(hits / rank for hits, rank in enumerate(ranks, 1)) / len(relevant) if relevant else nan


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / log2(rank + 1) for rank, gain in enumerate(gains, 1))


def _relevant(judgments: Judgments) -> set[str]:
    return {document for document, relevance in judgments.items() if relevance > 0}


@dataclass(frozen=True)
class Separation:
    """How well a cosine separates positive from negative pairs, in points except for the thresholds.

    All are nan if there are no positive or no negative pairs.

    Attributes:
        auc: Area under the ROC curve: how often the positive pair of two has the higher cosine; a tie counts half.
        average_precision: Sum over the thresholds, from the highest, of precision times increase in recall (as in
            scikit-learn, without interpolation).
        accuracy: The highest accuracy of any threshold.
        accuracy_threshold: That threshold; pairs with this cosine or more are predicted positive. It is midway between
            two cosines of the data, or just above the highest if no pair is predicted positive.
        f1: The highest harmonic mean of precision and recall.
        f1_threshold: The threshold of `f1`, likewise.
    """

    auc: float
    average_precision: float
    accuracy: float
    accuracy_threshold: float
    f1: float
    f1_threshold: float


def separation(cosines: NDArray[np.float64], positive: NDArray[np.bool_]) -> Separation:
    """How well cosines [pairs] separate the pairs that are `positive` [pairs] from the others.

    Pairs of equal cosine are always on the same side of a threshold, so their order does not matter.
    """
    positives, negatives = int(positive.sum()), int((~positive).sum())
    if not positives or not negatives:
        return Separation(nan, nan, nan, nan, nan, nan)
    predicted, hits, thresholds = _cuts(cosines, positive)
    false_alarms = predicted - hits
    area = np.sum(np.diff(false_alarms) * (hits[1:] + hits[:-1])) / (2 * positives * negatives)
    precision = hits[1:] / predicted[1:]
    accuracy = (hits + negatives - false_alarms) / (positives + negatives)
    f1 = 2 * hits / (predicted + positives)
    return Separation(
        auc=100 * float(area),
        average_precision=100 * float(np.sum(np.diff(hits) * precision) / positives),
        accuracy=100 * float(accuracy.max()),
        accuracy_threshold=float(thresholds[accuracy.argmax()]),
        f1=100 * float(f1.max()),
        f1_threshold=float(thresholds[f1.argmax()]),
    )


def _cuts(
    cosines: NDArray[np.float64], positive: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """All cuts between different cosines, from "no pair is positive" to "all pairs are positive".

    Returns:
        For each cut the number of pairs predicted positive, the number of those that are positive, and the threshold.
    """
    values, group = np.unique(-cosines, return_inverse=True)
    values = -values
    predicted = np.cumsum(np.append(0, np.bincount(group)))
    hits = np.cumsum(np.append(0, np.bincount(group[positive], minlength=len(values))))
    middle = (values[:-1] + values[1:]) / 2
    # No float lies between two adjacent floats: their middle is rounded to one of them.
    between = np.where(middle > values[1:], middle, values[:-1])
    return predicted, hits, np.concatenate([[np.nextafter(values[0], np.inf)], between, values[-1:]])
