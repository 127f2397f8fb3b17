"""A figure with the words that belong to it, and how figures get on paper: one alone, or several side by side."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simemb.errors import DataError
from simemb.outputs import new_file
from simemb.report.figures.style import (
    COLUMN,
    PAGE,
    columns,
    drawing,
    legend,
    spacing,
    words,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
# When and by which release a figure was drawn would make two files of one figure differ.
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@dataclass(frozen=True)
class Panel:
    """One figure.

    Attributes:
        key: What tells it from every other figure of a page: letters, digits and dashes.
        title: A few words above it.
        caption: What it shows, of how much, and how to read it.
        description: What is to be seen, for who cannot see it.
        draw: Draws it.
        height: In inches, where it is one column wide.
    """

    key: str
    title: str
    caption: str
    description: str
    draw: Callable[["Axes"], None]
    height: float = 2.3


def compose(panels: Sequence[Panel], width: float | None = None, height: float | None = None) -> "Figure":
    """A matplotlib figure of the panels, in rows; to be called and saved inside of `style.drawing`.

    width, height: in inches; by default one column of a paper for a single panel and a page for more, as high as the
    panels ask for. Names of models stand once, above everything.
    """
    from matplotlib.figure import Figure

    width = width or (COLUMN if len(panels) == 1 else PAGE)
    across = _across(len(panels), width)
    rows = [panels[start : start + across] for start in range(0, len(panels), across)]
    heights = [max(panel.height for panel in row) * (0.85 if across > 2 else 1) for row in rows]
    figure = Figure(figsize=(width, height or sum(heights)), layout="constrained")
    grid = figure.add_gridspec(len(rows), across, height_ratios=heights)
    for place, panel in enumerate(panels):
        axes = figure.add_subplot(grid[divmod(place, across)])
        panel.draw(axes)
        if len(panels) == 1:
            legend(axes)
        else:
            axes.set_title(words(panel.title))
    if len(panels) > 1:
        _shared_legend(figure)
    return figure


def save(
    panels: Sequence[Panel],
    path: Path,
    *,
    width: float | None = None,
    height: float | None = None,
    dpi: int = 300,
    overwrite: bool = False,
) -> None:
    """Write panels as one PNG, SVG or PDF, by the suffix of `path`; sizes in inches.

    Raises:
        DataError: another suffix, a file that exists (without `overwrite`) or that cannot be written.
    """
    kind = check_format(path)
    with drawing():
        figure = compose(panels, width, height)
        try:
            with new_file(path, overwrite=overwrite) as partial:
                figure.savefig(partial, format=kind, dpi=dpi, metadata=METADATA[kind])
        except OSError as error:
            raise DataError(f"{path}: cannot be written: {error.strerror}") from error


def check_format(path: Path) -> str:
    """The format that a file's suffix stands for; `DataError` for one that figures are not written in."""
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise DataError(f"{path}: figures are written as {', '.join(f'.{kind}' for kind in FORMATS)}")
    return kind


def _across(panels: int, width: float) -> int:
    if width < 1.5 * COLUMN:
        return 1
    return min(panels, 2 if panels in (2, 4) else 3)


def _shared_legend(figure: "Figure") -> None:
    """Every name once: the same one looks the same in all panels."""
    named: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    if len(named) > 1:
        handles, across = list(named.values()), columns(list(named), figure.get_figwidth())
        figure.legend(handles, list(named), loc="outside upper left", ncols=across, **spacing(handles))
