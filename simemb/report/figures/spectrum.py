"""The singular spectrum: how much the vectors of sentences vary along each of their directions.

A steep fall means that few directions carry everything (Wang et al., 2020; Ethayarajh, 2019, on anisotropy).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simemb.report.figures.style import Look, plain_log, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOWEST = 1e-3
"""A curve ends here: what is smaller is rounding, or a direction that is dead."""


@dataclass(frozen=True)
class Spectrum:
    """Singular values of a model's vectors [dimensions], largest first, in any unit."""

    label: str
    look: Look
    values: NDArray[np.float64]


def draw(axes: "Axes", spectra: Sequence[Spectrum]) -> None:
    """Singular values as shares of the largest, on a logarithmic axis, over their rank."""
    lowest = 1.0
    for spectrum in spectra:
        shares = spectrum.values / spectrum.values[0]
        shares = np.where(shares < LOWEST, np.nan, shares)
        lowest = min(lowest, float(np.nanmin(shares)))
        rank = np.arange(1, len(shares) + 1)
        axes.plot(rank, shares, color=spectrum.look.color, linestyle=spectrum.look.line, label=words(spectrum.label))
    axes.set_yscale("log")
    axes.set_ylim(lowest / 1.5, 1.3)
    plain_log(axes.yaxis)
    axes.margins(x=0.02)
    axes.set_xlabel("rank")
    axes.set_ylabel("singular value / largest")
