"""Length and overlap biases against loops, residuals of a regression, and cosines that are nothing but surface."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from simemb.evaluation.surface_bias import Surface, biases, partial_spearman

FIRST = ["A man plays a guitar.", "Dogs run", "", "两只狗", "It rains", "a b c d e f"]
SECOND = ["a man is playing the guitar", "a dog runs!", "?!", "两只猫在跑", "It rains", "f"]


def test_the_surface_of_pairs_is_their_length_its_difference_and_the_words_they_share():
    surface = Surface.of(FIRST, SECOND)
    assert surface.length.tolist() == [5.5, 2.5, 0, 4, 2, 3.5]
    assert surface.difference.tolist() == [1, 1, 0, 2, 0, 5]
    assert surface.overlap == pytest.approx([3 / 7, 0, 0, 1 / 3 * 1, 1, 1 / 6])


def test_the_surface_of_no_pairs_is_empty():
    surface = Surface.of([], [])
    assert surface.length.shape == surface.difference.shape == surface.overlap.shape == (0,)


def test_a_partial_correlation_is_that_of_what_a_line_through_the_ranks_leaves():
    generator = np.random.default_rng(3)
    z = generator.integers(0, 6, 200).astype(float)
    x, y = z + generator.normal(size=200), -z + generator.normal(size=200)
    ranks = [rankdata(side) for side in (x, y, z)]
    rests = [side - np.polyval(np.polyfit(ranks[2], side, 1), ranks[2]) for side in ranks[:2]]
    assert partial_spearman(x, y, z) == pytest.approx(np.corrcoef(*rests)[0, 1])
    assert spearmanr(x, y).statistic < -0.5
    assert abs(partial_spearman(x, y, z)) < 0.2


def test_what_has_nothing_to_do_with_the_gold_score_is_not_changed_by_holding_it_fixed():
    x, y, z = np.array([1.0, 2, 3, 4]), np.array([1.0, 3, 2, 4]), np.array([1.0, 0, 0, 1])
    assert partial_spearman(x, y, z) == pytest.approx(spearmanr(x, y).statistic)


@pytest.mark.parametrize("given", [[2.0, 2, 2, 2], [1.0, 2, 3, 4], [4.0, 3, 2, 1]])
def test_where_the_gold_score_is_constant_or_says_it_all_nothing_is_left(given):
    x, y = np.array([1.0, 2, 3, 4]), np.array([2.0, 1, 4, 3])
    assert math.isnan(partial_spearman(x, y, np.array(given)))


@given(st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=0, max_size=12))
def test_a_partial_correlation_is_in_its_range_or_nan(rows):
    x, y, z = np.array(rows, float).reshape(-1, 3).T
    result = partial_spearman(x, y, z)
    assert math.isnan(result) or -1 <= result <= 1


def test_cosines_that_are_the_overlap_show_a_full_bias_with_and_without_the_gold_score():
    surface = Surface.of(FIRST, SECOND)
    gold = np.array([4.0, 2, 0, 3, 5, 1])
    result = biases(surface.overlap, gold, surface)
    assert list(result) == [
        "length_bias",
        "length_bias_given_gold",
        "length_difference_bias",
        "length_difference_bias_given_gold",
        "overlap_bias",
        "overlap_bias_given_gold",
    ]
    assert result["overlap_bias"] == pytest.approx(100)
    assert result["overlap_bias_given_gold"] == pytest.approx(100)
    assert result["length_bias"] == pytest.approx(100 * spearmanr(surface.overlap, surface.length).statistic)
    longer = biases(surface.difference, gold, surface)
    assert longer["length_difference_bias"] == pytest.approx(100)


def test_constant_cosines_have_no_bias_and_give_no_warning():
    result = biases(np.ones(6), np.arange(6.0), Surface.of(FIRST, SECOND))
    assert all(math.isnan(value) for value in result.values())
