"""Confidence intervals of scores, by the bootstrap over the units of each task (`simemb.significance`)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from simemb.outcomes import Outcomes
from simemb.scores import Scores
from simemb.significance import LEVEL, resample

RESAMPLES = 1000
AVERAGE = "average"
TOLERANCE = 0.05
"""Points by which a task's headline may differ from what its outcomes come to, as means over folds do."""


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
    found: list[dict[str, Interval]] = [{} for _ in models]
    drawn: list[np.ndarray] = []
    for place, task in enumerate(models[0].tasks):
        outcomes = [model.outcomes.get(task) for model in models]
        present = [each for each in outcomes if each is not None]
        if len(present) < len(models) or not all(map(_of_units, models, [task] * len(models), present)):
            continue
        scores = resample(present, resamples, np.random.default_rng([seed, place]))
        drawn.append(scores)
        for intervals_of, row in zip(found, scores, strict=True):
            intervals_of[task] = _interval(row)
    if len(drawn) == len(models[0].tasks):
        for intervals_of, row in zip(found, np.mean(drawn, axis=0), strict=True):
            intervals_of[AVERAGE] = _interval(row)
    return found


def _of_units(scores: Scores, task: str, outcomes: Outcomes) -> bool:
    """Whether the headline of a task is the statistic of its units, as far as an interval needs it."""
    headline = scores.tasks[task].numbers().get(scores.headline, np.nan)
    return bool(abs(headline - outcomes.statistic()) < TOLERANCE)


def _interval(scores: np.ndarray) -> Interval:
    low, high = np.nanpercentile(scores, [50 * LEVEL, 100 - 50 * LEVEL])
    return Interval(float(low), float(high))


def to_json(found: Mapping[str, Interval]) -> dict[str, list[float]]:
    """Plain JSON."""
    return {task: list(interval) for task, interval in found.items()}
