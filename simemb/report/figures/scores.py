"""Scores with their intervals: one line for each task, a dot for each model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simemb.report.figures.style import MUTED, Look, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROOM = 0.74
"""The share of a task's height that its dots are spread over."""


@dataclass(frozen=True)
class Scored:
    """The scores of one model, task by task, in points; nan where there is none.

    low, high: ends of their confidence intervals, nan where there is no interval.
    """

    label: str
    look: Look
    points: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


def draw(axes: "Axes", tasks: Sequence[str], models: Sequence[Scored], *, xlabel: str, average: bool = False) -> None:
    """Dots and intervals, the first task on top; average: the last of `tasks` is the mean of the others."""
    rows = np.arange(len(tasks), dtype=float)
    for place, model in enumerate(models):
        offset = ROOM * ((place + 0.5) / len(models) - 0.5)
        points, low, high = (np.asarray(values, float) for values in (model.points, model.low, model.high))
        axes.errorbar(
            points,
            rows + offset,
            xerr=np.nan_to_num(np.stack([points - low, high - points])),
            fmt=model.look.marker,
            color=model.look.color,
            markerfacecolor=model.look.face,
            markersize=4,
            elinewidth=1,
            label=words(model.label),
        )
    for border in rows[1:] - 0.5:
        last = average and border == rows[-1] - 0.5
        axes.axhline(border, color=MUTED, linewidth=0.8 if last else 0.3, zorder=0)
    axes.set_yticks(rows, [words(task) for task in tasks])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.set_ylim(len(tasks) - 0.5, -0.5)
    axes.set_xlabel(xlabel)
