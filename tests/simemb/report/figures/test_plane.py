"""Models stand at their uniformity and alignment."""

import numpy as np
from matplotlib.figure import Figure

from simemb.report.figures import plane
from simemb.report.figures.style import base_look, look


def test_models_are_points_and_an_arrow_leads_from_what_one_started_from():
    axes = Figure().add_subplot()
    points = [plane.Point("first", look(0), -2.5, 0.2, base=1), plane.Point("base", base_look(), -1.5, 0.1)]
    plane.draw(axes, points)
    assert [line.get_xydata().tolist() for line in axes.get_lines()] == [[[-2.5, 0.2]], [[-1.5, 0.1]]]
    arrow = axes.texts[0]
    assert (arrow.xy, arrow.xyann) == ((-2.5, 0.2), (-1.5, 0.1))


def test_a_way_goes_through_all_evaluations_from_a_ring_to_a_filled_marker():
    axes = Figure().add_subplot()
    way = plane.Way("first", look(2), np.array([-1.0, -2.0, -2.5]), np.array([0.3, 0.2, 0.25]))
    plane.draw_ways(axes, [way])
    line, ring, end = axes.get_lines()
    assert line.get_xydata().tolist() == [[-1.0, 0.3], [-2.0, 0.2], [-2.5, 0.25]]
    assert (ring.get_xydata().tolist(), ring.get_markerfacecolor()) == ([[-1.0, 0.3]], "none")
    assert (end.get_xydata().tolist(), end.get_markerfacecolor()) == ([[-2.5, 0.25]], look(2).color)
