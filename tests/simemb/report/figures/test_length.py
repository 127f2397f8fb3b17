"""Excess similarity by difference in length."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from simemb.report.figures import length
from simemb.report.figures.style import look


def test_means_stand_at_their_bins_with_two_standard_errors_either_way():
    axes = Figure().add_subplot()
    length.draw(axes, ["0", "1+"], [length.Excess("first", look(0), np.array([5.0, -3.0]), np.array([1.0, 0.5]))])
    points, _, (bars,) = axes.containers[0]
    assert points.get_xydata() == pytest.approx(np.array([[0, 5], [1, -3]]))
    assert [segment[:, 1].tolist() for segment in bars.get_segments()] == [[3, 7], [-4, -2]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1+"]
