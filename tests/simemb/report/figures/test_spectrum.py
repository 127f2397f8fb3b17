"""Spectra are shares of their largest value."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from simemb.report.figures import spectrum
from simemb.report.figures.style import look


def test_a_spectrum_is_drawn_as_shares_of_its_largest_value_over_the_rank():
    axes = Figure().add_subplot()
    spectrum.draw(axes, [spectrum.Spectrum("first", look(0), np.array([4.0, 2.0, 1.0]))])
    (line,) = axes.get_lines()
    assert line.get_xdata().tolist() == [1, 2, 3]
    assert line.get_ydata() == pytest.approx([1, 0.5, 0.25])
    assert axes.get_yscale() == "log"


def test_dead_directions_end_the_curve():
    axes = Figure().add_subplot()
    spectrum.draw(axes, [spectrum.Spectrum("first", look(0), np.array([1.0, 0.1, 1e-8, 0.0]))])
    assert np.isnan(axes.get_lines()[0].get_ydata()).tolist() == [False, False, True, True]
    assert axes.get_ylim()[0] > spectrum.LOWEST
