"""Tables for people.

Scores are shown in points (correlation x 100) with two decimals; the JSON record keeps them unrounded.
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import isnan, nan
from shlex import quote
from typing import TYPE_CHECKING, Literal

from rich.box import SIMPLE_HEAD
from rich.measure import Measurement
from rich.table import Table

from simemb import streams
from simemb.comparison import provenance
from simemb.console import PlainConsole
from simemb.encoder.names import as_typed
from simemb.evaluation.languages import final_suite
from simemb.evaluation.metrics import Geometry
from simemb.evaluation.scores import (
    METRICS,
    Aggregates,
    Scores,
    SimilarityScores,
    TaskScores,
)
from simemb.report import headings, undefined
from simemb.report.numbers import DECIMALS, decimals, in_text
from simemb.report.stacking import stack
from simemb.report.undefined import UNDEFINED
from simemb.training import seeds as several

if TYPE_CHECKING:
    from simemb.training.result import Result

Aggregate = Literal["all", "mean", "wmean"]

GEOMETRY = ("alignment", "uniformity", "effective rank")
FOLDED = 16
"""Characters of a line of a folded name or text, at least."""
UNBOUNDED = 10_000
VISIBLE = 0.05
"""Points by which a score must change to be called better or worse."""


def scores_table(
    scores_list: Sequence[Scores], *, aggregate: Aggregate = "all", number: str | None = None, bars: bool = False
) -> Table:
    """One row for each model, one column for each task; their average; the geometry of the vectors if measured.

    Args:
        scores_list: Scores of one suite, at least one.
        aggregate: How the subsets of a task of scored pairs become one number (see
            `simemb.evaluation.scores.Aggregates`).
        number: Which number of the tasks; by default the suite's headline. `DataError` if the suite has none such.
        bars: Draw the average too, for who watches a terminal, if it is in points.
    """
    first = scores_list[0]
    name = number or first.headline
    if name in METRICS and aggregate != "all":
        name = f"{aggregate}.{name}"
    bars = bars and name not in DECIMALS
    geometry = next((scores.geometry for scores in scores_list if scores.geometry), None)
    rows = [_cells(scores, name, bars=bars) for scores in scores_list]
    table = Table(title=f"{first.suite}: {_title(first, name)}", box=SIMPLE_HEAD)
    table.add_column("model", overflow="fold")
    average = headings.average(list(first.tasks), first.missing, first.left_out)
    for heading in (*first.tasks, average, *([""] if bars else []), *(GEOMETRY if geometry else ())):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for label, cells in zip(headings.models(scores_list), rows, strict=True):
        table.add_row(label, *cells)
    notes = _notes(geometry, missing=first.missing)
    if any(UNDEFINED in cells for cells in rows):
        notes.append(undefined.note(scores_list, name))
    table.caption = "\n".join(notes) or None
    return table


def details_tables(scores_list: Sequence[Scores]) -> list[Table]:
    """Every other number of tasks that have more than correlations; no table where there are none such.

    One model has one table with a column for each task, several have a table for each task with a column for each
    model. A number that comes in variants (`approximate.map`) has a column for each of them.
    """
    if len(scores_list) == 1:
        return _details("", scores_list[0].tasks)
    every = [task for task in scores_list[0].tasks if all(task in scores.tasks for scores in scores_list)]
    return [
        table
        for task in every
        for table in _details(
            task,
            {
                label: scores.tasks[task]
                for label, scores in zip(headings.models(scores_list), scores_list, strict=True)
            },
        )
    ]


def _details(title: str, columns: Mapping[str, TaskScores]) -> list[Table]:
    """A table with a row for each number, unless there are none."""
    own = {heading: _own(task) for heading, task in columns.items()}
    rows = list(dict.fromkeys(name for numbers in own.values() for name, _ in numbers))
    if not rows:
        return []
    table = Table(title=title or None, box=SIMPLE_HEAD)
    table.add_column("")
    cells: list[list[str]] = []
    for heading, numbers in own.items():
        for variant in dict.fromkeys(variant for _, variant in numbers):
            table.add_column(f"{heading}, {variant}" if variant else heading, justify="right", overflow="fold")
            values = [(name, numbers.get((name, variant))) for name in rows]
            cells.append(["" if value is None else _number(value, decimals(name)) for name, value in values])
    for name, *values in zip(rows, *cells, strict=True):
        table.add_row(name.replace("_", " "), *values)
    return [table]


def _own(task: TaskScores) -> dict[tuple[str, str], float]:
    """The numbers that a table of correlations has no place for, by name and variant."""
    shown = SimilarityScores.numbers(task) if isinstance(task, SimilarityScores) else {}
    own = {name: value for name, value in task.numbers().items() if name not in shown}
    return {_parted(name): value for name, value in own.items()} if len(own) > 1 else {}


def _parted(name: str) -> tuple[str, str]:
    """A number and its variant: "approximate.map" is a variant of "map", and "alignment>=4.5" is none."""
    variant, _, own = name.partition(".")
    return (own, variant) if own and variant.isalpha() else (name, "")


def _title(scores: Scores, name: str) -> str:
    if not isinstance(scores.average, Aggregates):
        return name.replace("_", " ")
    aggregate, _, metric = name.rpartition(".")
    if metric not in METRICS:
        return metric.replace("_", " ")
    return f"{metric} x 100, {aggregate or 'all'}"


def print_scores(scores_list: Sequence[Scores], *, aggregate: Aggregate = "all", number: str | None = None) -> None:
    """Write the scores of one suite to standard output; in a terminal with bars."""
    print_table(scores_table(scores_list, aggregate=aggregate, number=number, bars=sys.stdout.isatty()))
    for table in details_tables(scores_list):
        print_table(table)
    print_notes(dict.fromkeys(note for scores in scores_list for note in provenance.notes(scores)))


def print_notes(notes: Iterable[str]) -> None:
    """Lines below a table."""
    for note in notes:
        streams.show(f"{note}\n")


def print_table(table: Table, *, whole: bool = False) -> None:
    """Write a table to standard output: no number is cut, columns that do not fit beside the others go below them.

    Long names are folded. whole: so are texts, but only in a terminal, or where COLUMNS says how wide to be; a pipe has
    each on a line of its own.
    """
    console = PlainConsole()
    screen, folds = console.width, not whole or console.is_terminal or "COLUMNS" in os.environ
    wide = console.options.update(max_width=UNBOUNDED)
    for column in table.columns:
        natural = max(console.measure(cell, options=wide).maximum for cell in (column.header, *column.cells))
        column.min_width = min(natural, max(FOLDED, screen // 4)) if column.overflow == "fold" else natural

    def least(part: Table) -> int:
        for column in part.columns:
            column.max_width = column.min_width
        width = Measurement.get(console, wide, part).minimum
        for column in part.columns:
            column.max_width = None
        return width

    for part in stack(table, lambda part: least(part) <= screen):
        caption, part.caption = part.caption, None
        console.width = max(screen, least(part) if folds else Measurement.get(console, wide, part).maximum)
        console.print(part)
        if caption:  # below and not in the table, whose width would fold it
            console.print(caption, style="dim")


def _cells(scores: Scores, name: str, *, bars: bool) -> list[str]:
    places = decimals(name)
    average = scores.number(name)
    cells = [_number(task.numbers().get(name, nan), places) for task in scores.tasks.values()]
    cells += [_number(average, places), *([bar(average)] if bars else [])]
    if scores.geometry:
        cells += [_number(getattr(scores.geometry, part), DECIMALS[part]) for part in several.GEOMETRY]
    return cells


def bar(points: float, width: int = 20) -> str:
    """A bar for points from 0 to 100, in eighths of a character.

    >>> bar(50, width=4), bar(12.5, width=4)
    ('██  ', '▌   ')
    """
    eighths = 0 if isnan(points) else round(8 * width * min(max(points, 0), 100) / 100)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[rest] if rest else "")).ljust(width)


def _number(value: float, places: int) -> str:
    return UNDEFINED if isnan(value) else f"{value:z.{places}f}"


def _notes(geometry: Geometry | None, *, missing: Sequence[str] = ()) -> list[str]:
    """What a reader must know to compare the numbers."""
    notes: list[str] = []
    if missing:
        notes.append(f"without {', '.join(missing)}: the data are not there")
    if geometry:
        positives = f"positives are pairs with score >= {geometry.threshold:g}"
        notes.append(f"alignment and uniformity on {geometry.task}, {positives}; lower is better")
        notes.append("effective rank: how many dimensions the vectors make use of; higher is better")
    return notes


def print_runs(results: Sequence["Result"], seeds: Sequence[int]) -> None:
    """What a training gave: scores before and after, where the encoder is, and what to type next."""
    if results[0].after is not None:
        print_table(runs_table(results, seeds))
    print_notes(_control_notes(results, seeds))
    for result in results:
        streams.show(
            f"{result.steps} steps, {result.seconds:.0f} s, {result.sentences_per_second:,.0f} sentences/s; "
            f"the best encoder (step {result.best_step}) is in {result.directory / 'best'}\n"
        )
        for seen in result.seen:
            streams.show(f"  of {seen.name}: {seen.amount()}\n")
    directory, scores = quote(as_typed(results[0].directory)), results[0].after
    suite = "sample" if scores and scores.suite == "sample_dev" else final_suite(results[0].language)
    streams.show(
        f"\nnext:  simemb eval {directory} --suite {suite}\n"
        f"       simemb encode {directory} sentences.txt --output vectors.npy\n"
        f"       simemb index {directory} sentences.txt --output my.index\n"
    )


def runs_table(results: Sequence["Result"], seeds: Sequence[int]) -> Table:
    """The base, each run's best checkpoint and, with several seeds, their mean and standard deviation."""
    before, after = results[0].before, [result.after for result in results]
    assert before is not None
    table = Table(title=f"{before.suite}, on which the checkpoint was chosen", box=SIMPLE_HEAD)
    table.add_column("")
    for name in several.numbers(before):
        table.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    table.add_row("before", *_summary([before]))
    for seed, scores in zip(seeds, after, strict=True):
        assert scores is not None
        table.add_row("after" if len(seeds) == 1 else f"after, seed {seed}", *_summary([scores]))
    if len(seeds) > 1:
        table.add_row(f"mean ± sd of {len(seeds)}", *_summary([scores for scores in after if scores]))
    table.caption = "\n".join(_notes(before.geometry))
    return table


