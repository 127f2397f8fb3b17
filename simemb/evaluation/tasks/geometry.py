"""The geometry of an encoder on scored sentence pairs: every measure that there is, with and without whitening.

The measures stand in `simemb.evaluation.metrics`, `simemb.evaluation.geometry` and `simemb.evaluation.surface_bias`, each with its formula and source.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import nan

import numpy as np
from jaxtyping import Float

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
"""Of so many dimensions the share in the mean cosine is told (Timkey & van Schijndel)."""
COSINE_EDGES = tuple(edge / 20 for edge in range(-20, 21))


@dataclass(frozen=True)
class GeometryMeasures:
    """The geometry of one set of vectors.

    Attributes:
        measures: By name. Correlations (`spearman` and the biases of `simemb.evaluation.surface_bias`) are in points; the rest is in
            the unit of its function: `alignment` and `alignment>=3` (pairs of that gold score or more), `uniformity`,
            `anisotropy`, `isoscore`, `effective_rank`, `hubness`, `dead_dimensions` (a count), `dominance_3` (the share
            of three dimensions in the mean cosine). Hubness is that of distinct texts, all others count a text as
            often as it occurs, as SimCSE does.
        spectrum: Singular values as shares of their sum, the largest first.
        histogram: Pairs by bin of the gold score and, within it, by bin of the cosine.
    """

    measures: dict[str, float]
    spectrum: tuple[float, ...]
    histogram: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class VectorGeometryScores(TaskScores):
    """The geometry of the vectors of scored pairs.

    Attributes:
        raw: Of the vectors as they are.
        whitened: Of the same vectors whitened by their own mean and covariance; None where there are too few of them.
        directions: Dimensions that whitening keeps, 0 where there is none.
        positive: The gold score from which on a pair counts for `alignment`.
        gold_edges: Of the bins of both histograms.
        cosine_edges: Likewise.
        pairs: How many.
        texts: How many distinct ones.
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
        """Every measure by its name, then with the prefix `whitened.` those of the whitened vectors."""
        whitened = self.whitened.measures if self.whitened else dict.fromkeys(self.raw.measures, nan)
        return self.raw.measures | {f"whitened.{name}": value for name, value in whitened.items()}


@dataclass(frozen=True)
class VectorGeometry(Task):
    """The geometry of the vectors of scored pairs.

    Attributes:
        pairs: Where they are from.
        positive: The gold score from which on a pair counts for `alignment`; SimCSE's copies take 4.
        thresholds: Other scores from which on alignment is told too.
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
    """The pairs, and what their words alone tell."""

    def __init__(self, task: VectorGeometry, pairs: LoadedPairs):
        self.task = task
        self.pairs = pairs
        self.origins = pairs.origins
        self.first = [text for subset in pairs.subsets for text in subset.first]
        self.second = [text for subset in pairs.subsets for text in subset.second]
        self.gold = np.concatenate([subset.gold for subset in pairs.subsets])
        self.surface = Surface.of(self.first, self.second)

    def texts(self) -> Iterator[str]:
        """Both sentences of every pair."""
        return self.pairs.texts()

    def score(self, vectors: TextVectors) -> TaskResult:
        """All measures. There are no outcomes: most measures are of all vectors together, not of each pair."""
        distinct = list(dict.fromkeys(self.texts()))
        sides = vectors[self.first], vectors[self.second], vectors[distinct]
        try:
            whitening = Whitening.fit(np.concatenate(sides[:2]))
        except DataError:
            whitening = None
        scores = VectorGeometryScores(
            raw=self._shape(*sides),
            whitened=None if whitening is None else self._shape(*map(whitening, sides)),
            directions=0 if whitening is None else whitening.matrix.shape[1],
            positive=self.task.positive,
            gold_edges=self.task.gold_edges,
            cosine_edges=COSINE_EDGES,
            pairs=len(self.gold),
            texts=len(distinct),
        )
        return TaskResult(scores, None)

    def _shape(
        self,
        first: Float[np.ndarray, "pair dim"],
        second: Float[np.ndarray, "pair dim"],
        distinct: Float[np.ndarray, "text dim"],
    ) -> GeometryMeasures:
        """The geometry of one set of vectors: of both sides of the pairs, and of each distinct text."""
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
