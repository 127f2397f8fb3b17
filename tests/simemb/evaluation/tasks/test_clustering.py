"""Clusters of texts against scikit-learn's loop, on data whose V-measure is known."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import v_measure_score

from simemb import Suite, evaluate
from simemb.errors import DataError
from simemb.evaluation.tasks.clustering import Clustering, ClusteringScores


class Table:
    """The vector of the text "text 7" is row 7."""

    name = "table"

    def __init__(self, rows: np.ndarray):
        self.rows = rows.astype(np.float32)

    def fingerprint(self) -> str:
        return "table"

    def encode(self, texts: list[str], *, batch_size: int | None = None, progress: bool | None = None) -> np.ndarray:
        del batch_size, progress
        return self.rows[[int(text.split()[1]) for text in texts]]


def score(path: Path, rows: np.ndarray, labels: list[int], seeds: int = 3) -> ClusteringScores:
    path.write_text("label\tsentence\n" + "".join(f"{label}\ttext {row}\n" for row, label in enumerate(labels)))
    suite = Suite("mine", "one task", (Clustering("mine", path, seeds),), geometry=None, headline="v_measure")
    scores = evaluate(Table(rows), suite)
    assert scores.outcomes == {}
    assert scores.texts == {"mine": [f"text {row}" for row in range(len(labels))]}
    result = scores.tasks["mine"]
    assert isinstance(result, ClusteringScores)
    assert scores.points == result.v_measure
    return result


def test_classes_in_directions_of_their_own_are_found_whatever_the_lengths(tmp_path: Path):
    labels = [row % 3 for row in range(60)]
    rows = np.eye(3)[labels] * np.linspace(1, 100, 60)[:, None]
    # The three seeds number the clusters differently, so their V-measures may differ by rounding.
    assert score(tmp_path / "a.tsv", rows, labels) == ClusteringScores(
        pytest.approx(100), pytest.approx(0, abs=1e-9), 3, 60, 3
    )


def test_vectors_that_are_all_alike_have_one_cluster_that_says_nothing(tmp_path: Path):
    result = score(tmp_path / "a.tsv", np.ones((40, 5)), [row % 2 for row in range(40)])
    assert (result.v_measure, result.sd) == (pytest.approx(0, abs=1e-9), pytest.approx(0, abs=1e-9))


def test_it_is_the_mean_over_seeds_of_a_loop(tmp_path: Path):
    rng = np.random.default_rng(0)
    labels = [row % 4 for row in range(200)]
    rows = rng.normal(size=(200, 6)) + rng.normal(size=(4, 6))[labels]
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    values = [
        100 * v_measure_score(labels, KMeans(4, n_init=1, random_state=seed).fit_predict(unit)) for seed in range(5)
    ]
    result = score(tmp_path / "a.tsv", rows, labels, seeds=5)
    assert result.v_measure == pytest.approx(np.mean(values), abs=0.5)
    assert result.sd == pytest.approx(np.std(values, ddof=1), abs=0.5)
    assert result.sd > 0


def test_the_same_seeds_give_the_same(tmp_path: Path):
    rows, labels = np.random.default_rng(0).normal(size=(80, 4)), [row % 2 for row in range(80)]
    assert score(tmp_path / "a.tsv", rows, labels) == score(tmp_path / "a.tsv", rows, labels)


def test_one_class_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match=r"a.tsv: all 2 labels are '0', two classes are needed"):
        score(tmp_path / "a.tsv", np.eye(2), [0, 0])
