"""Whether a difference between encoders is more than chance: the statistics of a comparison.

Efron & Tibshirani, 1993, An introduction to the bootstrap, chapters 13 and 16; Steiger, 1980, Psychological Bulletin
87, 245-251; Holm, 1979, Scandinavian Journal of Statistics 6, 65-70; Welch, 1947, Biometrika 34, 28-35.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atanh, isnan, nan, sqrt
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simemb.evaluation.outcomes import Outcomes

LEVEL = 0.05
"""Results with a p-value below are called differences, and intervals cover with 1 - LEVEL."""

Floats = NDArray[np.float64]


# ---- the bootstrap -------------------------------------------------------------------------------


class Resampler:
    """Resamples the units of one task, the same ones for every encoder, and computes the scores on them.

    From each subset as many units are drawn, with replacement, as it has. The sizes of the subsets were chosen by the
    authors of the task and are not random, so they stay as they are (Davison & Hinkley, 1997, Bootstrap
    methods and their application, section 3.2); the score is still the one over all units together. Units count as
    independent: that some pairs of STS share a sentence is ignored, as is usual.
    """

    def __init__(self, outcomes: Sequence[Outcomes]):
        """outcomes: those of each encoder, of the same units in the same order."""
        subset = np.unique(np.asarray(outcomes[0].subsets), return_inverse=True)[1]
        size = np.bincount(subset)
        self._order = np.argsort(subset, kind="stable")
        self._size = size[subset[self._order]]
        self._start = (np.cumsum(size) - size)[subset[self._order]]
        gold = outcomes[0].gold
        self._gold = None if gold is None else _Ranks(gold)
        self._ranks = [] if gold is None else [_Ranks(each.values) for each in outcomes]
        self._values = np.stack([each.values for each in outcomes])

    def draw(self, rng: Generator) -> Floats:
        """The number of times that each unit is drawn [units]."""
        places = self._start + (rng.random(len(self._order)) * self._size).astype(np.intp)
        return np.bincount(self._order[places], minlength=len(self._order)).astype(np.float64)

    def scores(self, counts: Floats) -> Floats:
        """The score of each encoder [encoders] in points, where unit i occurs counts[i] times; nan if undefined.

        It is `Outcomes.statistic` of those units: a correlation of ranks, or a mean.
        """
        if self._gold is None:
            return 100 * (self._values @ counts) / counts.sum()
        gold, spread = self._gold.of(counts)
        ranked = [ranks.of(counts) for ranks in self._ranks]
        weighted = counts * gold
        return 100 * np.array([each @ weighted / (own * spread) if own * spread else nan for each, own in ranked])


class _Ranks:
    """Ranks of values of which each may occur several times or not at all; equal values share their mean rank.

    The values are sorted once. A rank is then a running sum of counts, which is faster than sorting each resample.
    """

    def __init__(self, values: Floats):
        distinct, self._place = np.unique(values, return_inverse=True)
        self._distinct = len(distinct)

    def of(self, counts: Floats) -> tuple[Floats, float]:
        """Each unit's rank minus the mean rank [units], and the root of the sum of squares over all that occur."""
        occurring = np.bincount(self._place, counts, self._distinct)
        ranks = np.cumsum(occurring)
        ranks -= 0.5 * (occurring + ranks[-1])
        return ranks[self._place], sqrt(occurring @ np.square(ranks))


def resample(outcomes: Sequence[Outcomes], resamples: int, rng: Generator) -> Floats:
    """The scores of encoders on resampled units of a task [encoders, resamples], in points (see `Resampler`).

    One resample is the same units for all encoders, so differences between rows are those of a paired bootstrap. The
    result for two encoders does not depend on the other encoders.
    """
    resampler = Resampler(outcomes)
    return np.stack([resampler.scores(resampler.draw(rng)) for _ in range(resamples)], axis=1)


def mean_over_seeds(scores: Floats, rng: Generator) -> Floats:
    """The mean over the runs of one recipe on each resample [..., resamples], with the chance that is in their seeds.

    Of k runs, k - 1 are drawn with replacement for each resample: the variance of their mean is then that of the mean
    of k runs with k - 1 in its divisor (Rao & Wu, 1988, Journal of the American Statistical Association 83, 231-241).
    A single run says nothing about other seeds and is returned unchanged. The variation of runs on single units is
    counted twice, by units and by seeds, which errs on the side of caution.

    Args:
        scores: Scores of each run [..., runs, resamples]. Leading dimensions (tasks) share the draws, since a seed
            that is drawn is drawn for all tasks.
        rng: Decides which runs.
    """
    runs, resamples = scores.shape[-2:]
    if runs == 1:
        return scores[..., 0, :]
    drawn = rng.integers(runs, size=(runs - 1, resamples))
    return np.stack([scores[..., row, np.arange(resamples)] for row in drawn]).mean(axis=0)


