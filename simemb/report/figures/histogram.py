"""How similar a model finds pairs that people scored alike: one histogram of cosines for each bin of gold scores.

Yan et al., 2021 (ConSERT), https://arxiv.org/abs/2105.11741, figure 5, shows the same as clouds of points.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simemb.report.figures.style import INK, PAPER, Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEIGHT = 0.88
"""Of the highest bar, where 1 is the distance between two bins of gold scores."""


@dataclass(frozen=True)
class Ridge:
    """The pairs of one bin of gold scores. shares: of them in each bin of cosines, adding up to 1; mean: cosine."""

    label: str
    shares: NDArray[np.float64]
    mean: float


def draw(axes: "Axes", edges: NDArray[np.float64], ridges: Sequence[Ridge], look: Look) -> None:
    """Histograms one above the other, the lowest gold scores at the bottom, each with its mean.

    edges: of the bins of cosines [bins + 1]. All histograms have one scale, so areas are alike.
    """
    highest = max(float(ridge.shares.max(initial=0)) for ridge in ridges) or 1.0
    for level, ridge in enumerate(ridges):
        axes.stairs(
            level + HEIGHT * ridge.shares / highest,
            edges,
            baseline=level,
            fill=True,
            facecolor=look.color,
            edgecolor=PAPER,
            linewidth=0.4,
            alpha=0.75,
        )
        axes.plot([ridge.mean, ridge.mean], [level, level + HEIGHT], color=INK, linewidth=1)
    axes.set_yticks(range(len(ridges)), [ridge.label for ridge in ridges])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.05, len(ridges))
    axes.set_xlim(float(edges[0]), float(edges[-1]))
    axes.set_xlabel("cosine")
    axes.set_ylabel("gold score")
