"""Suites of scored sentence pairs, and how an encoder is scored on them.

A score is the correlation of cosines with the similarity that people gave, without a regressor: SentEval's
sets as SimCSE reports them (Gao et al., 2021, https://arxiv.org/abs/2104.08821, table B.1).
"""

import importlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from math import inf
from pathlib import Path
from platform import python_version
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from simemb import registry, sources
from simemb.errors import DataError, ModelError, unknown
from simemb.metrics import alignment, cosine, effective_rank, pearson, spearman, uniformity
from simemb.rows import Rows, open_rows
from simemb.scores import Aggregates, Correlation, Geometry, Scores, SubsetScores, TaskScores
from simemb.sources import Source


@runtime_checkable
class SentenceEncoder(Protocol):
    """All that a suite asks of an encoder."""

    @property
    def name(self) -> str:
        """What the tables call it."""
        ...

    def fingerprint(self) -> str:
        """What tells it from an encoder with other weights."""
        ...

    def encode(
        self, texts: list[str], *, batch_size: int | None = None, progress: bool | None = None
    ) -> NDArray[np.float32]:
        """Vectors [texts, dim], in the order given."""
        ...


@dataclass(frozen=True)
class Pairs:
    """The sentence pairs of one subset, side by side.

    Attributes:
        subset: Name of the subset.
        origin: The corpus or file that they are from.
        checksum: SHA-256 of that file, or of the pairs themselves where they are made in memory.
        first: One sentence of each pair.
        second: The other.
        gold: Similarity that people gave, [pairs].
    """

    subset: str
    origin: str
    checksum: str
    first: list[str]
    second: list[str]
    gold: NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """Scored sentence pairs in named subsets.

    Attributes:
        name: What tables and JSON call it.
        subsets: Name of each subset -> a corpus of `data/` by its name, a `Source`, or the path of a file.
        scale: Lowest and highest gold score that may occur.
    """

    name: str
    subsets: Mapping[str, str | Source | Path]
    scale: tuple[float, float] = (0.0, 5.0)

    def load(self) -> list[Pairs]:
        """Read every subset; `DataError` for one that is missing, too short, or without a usable score."""
        return [_read(subset, data, self.scale) for subset, data in self.subsets.items()]


STSB = Task("stsb", {"train": "stsb", "dev": "stsb_dev", "test": "stsb_test"})
# Pairs of this score or more are positive. SimCSE published no code; every copy of it takes >= 4, not > 4.
THRESHOLD = 4.0


@dataclass(frozen=True)
class Suite:
    """Tasks that are scored and averaged together.

    Attributes:
        name: Its name on the command line, which is the name of its file in `eval/`.
        description: What it is and where it is from, in one line.
        tasks: In the order of the table's columns.
        geometry: The task whose pairs measure alignment, uniformity and effective rank; by default the whole STS-B.
    """

    name: str
    description: str
    tasks: tuple[Task, ...]
    geometry: Task = STSB


def names() -> list[str]:
    """The suites of `eval/`, one for each file there."""
    return registry.names(registry.SUITES)


def find(suite: str | Path | Suite) -> Suite:
    """The suite of that name in `eval/`, or one of the scored file at that path; `DataError` if neither."""
    if isinstance(suite, Suite):
        return suite
    if suite in names():
        return importlib.import_module(f"{registry.SUITES}.{suite}").suite
    path = Path(suite)
    if not path.suffix and not path.exists():
        raise DataError(unknown("suite", suite, [*names(), "the path of a scored file"]))
    task = Task(path.name.partition(".")[0], {path.name: path}, scale=(-inf, inf))
    return Suite(task.name, f"the scored pairs of {path}", (task,), geometry=task)


