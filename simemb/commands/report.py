"""Write a page about models: scores, figures and errors.

simemb report RUN [RUN ...] --output REPORT.html
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from simemb import outputs
from simemb.commands.options import UNPREFIXED, AtLeastOne, OneDevice
from simemb.commands.outputs import check_report
from simemb.commands.parsing import parse

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class Report:
    """Write one page about models: scores, pictures, errors, how they were made.

    A single HTML file that needs no network and reads well on paper too.
    """

    models: Positional[Annotated[tuple[str, ...], tyro.conf.arg(metavar="RUN [RUN ...]"), AtLeastOne("RUN")]]
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
    place: Annotated[OneDevice, UNPREFIXED] = field(default_factory=OneDevice)
    overwrite: bool = False
    """Replace an existing file."""


def run(words: list[str]) -> None:
    """`simemb report RUN [RUN ...] --output REPORT.html`."""
    options = parse(Report, words, prog="simemb report")
    check_report("report", options.models, options.output, overwrite=options.overwrite)
    from simemb.report import report as reports
    from simemb.report.page import page

    report = reports.Report(options.models, options.suite, base=options.base, device=options.place.device)
    content = page(report, options.title)
    outputs.write_text(options.output, content, overwrite=options.overwrite)
    log.info("%s: %.1f MB, to be opened in a browser", options.output, len(content.encode()) / 1e6)
