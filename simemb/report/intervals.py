"""Confidence intervals of scores, by the bootstrap over the units of each task (`simemb.comparison.significance`)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from simemb.comparison.significance import LEVEL, resample
from simemb.evaluation.scores import AVERAGE, Scores

RESAMPLES = 1000


class Interval(NamedTuple):
    """The ends of a confidence interval, in points."""

    low: float
    high: float


def intervals(models: Sequence[Scores], *, resamples: int = RESAMPLES, seed: int = 0) -> list[dict[str, Interval]]:
    """The intervals of each model's headline by task, and of its `average` where every task has one.

    They are the percentiles of the scores of resampled units (Efron & Tibshirani, 1993, chapter 13) that hold 95 %. A
    task has none where it has no units, or where its headline is not the statistic of them (say, a best F1). What is
    drawn depends on the seed and the task's place alone, so a model's intervals are the same in any company.
    """
    by_model: list[dict[str, Interval]] = [{} for _ in models]
    drawn: list[np.ndarray] = []
    for place, task in enumerate(models[0].tasks):
        if not all(model.is_statistic_of_outcomes(task) for model in models):
            continue
        scores = resample([model.outcomes[task] for model in models], resamples, np.random.default_rng([seed, place]))
        drawn.append(scores)
        for intervals_of, row in zip(by_model, scores, strict=True):
            intervals_of[task] = _interval(row)
    if len(drawn) == len(models[0].tasks):
        for intervals_of, row in zip(by_model, np.mean(drawn, axis=0), strict=True):
            intervals_of[AVERAGE] = _interval(row)
    return by_model


def _interval(scores: np.ndarray) -> Interval:
    low, high = np.nanpercentile(scores, [50 * LEVEL, 100 - 50 * LEVEL])
    return Interval(float(low), float(high))


def to_json(by_model: Mapping[str, Interval]) -> dict[str, list[float]]:
    """Plain JSON."""
    return {task: list(interval) for task, interval in by_model.items()}
