"""A report as one page of HTML that needs nothing else: style, script, figures and the record are inside."""

import json
import sys
from datetime import UTC, datetime
from importlib.resources import files
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simemb.comparison.names import listed
from simemb.report import tables
from simemb.report.figures.inline import inline
from simemb.report.figures.panel import Panel
from simemb.report.figures.style import THEME, Look
from simemb.report.intervals import to_json
from simemb.report.panels import FIGURES
from simemb.report.panels.scores import scores_of
from simemb.report.report import Report
from simemb.report.run_settings import run_settings
from simemb.streams import visible

if TYPE_CHECKING:
    from markupsafe import Markup

SURFACES = {
    "length_bias": "mean length",
    "length_difference_bias": "difference in length",
    "overlap_bias": "common words",
}
CONTENTS = {
    "scores": "Scores",
    "curves": "Learning curves",
    "plane": "Alignment and uniformity",
    "similarities": "Similarities by gold score",
    "length": "Length and common words",
    "spectrum": "Spectrum",
    "map": "Map of the sentences",
    "worst": "What the models get wrong",
    "made": "Recipe and environment",
    "record": "Record",
}
"""The sections by their anchors; one without content is left out."""


def page(report: Report, title: str = "") -> str:
    """The page. title: what stands on top of it; by default the names of the models."""
    from jinja2 import Environment, StrictUndefined

    # A browser obeys no control, but it does write from right to left, and a page that is saved may be shown anywhere.
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, finalize=_shown)
    environment.filters |= {"number": number, "svg": _svg, "swatch": _swatch}
    template = environment.from_string(_file("template.html"))
    return template.render(_content(report) | ({"title": title} if title else {})) + "\n"


def _content(report: Report) -> dict[str, Any]:
    """All that the template asks for."""
    from markupsafe import Markup

    scores = [(tables.score_table(report, suite), scores_of(report, suite)) for suite in report.suites]
    drawn = {name: draw(report) for name, draw in FIGURES.items() if name != "scores"}
    content: dict[str, Any] = {
        "title": listed([reported.label for reported in report.models]),
        "all_models": report.all_models,
        "notes": _notes(report),
        "scores": scores,
        "overlaps": {suite.name: _overlaps(report, suite) for suite in report.suites},
        "verdicts": {suite.name: report.verdicts(suite) for suite in report.suites},
        "gains": any(row.gain is not None for table, _ in scores for row in table.rows),
        "shapes": next((table.rows for table, _ in scores if all(row.geometry for row in table.rows)), []),
        "recorded": tables.record_tables(report),
        "curves": drawn["curves"],
        "plane": drawn["plane"],
        "histograms": drawn["histogram"],
        "length": drawn["length"],
        "spectrum": drawn["spectrum"],
        "maps": drawn["map"],
        "surfaces": SURFACES,
        **_pairs(report),
        "made": run_settings(report.models),
        **_environment(report),
        "style": Markup(_file("style.css")),
        "script": Markup(_file("sort.js")),
    }
    return content | {"contents": _contents(content), "record": _record(report, content)}


def _contents(content: dict[str, Any]) -> list[tuple[str, str]]:
    """The sections that there are."""
    present = {
        "curves": content["curves"],
        "plane": content["plane"],
        "similarities": content["histograms"],
        "length": content["length"],
        "spectrum": content["spectrum"],
        "map": content["maps"],
        "worst": content["worst"],
        "made": content["made"].runs,
    }
    return [(anchor, words) for anchor, words in CONTENTS.items() if present.get(anchor, True)]


def _pairs(report: Report) -> dict[str, Any]:
    """What is told of scored pairs."""
    if report.pairs is None:
        return {"biases": [], "worst": [], "pair_tasks": []}
    _, pairs_list = report.pairs
    worst = [
        (reported, tables.worst_pairs(pairs))
        for reported, pairs in zip(report.all_models, pairs_list, strict=True)
        if not reported.base
    ]
    return {"biases": tables.bias_rows(report, pairs_list), "worst": worst, "pair_tasks": pairs_list[0].tasks}


