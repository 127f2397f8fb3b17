"""Scored sentence pairs: the correlation of cosines with gold similarities, without a regressor.

SentEval's sets as SimCSE reports them (Gao et al., 2021, https://arxiv.org/abs/2104.08821, table B.1).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simemb import files
from simemb.arguments import checked_fields
from simemb.corpus import labels, sources
from simemb.corpus.rows import Rows, open_rows
from simemb.corpus.sources import Source
from simemb.errors import DataError
from simemb.evaluation.metrics import cosine, pearson, spearman
from simemb.evaluation.outcomes import Outcomes
from simemb.evaluation.scores import BinaryScores, Correlation, SimilarityScores, SubsetScores
from simemb.evaluation.tasks.task import LoadedTask, Task, TaskResult
from simemb.evaluation.text_vectors import TextVectors


@dataclass(frozen=True)
class Pairs:
    """The sentence pairs of one subset.

    Attributes:
        subset: Name of the subset.
        origin: The corpus or file of the pairs.
        checksum: SHA-256 of that file, or of the pairs themselves if they are generated in memory.
        first: The first sentence of each pair.
        second: The second sentence of each pair.
        gold: Gold similarity of each pair [pairs].
    """

    subset: str
    origin: str
    checksum: str
    first: list[str]
    second: list[str]
    gold: NDArray[np.float64]


@checked_fields
@dataclass(frozen=True)
class Similarity(Task):
    """Scored sentence pairs in named subsets.

    Attributes:
        subsets: Name of each subset -> the name of a corpus in `data/`, a `Source`, the path of a file, or pairs in
            memory as `open_rows` takes them.
        scale: Lowest and highest gold score allowed.
    """

    subsets: Mapping[str, Any]
    scale: tuple[float, float] = (0.0, 5.0)

    def load(self) -> "LoadedPairs":
        """Read all subsets; `DataError` if one is missing, too short, or has no usable scores."""
        return LoadedPairs(self.read())

    def read(self) -> list[Pairs]:
        """The pairs of each subset."""
        return [_read(subset, data, self.scale) for subset, data in self.subsets.items()]


class LoadedPairs(LoadedTask):
    """The pairs of a `Similarity`."""

    def __init__(self, subsets: Sequence[Pairs]):
        self.subsets = subsets
        self.origins = {pairs.origin: pairs.checksum for pairs in subsets}

    def texts(self) -> Iterator[str]:
        """Both sentences of each pair."""
        for pairs in self.subsets:
            yield from pairs.first
            yield from pairs.second

    def score(self, vectors: TextVectors) -> TaskResult:
        """The correlations of each subset, and their aggregates."""
        outcomes = self.outcomes(vectors)
        return TaskResult(self.correlations(outcomes), outcomes)

    def outcomes(self, vectors: TextVectors) -> Outcomes:
        """The cosine of each pair."""
        cosines = [cosine(vectors[pairs.first], vectors[pairs.second]) for pairs in self.subsets]
        return Outcomes(
            texts=[texts for pairs in self.subsets for texts in zip(pairs.first, pairs.second, strict=True)],
            values=np.concatenate(cosines),
            gold=np.concatenate([pairs.gold for pairs in self.subsets]),
            subsets=[pairs.subset for pairs in self.subsets for _ in pairs.first],
        )

    def correlations(self, outcomes: Outcomes) -> SimilarityScores:
        """Correlations of cosines and gold scores."""
        assert outcomes.gold is not None
        sizes = [len(pairs.gold) for pairs in self.subsets]
        cosines = np.split(outcomes.values, np.cumsum(sizes)[:-1])
        parts = [_correlate(part, pairs.gold) for part, pairs in zip(cosines, self.subsets, strict=True)]
        return SimilarityScores(
            all=_correlate(outcomes.values, outcomes.gold),
            mean=_mean(parts),
            wmean=_mean(parts, sizes),
            pairs=sum(sizes),
            subsets={
                pairs.subset: SubsetScores(part.spearman, part.pearson, size)
                for pairs, part, size in zip(self.subsets, parts, sizes, strict=True)
            },
        )


@checked_fields
@dataclass(frozen=True)
class Binary(Similarity):
    """Pairs with the same meaning (1) or not (0): correlations, and the quality of the cosine as a classifier."""

    scale: tuple[float, float] = (0.0, 1.0)

    def load(self) -> "LoadedBinary":
        """Read all subsets; `DataError` also for a score that is neither 0 nor 1."""
        subsets = self.read()
        for pairs in subsets:
            invalid = np.flatnonzero(~np.isin(pairs.gold, (0, 1)))
            if invalid.size:
                row = invalid[0]
                raise DataError(f"{pairs.origin}, pair {row + 1}: score {pairs.gold[row]:g} (allowed: 0 and 1)")
        return LoadedBinary(subsets)


class LoadedBinary(LoadedPairs):
    """The pairs of a `Binary`."""

    def score(self, vectors: TextVectors) -> TaskResult:
        """Correlations, area under the curve, average precision, best accuracy and F1."""
        from simemb.evaluation.ranking import separation

        outcomes = self.outcomes(vectors)
        assert outcomes.gold is not None
        correlations = self.correlations(outcomes)
        parts = {name: getattr(correlations, name) for name in ("all", "mean", "wmean", "pairs", "subsets")}
        classifier = separation(outcomes.values, outcomes.gold == 1)
        return TaskResult(BinaryScores(**parts, **asdict(classifier), positives=int(outcomes.gold.sum())), outcomes)


def _correlate(cosines: NDArray[np.float64], gold: NDArray[np.float64]) -> Correlation:
    return Correlation(100 * spearman(cosines, gold), 100 * pearson(cosines, gold))


def _mean(parts: Sequence[Correlation], weights: Sequence[int] | None = None) -> Correlation:
    rows = [(part.spearman, part.pearson) for part in parts]
    return Correlation(*np.average(rows, axis=0, weights=weights).tolist())


def _read(subset: str, data: Any, scale: tuple[float, float]) -> Pairs:
    """The pairs of one subset, checked."""
    source = sources.get(data) if isinstance(data, str) else data
    rows = open_rows(source)
    labels.check_scores(rows, "a correlation is computed")
    first, second, gold = (list(column) for column in zip(*rows.scored(), strict=True))
    _check(rows.name, gold, scale)
    return Pairs(subset, rows.name, _checksum(source, rows), first, second, np.array(gold))


def _checksum(source: Any, rows: Rows) -> str:
    if isinstance(source, Path):
        return files.sha256_of(source)
    return sources.locate(source).sha256 if isinstance(source, Source) and not source.generate else rows.digest()


def _check(origin: str, gold: Sequence[float], scale: tuple[float, float]) -> None:
    """Raise `DataError` for gold scores outside the scale, and for those without a correlation."""
    if len(gold) < 2:
        raise DataError(f"{origin} has {len(gold)} scored pair, but a correlation needs at least 2")
    lowest, highest = scale
    for pair, score in enumerate(gold, start=1):
        if not lowest <= score <= highest:
            raise DataError(f"{origin}, pair {pair}: score {score:g} is not in {lowest:g} to {highest:g}")
    if min(gold) == max(gold):
        raise DataError(f"{origin}: all {len(gold)} scores are {gold[0]:g}, so no correlation is defined")
