"""What an evaluation found: correlations in points, geometry of the vectors, and the record kept of them.

Nothing is computed here: `simemb.evaluation.evaluate.evaluate` fills these in, `simemb.report.terminal` draws them.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import nan
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from simemb.errors import DataError, unknown
from simemb.files import write_text

if TYPE_CHECKING:
    from simemb.evaluation.outcomes import Outcomes

AGGREGATES = ("all", "mean", "wmean")
METRICS = ("spearman", "pearson")
AVERAGE = "average"
"""What the mean over tasks is called beside their names."""
TOLERANCE = 0.05
"""Points by which a headline may differ from the statistic of its units and still be it: a mean over folds does."""
BINARY = ("auc", "average_precision", "accuracy", "f1")


@dataclass(frozen=True)
class Correlation:
    """Two correlations of cosine and gold score, in points (x 100); nan where all cosines are equal."""

    spearman: float
    pearson: float


@dataclass(frozen=True)
class SubsetScores(Correlation):
    """The correlations of one subset, and how many pairs it has."""

    pairs: int


@dataclass(frozen=True)
class Aggregates:
    """Three ways from the subsets of a task to one number.

    Attributes:
        all: One correlation over all pairs (SimCSE, SBERT, ConSERT).
        mean: Plain mean of the correlations of the subsets.
        wmean: Their mean weighted by the number of pairs (BERT-flow, BERT-whitening).
    """

    all: Correlation
    mean: Correlation
    wmean: Correlation


class TaskScores(ABC):
    """What a task found; each kind of task has scores of its own."""

    @abstractmethod
    def numbers(self) -> dict[str, float]:
        """Every number of the task by its name."""

    @classmethod
    def average(cls, tasks: Sequence["TaskScores"]) -> "Average":
        """The plain mean over tasks of each number that all of them have."""
        return mean_numbers(tasks)


def mean_numbers(tasks: Sequence[TaskScores]) -> dict[str, float]:
    """The plain mean over tasks of each number that all of them have, by the names that they give them."""
    every = [task.numbers() for task in tasks]
    return {name: fmean(numbers[name] for numbers in every) for name in every[0] if all(name in n for n in every)}


@dataclass(frozen=True)
class SimilarityScores(Aggregates, TaskScores):
    """Correlations with the similarity that people gave, of a task and of each of its subsets."""

    pairs: int
    subsets: dict[str, SubsetScores]

    def numbers(self) -> dict[str, float]:
        """`spearman` and `pearson` over all pairs; `mean.spearman` and so on for the other aggregates."""
        return {
            f"{'' if aggregate == 'all' else aggregate + '.'}{metric}": getattr(getattr(self, aggregate), metric)
            for aggregate in AGGREGATES
            for metric in METRICS
        }

    @classmethod
    def average(cls, tasks: Sequence[TaskScores]) -> "Average":
        """The plain mean over tasks of each aggregate."""
        every = [task for task in tasks if isinstance(task, Aggregates)]
        if len(every) < len(tasks):
            return mean_numbers(tasks)
        return Aggregates(
            *(
                Correlation(*(fmean(getattr(getattr(task, aggregate), metric) for task in every) for metric in METRICS))
                for aggregate in AGGREGATES
            )
        )


@dataclass(frozen=True)
class BinaryAggregates(Aggregates):
    """Means over tasks of pairs that mean the same or not."""

    auc: float
    average_precision: float
    accuracy: float
    f1: float


@dataclass(frozen=True)
class BinaryScores(SimilarityScores):
    """Correlations, and how well the cosine tells pairs of one meaning from the others, in points.

    Attributes:
        auc: Area under the ROC curve.
        average_precision: Mean precision over the positive pairs, in the order of cosines.
        accuracy: At the threshold on the cosine where it is best, with that threshold.
        f1: Likewise.
    """

    auc: float
    average_precision: float
    accuracy: float
    accuracy_threshold: float
    f1: float
    f1_threshold: float
    positives: int

    def numbers(self) -> dict[str, float]:
        """Those of `SimilarityScores`, and those of the two classes."""
        return super().numbers() | {name: getattr(self, name) for name in BINARY}

    @classmethod
    def average(cls, tasks: Sequence[TaskScores]) -> "Average":
        """The aggregates, and the means of the other numbers where all tasks have them."""
        means = super().average(tasks)
        every = [task for task in tasks if isinstance(task, BinaryScores)]
        if not isinstance(means, Aggregates) or len(every) < len(tasks):
            return means
        own = {name: fmean(getattr(task, name) for task in every) for name in BINARY}
        return BinaryAggregates(means.all, means.mean, means.wmean, **own)


Average = Aggregates | dict[str, float]
"""Means over the tasks of a suite: of the aggregates of correlations, or of numbers by their names."""


@dataclass(frozen=True)
class Geometry:
    """How the vectors of a task's sentences lie.

    Alignment (nan without a positive pair) and uniformity: lower is better. Effective rank (nan if all vectors
    coincide): how many dimensions they make use of, higher is better.
    """

    task: str
    alignment: float
    uniformity: float
    effective_rank: float
    alpha: float
    t: float
    threshold: float
    positives: int
    vectors: int


@dataclass(frozen=True)
class Scores:
    """All that one run of a suite found, on what, and how it can be found again: the record kept of it.

    Attributes:
        model: What the encoder was called.
        fingerprint: SHA-256 of its weights and settings.
        average: Means over the tasks.
        data: Every corpus or file that was read -> its SHA-256.
        headline: The number that tables show and that `points` is.
        missing: Tasks of the suite whose data were not to be had.
        command: What was typed.
        trained: How the encoder was made, if it came from a run directory (see `simemb.comparison.provenance`).
        overlap: Which of the texts it was trained on, where that is known (see `simemb.comparison.contamination`).
        outcomes: What became of each unit of each task; not in the record.
        texts: The distinct texts that each task was scored on, none where the task does not tell; not in the record.
    """

    model: str
    fingerprint: str
    suite: str
    tasks: dict[str, TaskScores]
    average: Average
    geometry: Geometry | None
    data: dict[str, str]
    versions: dict[str, str]
    date: str
    headline: str = "spearman"
    missing: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    trained: dict[str, Any] | None = None
    overlap: dict[str, Any] | None = None
    outcomes: Mapping[str, "Outcomes"] = field(default_factory=dict, repr=False, compare=False)
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def points(self) -> float:
        """The number that papers report, averaged over the tasks: for STS Spearman x 100, `all`."""
        return self.number(self.headline)

    @property
    def geometry_note(self) -> str:
        """Alignment and uniformity in words, and of how many sentences; nothing where they were not measured."""
        found = self.geometry
        if found is None:
            return ""
        return f"; alignment {found.alignment:.3f}, uniformity {found.uniformity:.2f} ({found.vectors:,} sentences)"

    def selection_value(self, metric: str) -> float:
        """What a checkpoint is chosen by: that correlation, or in a suite without correlations its headline."""
        return self.number(metric if isinstance(self.average, Aggregates) else self.headline)

    def is_statistic_of_outcomes(self, task: str) -> bool:
        """Whether the headline of a task is defined, and the statistic of its units: a best F1, say, is not."""
        if task not in self.outcomes:
            return False
        headline = self.tasks[task].numbers().get(self.headline, nan)
        return abs(headline - self.outcomes[task].statistic()) < TOLERANCE

    def averages(self) -> dict[str, float]:
        """The plain mean over tasks of each number that all of them have, by the names that tasks give them."""
        return mean_numbers(list(self.tasks.values()))

    def number(self, name: str) -> float:
        """The mean over tasks of the number of that name; `DataError` if the suite has none."""
        numbers = self.averages()
        if name not in numbers:
            raise DataError(unknown(f"number of suite {self.suite}", name, numbers))
        return numbers[name]

    def numbers(self) -> dict[str, Any]:
        """What a line of metrics.jsonl holds of it: the averages that have no variants, and the geometry."""
        found: dict[str, Any] = {
            f"{self.suite}_{name}": value for name, value in self.averages().items() if "." not in name
        }
        if self.geometry is not None:
            found |= {
                "alignment": self.geometry.alignment,
                "dev_uniformity": self.geometry.uniformity,
                "geometry_vectors": self.geometry.vectors,
            }
        return found

    def to_json(self) -> dict[str, Any]:
        """The record in plain Python, unrounded; an undefined correlation is None, as JSON has no nan."""
        record = asdict(replace(self, outcomes={}, texts={}))
        del record["outcomes"], record["texts"]
        for name in ("geometry", "missing", "trained", "overlap"):
            if not record[name]:
                del record[name]
        return json.loads(json.dumps(record), parse_constant=lambda _: None)

    def save(self, path: str | Path) -> None:
        """Write `to_json` to `path`, whole or not at all; `DataError` where that cannot be done."""
        try:
            write_text(Path(path), json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n")
        except OSError as error:
            raise DataError(f"cannot write the scores to {path}: {error.strerror}") from error
