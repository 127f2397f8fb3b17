"""The plane of alignment and uniformity: models and what they started from, or the way that a training took.

Wang & Isola, 2020, https://arxiv.org/abs/2005.10242; Gao et al., 2021 (SimCSE), figures 2 and 3, whose axes are these.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simemb.report.figures.style import MUTED, Look, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Point:
    """A model. base: place of the point that it started from, in the sequence that both are in."""

    label: str
    look: Look
    uniformity: float
    alignment: float
    base: int | None = None


@dataclass(frozen=True)
class Way:
    """The evaluations of a training, in order [evaluations]."""

    label: str
    look: Look
    uniformity: NDArray[np.float64]
    alignment: NDArray[np.float64]


def draw(axes: "Axes", points: Sequence[Point]) -> None:
    """A marker for each model, and an arrow to it from what it started from."""
    for point in points:
        if point.base is not None:
            start = points[point.base]
            axes.annotate(
                "",
                xy=(point.uniformity, point.alignment),
                xytext=(start.uniformity, start.alignment),
                arrowprops={"arrowstyle": "->", "color": point.look.color, "shrinkA": 4, "shrinkB": 4, "linewidth": 1},
            )
        axes.plot(
            [point.uniformity],
            [point.alignment],
            point.look.marker,
            color=point.look.color,
            markerfacecolor=point.look.face,
            markersize=6,
            label=words(point.label),
        )
    _name(axes)


def draw_ways(axes: "Axes", ways: Sequence[Way]) -> None:
    """A line through the evaluations of each training; it starts at a ring and ends at a filled marker."""
    for way in ways:
        axes.plot(
            way.uniformity,
            way.alignment,
            color=way.look.color,
            linestyle=way.look.line,
            marker=way.look.marker,
            markersize=2.5,
            markevery=slice(1, None),
            label=words(way.label),
        )
        for at, face in ((0, "none"), (-1, way.look.color)):
            axes.plot(
                way.uniformity[[at]],
                way.alignment[[at]],
                way.look.marker,
                color=way.look.color,
                markerfacecolor=face,
                markersize=6,
            )
    _name(axes)


def _name(axes: "Axes") -> None:
    axes.margins(0.14)
    axes.set_xlabel("uniformity (lower is better)")
    axes.set_ylabel("alignment (lower is better)")
    axes.annotate(
        "better",
        xy=(0.02, 0.02),
        xytext=(0.13, 0.13),
        xycoords="axes fraction",
        textcoords="axes fraction",
        fontsize=7,
        color=MUTED,
        arrowprops={"arrowstyle": "->", "color": MUTED, "linewidth": 0.7},
    )
