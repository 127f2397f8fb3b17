"""Tables for people: the only module that prints.

Scores are shown in points (correlation x 100) with two decimals; the JSON record keeps them unrounded.
"""

from collections.abc import Sequence
from math import isnan

from rich.console import Console
from rich.table import Table

from simemb.scores import Scores

UNDEFINED = "—"


def scores_table(scores_list: Sequence[Scores], *, aggregate: str = "all", metric: str = "spearman") -> Table:
    """One row a model, one column a task, then their average, and alignment and uniformity if measured.

    Args:
        scores_list: Scores of one suite, at least one.
        aggregate: "all", "mean" or "wmean" (see `simemb.scores.Aggregates`).
        metric: "spearman" or "pearson".
    """
    suite, tasks = scores_list[0].suite, scores_list[0].tasks
    geometry = next((scores.geometry for scores in scores_list if scores.geometry), None)
    table = Table(title=f"{suite}: {metric.capitalize()} x 100, {aggregate}")
    table.add_column("model", overflow="fold")
    for heading in [*tasks, *(["average"] if len(tasks) > 1 else [])]:
        table.add_column(heading, justify="right")
    for heading in ("alignment", "uniformity") if geometry else ():
        table.add_column(heading, justify="right")
    for scores in scores_list:
        groups = [*scores.tasks.values(), *([scores.average] if len(tasks) > 1 else [])]
        cells = [_number(getattr(getattr(group, aggregate), metric), 2) for group in groups]
        if scores.geometry:
            cells += [_number(scores.geometry.alignment, 4), _number(scores.geometry.uniformity, 4)]
        table.add_row(scores.model, *cells)
    notes = []
    if geometry:
        notes.append(f"alignment: {geometry.task}, pairs with score >= {geometry.threshold:g}; lower is better")
    if any(cell == UNDEFINED for column in table.columns for cell in column.cells):
        notes.append(f"{UNDEFINED} undefined: all cosines are equal, the embeddings have collapsed")
    table.caption = "\n".join(notes) or None
    return table


def print_table(table: Table) -> None:
    """Write a table to standard output."""
    Console().print(table)


def _number(value: float, decimals: int) -> str:
    return UNDEFINED if isnan(value) else f"{value:.{decimals}f}"