def _control_notes(results: Sequence["Result"], seeds: Sequence[int]) -> Iterator[str]:
    """What each run did to pairs scored by people: a run on the sample must report a loss."""
    for result, seed in zip(results, seeds, strict=True):
        before, after = result.control_before, result.control_after
        if before is None or after is None:
            continue
        change = after.points - before.points
        compared = "better" if change > VISIBLE else "worse" if change < -VISIBLE else "unchanged"
        verdict = "not to be compared" if isnan(change) else compared
        which = f"seed {seed}: " if len(seeds) > 1 else ""
        scores = f"{in_text(before.points)} before, {in_text(after.points)} after, {verdict}"
        line = f"{which}{after.suite} (pairs scored by people): {scores}"
        loss = "; the sample is small and was written by a grammar, so train on text of your own (--data)"
        yield line + (loss if verdict == "worse" else "")


def _summary(scores: Sequence[Scores]) -> list[str]:
    """What runs are compared by: the numbers, or mean ± sample standard deviation of several."""
    runs = [several.numbers(score) for score in scores]
    means, deviations = several.mean(runs), several.deviation(runs) if len(runs) > 1 else {}

    def cell(name: str, values: dict[str, float]) -> str:
        return _number(values[name], decimals(name))

    return [f"{cell(name, means)} ± {cell(name, deviations)}" if deviations else cell(name, means) for name in means]