@dataclass(frozen=True)
class Interval:
    """A difference in points, with its interval.

    Attributes:
        value: The difference on the original units; positive where the second is better.
        low: Lower end of the interval that covers with 1 - `LEVEL`; nan where the difference is not defined.
        high: Its upper end.
        p: Two-sided p-value of no difference, from 2 / (resamples + 1) to 1.
    """

    value: float
    low: float
    high: float
    p: float


def interval(value: float, drawn: Floats) -> Interval:
    """The percentile interval of a difference, and the p-value that goes with it: p is below 5 % where 0 is outside.

    The ends are the order statistics (R + 1) LEVEL / 2 and (R + 1)(1 - LEVEL / 2) of the R resampled differences, and
    p = 2 (1 + min(those at or below 0, those at or above 0)) / (R + 1), at most 1. The BCa interval was tried: for
    differences of correlations and of means, of 30 to 400 units, it covered no better than this one.

    Args:
        value: The difference itself.
        drawn: The differences on resampled units [resamples]; undefined ones are left out.
    """
    drawn = drawn[np.isfinite(drawn)]
    if isnan(value) or not len(drawn):
        return Interval(nan, nan, nan, nan)
    low, high = np.quantile(drawn, [LEVEL / 2, 1 - LEVEL / 2], method="weibull").tolist()
    extreme = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
    return Interval(value, low, high, min(1.0, 2 * (1 + extreme) / (len(drawn) + 1)))


def fewest_resamples(tests: int) -> int:
    """The fewest resamples with which one of `tests` tests can come out below `LEVEL` after `holm`."""
    return round(2 * tests / LEVEL)


# ---- tests ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """The statistic of a test and its two-sided p-value; nan where it is not defined."""

    statistic: float
    p: float


def steiger(first: float, second: float, between: float, units: int) -> Finding:
    """Whether two correlations with the same variable differ, as measured on the same units.

    Z = (atanh(second) - atanh(first)) sqrt(n - 3) / sqrt(2 - 2 s), where s is the covariance of the two transformed
    correlations, computed with their mean in the place of both (Steiger, 1980, equations 3, 10 and 14). It is made for
    Pearson's correlation of normal variables; with correlations of ranks it is an approximation.

    Args:
        first: Correlation of the first variable (one encoder's cosines) with the shared one (gold), in [-1, 1].
        second: Correlation of the second variable with the shared one.
        between: Correlation of the first and the second variable.
        units: n, of which each correlation was computed.

    >>> steiger(0.3, 0.4, 0.5, 100)
    Finding(statistic=1.07..., p=0.283...)
    """
    from scipy.stats import norm

    if first == second:
        return Finding(0.0, 1.0)
    square = ((first + second) / 2) ** 2
    if units <= 3 or not max(abs(first), abs(second)) < 1:
        return Finding(nan, nan)
    covariance = between * (1 - 2 * square) - square * (1 - 2 * square - between**2) / 2
    variance_left = 2 - 2 * covariance / (1 - square) ** 2
    if not variance_left > 0:
        return Finding(nan, nan)
    z = (atanh(second) - atanh(first)) * sqrt((units - 3) / variance_left)
    return Finding(z, float(2 * norm.sf(abs(z))))


def welch(first: Sequence[float], second: Sequence[float]) -> Finding:
    """Whether the means of two groups of runs differ, whose deviations may differ too (Welch's t-test).

    t = (mean2 - mean1) / sqrt(s1^2/k1 + s2^2/k2), with the degrees of freedom of Welch and Satterthwaite. Not defined
    where a group has a single run, or where no run differs from another of its group.

    >>> welch([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    Finding(statistic=3.67..., p=0.021...)
    """
    from scipy.stats import ttest_ind

    if min(len(first), len(second)) < 2 or len(set(first)) == len(set(second)) == 1:
        return Finding(nan, nan)
    result: Any = ttest_ind(second, first, equal_var=False)
    return Finding(float(result.statistic), float(result.pvalue))


def holm(p: Sequence[float]) -> list[float]:
    """p-values of several tests, corrected so that together they have the error level of one test (Holm).

    The smallest of m is multiplied by m, the next by m - 1 and so on; none is smaller than the one before it, and none
    exceeds 1. Undefined tests (nan) stay undefined and are not counted.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected, largest = list(p), 0.0
    defined = sorted((row for row, value in enumerate(p) if not isnan(value)), key=lambda row: p[row])
    for rank, row in enumerate(defined):
        largest = max(largest, min(1.0, (len(defined) - rank) * p[row]))
        corrected[row] = largest
    return corrected
