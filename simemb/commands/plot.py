"""Draw one figure for a paper.

simemb plot FIGURE RUN [RUN ...] --output FIGURE.svg
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from simemb.commands.options import UNPREFIXED, AtLeastOne, OneDevice
from simemb.commands.outputs import check_report
from simemb.commands.parsing import UsageError, parse
from simemb.errors import DataError

log = logging.getLogger("simemb")


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
    models: Positional[Annotated[tuple[str, ...], tyro.conf.arg(metavar="RUN [RUN ...]"), AtLeastOne("RUN")]]
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
    place: Annotated[OneDevice, UNPREFIXED] = field(default_factory=OneDevice)
    overwrite: bool = False
    """Replace an existing file."""


def run(words: list[str]) -> None:
    """`simemb plot FIGURE RUN [RUN ...] --output FILE`."""
    options = parse(Plot, words, prog="simemb plot")
    for name in ("width", "height", "dpi"):
        value = getattr(options, name)
        if value is not None and not 0 < value <= (1200 if name == "dpi" else 100):
            raise UsageError(f"--{name} {value:g}: must be above 0 and at most {1200 if name == 'dpi' else 100}")
    from simemb.report.figures.panel import check_format, save

    check_format(options.output)
    check_report("plot", options.models, options.output, overwrite=options.overwrite)
    from simemb.report import report as reports
    from simemb.report.panels import FIGURES

    report = reports.Report(options.models, options.suite, base=options.base, device=options.place.device)
    panels = FIGURES[options.figure](report)
    if not panels:
        raise DataError(f"{', '.join(options.models)}: there is nothing to draw for {options.figure}")
    size = {"width": options.width, "height": options.height, "dpi": options.dpi}
    save(panels, options.output, **size, overwrite=options.overwrite)
    log.info("%s: %s", options.output, " ".join(panel.caption for panel in panels[:1]))
