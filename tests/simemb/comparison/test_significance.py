"""The statistics of a comparison: against scipy, worked examples of the literature, and simulation."""

from math import atanh, isnan, nan, sqrt
from statistics import fmean, variance

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm
from scipy.stats import t as student

from simemb.comparison.significance import (
    LEVEL,
    Finding,
    Resampler,
    fewest_resamples,
    holm,
    interval,
    mean_over_seeds,
    resample,
    steiger,
    welch,
)
from simemb.evaluation.outcomes import Outcomes


def outcomes(values: np.ndarray, gold: np.ndarray | None = None, subsets: list[str] | None = None) -> Outcomes:
    return Outcomes([("text",)] * len(values), values, gold, subsets or ["all"] * len(values))


def drawn_rows(counts: np.ndarray) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts.astype(int))


# ---- the bootstrap -------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [2, 6, 40, 10**9])
def test_a_resampled_correlation_is_that_of_scipy_with_and_without_ties(levels: int):
    dice = np.random.default_rng(levels)
    gold = dice.integers(0, 5, 40).astype(float)
    every = [outcomes(dice.integers(0, levels, 40).astype(float), gold) for _ in range(3)]
    resampler = Resampler(every)
    for _ in range(20):
        counts = resampler.draw(dice)
        expected = [each.statistic(drawn_rows(counts)) for each in every]
        np.testing.assert_allclose(resampler.scores(counts), expected, atol=1e-9, equal_nan=True)


def test_a_resampled_mean_is_the_mean_of_what_was_drawn():
    dice = np.random.default_rng(0)
    every = [outcomes(dice.random(30)) for _ in range(2)]
    resampler = Resampler(every)
    counts = resampler.draw(dice)
    expected = [each.statistic(drawn_rows(counts)) for each in every]
    np.testing.assert_allclose(resampler.scores(counts), expected, rtol=1e-12)


def test_units_that_are_drawn_once_each_give_the_score_itself():
    dice = np.random.default_rng(1)
    each = outcomes(dice.normal(size=50), dice.normal(size=50))
    assert Resampler([each]).scores(np.ones(50))[0] == pytest.approx(each.statistic(), abs=1e-9)


def test_every_subset_keeps_its_size():
    subsets = list("abacabad") * 5
    resampler = Resampler([outcomes(np.arange(40.0), np.arange(40.0), subsets)])
    dice = np.random.default_rng(2)
    for _ in range(20):
        counts = resampler.draw(dice)
        sizes = {name: counts[[own == name for own in subsets]].sum() for name in "abcd"}
        assert sizes == {"a": 20, "b": 10, "c": 5, "d": 5}


def test_every_unit_is_drawn_equally_often():
    resampler = Resampler([outcomes(np.arange(10.0), None, ["a"] * 4 + ["b"] * 6)])
    dice = np.random.default_rng(3)
    mean = np.mean([resampler.draw(dice) for _ in range(4000)], axis=0)
    np.testing.assert_allclose(mean, 1, atol=0.06)


def test_what_two_encoders_get_does_not_depend_on_a_third():
    dice = np.random.default_rng(4)
    gold = dice.normal(size=60)
    every = [outcomes(gold + dice.normal(size=60), gold) for _ in range(3)]
    two = resample(every[:2], 50, np.random.default_rng(5))
    np.testing.assert_array_equal(two, resample(every, 50, np.random.default_rng(5))[:2])


def test_constant_values_have_no_correlation():
    scores = resample([outcomes(np.full(20, 0.7), np.arange(20.0))], 5, np.random.default_rng(6))
    assert np.isnan(scores).all()


def test_identical_encoders_differ_by_exactly_nothing():
    dice = np.random.default_rng(7)
    gold = dice.normal(size=80)
    values = gold + dice.normal(size=80)
    first, second = resample([outcomes(values, gold), outcomes(values.copy(), gold)], 100, dice)
    found = interval(0.0, second - first)
    assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)


# ---- intervals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("center", [0.0, 1.5, 1.9, 1.96, 2.0, 2.5])
def test_p_is_below_the_level_just_where_the_interval_is_off_zero(center: float):
    drawn = norm.ppf((np.arange(1999) + 0.5) / 1999) + center
    found = interval(center, drawn)
    assert (found.p < LEVEL) == (found.low > 0)
    assert found.p == pytest.approx(2 * norm.sf(center), abs=0.002)
    assert (found.low, found.high) == pytest.approx((center - 1.96, center + 1.96), abs=0.01)


