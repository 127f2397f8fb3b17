"""The tables of a report as plain rows: scores with their intervals, all other numbers, records, worst pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any, NamedTuple

from simemb.evaluation.metrics import Geometry
from simemb.evaluation.scores import AVERAGE, Scores
from simemb.evaluation.suite import Suite
from simemb.evaluation.surface_bias import biases
from simemb.report.disagreement import ScoredPairs
from simemb.report.headings import average
from simemb.report.intervals import Interval
from simemb.report.model import ReportedModel
from simemb.report.numbers import DECIMALS, decimals, in_words
from simemb.report.report import Report

WORST = 15
"""Pairs that are shown of each kind: those that a model finds too similar, and those that it finds too different."""


class Cell(NamedTuple):
    """A score, its interval if it has one, and whether it is the highest of its column."""

    value: float
    interval: Interval | None = None
    best: bool = False


class ScoreRow(NamedTuple):
    """A model's scores, task by task and then their average."""

    reported: ReportedModel
    cells: list[Cell]
    geometry: Geometry | None
    gain: float | None


class Detail(NamedTuple):
    """A number besides the headline: its name, the model, and its values task by task."""

    name: str
    label: str
    values: list[float | None]

    @property
    def decimals(self) -> int:
        """Decimals that are shown."""
        return decimals(self.name)


@dataclass(frozen=True)
class ScoreTable:
    """The scores of all models on a suite.

    Attributes:
        suite: The suite.
        headline: The number that is shown, by its name.
        tasks: The tasks.
        columns: The headings: the tasks, and the average if there are several.
        rows: One for each model.
        details: Every other number.
        missing: Tasks whose data are missing.
    """

    suite: Suite
    headline: str
    tasks: list[str]
    columns: list[str]
    rows: list[ScoreRow]
    details: list[Detail]
    missing: Sequence[str]

    @property
    def decimals(self) -> int:
        """Decimals of the headline."""
        return decimals(self.headline)

    @property
    def title(self) -> str:
        """The headline in words."""
        return in_words(self.headline)


def score_table(report: Report, suite: Suite) -> ScoreTable:
    """The table of a suite."""
    scores_list = report.scores(suite)
    tasks, headline = list(scores_list[0].tasks), scores_list[0].headline
    columns = [*tasks, AVERAGE] if len(tasks) > 1 else tasks
    values = [[_value(scores, column) for column in columns] for scores in scores_list]
    # Numbers that are not points may be better when lower, and a single model is not the highest of a column.
    highest = _highest(values) if headline not in DECIMALS and len(scores_list) > 1 else [nan] * len(columns)
    rows = [
        ScoreRow(
            reported,
            [
                Cell(value, intervals.get(column), value == best)
                for value, column, best in zip(row, columns, highest, strict=True)
            ],
            scores.geometry,
            _gain(report, reported, suite),
        )
        for reported, row, intervals, scores in zip(
            report.all_models, values, report.intervals(suite), scores_list, strict=True
        )
    ]
    first = scores_list[0]
    headings = [*tasks, average(tasks, first.missing, first.left_out)][: len(columns)]
    return ScoreTable(suite, headline, tasks, headings, rows, _details(report, scores_list), first.missing)


def _highest(rows: Sequence[Sequence[float]]) -> list[float]:
    """The highest of each column; nan if none is defined."""
    return [max((value for value in column if not isnan(value)), default=nan) for column in zip(*rows, strict=True)]


def _value(scores: Scores, column: str) -> float:
    return scores.points if column == AVERAGE else scores.tasks[column].numbers().get(scores.headline, nan)


def _gain(report: Report, reported: ReportedModel, suite: Suite) -> float | None:
    """Points above the model that a run started from."""
    base = report.base_of(reported)
    return None if base is None else reported.scores(suite).points - base.scores(suite).points


def _details(report: Report, scores_list: Sequence[Scores]) -> list[Detail]:
    names = dict.fromkeys(name for scores in scores_list for task in scores.tasks.values() for name in task.numbers())
    return [
        Detail(name, reported.label, [task.numbers().get(name) for task in scores.tasks.values()])
        for name in names
        if name != scores_list[0].headline
        for reported, scores in zip(report.all_models, scores_list, strict=True)
    ]


# ---- records of other suites ---------------------------------------------------------------------


class RecordTable(NamedTuple):
    """The records of a suite that is not part of the report: tasks, then label, values and date of each model."""

    suite: str
    headline: str
    columns: list[str]
    rows: list[tuple[str, list[float | None], str]]

    @property
    def decimals(self) -> int:
        """Decimals that are shown."""
        return decimals(self.headline)

    @property
    def title(self) -> str:
        """The headline in words."""
        return in_words(self.headline)


def record_tables(report: Report) -> list[RecordTable]:
    """One for each suite."""
    return [record_table(suite, records) for suite, records in report.others_on_record().items()]


def record_table(suite: str, records: dict[str, dict[str, Any]]) -> RecordTable:
    """The table of the records of a suite, by the label of their model."""
    first = next(iter(records.values()))
    headline = str(first.get("headline", "spearman"))
    tasks = list(first["tasks"])
    rows = [
        (
            label,
            [*(_recorded(record["tasks"][task], headline) for task in tasks), _recorded(record["average"], headline)],
            str(record.get("date", "")),
        )
        for label, record in records.items()
    ]
    headings = [*tasks, average(tasks, first.get("missing", ()), first.get("left_out", ()))]
    return RecordTable(suite, headline, headings, rows)


def _recorded(numbers: dict[str, Any], name: str) -> float | None:
    """A number of a task in the JSON of a record; correlations are listed under their aggregate."""
    inner = numbers.get("all")
    value = inner.get(name) if name not in numbers and isinstance(inner, dict) else numbers.get(name)
    return value if isinstance(value, int | float) else None


# ---- pairs ---------------------------------------------------------------------------------------


class WorstPair(NamedTuple):
    """A pair on which model and annotators disagree. ahead: in percentiles, positive if it is too similar."""

    texts: tuple[str, ...]
    origin: str
    gold: float
    cosine: float
    ahead: float


def worst_pairs(pairs: ScoredPairs, count: int = WORST) -> list[WorstPair]:
    """The pairs of largest disagreement, the worst first."""
    return [
        WorstPair(pairs.texts[row], pairs.origin[row], pairs.gold[row].item(), pairs.cosine[row].item(), ahead.item())
        for row, ahead in ((row, pairs.ahead[row]) for row in pairs.worst(count))
    ]


def bias_rows(report: Report, pairs_list: Sequence[ScoredPairs]) -> list[tuple[ReportedModel, dict[str, float]]]:
    """How the cosines of each model depend on length and common words (`simemb.evaluation.surface_bias.biases`)."""
    return [
        (reported, biases(pairs.cosine, pairs.gold, pairs.surface))
        for reported, pairs in zip(report.all_models, pairs_list, strict=True)
    ]
