"""Units of a task, and the score that any choice of them has."""

import math

import numpy as np
import pytest
from scipy.stats import spearmanr

from simemb.evaluation.outcomes import Outcomes

TEXTS = [(f"a {i}", f"b {i}") for i in range(6)]
VALUES = np.array([0.1, 0.9, 0.4, 0.4, 0.7, 0.2])


def test_with_gold_scores_it_is_spearmans_correlation_in_points():
    gold = np.array([0.0, 4.0, 2.0, 3.0, 5.0, 1.0])
    outcomes = Outcomes(TEXTS, VALUES, gold, ["all"] * 6)
    rows = np.array([5, 5, 0, 1, 2])
    assert len(outcomes) == 6
    assert outcomes.statistic() == pytest.approx(100 * spearmanr(VALUES, gold).statistic)
    assert outcomes.statistic(rows) == pytest.approx(100 * spearmanr(VALUES[rows], gold[rows]).statistic)


def test_without_gold_scores_it_is_the_mean_in_points():
    outcomes = Outcomes(TEXTS, VALUES, None, ["all"] * 6)
    assert outcomes.statistic() == pytest.approx(45)
    assert outcomes.statistic(np.array([1, 1])) == pytest.approx(90)
    assert math.isnan(outcomes.statistic(np.array([], dtype=int)))


def test_a_sample_of_equal_gold_scores_has_no_correlation():
    outcomes = Outcomes(TEXTS, VALUES, np.array([1.0, 1, 2, 2, 3, 3]), ["all"] * 6)
    assert math.isnan(outcomes.statistic(np.array([0, 1, 0])))
