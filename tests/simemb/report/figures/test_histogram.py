"""Histograms stand one above the other, on one scale."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from simemb.report.figures import histogram
from simemb.report.figures.style import look

EDGES = np.array([0.0, 0.5, 1.0])
RIDGES = [
    histogram.Ridge("0 to 1", np.array([0.75, 0.25]), 0.3),
    histogram.Ridge("1 to 2", np.array([0.4, 0.6]), 0.6),
]


def test_bars_are_shares_of_the_highest_one_above_the_level_of_their_bin():
    axes = Figure().add_subplot()
    histogram.draw(axes, EDGES, RIDGES, look(0))
    low, high = (patch.get_data() for patch in axes.patches)
    assert low.values == pytest.approx(histogram.HEIGHT * np.array([0.75, 0.25]) / 0.75)
    assert high.values - 1 == pytest.approx(histogram.HEIGHT * np.array([0.4, 0.6]) / 0.75)
    assert (low.baseline, high.baseline) == (0, 1)
    assert low.edges.tolist() == EDGES.tolist()


def test_every_bin_has_its_name_and_its_mean():
    axes = Figure().add_subplot()
    histogram.draw(axes, EDGES, RIDGES, look(0))
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0 to 1", "1 to 2"]
    assert [list(line.get_xdata()) for line in axes.get_lines()] == [[0.3, 0.3], [0.6, 0.6]]


def test_bins_without_pairs_are_empty_rows():
    axes = Figure().add_subplot()
    empty = histogram.Ridge("0 to 1", np.zeros(2), float("nan"))
    histogram.draw(axes, EDGES, [empty], look(0))
    assert axes.patches[0].get_data().values.tolist() == [0, 0]