def _notes(report: Report) -> list[str]:
    """What a reader should know first."""
    return [
        f"{reported.label}: {path.name} in its run directory is of another encoder than it is now, and is not used."
        for reported in report.models
        for path in reported.stale
    ]


def _overlaps(report: Report, suite: Any) -> list[str]:
    """Which evaluation texts the models were trained on, as far as it is known."""
    from simemb.comparison.provenance import notes

    return [line for scores in report.scores(suite) for line in notes(scores)]


def _environment(report: Report) -> dict[str, Any]:
    every = [scores for suite in report.suites for scores in report.scores(suite)]
    return {
        "release": every[0].versions["simemb"],
        "versions": every[0].versions,
        "data": {origin: checksum for scores in every for origin, checksum in scores.data.items()},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join((Path(sys.argv[0]).name, *sys.argv[1:])),
    }


def _record(report: Report, content: dict[str, Any]) -> "Markup":
    """All numbers of the page as JSON that may stand inside of HTML."""
    from markupsafe import Markup

    record = {
        "models": {reported.label: reported.model for reported in report.all_models},
        "scores": {
            suite.name: {
                reported.label: {"record": scores.to_json(), "intervals": to_json(intervals)}
                for reported, scores, intervals in zip(
                    report.all_models, report.scores(suite), report.intervals(suite), strict=True
                )
            }
            for suite in report.suites
        },
        "verdicts": content["verdicts"],
        "on_record": report.others_on_record(),
        "biases": {reported.label: measures for reported, measures in content["biases"]},
        "worst": {reported.label: [pair._asdict() for pair in pairs] for reported, pairs in content["worst"]},
    }
    finite = json.loads(json.dumps(record), parse_constant=lambda _: None)
    text = visible(json.dumps(finite, ensure_ascii=False, separators=(",", ":")))
    return Markup(text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e"))


# ---- filters of the template ---------------------------------------------------------------------


def _shown(value: Any) -> Any:
    """A text of others with what would not be seen spelt out; markup of ours as it is."""
    return visible(value) if type(value) is str else value


def number(value: float | None, decimals: int = 2, *, signed: bool = False) -> "Markup":
    """A number, rounded, with all its digits for who points at it and for who reads the source."""
    from markupsafe import Markup

    if value is None or isnan(value):
        return Markup('<span class="undefined" title="not defined">-</span>')
    shown = f"{value:+z.{decimals}f}" if signed else f"{value:z.{decimals}f}"
    return Markup('<data value="{0}" title="{0}">{1}</data>').format(repr(float(value)), shown)


def _svg(panel: Panel) -> "Markup":
    from markupsafe import Markup

    return Markup(inline(panel))


_SHAPES = {
    "o": '<circle cx="16" cy="6" r="3.5"/>',
    "s": '<path d="M12.5 2.5h7v7h-7z"/>',
    "^": '<path d="M16 2l4 7.5h-8z"/>',
    "D": '<path d="M16 1.5l4.5 4.5-4.5 4.5-4.5-4.5z"/>',
    "v": '<path d="M16 10l4-7.5h-8z"/>',
    "P": '<path d="M14.5 2h3v2.5H20v3h-2.5V10h-3V7.5H12v-3h2.5z"/>',
    "X": '<path d="M13 2l3 2.5L19 2l1.5 1.5L18 6l2.5 2.5L19 10l-3-2.5-3 2.5-1.5-1.5L14 6l-2.5-2.5z"/>',
}


def _swatch(look: Look) -> "Markup":
    """The line and the marker of a model, as in the figures."""
    from markupsafe import Markup

    color = next(name for name, value in THEME.items() if value == look.color)
    dashes = "" if isinstance(look.line, str) else f' stroke-dasharray="{" ".join(map(str, look.line[1]))}"'
    fill = f"var(--{color})" if look.filled else "var(--paper)"
    return Markup(
        f'<svg class="swatch" viewBox="0 0 32 12" aria-hidden="true" focusable="false" style="stroke: var(--{color}); '
        f'fill: {fill}"><path d="M0 6h32" stroke-width="2"{dashes}/>{_SHAPES[look.marker]}</svg>'
    )


def _file(name: str) -> str:
    return (files("simemb.report") / name).read_text(encoding="utf-8")
