"""Sentences stand at their places."""

import numpy as np
from matplotlib.figure import Figure

from simemb.report.figures import map as sentences
from simemb.report.figures.style import look


def test_every_group_is_at_its_places_in_its_color():
    axes = Figure().add_subplot()
    groups = [
        sentences.Group("news", look(0), np.array([[0.0, 1.0], [2.0, 3.0]])),
        sentences.Group("images", look(1), np.array([[4.0, 5.0]])),
    ]
    sentences.draw(axes, groups, (0.25, 0.125))
    assert [line.get_xydata().tolist() for line in axes.get_lines()] == [group.places.tolist() for group in groups]
    assert [line.get_color() for line in axes.get_lines()] == [look(0).color, look(1).color]
    assert axes.get_xlabel() == "component 1 (25.0 % of the variance)"
    assert axes.get_ylabel() == "component 2 (12.5 %)"
