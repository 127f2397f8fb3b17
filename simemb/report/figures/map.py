"""A map of sentences: their vectors on the plane where they vary most, colored by where the sentences are from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simemb.report.figures.style import Look, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Group:
    """Sentences of one origin. places: [sentences, 2]."""

    label: str
    look: Look
    places: NDArray[np.float64]


def draw(axes: "Axes", groups: Sequence[Group], explained: tuple[float, float]) -> None:
    """A small marker for each sentence. explained: the share of the variance along either axis, in [0, 1]."""
    for group in groups:
        axes.plot(
            group.places[:, 0],
            group.places[:, 1],
            group.look.marker,
            color=group.look.color,
            markersize=2.2,
            markeredgewidth=0,
            alpha=0.7,
            label=words(group.label),
        )
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.set_xlabel(f"component 1 ({100 * explained[0]:.1f} % of the variance)")
    axes.set_ylabel(f"component 2 ({100 * explained[1]:.1f} %)")
