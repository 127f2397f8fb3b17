"""Clustering: whether the texts of a class form a cluster.

k-means with as many clusters as there are classes, scored by V-measure (Rosenberg & Hirschberg, 2007,
https://aclanthology.org/D07-1043), as in MTEB (Muennighoff et al., 2023, https://arxiv.org/abs/2210.07316).
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simemb.arguments import checked_fields
from simemb.corpus.sources import Source
from simemb.evaluation.scores import TaskScores
from simemb.evaluation.tasks.classification import LabeledTexts
from simemb.evaluation.tasks.task import LoadedTask, Task, TaskResult
from simemb.evaluation.text_vectors import TextVectors
from simemb.extras import CLASSES, Extra
from simemb.progress import track


@dataclass(frozen=True)
class ClusteringScores(TaskScores):
    """The agreement of clusters with classes, in points.

    Attributes:
        v_measure: Harmonic mean of homogeneity and completeness, 0 to 100; mean over seeds.
        sd: Standard deviation of the V-measure over seeds, with n - 1.
        seeds: The number of seeds.
        texts: The number of texts.
        classes: The number of classes, and of clusters.
    """

    v_measure: float
    sd: float
    seeds: int
    texts: int
    classes: int

    def numbers(self) -> dict[str, float]:
        """`v_measure`."""
        return {"v_measure": self.v_measure}


@checked_fields
@dataclass(frozen=True)
class Clustering(Task):
    """Labeled texts, whose labels are used only for scoring.

    Attributes:
        data: The name of a corpus in `data/`, a `Source`, or the path of a file.
        seeds: k-means runs once with each seed from 0 to seeds - 1; at least 2.
    """

    needs: ClassVar[Extra] = CLASSES

    data: str | Source | Path
    seeds: int = 10

    def load(self) -> "LoadedClustering":
        """Read the data; `DataError` for a missing label or a single class."""
        return LoadedClustering(self, LabeledTexts.read(self.data))


class LoadedClustering(LoadedTask):
    """The texts of a `Clustering`."""

    def __init__(self, task: Clustering, data: LabeledTexts):
        self._task, self.data = task, data
        self._classes = data.classes(least=1, why="clustering")
        self.origins = {data.origin: data.checksum}

    def texts(self) -> Iterator[str]:
        """All texts."""
        return (text for texts in self.data.texts for text in texts)

    def score(self, vectors: TextVectors) -> TaskResult:
        """V-measure of k-means on the L2-normalized vectors."""
        from sklearn.metrics import v_measure_score
        from sklearn.preprocessing import normalize

        unit = np.asarray(normalize(self.data.features(vectors)), np.float32)
        labels = self.data.class_numbers(self._classes)
        v_measures: list[float] = []
        name, seeds = f"clustering {self._task.name}", self._task.seeds
        with track(name, total=seeds, unit="fits", shown=vectors.progress) as advance:
            for seed in range(seeds):
                clusters = _clusters(unit, len(self._classes), seed)
                v_measures.append(100 * float(v_measure_score(labels, clusters)))
                advance(1)
        mean, sd = float(np.mean(v_measures)), float(np.std(v_measures, ddof=1))
        return TaskResult(ClusteringScores(mean, sd, seeds, len(labels), len(self._classes)), None)


def _clusters(unit: NDArray[np.float32], count: int, seed: int) -> NDArray[np.int32]:
    """The cluster of each text by Lloyd's algorithm from one k-means++ initialization."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct vectors than clusters
        return KMeans(count, n_init="auto", random_state=seed).fit_predict(unit)
