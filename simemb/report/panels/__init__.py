"""The figures of a report, from the numbers of its models: `simemb plot` and `simemb report` draw the same ones."""

from collections.abc import Callable

from simemb.report.figures.panel import Panel
from simemb.report.panels.pairs import histograms, length
from simemb.report.panels.scores import scores
from simemb.report.panels.space import maps, plane, spectrum
from simemb.report.panels.training import curves, ways
from simemb.report.report import Report

FIGURES: dict[str, Callable[[Report], list[Panel]]] = {
    "scores": scores,
    "curves": curves,
    "plane": lambda report: [*plane(report), *ways(report)],
    "histogram": histograms,
    "length": length,
    "spectrum": spectrum,
    "map": maps,
}
"""The figures by the names that `simemb plot` gives them; a list is empty where there is nothing to draw."""