def test_the_side_does_not_matter_for_p():
    drawn = np.random.default_rng(0).normal(1, 1, 999)
    assert interval(1.0, drawn).p == interval(-1.0, -drawn).p


def test_p_is_never_zero():
    assert interval(1.0, np.ones(999)).p == pytest.approx(0.002)


def test_resamples_without_a_score_are_left_out():
    drawn = np.array([nan, 1.0, 2.0, 3.0, nan])
    assert interval(2.0, drawn) == interval(2.0, drawn[1:4])
    assert isnan(interval(nan, drawn).p)
    assert isnan(interval(1.0, np.full(3, nan)).low)


@pytest.mark.parametrize("tests", [1, 3, 7, 12])
def test_as_few_resamples_as_can_show_anything(tests: int):
    def best(resamples: int) -> float:
        p = interval(1.0, np.ones(resamples)).p
        return min(holm([p] + [1.0] * (tests - 1)))

    assert best(fewest_resamples(tests)) < LEVEL
    assert best(fewest_resamples(tests) - 1) >= LEVEL - 1e-12


def correlated(dice: np.random.Generator, units: int, first: float, second: float) -> list[Outcomes]:
    """Two encoders that correlate with the gold score as told, and with each other."""
    gold, common = dice.normal(size=(2, units))
    noise = 0.6 * common + 0.8 * dice.normal(size=(2, units))
    values = [r * gold + sqrt(1 - r * r) * own for r, own in zip((first, second), noise, strict=True)]
    return [outcomes(each, np.round(2 * gold) / 2) for each in values]


