"""Length bias: whether a model finds sentences alike, or not, because of how long they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simemb.report.figures.style import MUTED, Look, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Excess:
    """What a model makes of pairs whose lengths differ so much.

    excess: percentile of the cosine less percentile of the gold score, mean of each bin [bins]; error: its standard
    error.
    """

    label: str
    look: Look
    excess: NDArray[np.float64]
    error: NDArray[np.float64]


def draw(axes: "Axes", bins: Sequence[str], models: Sequence[Excess]) -> None:
    """Mean excess in each bin of length difference, with two standard errors either way; unbiased is a flat 0."""
    places = np.arange(len(bins), dtype=float)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    for place, model in enumerate(models):
        axes.errorbar(
            places + 0.3 * ((place + 0.5) / len(models) - 0.5),
            model.excess,
            yerr=2 * model.error,
            color=model.look.color,
            linestyle=model.look.line,
            marker=model.look.marker,
            markerfacecolor=model.look.face,
            elinewidth=0.8,
            label=words(model.label),
        )
    axes.set_xticks(places, bins)
    axes.grid(visible=False, axis="x")
    axes.set_xlabel("difference in length (words)")
    axes.set_ylabel("too similar by (percentiles)")
