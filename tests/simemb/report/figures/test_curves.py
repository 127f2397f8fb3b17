"""Curves go through their points."""

import numpy as np
from matplotlib.figure import Figure

from simemb.report.figures import curves
from simemb.report.figures.style import look


def test_a_curve_goes_through_its_points_in_its_look():
    axes = Figure().add_subplot()
    drawn = curves.Curve("first", look(1), np.array([0.0, 10.0, 20.0]), np.array([1.0, 0.5, 0.25]))
    curves.draw(axes, [drawn], ylabel="loss")
    (line,) = axes.get_lines()
    assert line.get_xydata().tolist() == [[0, 1], [10, 0.5], [20, 0.25]]
    assert line.get_color() == look(1).color
    assert line.get_label() == "first"
    assert axes.get_ylabel() == "loss"


def test_the_checkpoint_that_was_kept_is_marked():
    axes = Figure().add_subplot()
    steps, values = np.array([0.0, 10.0, 20.0]), np.array([1.0, 3.0, 2.0])
    curves.draw(axes, [curves.Curve("first", look(0), steps, values, kept=1)], ylabel="score")
    _, mark = axes.get_lines()
    assert mark.get_xydata().tolist() == [[10, 3]]
    assert mark.get_label().startswith("_"), "it is no model of its own in the legend"


def test_only_a_few_points_are_marked_one_by_one():
    axes = Figure().add_subplot()
    many = np.arange(curves.FEW + 1.0)
    curves.draw(axes, [curves.Curve("a", look(0), part, part) for part in (many, many[1:])], ylabel="loss")
    assert [line.get_marker() for line in axes.get_lines()] == ["None", look(0).marker]
