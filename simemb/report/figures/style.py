"""How every figure looks: sizes in inches, type, and colors, lines and markers that tell models apart.

The hues are those of Okabe & Ito, 2008 (Color universal design), which people with any kind of color vision can tell
apart, darkened until each has a contrast of 3:1 against white. Line style and marker differ too, so that gray will do.
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

from simemb.streams import visible

COLUMN = 3.3
"""Width of one column of a paper, in inches."""
LETTERS = 17
"""Of 7 points in an inch, about."""
PAGE = 6.9
"""Width of both columns of a paper and the gap between them, in inches."""

INK, MUTED, FAINT, PAPER = "#1a1a1a", "#5f5f5f", "#dddddd", "#ffffff"
BASE = "#767676"
"""The color of what a run started from."""
HUES = {
    "blue": "#0072b2",
    "vermilion": "#d55e00",
    "green": "#00875f",
    "purple": "#b5568c",
    "orange": "#b87a00",
    "sky": "#3a8fc0",
    "black": "#333333",
}
THEME = {"ink": INK, "muted": MUTED, "faint": FAINT, "paper": PAPER, "base": BASE} | HUES
"""Every color that a figure may have, by its name; in a page the name is that of a CSS variable."""

_LINES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (9, 2)), (0, (3, 1, 1.2, 1, 1.2, 1)), "-")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")

# The first of these that a machine has; all but the last are only on some.
_FONTS = ("Helvetica", "Arial", "Liberation Sans", "Noto Sans CJK SC", "WenQuanYi Micro Hei", "DejaVu Sans")
_SETTINGS: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 6,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.3,
    "lines.markersize": 3.5,
    "legend.frameon": False,
    "legend.borderpad": 0,
    "legend.labelspacing": 0.3,
    # A name with a dollar sign is a name, and no formula.
    "text.parse_math": False,
    "axes.formatter.useoffset": False,
    # Type that stays type: a reader can select it, and a journal's checks let it pass.
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    # The same figure gives the same bytes.
    "svg.hashsalt": "simemb",
}


@dataclass(frozen=True)
class Look:
    """How one model is drawn, in every figure alike. line: a style as matplotlib takes it."""

    color: str
    line: Any
    marker: str
    filled: bool = True

    @property
    def face(self) -> str:
        """The color inside its marker."""
        return self.color if self.filled else PAPER


def look(place: int) -> Look:
    """That of the model at a place from 0; colors, lines and markers come around at different places."""
    hues = list(HUES.values())
    around, place_in = divmod(place, len(hues))
    return Look(hues[place_in], _LINES[(place_in + around) % len(_LINES)], _MARKERS[(place_in + 2 * around) % 7])


def base_look(place: int = 0) -> Look:
    """That of what runs started from."""
    return Look(BASE, _LINES[(2 + place) % len(_LINES)], _MARKERS[place % len(_MARKERS)], filled=False)


@contextmanager
def drawing() -> Generator[None, None, None]:
    """Inside this context matplotlib draws in our style, whatever the user's own settings."""
    import logging
    import warnings

    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings(), _quiet(logging.getLogger("matplotlib.font_manager")):
        # A page has more fonts than matplotlib knows of, and a paper should not fail for one letter.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        warnings.filterwarnings("ignore", message="constrained_layout not applied", category=UserWarning)
        matplotlib.rcdefaults()
        parameters: Any = matplotlib.rcParams
        parameters.update(_SETTINGS | {"font.sans-serif": fonts()})
        yield


def fonts() -> list[str]:
    """The families that this machine has of those that we like, and matplotlib's own at the end."""
    from matplotlib import font_manager

    present = set(font_manager.get_font_names())
    return [family for family in _FONTS if family in present]


@contextmanager
def _quiet(log: Any) -> Generator[None, None, None]:
    level, log.level = log.level, 50
    try:
        yield
    finally:
        log.level = level


def words(name: str) -> str:
    """A name as a figure shows it: in lines of a legend's width, spelt out where a character would not be seen.

    matplotlib leaves what begins with an underscore out of a legend, so a blank comes first.

    >>> words("_run")
    ' _run'
    """
    lines = wrap(visible(name), LETTERS * int(COLUMN) - 6) or [name]
    return "\n".join(lines) if not lines[0].startswith("_") else " " + "\n".join(lines)


def legend(axes: Any) -> None:
    """Names of what is drawn, above the axes and below the title; nothing where there is but one."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) < 2:
        return
    axes.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        borderaxespad=0.3,
        ncols=columns(labels, COLUMN),
        **spacing(handles),
    )


def columns(labels: Sequence[str], width: float) -> int:
    """In how many columns names fit into a width in inches, with as few rows as can be, evenly filled."""
    for count in range(len(labels), 1, -1):
        rows = -(-len(labels) // count)
        widths = [6 + max(map(_width, labels[start : start + rows])) for start in range(0, len(labels), rows)]
        if len(widths) == count and sum(widths) <= LETTERS * width:
            return count
    return 1


def _width(label: str) -> int:
    return max(map(len, label.split("\n")))


def spacing(handles: Sequence[Any]) -> dict[str, float]:
    """Room for lines, or where there are none, for markers, which small ones are enlarged to fill."""
    lines = [getattr(handle, "lines", [handle])[0] for handle in handles]
    if any(line.get_linestyle() not in ("None", "none", "") for line in lines):
        return {"handlelength": 2.2, "columnspacing": 1.6}
    small = min(line.get_markersize() for line in lines) < 3
    return {"handlelength": 0.9, "handletextpad": 0.5, "columnspacing": 1.6, "markerscale": 2.0 if small else 1.0}


def plain_log(axis: Any) -> None:
    """Label a logarithmic axis with plain numbers (0.01, 1, 100)."""
    from matplotlib.ticker import FuncFormatter, NullFormatter

    def plain(value: float, _: int | None) -> str:
        return f"{value:g}"

    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_formatter(NullFormatter())