def repeated(first: float, second: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The intervals and p-values of 200 experiments with 100 units."""
    dice = np.random.default_rng(11)
    found = []
    for _ in range(200):
        pair = correlated(dice, 100, first, second)
        drawn = resample(pair, 200, dice)
        found.append(interval(pair[1].statistic() - pair[0].statistic(), drawn[1] - drawn[0]))
    return tuple(np.array([getattr(each, name) for each in found]) for name in ("low", "high", "p"))


def test_under_the_null_intervals_cover_and_p_is_roughly_uniform():
    low, high, p = repeated(0.6, 0.6)
    assert 0.91 <= np.mean((low <= 0) & (high >= 0)) <= 0.99
    assert 0.04 <= np.mean(p < 0.1) <= 0.16
    assert 0.4 <= np.mean(p < 0.5) <= 0.6
    assert 0.72 <= np.mean(p < 0.8) <= 0.88


def test_intervals_cover_a_difference_that_is_there():
    large = correlated(np.random.default_rng(12), 400_000, 0.8, 0.5)
    truth = large[1].statistic() - large[0].statistic()
    low, high, p = repeated(0.8, 0.5)
    assert 0.91 <= np.mean((low <= truth) & (high >= truth)) <= 0.99
    assert np.mean(p < LEVEL) > 0.9


# ---- seeds ---------------------------------------------------------------------------------------


def test_the_mean_over_runs_varies_as_the_mean_of_so_many_runs_does():
    runs = np.array([70.0, 72.0, 75.0, 71.0])
    means = mean_over_seeds(np.tile(runs[:, None], (1, 20_000)), np.random.default_rng(0))
    assert means.mean() == pytest.approx(runs.mean(), abs=0.05)
    assert means.var() == pytest.approx(runs.var(ddof=1) / 4, rel=0.05)


def test_a_seed_is_drawn_for_all_tasks_at_once():
    first = np.random.default_rng(1).normal(size=(3, 50))
    means = mean_over_seeds(np.stack([first, first + 10]), np.random.default_rng(2))
    np.testing.assert_allclose(means[1], means[0] + 10)


def test_a_single_run_is_taken_as_it_is():
    scores = np.arange(10.0)[None]
    np.testing.assert_array_equal(mean_over_seeds(scores, np.random.default_rng(0)), scores[0])


def test_welch_is_that_of_the_paper():
    """t and the degrees of freedom of Welch (1947) and Satterthwaite, written out."""
    first, second = [70.1, 71.3, 69.0], [72.5, 74.0, 73.1, 71.9]
    shares = [variance(group) / len(group) for group in (first, second)]
    t = (fmean(second) - fmean(first)) / sum(shares) ** 0.5
    freedom = sum(shares) ** 2 / (shares[0] ** 2 / 2 + shares[1] ** 2 / 3)
    result = welch(first, second)
    assert (result.statistic, result.p) == pytest.approx((t, 2 * student.sf(t, freedom)), rel=1e-9)


@pytest.mark.parametrize("groups", [([1.0], [2.0, 3.0]), ([1.0, 2.0], [3.0]), ([1.0, 1.0], [2.0, 2.0])])
def test_welch_needs_runs_that_differ(groups: tuple[list[float], list[float]]):
    assert isnan(welch(*groups).p)


# ---- Steiger -------------------------------------------------------------------------------------


def test_steiger_agrees_with_published_examples():
    # Silver, Hittner & May, 2006, Applied Psychological Measurement 30, 152-153: what their program prints.
    found = steiger(0.3, 0.4, 0.5, 100)
    assert (round(found.statistic, 4), round(found.p, 4)) == (1.0718, 0.2838)
    # Steiger, 1980, case A: the paper has .8913, from a covariance that it rounds to .0042 where it is .00042.
    assert steiger(0.4, 0.5, 0.1, 103).statistic == pytest.approx(0.8913, abs=0.003)


def test_steiger_by_hand():
    # square of the mean correlation .3025; .6 (1 - .605) - .15125 (1 - .605 - .36) = .23170625; / .6975^2 = .476265
    z = (atanh(0.6) - atanh(0.5)) * sqrt(47 / (2 - 2 * 0.476265))
    found = steiger(0.5, 0.6, 0.6, 50)
    assert found.statistic == pytest.approx(z, rel=1e-5)
    assert found.p == pytest.approx(2 * norm.sf(z), rel=1e-4)


def test_steiger_has_a_sign_and_p_has_none():
    one, other = steiger(0.3, 0.4, 0.5, 100), steiger(0.4, 0.3, 0.5, 100)
    assert (one.statistic, one.p) == pytest.approx((-other.statistic, other.p))


def test_steiger_rejects_as_often_as_it_should():
    dice = np.random.default_rng(0)
    shape = [[1, 0.6, 0.6], [0.6, 1, 0.7], [0.6, 0.7, 1]]
    samples = multivariate_normal([0, 0, 0], shape).rvs((800, 100), random_state=dice)
    p = []
    for sample in samples:
        r = np.corrcoef(sample.T)
        p.append(steiger(r[0, 1], r[0, 2], r[1, 2], 100).p)
    assert 0.03 <= np.mean(np.array(p) < 0.05) <= 0.07
    assert 0.45 <= np.mean(np.array(p) < 0.5) <= 0.55


def test_steiger_and_the_bootstrap_come_to_the_same():
    dice = np.random.default_rng(3)
    pair = correlated(dice, 3000, 0.62, 0.6)
    drawn = resample(pair, 1000, dice)
    between = Outcomes(pair[0].texts, pair[0].values, pair[1].values, pair[0].subsets).statistic() / 100
    first, second = (each.statistic() / 100 for each in pair)
    assert steiger(first, second, between, 3000).p == pytest.approx(
        interval(100 * (second - first), drawn[1] - drawn[0]).p, abs=0.05
    )


def test_steiger_where_there_is_nothing_to_compare():
    assert steiger(0.5, 0.5, 1.0, 100) == Finding(0.0, 1.0)
    assert isnan(steiger(0.5, 1.0, 0.5, 100).p)
    assert isnan(steiger(0.5, 0.6, 0.5, 3).p)
    assert isnan(steiger(nan, 0.6, 0.5, 100).p)
    assert isnan(steiger(0.5, 0.6, nan, 100).p)


# ---- Holm ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("p", "corrected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.02], [0.02]),
        ([0.5, 0.6], [1.0, 1.0]),
        ([0.02, 0.02], [0.04, 0.04]),
        ([], []),
    ],
)
def test_holm_by_hand(p: list[float], corrected: list[float]):
    assert holm(p) == pytest.approx(corrected)


def test_a_test_that_is_not_defined_is_not_counted():
    first, second, third = holm([0.02, nan, 0.04])
    assert isnan(second)
    assert (first, third) == pytest.approx((0.04, 0.04))
