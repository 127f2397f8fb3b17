"""The tables of a report as plain rows: scores with their intervals, all other numbers, records, worst pairs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan
from typing import Any, NamedTuple

from simemb.evaluation.scores import AVERAGE, Geometry, Scores
from simemb.evaluation.suite import Suite
from simemb.evaluation.surface_bias import biases
from simemb.report.disagreement import ScoredPairs
from simemb.report.intervals import Interval
from simemb.report.model import Subject
from simemb.report.report import Dossier
from simemb.report.terminal import DECIMALS

WORST = 15
"""Pairs that are shown of those that a model finds too similar, and of those that it finds too different."""


class Cell(NamedTuple):
    """A score; its interval, if it has one; whether no other model of the column has a higher one."""

    value: float
    interval: Interval | None = None
    best: bool = False


class ScoreRow(NamedTuple):
    """A model's scores, task by task and then their average."""

    subject: Subject
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
        """How many are shown."""
        return decimals(self.name)


@dataclass(frozen=True)
class ScoreTable:
    """The scores of everyone on a suite.

    Attributes:
        suite: Which.
        headline: The number that is shown, by its name.
        columns: The tasks, and the average if there are several.
        rows: One for each model.
        details: Every other number.
        missing: Tasks whose data are not there.
    """

    suite: Suite
    headline: str
    columns: list[str]
    rows: list[ScoreRow]
    details: list[Detail]
    missing: Sequence[str]

    @property
    def decimals(self) -> int:
        """How many are shown of the headline."""
        return decimals(self.headline)

    @property
    def title(self) -> str:
        """The headline in words."""
        return measure(self.headline)


def score_table(dossier: Dossier, suite: Suite) -> ScoreTable:
    """The table of a suite."""
    found = dossier.scores(suite)
    tasks, headline = list(found[0].tasks), found[0].headline
    columns = [*tasks, AVERAGE] if len(tasks) > 1 else tasks
    values = [[_value(scores, column) for column in columns] for scores in found]
    # Of numbers that are no points less is often more, and nobody is the highest of one.
    highest = _highest(values) if headline not in DECIMALS and len(found) > 1 else [nan] * len(columns)
    rows = [
        ScoreRow(
            subject,
            [
                Cell(value, intervals.get(column), value == best)
                for value, column, best in zip(row, columns, highest, strict=True)
            ],
            scores.geometry,
            _gain(dossier, subject, suite),
        )
        for subject, row, intervals, scores in zip(
            dossier.everyone, values, dossier.intervals(suite), found, strict=True
        )
    ]
    return ScoreTable(suite, headline, columns, rows, _details(dossier, found), found[0].missing)


def _highest(rows: Sequence[Sequence[float]]) -> list[float]:
    """Of each column; nan where nothing is defined."""
    return [max((value for value in column if not isnan(value)), default=nan) for column in zip(*rows, strict=True)]


def _value(scores: Scores, column: str) -> float:
    return scores.points if column == AVERAGE else scores.tasks[column].numbers().get(scores.headline, nan)


def _gain(dossier: Dossier, subject: Subject, suite: Suite) -> float | None:
    """Points above what a run started from."""
    base = dossier.base_of(subject)
    return None if base is None else subject.scores(suite).points - base.scores(suite).points


def _details(dossier: Dossier, found: Sequence[Scores]) -> list[Detail]:
    names = dict.fromkeys(name for scores in found for task in scores.tasks.values() for name in task.numbers())
    return [
        Detail(name, subject.label, [task.numbers().get(name) for task in scores.tasks.values()])
        for name in names
        if name != found[0].headline
        for subject, scores in zip(dossier.everyone, found, strict=True)
    ]


def measure(name: str) -> str:
    """A number by its name, in words: with what it is multiplied by, if it is in points."""
    words = name.replace("_", " ")
    return words if name in DECIMALS else f"{words} x 100"


def decimals(name: str) -> int:
    """How many decimals are shown of a number by its name: as many as on the terminal."""
    return DECIMALS.get(re.split(r">=|_\d|@", name.rpartition(".")[2] if "@" not in name else name)[0], 2)


# ---- records of other suites ---------------------------------------------------------------------


class RecordTable(NamedTuple):
    """What is on record of a suite that was not asked for: tasks, then label, values and date of each model."""

    suite: str
    headline: str
    columns: list[str]
    rows: list[tuple[str, list[float | None], str]]

    @property
    def decimals(self) -> int:
        """How many are shown."""
        return decimals(self.headline)

    @property
    def title(self) -> str:
        """The headline in words."""
        return measure(self.headline)


def record_tables(dossier: Dossier) -> list[RecordTable]:
    """One for each suite."""
    return [_record_table(suite, records) for suite, records in dossier.others_on_record().items()]


def _record_table(suite: str, records: dict[str, dict[str, Any]]) -> RecordTable:
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
    return RecordTable(suite, headline, [*tasks, AVERAGE], rows)


def _recorded(numbers: dict[str, Any], name: str) -> float | None:
    """A number of a task in the JSON of a record: correlations are under the aggregate that they are of."""
    return numbers.get("all", {}).get(name) if name not in numbers and "all" in numbers else numbers.get(name)


# ---- pairs ---------------------------------------------------------------------------------------


class WorstPair(NamedTuple):
    """A pair on which model and people disagree. ahead: in percentiles, positive if the model finds it too similar."""

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


def bias_rows(dossier: Dossier, found: Sequence[ScoredPairs]) -> list[tuple[Subject, dict[str, float]]]:
    """What the cosines of each model owe to length and common words (`simemb.evaluation.surface_bias.biases`)."""
    return [
        (subject, biases(pairs.cosine, pairs.gold, pairs.surface))
        for subject, pairs in zip(dossier.everyone, found, strict=True)
    ]
