"""Tables for people: the only module that prints.

Scores are shown in points (correlation x 100) with two decimals; the JSON record keeps them unrounded.
"""

from collections.abc import Sequence
from math import isnan
from typing import Literal

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from simemb.scores import Geometry, Scores

UNDEFINED = "-"
UNBOUNDED = 10_000


def scores_table(
    scores_list: Sequence[Scores],
    *,
    aggregate: Literal["all", "mean", "wmean"] = "all",
    metric: Literal["spearman", "pearson"] = "spearman",
) -> Table:
    """One row for each model, one column for each task; their average; alignment and uniformity if measured.

    Args:
        scores_list: Scores of one suite, at least one.
        aggregate: How a task's subsets become one number (see `simemb.scores.Aggregates`).
        metric: Which correlation.
    """
    first = scores_list[0]
    geometry = next((scores.geometry for scores in scores_list if scores.geometry), None)
    rows = [
        [
            _number(getattr(getattr(group, aggregate), metric), 2)
            for group in (*scores.tasks.values(), scores.average)
        ]
        + (_geometry_cells(scores.geometry) if geometry else [])
        for scores in scores_list
    ]
    table = Table(
        title=f"{first.suite}: {metric.capitalize()} x 100, {aggregate}", caption=_notes(rows, geometry)
    )
    table.add_column("model", overflow="fold")
    for heading in (*first.tasks, "average", *(("alignment", "uniformity") if geometry else ())):
        table.add_column(heading, justify="right")
    for scores, cells in zip(scores_list, rows, strict=True):
        table.add_row(scores.model, *cells)
    return table


def print_table(table: Table) -> None:
    """Write a table to standard output, never narrower than its content unless a terminal is."""
    console = Console()
    if not console.is_terminal:
        unbounded = console.options.update(max_width=UNBOUNDED)
        console.width = max(console.width, Measurement.get(console, unbounded, table).maximum)
    console.print(table)


def _number(value: float, decimals: int) -> str:
    return UNDEFINED if isnan(value) else f"{value:.{decimals}f}"


def _geometry_cells(geometry: Geometry | None) -> list[str]:
    return [_number(geometry.alignment, 4), _number(geometry.uniformity, 4)] if geometry else ["", ""]


def _notes(rows: Sequence[Sequence[str]], geometry: Geometry | None) -> str | None:
    """What a reader must know to compare the numbers."""
    notes: list[str] = []
    if geometry:
        positives = f"positives are pairs with score >= {geometry.threshold:g}"
        notes.append(f"alignment and uniformity on {geometry.task}, {positives}; lower is better")
    if any(UNDEFINED in cells for cells in rows):
        notes.append(
            f"{UNDEFINED} undefined: all cosines are equal (collapsed vectors), or no pair is positive"
        )
    return "\n".join(notes) or None
