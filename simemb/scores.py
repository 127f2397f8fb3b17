"""What an evaluation found: correlations in points, geometry of the vectors, and the record kept of them.

Nothing is computed here: `simemb.suites.evaluate` fills these in, `simemb.report` draws them.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from simemb.atomic import write_text
from simemb.errors import DataError


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


@dataclass(frozen=True)
class TaskScores(Aggregates):
    """The scores of one task, and of each of its subsets."""

    pairs: int
    subsets: dict[str, SubsetScores]


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
    """All that one run of a suite found, in points, and on what: the record kept of it."""

    model: str
    fingerprint: str
    suite: str
    tasks: dict[str, TaskScores]
    average: Aggregates
    geometry: Geometry | None
    data: dict[str, str]
    versions: dict[str, str]
    date: str

    @property
    def points(self) -> float:
        """The number that papers report: Spearman x 100, `all`, averaged over the tasks."""
        return self.average.all.spearman

    def numbers(self) -> dict[str, Any]:
        """What a line of metrics.jsonl holds of it: both correlations, and the geometry if it was measured."""
        found: dict[str, Any] = {
            f"{self.suite}_{metric}": getattr(self.average.all, metric) for metric in ("spearman", "pearson")
        }
        if self.geometry is not None:
            found |= {"alignment": self.geometry.alignment, "dev_uniformity": self.geometry.uniformity}
        return found

    def to_json(self) -> dict[str, Any]:
        """The record in plain Python, unrounded; an undefined correlation is None, as JSON has no nan."""
        record = asdict(self)
        if self.geometry is None:
            del record["geometry"]
        return json.loads(json.dumps(record), parse_constant=lambda _: None)

    def save(self, path: str | Path) -> None:
        """Write `to_json` to `path`, whole or not at all; `DataError` where that cannot be done."""
        try:
            write_text(Path(path), json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n")
        except OSError as error:
            raise DataError(f"cannot write the scores to {path}: {error.strerror}") from error