def evaluate(
    encoder: SentenceEncoder,
    suite: str | Path | Suite = "sts",
    *,
    geometry: bool = False,
    batch_size: int | None = None,
    progress: bool | None = None,
) -> Scores:
    """Score `encoder` on every task of a suite; each distinct sentence is encoded once.

    Args:
        encoder: A `simemb.Encoder`, or anything with its `name`, `fingerprint` and `encode`.
        suite: A name from `eval/`, a `Suite`, or the path of a file with a score and two sentences a row.
        geometry: Also measure alignment, uniformity and effective rank, on the suite's `geometry` task.
        batch_size: Sentences at once, as in `encoder.encode`.
        progress: Whether to draw a bar, as in `encoder.encode`.

    Raises:
        DataError: A suite, a file or a score that cannot be used.
        ModelError: A vector that is not finite.
    """
    suite = find(suite)
    tasks = {task.name: task.load() for task in suite.tasks}
    spread = suite.geometry.load() if geometry else []
    subsets = [pairs for group in (*tasks.values(), spread) for pairs in group]
    vectors = _Vectors(encoder, subsets, batch_size, progress)
    scores = {name: _score(group, vectors) for name, group in tasks.items()}
    return Scores(
        model=encoder.name,
        fingerprint=encoder.fingerprint(),
        suite=suite.name,
        tasks=scores,
        average=_average(scores.values()),
        geometry=_measure(suite.geometry.name, spread, vectors) if geometry else None,
        data={pairs.origin: pairs.checksum for pairs in subsets},
        versions=_versions(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def alignment_uniformity(
    encoder: SentenceEncoder,
    task: Task = STSB,
    *,
    threshold: float = THRESHOLD,
    batch_size: int | None = None,
    progress: bool | None = None,
) -> Geometry:
    """Alignment (alpha 2) of a task's positive pairs; uniformity (t 2) and effective rank of all its sentences.

    Uniformity is exact, over all distinct pairs of the sentences of both sides; on the whole STS-B these
    are 17,256 vectors. Pairs with a gold score of `threshold` or more are positive. As in SimCSE, section 3
    (Gao et al., 2021), by the definitions of Wang & Isola (see `simemb.metrics`).
    """
    subsets = task.load()
    return _measure(task.name, subsets, _Vectors(encoder, subsets, batch_size, progress), threshold)


def _versions() -> dict[str, str]:
    """What the numbers may depend on."""
    packages = ("simemb", "torch", "transformers", "numpy", "scipy")
    return {package: version(package) for package in packages} | {"python": python_version()}


class _Vectors:
    """One vector for each distinct sentence of all the pairs."""

    def __init__(
        self,
        encoder: SentenceEncoder,
        subsets: Iterable[Pairs],
        batch_size: int | None,
        progress: bool | None,
    ):
        sides = [side for pairs in subsets for side in (pairs.first, pairs.second)]
        texts = list(dict.fromkeys(text for side in sides for text in side))
        self._row = {text: row for row, text in enumerate(texts)}
        self._matrix = encoder.encode(texts, batch_size=batch_size, progress=progress)
        broken = np.flatnonzero(~np.isfinite(self._matrix).all(axis=1))
        if broken.size:
            count = f"{broken.size} of {len(texts)} sentences have a vector that is not finite"
            example = f"{texts[broken[0]]!r:.60}"
            raise ModelError(f"{encoder.name} cannot be scored: {count} (the first: {example})")

    def __getitem__(self, texts: list[str]) -> NDArray[np.float32]:
        return self._matrix[[self._row[text] for text in texts]]


def _score(subsets: Sequence[Pairs], vectors: _Vectors) -> TaskScores:
    """The correlations of one task's subsets, and their aggregates."""
    cosines = [cosine(vectors[pairs.first], vectors[pairs.second]) for pairs in subsets]
    gold = [pairs.gold for pairs in subsets]
    sizes = [len(scores) for scores in gold]
    parts = [_correlate(*sides) for sides in zip(cosines, gold, strict=True)]
    return TaskScores(
        all=_correlate(np.concatenate(cosines), np.concatenate(gold)),
        mean=_mean(parts),
        wmean=_mean(parts, sizes),
        pairs=sum(sizes),
        subsets={
            pairs.subset: SubsetScores(part.spearman, part.pearson, size)
            for pairs, part, size in zip(subsets, parts, sizes, strict=True)
        },
    )


def _correlate(cosines: NDArray[np.float64], gold: NDArray[np.float64]) -> Correlation:
    return Correlation(100 * spearman(cosines, gold), 100 * pearson(cosines, gold))


def _mean(parts: Iterable[Correlation], weights: Sequence[int] | None = None) -> Correlation:
    return Correlation(*np.average([astuple(part) for part in parts], axis=0, weights=weights).tolist())


def _average(tasks: Iterable[TaskScores]) -> Aggregates:
    """The plain mean over tasks of each aggregate."""
    every = list(tasks)
    return Aggregates(
        all=_mean(task.all for task in every),
        mean=_mean(task.mean for task in every),
        wmean=_mean(task.wmean for task in every),
    )


def _measure(task: str, subsets: Sequence[Pairs], vectors: _Vectors, threshold: float = THRESHOLD) -> Geometry:
    """Alignment, uniformity and effective rank, with the numbers they depend on."""
    alpha, t = 2.0, 2.0
    first = np.concatenate([vectors[pairs.first] for pairs in subsets])
    second = np.concatenate([vectors[pairs.second] for pairs in subsets])
    both = np.concatenate([first, second])
    positive = np.concatenate([pairs.gold for pairs in subsets]) >= threshold
    return Geometry(
        task=task,
        alignment=alignment(first[positive], second[positive], alpha),
        uniformity=uniformity(both, t),
        effective_rank=effective_rank(both),
        alpha=alpha,
        t=t,
        threshold=threshold,
        positives=int(positive.sum()),
        vectors=2 * len(positive),
    )


def _read(subset: str, data: str | Source | Path, scale: tuple[float, float]) -> Pairs:
    """The pairs of one subset, checked."""
    source = sources.get(data) if isinstance(data, str) else data
    rows = open_rows(source)
    first, second, gold = (list(column) for column in zip(*rows.scored(), strict=True))
    _check(rows.name, gold, scale)
    return Pairs(subset, rows.name, _checksum(source, rows), first, second, np.array(gold))


def _checksum(source: Source | Path, rows: Rows) -> str:
    if isinstance(source, Path):
        return sources.sha256_of(source)
    return rows.digest() if source.generate else sources.locate(source).sha256


def _check(origin: str, gold: Sequence[float], scale: tuple[float, float]) -> None:
    """Refuse scores with which no correlation can be computed."""
    if len(gold) < 2:
        raise DataError(f"{origin} has {len(gold)} scored pair, but a correlation needs at least 2")
    lowest, highest = scale
    for pair, score in enumerate(gold, start=1):
        if not lowest <= score <= highest:
            raise DataError(f"{origin}, pair {pair}: score {score:g} is not in {lowest:g} to {highest:g}")
    if min(gold) == max(gold):
        raise DataError(f"{origin}: all {len(gold)} scores are {gold[0]:g}, so no correlation is defined")
