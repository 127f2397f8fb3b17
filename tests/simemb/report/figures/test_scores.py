"""Scores and intervals are drawn where they are."""

from math import nan

import numpy as np
from matplotlib.figure import Figure

from simemb.report.figures import scores
from simemb.report.figures.style import look

TASKS = ["sts12", "stsb", "average"]
MODELS = [
    scores.Scored("first", look(0), [60.0, 70.0, 65.0], [58.0, 69.0, 64.0], [62.0, 71.5, 66.0]),
    scores.Scored("second", look(1), [61.0, nan, 61.0], [nan, nan, nan], [nan, nan, nan]),
]


def test_every_model_has_a_dot_for_every_task_and_a_line_from_end_to_end_of_its_interval():
    axes = Figure().add_subplot()
    scores.draw(axes, TASKS, MODELS, xlabel="spearman x 100", average=True)
    points, _, (bars,) = axes.containers[0]
    assert points.get_xdata().tolist() == [60.0, 70.0, 65.0]
    assert [segment[:, 0].tolist() for segment in bars.get_segments()] == [[58.0, 62.0], [69.0, 71.5], [64.0, 66.0]]
    assert [label.get_text() for label in axes.get_yticklabels()] == TASKS
    assert axes.yaxis_inverted()


def test_models_stand_beside_each_other_within_the_row_of_their_task():
    axes = Figure().add_subplot()
    scores.draw(axes, TASKS, MODELS, xlabel="spearman x 100")
    first, second = (container[0].get_ydata() for container in axes.containers)
    assert (first < second).all()
    assert np.abs(np.concatenate([first, second]) - np.tile(np.arange(3), 2)).max() < 0.5


def test_what_has_no_interval_is_a_dot_alone():
    axes = Figure().add_subplot()
    scores.draw(axes, TASKS, MODELS[1:], xlabel="spearman x 100")
    points, _, (bars,) = axes.containers[0]
    assert [np.ptp(segment[:, 0]) for segment in bars.get_segments()[::2]] == [0, 0]
    assert np.isnan(points.get_xdata()[1])
