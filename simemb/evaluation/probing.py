"""Linear probes: logistic regressions on frozen vectors, as in SentEval.

Conneau & Kiela, 2018, SentEval, https://arxiv.org/abs/1803.05449, section 3, and its released code: the same folds, the
same grid of penalties, the same way to choose one. SentEval trains each classifier by Adam, in batches, until the
accuracy on held-out rows stops rising. Here the same loss is minimized to its optimum
(`simemb.evaluation.logistic_regression`), which depends on no learning rate, order of rows or early stopping.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simemb.evaluation.logistic_regression import Array, decide, minimize, outputs, problem
from simemb.progress import track

STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2)
"""Strengths of the L2 penalty: SentEval's grid, where they are called weight decay."""
FOLDS = 10
SEED = 1111
CELLS = 1 << 24
"""Logits in memory at once: 128 MB."""

Integers = NDArray[np.intp]
"""Row numbers, or the class of each row."""


class Fold(NamedTuple):
    """The numbers of the rows that a classifier is trained on, and of those that it predicts."""

    train: Integers
    test: Integers


class Predictions(NamedTuple):
    """The predictions of the classifiers.

    Attributes:
        classes: The predicted class of each test row.
        accuracy: Accuracy on the test rows, in [0, 1]; for cross-validation the mean over folds, as in SentEval.
        strengths: The chosen strength of each fold, or the only one.
    """

    classes: Integers
    accuracy: float
    strengths: tuple[float, ...]


def cross_validate(
    vectors: NDArray[np.float32],
    labels: Integers,
    *,
    folds: int = FOLDS,
    seed: int = SEED,
    name: str = "vectors",
    progress: bool | None = None,
) -> Predictions:
    """Predict each row by a classifier trained on the other folds; its strength is chosen by inner folds of those.

    Args:
        vectors: [row, dim].
        labels: Class of each row, from 0 without gaps. Each class needs `rows_needed(folds)` rows.
        folds: The number of outer folds, and of inner folds within the training rows of each.
        seed: Seed of scikit-learn's shuffled `StratifiedKFold`.
        name: The name in the progress bar.
        progress: Whether to show a progress bar, as in `simemb.progress.track`.
    """
    outer = stratified_folds(np.arange(len(labels)), labels, folds, seed)
    inner = [stratified_folds(fold.train, labels, folds, seed) for fold in outer]
    predictions = predict(vectors, labels, [*outer, *(fold for group in inner for fold in group)], name, progress)
    classes, strengths, accuracies = np.empty_like(labels), list[float](), list[float]()
    for number, (fold, inner_folds) in enumerate(zip(outer, inner, strict=True)):
        first = folds * (number + 1)
        best = _best(labels, inner_folds, [of_strength[first : first + folds] for of_strength in predictions])
        classes[fold.test] = predictions[best][number]
        accuracies.append(_accuracy(labels, fold, predictions[best][number]))
        strengths.append(STRENGTHS[best])
    return Predictions(classes, float(np.mean(accuracies)), tuple(strengths))


def train_and_test(
    train: tuple[NDArray[np.float32], Integers],
    test: tuple[NDArray[np.float32], Integers],
    dev: tuple[NDArray[np.float32], Integers] | None = None,
    *,
    folds: int = FOLDS,
    seed: int = SEED,
    name: str = "vectors",
    progress: bool | None = None,
) -> Predictions:
    """Predict the rows of `test`; the strength is chosen on `dev`, or without it by folds of `train`.

    Args:
        train: Vectors [row, dim], and the class of each row, from 0 without gaps.
        test: Likewise, of the same classes.
        dev: Likewise.
        folds: The number of folds of `train`, used without `dev`; each class then needs that many rows.
        seed: Seed of scikit-learn's shuffled `StratifiedKFold`.
        name: The name in the progress bar.
        progress: Whether to show a progress bar, as in `simemb.progress.track`.
    """
    splits = [split for split in (train, test, dev) if split]
    vectors, labels = (np.concatenate(column) for column in zip(*splits, strict=True))
    rows = np.split(np.arange(len(labels)), np.cumsum([len(split[1]) for split in splits])[:-1])
    final = Fold(rows[0], rows[1])
    trials = [Fold(rows[0], rows[2])] if dev else stratified_folds(rows[0], labels, folds, seed)
    predictions = predict(vectors, labels, [final, *trials], name, progress)
    best = _best(labels, trials, [of_strength[1:] for of_strength in predictions])
    classes = predictions[best][0]
    return Predictions(classes, _accuracy(labels, final, classes), (STRENGTHS[best],))


def rows_needed(folds: int) -> int:
    """The rows that a class needs so that the training rows of each outer fold have one for each inner fold.

    >>> rows_needed(10)
    12
    """
    return next(rows for rows in range(folds, 3 * folds) if rows - -(-rows // folds) >= folds)


def stratified_folds(rows: Integers, labels: Integers, folds: int, seed: int) -> list[Fold]:
    """Shuffled folds of some rows, each with about the same class frequencies."""
    from sklearn.model_selection import StratifiedKFold

    folded = StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, labels[rows])
    return [Fold(rows[train], rows[test]) for train, test in folded]


def predict(
    vectors: NDArray[np.float32], labels: Integers, folds: Sequence[Fold], name: str, progress: bool | None = None
) -> list[list[Integers]]:
    """The predicted classes of the test rows of each fold, for each of `STRENGTHS`."""
    features = np.hstack([vectors.astype(np.float64), np.ones((len(vectors), 1))])
    size = max(1, CELLS // (len(features) * (int(labels.max()) + 1)))
    predictions: list[list[Integers]] = [[] for _ in STRENGTHS]
    with track(f"probing {name}", total=len(STRENGTHS) * len(folds), unit="fits", shown=progress) as advance:
        for first in range(0, len(folds), size):
            group = folds[first : first + size]
            for of_strength, of_group in zip(
                predictions, _predict_group(features, labels, group, advance), strict=True
            ):
                of_strength += of_group
    return predictions


def _predict_group(
    features: Array, labels: Integers, folds: Sequence[Fold], advance: Callable[[int], None]
) -> list[list[Integers]]:
    """The predictions for each of `STRENGTHS`, fitted from the strongest to the weakest, each from the last optimum."""
    is_train = np.zeros((len(features), len(folds)), np.bool_)
    for fit, fold in enumerate(folds):
        is_train[fold.train, fit] = True
    fits = problem(features, labels, is_train)
    weights, predictions = None, list[list[Integers]]()
    for strength in sorted(STRENGTHS, reverse=True):
        weights = minimize(fits, strength, weights)
        predictions.append(list(_test_classes(features, weights, folds)))
        advance(len(folds))
    return predictions[::-1]


def _test_classes(features: Array, weights: Array, folds: Sequence[Fold]) -> Iterator[Integers]:
    for fit, fold in enumerate(folds):
        yield decide(outputs(features[fold.test], weights[:, fit : fit + 1]))[:, 0]


def _best(labels: Integers, folds: Sequence[Fold], predictions: Sequence[Sequence[Integers]]) -> int:
    """The index in `STRENGTHS` of the highest mean accuracy; on a tie the weakest penalty, as in SentEval."""
    means = [
        np.mean([_accuracy(labels, *pair) for pair in zip(folds, classes, strict=True)]) for classes in predictions
    ]
    return int(np.argmax(np.round(means, 4)))


def _accuracy(labels: Integers, fold: Fold, classes: Integers) -> float:
    return float((labels[fold.test] == classes).mean())
