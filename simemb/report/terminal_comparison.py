"""The tables of a comparison: who reached what, who differs from whom, the verdicts, and what was published."""

from collections.abc import Sequence
from math import isnan, nan

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from simemb.comparison import provenance
from simemb.comparison.compare import Comparison
from simemb.comparison.pairwise import Entry, PairComparison, Standing
from simemb.comparison.published import Published
from simemb.comparison.verdict import Difference
from simemb.evaluation.scores import AVERAGE
from simemb.report.headings import average
from simemb.report.terminal import UNDEFINED

OURS = "bold"


def standings_table(comparison: Comparison) -> Table:
    """One row for each entrant, one column for each task, and the average; mean ± sample deviation over seeds."""
    table = Table(title=f"{comparison.suite}: {_measure(comparison)}", box=SIMPLE_HEAD)
    table.add_column("model", overflow="fold")
    averaged = average(comparison.tasks, comparison.missing, comparison.left_out)
    for heading in _headings(comparison):
        table.add_column(averaged if heading == AVERAGE else heading, justify="right", no_wrap=True)
    for entry in comparison.entries:
        cells = [_standing(entry.standings[heading]) for heading in _headings(comparison)]
        table.add_row(_label(entry), *cells)
    return table


def pair_table(comparison: Comparison, pair: PairComparison) -> Table:
    """The differences of two entrants: a row for each task and the average, a column for each way to judge it."""
    differences = {name: pair.differences[name] for name in _headings(comparison)}
    tests = {name: [getattr(difference, name) for difference in differences.values()] for name in ("steiger", "welch")}
    tests = {name: values for name, values in tests.items() if not all(map(isnan, values))}
    table = Table(title=f"{pair.second} less {pair.first}", box=SIMPLE_HEAD)
    table.add_column("")
    for heading in ("difference", f"{1 - comparison.level:.0%} interval", "p", *tests, "corrected p"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row, (name, difference) in enumerate(differences.items()):
        tested = [_p(values[row]) for values in tests.values()]
        cells = [_difference(difference), _interval(difference), _p(difference.p), *tested, _p(difference.corrected)]
        table.add_row(name, *(Text(cell, style="bold" if difference.shown else "") for cell in cells))
    return table


def verdicts_table(comparison: Comparison) -> Table:
    """The verdict on each two entrants, how it came about, and what a reader must know of the scores."""
    table = Table(show_header=False, box=None)
    table.add_column("", overflow="fold")
    for pair in comparison.pairs:
        table.add_row(pair.verdict, style="bold")
    # Rows and no caption, which would be folded to the width of a short verdict.
    for line in [*_notes(comparison), *(_method(comparison) if comparison.pairs else [])]:
        table.add_row(line)
    return table


def published_table(comparison: Comparison, rows: Sequence[Published], cautions: Sequence[str]) -> Table:
    """Published results and our entrants, the best average first; ours are marked."""
    headings = [name for name in _headings(comparison) if any(name in row.numbers for row in rows)]
    table = Table(title=f"{comparison.suite}: ours among what was published", box=SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    table.add_column("model", overflow="fold")
    table.add_column("family", no_wrap=True)
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("source", overflow="fold")
    lines = [(row.average, _published(row, headings), "") for row in rows]
    lines += [(entry.standings[AVERAGE].mean, _ours(entry, headings), OURS) for entry in comparison.entries]
    for _, cells, style in sorted(lines, key=lambda line: -line[0] if not isnan(line[0]) else 0):
        table.add_row(*cells, style=style)
    table.caption = "\n".join([*cautions, *_incomplete(comparison)])
    return table


# ---- cells ---------------------------------------------------------------------------------------


def _headings(comparison: Comparison) -> list[str]:
    """The tasks and, if they are several, their average."""
    return [*comparison.tasks, *([AVERAGE] if len(comparison.tasks) > 1 else [])]


def _label(entry: Entry) -> str:
    return entry.label if len(entry.models) == 1 else f"{entry.label} ({len(entry.models)} seeds)"


def _standing(standing: Standing) -> str:
    return _points(standing.mean) + ("" if isnan(standing.sd) else f" ± {standing.sd:.2f}")


def _points(value: float) -> str:
    return UNDEFINED if isnan(value) else f"{value:z.2f}"


def _difference(difference: Difference) -> str:
    return UNDEFINED if isnan(difference.value) else f"{difference.value:+z.2f}"


def _interval(difference: Difference) -> str:
    return UNDEFINED if isnan(difference.low) else f"{difference.low:+z.2f} to {difference.high:+z.2f}"


def _p(value: float) -> str:
    """A p-value; nothing where a test does not apply."""
    if isnan(value):
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _published(row: Published, headings: Sequence[str]) -> list[str]:
    numbers = [_points(row.numbers.get(heading, nan)) for heading in headings]
    return ["", row.title, row.family, *numbers, row.citation]


def _ours(entry: Entry, headings: Sequence[str]) -> list[str]:
    return [
        ">",
        _label(entry),
        "ours",
        *(_standing(entry.standings[heading]) for heading in headings),
        "this comparison",
    ]


# ---- what a reader must know ---------------------------------------------------------------------


def _measure(comparison: Comparison) -> str:
    return f"{comparison.measure.replace('_', ' ')} x 100"


def _notes(comparison: Comparison) -> list[str]:
    notes = provenance.pooling_notes({entry.label: entry.pooling for entry in comparison.entries})
    notes += [note for entry in comparison.entries for note in entry.notes]
    if comparison.missing:
        notes.append(f"without {', '.join(comparison.missing)}: the data are not there")
    if comparison.unresampled:
        notes.append(f"without {', '.join(comparison.unresampled)}: no units that could be drawn anew")
    if any(isnan(standing.mean) for entry in comparison.entries for standing in entry.standings.values()):
        notes.append(f"{UNDEFINED} undefined: all cosines of a model are equal")
    return notes


def _incomplete(comparison: Comparison) -> list[str]:
    """That an average over some of the tasks is none to be laid beside one over all."""
    left_out = ", ".join((*comparison.left_out, *comparison.missing, *comparison.unresampled))
    return [f"our average is without {left_out}, the published ones are over all tasks"] if left_out else []


def _method(comparison: Comparison) -> list[str]:
    """How verdicts were reached, and what they say nothing about."""
    several = [len(entry.models) > 1 for entry in comparison.entries]
    drawn = "units and of seeds" if any(several) else "units"
    lines = [
        f"p and intervals: {comparison.resamples:,} resamples of {drawn}, the same units for all, drawn within subsets "
        f"(seed {comparison.seed})"
    ]
    differences = [difference for pair in comparison.pairs for difference in pair.differences.values()]
    if not all(isnan(difference.steiger) for difference in differences):
        lines.append("steiger: p of Steiger's test, which for correlations of ranks is an approximation")
    if not all(isnan(difference.welch) for difference in differences):
        lines.append("welch: p of Welch's test over seeds; a difference must pass it too")
    if len(comparison.tasks) > 1:
        lines.append("corrected p: by Holm's method over the tasks of two models; the average is one test and stays")
    if len(comparison.pairs) > 1:
        lines.append(f"{len(comparison.pairs)} pairs of models were compared; for that nothing is corrected")
    if not all(several):
        single = ", ".join(entry.label for entry in comparison.entries if len(entry.models) == 1)
        lines.append(f"one run says nothing about other seeds: {single}")
    return lines
