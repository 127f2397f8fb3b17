"""The protocol against its loops written out with scikit-learn, and what it must give where the answer is known."""

import warnings
from contextlib import contextmanager

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from simemb.evaluation import probing
from simemb.evaluation.probing import STRENGTHS, cross_validate, rows_needed, train_and_test


def sample(rows: int, classes: int, *, seed: int = 0, dim: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping classes, in no order."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(rows) % classes)
    centers = np.random.default_rng(99).normal(size=(classes, dim))
    return (rng.normal(size=(rows, dim)) + 0.7 * centers[labels]).astype(np.float32), labels


# Predictions are compared exactly. The logits of the two solvers differ by about 1e-6, and no row of these samples is
# nearer than 1.4e-5 to a border between classes.


def classifier(vectors: np.ndarray, labels: np.ndarray, strength: float) -> LogisticRegression:
    """scikit-learn's, with the bias among the weights that are kept small."""
    factor = 2 if len(set(labels)) == 2 else 1
    model = LogisticRegression(C=factor / (len(labels) * strength), fit_intercept=False, tol=1e-8, max_iter=100_000)
    return model.fit(ones(vectors), labels)


def ones(vectors: np.ndarray) -> np.ndarray:
    return np.column_stack([vectors.astype(np.float64), np.ones(len(vectors))])


def best_strength(vectors: np.ndarray, labels: np.ndarray, folds: int) -> float:
    """The strength with the best mean accuracy over folds, of equals the smallest."""
    means = []
    for strength in STRENGTHS:
        accuracies = []
        for train, test in StratifiedKFold(folds, shuffle=True, random_state=1111).split(vectors, labels):
            model = classifier(vectors[train], labels[train], strength)
            accuracies.append(model.score(ones(vectors[test]), labels[test]))
        means.append(round(100 * np.mean(accuracies), 2))
    return STRENGTHS[int(np.argmax(means))]


@pytest.mark.parametrize("classes", [2, 3])
def test_cross_validation_is_that_of_nested_loops(classes: int):
    vectors, labels = sample(90, classes)
    predicted, accuracies, strengths = np.empty_like(labels), [], []
    for train, test in StratifiedKFold(3, shuffle=True, random_state=1111).split(vectors, labels):
        strengths.append(best_strength(vectors[train], labels[train], 3))
        model = classifier(vectors[train], labels[train], strengths[-1])
        predicted[test] = model.predict(ones(vectors[test]))
        accuracies.append(model.score(ones(vectors[test]), labels[test]))
    predictions = cross_validate(vectors, labels, folds=3)
    assert predictions.classes.tolist() == predicted.tolist()
    assert predictions.strengths == tuple(strengths)
    assert predictions.accuracy == pytest.approx(np.mean(accuracies))


@pytest.mark.parametrize("classes", [2, 4])
def test_without_a_dev_part_the_strength_is_chosen_by_folds_of_the_training_part(classes: int):
    train, test = sample(80, classes), sample(50, classes, seed=1)
    strength = best_strength(*train, 4)
    model = classifier(*train, strength)
    predictions = train_and_test(train, test, folds=4)
    assert predictions.classes.tolist() == model.predict(ones(test[0])).tolist()
    assert (predictions.strengths, predictions.accuracy) == (
        (strength,),
        pytest.approx(model.score(ones(test[0]), test[1])),
    )


def test_with_a_dev_part_the_strength_is_chosen_on_it():
    train, dev, test = sample(60, 2), sample(500, 2, seed=1), sample(60, 2, seed=2)
    models = [classifier(*train, strength) for strength in STRENGTHS]
    best = int(np.argmax([round(100 * model.score(ones(dev[0]), dev[1]), 2) for model in models]))
    predictions = train_and_test(train, test, dev)
    assert best > 0  # a test of something
    assert predictions.strengths == (STRENGTHS[best],)
    assert predictions.classes.tolist() == models[best].predict(ones(test[0])).tolist()


def test_classes_that_a_plane_parts_are_all_predicted_right():
    labels = np.arange(60) % 3
    vectors = np.eye(3, dtype=np.float32)[labels]
    predictions = cross_validate(vectors, labels, folds=4)
    assert (predictions.accuracy, predictions.classes.tolist()) == (1.0, labels.tolist())
    # Of strengths that do equally well the weakest penalty is taken.
    assert predictions.strengths == (1e-5,) * 4


def test_vectors_that_say_nothing_give_the_most_frequent_class():
    labels = (np.arange(100) % 4 == 0).astype(np.intp)
    predictions = cross_validate(np.full((100, 3), 0.7, np.float32), labels, folds=5)
    assert (predictions.accuracy, set(predictions.classes)) == (0.75, {0})


def test_random_vectors_are_right_as_often_as_the_most_frequent_class():
    labels = (np.random.default_rng(0).random(1200) < 0.3).astype(np.intp)
    vectors = np.random.default_rng(1).normal(size=(1200, 4)).astype(np.float32)
    assert cross_validate(vectors, labels, folds=5).accuracy == pytest.approx(0.7, abs=0.03)


def test_a_seed_gives_the_same_again_and_another_one_other_folds():
    vectors, labels = sample(150, 2, dim=3)
    first, again, other = (cross_validate(vectors, labels, folds=5, seed=seed) for seed in (1, 1, 2))
    assert first.classes.tolist() == again.classes.tolist()
    assert first.classes.tolist() != other.classes.tolist()


def test_fits_in_small_groups_give_the_same(monkeypatch):
    vectors, labels = sample(90, 3)
    at_once = cross_validate(vectors, labels, folds=3)
    monkeypatch.setattr(probing, "CELLS", 90 * 3 * 5)
    in_groups = cross_validate(vectors, labels, folds=3)
    assert in_groups.classes.tolist() == at_once.classes.tolist()
    assert in_groups.strengths == at_once.strengths


def test_every_fit_is_counted(monkeypatch):
    seen = {}

    @contextmanager
    def track(what: str, *, total: int, unit: str, shown: bool | None):
        seen[what] = [total, unit, 0]

        def advance(count: int) -> None:
            seen[what][2] += count

        yield advance

    monkeypatch.setattr(probing, "track", track)
    vectors, labels = sample(60, 2)
    cross_validate(vectors, labels, folds=3, name="a")
    train_and_test((vectors, labels), (vectors, labels), folds=3, name="b")
    # 3 folds, 3 in each, 4 strengths; 3 folds and the whole, 4 strengths
    assert seen == {"probing a": [48, "fits", 48], "probing b": [16, "fits", 16]}


@pytest.mark.parametrize("folds", range(2, 13))
def test_so_many_rows_of_a_class_are_enough_and_one_less_is_not(folds: int):
    def fits(rows: int) -> bool:
        labels = np.repeat([0, 1], [rows, 50 * folds])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                for fold in probing.stratified_folds(np.arange(len(labels)), labels, folds, 0):
                    probing.stratified_folds(fold.train, labels, folds, 0)
            except (UserWarning, ValueError):
                return False
        return True

    assert fits(rows_needed(folds))
    assert not fits(rows_needed(folds) - 1)
