"""Bootstrap intervals of headlines."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from simemb.evaluation.outcomes import Outcomes
from simemb.evaluation.scores import Aggregates, Correlation, Scores, SimilarityScores
from simemb.report.intervals import AVERAGE, intervals, to_json


def outcomes(noise: float, units: int = 500, seed: int = 0) -> Outcomes:
    dice = np.random.default_rng(seed)
    gold = dice.normal(size=units)
    values = gold + noise * dice.normal(size=units)
    return Outcomes([("a", "b")] * units, values, gold, ["only"] * units)


def scores(**tasks: Outcomes) -> Scores:
    found = {name: correlation(each.statistic()) for name, each in tasks.items()}
    mean = correlation(float(np.mean([task.all.spearman for task in found.values()])))
    average = Aggregates(mean.all, mean.all, mean.all)
    return Scores("m", "f", "sts", dict(found), average, None, {}, {}, "", outcomes=tasks)


def correlation(value: float) -> SimilarityScores:
    both = Correlation(value, value)
    return SimilarityScores(both, both, both, 500, {})


def test_an_interval_holds_the_score_and_is_about_as_wide_as_theory_says():
    model = scores(one=outcomes(1.0))
    (found,) = intervals([model])
    low, high = found["one"]
    point = model.tasks["one"].numbers()["spearman"]
    assert low < point < high
    # of Pearson's correlation r from n pairs the standard error is about (1 - r^2) / sqrt(n); Spearman's is near
    assert (high - low) / 2 == pytest.approx(100 * 1.96 * (1 - (point / 100) ** 2) / sqrt(500), rel=0.2)


def test_the_average_has_an_interval_that_is_narrower_than_those_of_its_tasks():
    (found,) = intervals([scores(one=outcomes(1.0), two=outcomes(1.0, seed=1))])
    widths = {task: high - low for task, (low, high) in found.items()}
    assert widths[AVERAGE] == pytest.approx(min(widths["one"], widths["two"]) / sqrt(2), rel=0.2)


def test_the_same_seed_gives_the_same_intervals_in_any_company():
    first, second = scores(one=outcomes(1.0)), scores(one=replace(outcomes(1.0), values=outcomes(2.0).values))
    assert intervals([first]) == intervals([first, second])[:1]
    assert intervals([first]) != intervals([first], seed=1)


def test_a_headline_that_is_no_statistic_of_the_units_has_no_interval():
    model = scores(one=outcomes(1.0), two=outcomes(1.0, seed=1))
    changed = replace(model, tasks=model.tasks | {"two": correlation(12.0)})
    (found,) = intervals([changed])
    assert list(found) == ["one"]


def test_a_task_without_units_has_no_interval():
    assert intervals([replace(scores(one=outcomes(1.0)), outcomes={})]) == [{}]


def test_plain_json():
    assert to_json({"one": intervals([scores(one=outcomes(1.0))])[0]["one"]})["one"] == pytest.approx([65, 75], abs=10)
