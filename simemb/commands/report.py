"""The verbs that show what came of a training: `simemb report` writes a page about models, `simemb plot` one figure.

The options of both, as in `simemb.commands.parsing`, and what each does once they are read.
"""

import logging
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from simemb.commands.parsing import UsageError, parse
from simemb.errors import DataError

log = logging.getLogger("simemb")

NEEDED = ("matplotlib", "jinja2")


@dataclass(frozen=True)
class Report:
    """Write one page about models: scores, pictures, errors, how they were made.

    A single HTML file that needs no network and reads well on paper too.
    """

    models: Positional[Annotated[tuple[str, ...], tyro.conf.arg(metavar="RUN [RUN ...]")]]
    """Run directories, model directories or hub names, side by side."""
    output: Path
    """REPORT.html."""
    suite: tuple[str, ...] = ()
    """Suites (`simemb list suites`), or files with a score and two sentences a row; by default sts, or where its data
    are absent the bundled sample."""
    title: str = ""
    """What stands on top; by default the names of the models."""
    base: bool = True
    """Also show what the runs started from."""
    overwrite: bool = False
    """Replace the file that is there."""


@dataclass(frozen=True)
class Plot:
    """Draw one figure of models for a paper.

    scores: with intervals. curves: learning curves. map: two components.

    plane: alignment and uniformity. spectrum: singular values.

    histogram: cosines by gold score. length: length bias.
    """

    figure: Positional[
        Annotated[
            Literal["curves", "plane", "histogram", "spectrum", "scores", "length", "map"],
            tyro.conf.arg(metavar="FIGURE"),
        ]
    ]
    """curves, plane, histogram, spectrum, scores, length or map."""
    models: Positional[Annotated[tuple[str, ...], tyro.conf.arg(metavar="RUN [RUN ...]")]]
    """Run directories, model directories or hub names, side by side."""
    output: Path
    """FIGURE.png, FIGURE.svg or FIGURE.pdf."""
    suite: tuple[str, ...] = ()
    """Suites, or files with a score and two sentences a row; by default sts, or the bundled sample."""
    width: float | None = None
    """In inches; by default one column of a paper (3.3), or for several panels a page (6.9)."""
    height: float | None = None
    """In inches; by default as the panels need."""
    dpi: int = 300
    """Dots per inch of a PNG."""
    base: bool = True
    """Also show what the runs started from."""
    overwrite: bool = False
    """Replace the file that is there."""


def report(words: list[str]) -> None:
    """`simemb report RUN [RUN ...] --output REPORT.html`."""
    chosen = parse(Report, words, prog="simemb report")
    _check(chosen)
    from simemb import files
    from simemb.report.page import page
    from simemb.report.report import Dossier

    content = page(Dossier(chosen.models, chosen.suite, base=chosen.base), chosen.title)
    try:
        files.write_text(chosen.output, content)
    except OSError as error:
        raise DataError(f"{chosen.output}: cannot be written: {error.strerror}") from error
    log.info("%s: %.1f MB, to be opened in a browser", chosen.output, chosen.output.stat().st_size / 1e6)


def plot(words: list[str]) -> None:
    """`simemb plot FIGURE RUN [RUN ...] --output FILE`."""
    chosen = parse(Plot, words, prog="simemb plot")
    for name in ("width", "height", "dpi"):
        value = getattr(chosen, name)
        if value is not None and not 0 < value <= (1200 if name == "dpi" else 100):
            raise UsageError(f"--{name} {value:g}: must be above 0 and at most {1200 if name == 'dpi' else 100}")
    from simemb.report.figures.panel import check_format, save

    check_format(chosen.output)
    _check(chosen)
    from simemb.report.panels import FIGURES
    from simemb.report.report import Dossier

    panels = FIGURES[chosen.figure](Dossier(chosen.models, chosen.suite, base=chosen.base))
    if not panels:
        raise DataError(f"{', '.join(chosen.models)}: there is nothing to draw for {chosen.figure}")
    save(panels, chosen.output, width=chosen.width, height=chosen.height, dpi=chosen.dpi)
    log.info("%s: %s", chosen.output, " ".join(panel.caption for panel in panels[:1]))


def _check(chosen: Report | Plot) -> None:
    """Refuse at once what would be refused after minutes of work."""
    verb = f"simemb {type(chosen).__name__.lower()}"
    if not chosen.models:
        raise UsageError(f"missing: RUN, at least one; `{verb} --help` tells more")
    missing = [package for package in NEEDED if find_spec(package) is None]
    if missing:
        raise DataError(f"{verb} needs {' and '.join(missing)}: pip install 'simemb[plot]'")
    if chosen.output.is_dir():
        raise DataError(f"{chosen.output}: is a directory; --output names a file")
    if chosen.output.exists() and not chosen.overwrite:
        raise DataError(f"{chosen.output} exists: --overwrite replaces it")
