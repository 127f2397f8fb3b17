"""The geometry of an encoder's vectors on scored sentence pairs, with and without whitening.

`simemb.evaluation.metrics`, `simemb.evaluation.geometry` and `simemb.evaluation.surface_bias` have the measures with
their formulas and sources.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan

import numpy as np
from jaxtyping import Float

from simemb.arguments import checked_fields
from simemb.encoder.whitening import Whitening
from simemb.errors import DataError
from simemb.evaluation.geometry import (
    anisotropy,
    dead_dimensions,
    dominance,
    histogram,
    hubness,
    isoscore,
    singular_spectrum,
)
from simemb.evaluation.metrics import alignment, cosine, effective_rank, spearman, uniformity
from simemb.evaluation.scores import TaskScores
from simemb.evaluation.surface_bias import Surface, biases
from simemb.evaluation.tasks.similarity import LoadedPairs, Similarity
from simemb.evaluation.tasks.task import LoadedTask, Task, TaskResult
from simemb.evaluation.text_vectors import TextVectors

DOMINATING = (1, 3, 5)
"""`dominance` is measured for these numbers of dimensions (Timkey & van Schijndel)."""
COSINE_EDGES = tuple(edge / 20 for edge in range(-20, 21))


@dataclass(frozen=True)
class GeometryMeasures:
    """The geometry of one set of vectors.

    Attributes:
        measures: By name. Correlations (`spearman` and the biases of `simemb.evaluation.surface_bias`) are in points.
            The others have the unit of their function: `alignment` and `alignment>=3` (of pairs with that gold score
            or more), `uniformity`, `anisotropy`, `isoscore`, `effective_rank`, `hubness`, `dead_dimensions` (a count),
            `dominance_3` (the share of three dimensions in the mean cosine). Hubness is of the distinct texts; all
            other measures count a text as often as it occurs, as in SimCSE.
        spectrum: Singular values as shares of their sum, the largest first.
        histogram: The number of pairs [bin of the gold score][bin of the cosine].
    """

    measures: dict[str, float]
    spectrum: tuple[float, ...]
    histogram: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class VectorGeometryScores(TaskScores):
    """The geometry of the vectors of scored pairs.

    Attributes:
        raw: Measures of the vectors of the encoder.
        whitened: Measures of the same vectors whitened by their own mean and covariance; None for too few vectors.
        directions: The number of dimensions after whitening; 0 without whitening.
        positive: Least gold score of the pairs of `alignment`.
        gold_edges: Edges of the bins of gold scores in the histograms.
        cosine_edges: Edges of the bins of cosines in the histograms.
        pairs: The number of pairs.
        texts: The number of distinct texts.
    """

    raw: GeometryMeasures
    whitened: GeometryMeasures | None
    directions: int
    positive: float
    gold_edges: tuple[float, ...]
    cosine_edges: tuple[float, ...]
    pairs: int
    texts: int

    def numbers(self) -> dict[str, float]:
        """The measures by name, then those of the whitened vectors with the prefix `whitened.`."""
        whitened = self.whitened.measures if self.whitened else dict.fromkeys(self.raw.measures, nan)
        return self.raw.measures | {f"whitened.{name}": value for name, value in whitened.items()}


@checked_fields
@dataclass(frozen=True)
class VectorGeometry(Task):
    """The geometry of the vectors of scored pairs.

    Attributes:
        pairs: The task with the pairs.
        positive: Least gold score of the pairs of `alignment`; copies of SimCSE use 4.
        thresholds: Other least gold scores for which alignment is measured.
        gold_edges: Edges of the bins of gold scores in the histogram of cosines.
    """

    pairs: Similarity
    positive: float = 4.0
    thresholds: tuple[float, ...] = (3.0, 5.0)
    gold_edges: tuple[float, ...] = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)

    def load(self) -> "LoadedVectorGeometry":
        """Read the pairs, as `Similarity.load` does."""
        return LoadedVectorGeometry(self, self.pairs.load())


class LoadedVectorGeometry(LoadedTask):
    """The pairs of a `VectorGeometry`, and the surface of their texts."""

    def __init__(self, task: VectorGeometry, pairs: LoadedPairs):
        self.task = task
        self.pairs = pairs
        self.origins = pairs.origins
        self.first = [text for subset in pairs.subsets for text in subset.first]
        self.second = [text for subset in pairs.subsets for text in subset.second]
        self.gold = np.concatenate([subset.gold for subset in pairs.subsets])
        self.surface = Surface.of(self.first, self.second)

    def texts(self) -> Iterator[str]:
        """Both sentences of each pair."""
        return self.pairs.texts()

    def score(self, vectors: TextVectors) -> TaskResult:
        """All measures. There are no outcomes, since most measures have no value for a single pair."""
        distinct = list(dict.fromkeys(self.texts()))
        sides = vectors[self.first], vectors[self.second], vectors[distinct]
        try:
            whitening = Whitening.fit(np.concatenate(sides[:2]))
        except DataError:
            whitening = None
        scores = VectorGeometryScores(
            raw=self._measure(*sides),
            whitened=None if whitening is None else self._measure(*map(whitening, sides)),
            directions=0 if whitening is None else whitening.matrix.shape[1],
            positive=self.task.positive,
            gold_edges=self.task.gold_edges,
            cosine_edges=COSINE_EDGES,
            pairs=len(self.gold),
            texts=len(distinct),
        )
        return TaskResult(scores, None)

    def _measure(
        self,
        first: Float[np.ndarray, "pair dim"],
        second: Float[np.ndarray, "pair dim"],
        distinct: Float[np.ndarray, "text dim"],
    ) -> GeometryMeasures:
        """The measures of one set of vectors: those of both sides of the pairs, and those of the distinct texts."""
        both = np.concatenate([first, second])
        cosines = cosine(first, second)
        counts = histogram(cosines, self.gold, gold_edges=self.task.gold_edges, cosine_edges=COSINE_EDGES)
        measures = {
            "spearman": 100 * spearman(cosines, self.gold),
            **self._alignments(first, second),
            "uniformity": uniformity(both),
            "anisotropy": anisotropy(both),
            "isoscore": isoscore(both),
            "effective_rank": effective_rank(both),
            "hubness": hubness(distinct),
            **biases(cosines, self.gold, self.surface),
            "dead_dimensions": float(dead_dimensions(both)),
            **{f"dominance_{top}": dominance(both, top) for top in DOMINATING},
        }
        return GeometryMeasures(measures, tuple(singular_spectrum(both).tolist()), tuple(map(tuple, counts.tolist())))

    def _alignments(
        self, first: Float[np.ndarray, "pair dim"], second: Float[np.ndarray, "pair dim"]
    ) -> dict[str, float]:
        names = {"alignment": self.task.positive} | {f"alignment>={least:g}": least for least in self.task.thresholds}
        return {name: alignment(first[self.gold >= least], second[self.gold >= least]) for name, least in names.items()}
