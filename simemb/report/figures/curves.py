"""Curves over the steps of a training: loss, dev score, alignment, uniformity, cosines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simemb.report.figures.style import Look, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW = 40
"""Up to so many points are marked one by one."""


@dataclass(frozen=True)
class Curve:
    """One curve. steps, values: [points]. kept: the point that is marked as the checkpoint that was kept, if any."""

    label: str
    look: Look
    steps: NDArray[np.float64]
    values: NDArray[np.float64]
    kept: int | None = None


def draw(axes: "Axes", curves: Sequence[Curve], *, ylabel: str) -> None:
    """Curves over steps; the checkpoint that was kept is a large, open marker."""
    for curve in curves:
        marker = curve.look.marker if len(curve.steps) <= FEW else None
        axes.plot(
            curve.steps,
            curve.values,
            color=curve.look.color,
            linestyle=curve.look.line,
            marker=marker,
            markersize=2.5,
            label=words(curve.label),
        )
        if curve.kept is not None:
            at = slice(curve.kept, curve.kept + 1)
            axes.plot(
                curve.steps[at],
                curve.values[at],
                curve.look.marker,
                color=curve.look.color,
                markerfacecolor="none",
                markersize=7,
                clip_on=False,
            )
    axes.set_xlabel("step")
    axes.set_ylabel(words(ylabel))
    axes.margins(x=0.02)
