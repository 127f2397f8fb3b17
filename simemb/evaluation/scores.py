"""The results of an evaluation: correlations in points, geometry of the vectors, and the record that is saved.

`simemb.evaluation.evaluate.evaluate` creates them, `simemb.report.terminal` prints them.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import nan
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from simemb.arguments import checked
from simemb.errors import DataError, unknown
from simemb.outputs import write_text

if TYPE_CHECKING:
    from simemb.evaluation.metrics import Geometry
    from simemb.evaluation.outcomes import Outcomes

AGGREGATES = ("all", "mean", "wmean")
METRICS = ("spearman", "pearson")
AVERAGE = "average"
"""The name of the mean over tasks, next to the names of the tasks."""
TOLERANCE = 0.05
"""Points by which a headline may differ from the statistic of its units: a mean over folds differs a little."""
BINARY = ("auc", "average_precision", "accuracy", "f1")


@dataclass(frozen=True)
class Correlation:
    """Two correlations of cosine and gold score, in points (x 100); nan where all cosines are equal."""

    spearman: float
    pearson: float


@dataclass(frozen=True)
class SubsetScores(Correlation):
    """The correlations of one subset, and its number of pairs."""

    pairs: int


@dataclass(frozen=True)
class Aggregates:
    """Three ways to reduce the subsets of a task to one number.

    Attributes:
        all: One correlation over all pairs (SimCSE, SBERT, ConSERT).
        mean: Unweighted mean of the correlations of the subsets.
        wmean: Mean of the correlations of the subsets, weighted by the number of pairs (BERT-flow, BERT-whitening).
    """

    all: Correlation
    mean: Correlation
    wmean: Correlation


class TaskScores(ABC):
    """The scores of one task; each kind of task has a subclass."""

    @abstractmethod
    def numbers(self) -> dict[str, float]:
        """Every number of the task by its name."""

    @classmethod
    def average(cls, tasks: Sequence["TaskScores"]) -> "Average":
        """The unweighted mean over tasks of each number that all of them have."""
        return mean_numbers(tasks)


def mean_numbers(tasks: Sequence[TaskScores]) -> dict[str, float]:
    """The unweighted mean over tasks of each number that all of them have, by its name in `TaskScores.numbers`."""
    numbers = [task.numbers() for task in tasks]
    shared = [name for name in numbers[0] if all(name in of_task for of_task in numbers)]
    return {name: fmean(of_task[name] for of_task in numbers) for name in shared}


@dataclass(frozen=True)
class SimilarityScores(Aggregates, TaskScores):
    """Correlations with the gold similarity, of a task and of each of its subsets."""

    pairs: int
    subsets: dict[str, SubsetScores]

    def numbers(self) -> dict[str, float]:
        """`spearman` and `pearson` over all pairs; `mean.spearman` etc. for the other aggregates."""
        return {
            f"{'' if aggregate == 'all' else aggregate + '.'}{metric}": getattr(getattr(self, aggregate), metric)
            for aggregate in AGGREGATES
            for metric in METRICS
        }

    @classmethod
    def average(cls, tasks: Sequence[TaskScores]) -> "Average":
        """The unweighted mean over tasks of each aggregate."""
        similarity = [task for task in tasks if isinstance(task, Aggregates)]
        if len(similarity) < len(tasks):
            return mean_numbers(tasks)
        return Aggregates(
            *(
                Correlation(
                    *(fmean(getattr(getattr(task, aggregate), metric) for task in similarity) for metric in METRICS)
                )
                for aggregate in AGGREGATES
            )
        )


@dataclass(frozen=True)
class BinaryAggregates(Aggregates):
    """Means over tasks of pairs with a gold score of 0 or 1."""

    auc: float
    average_precision: float
    accuracy: float
    f1: float


@dataclass(frozen=True)
class BinaryScores(SimilarityScores):
    """Correlations, and how well the cosine separates positive from negative pairs, in points.

    Attributes:
        auc: Area under the ROC curve.
        average_precision: Mean precision over the positive pairs, in the order of cosines.
        accuracy: Accuracy at the best threshold on the cosine, which is `accuracy_threshold`.
        f1: F1 at the best threshold on the cosine, which is `f1_threshold`.
        positives: The number of positive pairs.
    """

    auc: float
    average_precision: float
    accuracy: float
    accuracy_threshold: float
    f1: float
    f1_threshold: float
    positives: int

    def numbers(self) -> dict[str, float]:
        """The numbers of `SimilarityScores`, then `auc`, `average_precision`, `accuracy` and `f1`."""
        return super().numbers() | {name: getattr(self, name) for name in BINARY}

    @classmethod
    def average(cls, tasks: Sequence[TaskScores]) -> "Average":
        """The aggregates, and the means of the other numbers if all tasks have them."""
        means = super().average(tasks)
        binary = [task for task in tasks if isinstance(task, BinaryScores)]
        if not isinstance(means, Aggregates) or len(binary) < len(tasks):
            return means
        numbers = {name: fmean(getattr(task, name) for task in binary) for name in BINARY}
        return BinaryAggregates(means.all, means.mean, means.wmean, **numbers)


Average = Aggregates | dict[str, float]
"""Means over the tasks of a suite: of each aggregate of correlations, or of each number by its name."""


@dataclass(frozen=True)
class Scores:
    """The scores of one encoder on one suite, with the data, versions and command that reproduce them.

    Attributes:
        model: The name of the encoder.
        fingerprint: SHA-256 of its weights and settings.
        suite: The name of the suite.
        tasks: Scores by the name of the task.
        average: Means over the tasks.
        geometry: Alignment, uniformity and effective rank, if they were measured.
        data: Each corpus or file that was read -> its SHA-256.
        versions: Versions of Python and of the packages that the numbers may depend on.
        date: Time of the evaluation, UTC, ISO 8601.
        headline: The name of the number that tables show and that `points` returns.
        missing: Tasks of the suite whose data are missing.
        left_out: Tasks of the suite that were not asked for.
        truncate_dim: How many of the first dimensions were scored; None for all.
        command: The command line.
        pooling: How tokens became one vector; empty if another library computed the vectors.
        precision: float32, bf16, fp16 or int8; empty if another library computed the vectors.
        device: Where they were computed, unless the cache had them.
        trained: The settings of the run, if the encoder is from a run directory (see `simemb.comparison.provenance`).
        overlap: The texts that are in the training data too, if those are known (see
            `simemb.comparison.contamination`).
        prompts: What the encoder put before texts, queries and documents, if it has prompts.
        outcomes: The values of each unit of each task; not in the record.
        texts: The distinct texts that each task was scored on, empty if the task does not expose them; not in the
            record.
    """

    model: str
    fingerprint: str
    suite: str
    tasks: dict[str, TaskScores]
    average: Average
    geometry: "Geometry | None"
    data: dict[str, str]
    versions: dict[str, str]
    date: str
    headline: str = "spearman"
    missing: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    truncate_dim: int | None = None
    command: tuple[str, ...] = ()
    pooling: str = ""
    precision: str = ""
    device: str = ""
    trained: dict[str, Any] | None = None
    overlap: dict[str, Any] | None = None
    prompts: Mapping[str, str] = field(default_factory=dict)
    outcomes: Mapping[str, "Outcomes"] = field(default_factory=dict, repr=False, compare=False)
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def points(self) -> float:
        """The mean of the headline over the tasks, which papers report: for STS, Spearman x 100 by `all`."""
        return self.number(self.headline)

    @property
    def geometry_note(self) -> str:
        """Alignment and uniformity for a log line; empty if they were not measured."""
        if self.geometry is None:
            return ""
        values = f"alignment {self.geometry.alignment:.3f}, uniformity {self.geometry.uniformity:.2f}"
        return f"; {values} ({self.geometry.vectors:,} sentences)"

    def selection_value(self, metric: str) -> float:
        """The number that selects a checkpoint: the correlation `metric`, or the headline if a task has none."""
        return self.number(metric if isinstance(self.average, Aggregates) else self.headline)

    def is_statistic_of_outcomes(self, task: str) -> bool:
        """Whether the headline of a task is defined and is the statistic of its units; a best F1 is not."""
        if task not in self.outcomes:
            return False
        headline = self.tasks[task].numbers().get(self.headline, nan)
        return abs(headline - self.outcomes[task].statistic()) < TOLERANCE

    def averages(self) -> dict[str, float]:
        """The unweighted mean over tasks of each number that all of them have, by its name."""
        return mean_numbers(list(self.tasks.values()))

    def number(self, name: str) -> float:
        """The mean over tasks of the number `name`; `DataError` if the suite has no such number."""
        numbers = self.averages()
        if name not in numbers:
            raise DataError(unknown(f"number of suite {self.suite}", name, numbers))
        return numbers[name]

    def numbers(self) -> dict[str, Any]:
        """The fields of a line of metrics.jsonl: the averages without variants ("mean.spearman"), and the geometry."""
        fields: dict[str, Any] = {
            f"{self.suite}_{name}": value for name, value in self.averages().items() if "." not in name
        }
        if self.geometry is not None:
            fields |= {
                "alignment": self.geometry.alignment,
                "dev_uniformity": self.geometry.uniformity,
                "geometry_vectors": self.geometry.vectors,
            }
        return fields

    def to_json(self) -> dict[str, Any]:
        """The record as plain Python, unrounded; an undefined number is None, since JSON has no nan."""
        record = asdict(replace(self, outcomes={}, texts={}))
        del record["outcomes"], record["texts"]
        empty = (
            "geometry",
            "missing",
            "left_out",
            "truncate_dim",
            "pooling",
            "precision",
            "device",
            "trained",
            "overlap",
            "prompts",
        )
        for name in empty:
            if not record[name]:
                del record[name]
        return json.loads(json.dumps(record), parse_constant=lambda _: None)

    @checked
    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write `to_json` to `path` atomically; `DataError` if it exists (without `overwrite`) or cannot be written."""
        write_text(Path(path), json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n", overwrite=overwrite)
