"""What can be read off frozen vectors by logistic regression, as SentEval probes them.

Conneau & Kiela, 2018, SentEval, https://arxiv.org/abs/1803.05449, section 3, and its released code: the same folds, the
same strengths of the penalty, the same way to choose one. SentEval trains each classifier by Adam, in batches and until
the accuracy on held-out rows stops rising; here the same loss is taken to its optimum (see `simemb.evaluation.logistic_regression`), which
depends on no learning rate, no order of rows and no moment of stopping.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simemb.evaluation.logistic_regression import Array, decide, minimize, outputs, problem
from simemb.progress import track

STRENGTHS = (1e-5, 1e-4, 1e-3, 1e-2)
"""The grid of SentEval, where they are called weight decay."""
FOLDS = 10
SEED = 1111
CELLS = 1 << 24
"""Logits at once: 128 MB."""

Integers = NDArray[np.intp]
"""Which rows, or of which class each is."""


class Part(NamedTuple):
    """The rows that a classifier learns from, and those that it is asked about."""

    learned: Integers
    asked: Integers


class Probed(NamedTuple):
    """What the classifiers said.

    Attributes:
        predicted: The class of every row asked about.
        accuracy: Of these, in [0, 1]; for folds the mean of their accuracies, as in SentEval.
        strengths: What was chosen, for each fold or once.
    """

    predicted: Integers
    accuracy: float
    strengths: tuple[float, ...]


def cross_validated(
    vectors: NDArray[np.float32],
    labels: Integers,
    *,
    folds: int = FOLDS,
    seed: int = SEED,
    name: str = "vectors",
    shown: bool | None = None,
) -> Probed:
    """Predict each row by a classifier that did not see its fold, its strength chosen by folds of what it did see.

    Args:
        vectors: [row, dim].
        labels: Class of each row, from 0 without gaps. Each needs `enough(folds)` rows.
        folds: Of all rows, and again of the rest of each.
        seed: Of scikit-learn's `StratifiedKFold`, shuffled.
        name: What the progress bar calls it.
        shown: Whether there is a bar, as in `simemb.progress.track`.
    """
    outer = split(np.arange(len(labels)), labels, folds, seed)
    inner = [split(part.learned, labels, folds, seed) for part in outer]
    answers = ask(vectors, labels, [*outer, *(part for parts in inner for part in parts)], name, shown)
    predicted, chosen, accuracies = np.empty_like(labels), list[float](), list[float]()
    for fold, (part, parts) in enumerate(zip(outer, inner, strict=True)):
        first = folds * (fold + 1)
        best = _best(labels, parts, [said[first : first + folds] for said in answers])
        predicted[part.asked] = answers[best][fold]
        accuracies.append(_accuracy(labels, part, answers[best][fold]))
        chosen.append(STRENGTHS[best])
    return Probed(predicted, float(np.mean(accuracies)), tuple(chosen))


def trained(
    train: tuple[NDArray[np.float32], Integers],
    test: tuple[NDArray[np.float32], Integers],
    dev: tuple[NDArray[np.float32], Integers] | None = None,
    *,
    folds: int = FOLDS,
    seed: int = SEED,
    name: str = "vectors",
    shown: bool | None = None,
) -> Probed:
    """Predict the rows of `test`; the strength is chosen on `dev`, or without it by folds of `train`.

    Args:
        train: Vectors [row, dim], and the class of each row, from 0 without gaps.
        test: Likewise, of the same classes.
        dev: Likewise.
        folds: Of `train`; each class then needs as many rows.
        seed: Of scikit-learn's `StratifiedKFold`, shuffled.
        name: What the progress bar calls it.
        shown: Whether there is a bar, as in `simemb.progress.track`.
    """
    pieces = [piece for piece in (train, test, dev) if piece]
    vectors, labels = (np.concatenate(column) for column in zip(*pieces, strict=True))
    rows = np.split(np.arange(len(labels)), np.cumsum([len(piece[1]) for piece in pieces])[:-1])
    final = Part(rows[0], rows[1])
    trials = [Part(rows[0], rows[2])] if dev else split(rows[0], labels, folds, seed)
    answers = ask(vectors, labels, [final, *trials], name, shown)
    best = _best(labels, trials, [said[1:] for said in answers])
    predicted = answers[best][0]
    return Probed(predicted, _accuracy(labels, final, predicted), (STRENGTHS[best],))


def enough(folds: int) -> int:
    """How many rows a class needs so that every rest of an outer fold has one for each inner fold.

    >>> enough(10)
    12
    """
    return next(rows for rows in range(folds, 3 * folds) if rows - -(-rows // folds) >= folds)


def split(rows: Integers, labels: Integers, folds: int, seed: int) -> list[Part]:
    """Some rows in shuffled folds, in each of which classes are as frequent as in all."""
    from sklearn.model_selection import StratifiedKFold

    folded = StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, labels[rows])
    return [Part(rows[learned], rows[asked]) for learned, asked in folded]


def ask(
    vectors: NDArray[np.float32], labels: Integers, parts: Sequence[Part], name: str, shown: bool | None = None
) -> list[list[Integers]]:
    """The classes that the classifier of each part predicts where it is asked, for each of `STRENGTHS`."""
    features = np.hstack([vectors.astype(np.float64), np.ones((len(vectors), 1))])
    size = max(1, CELLS // (len(features) * (int(labels.max()) + 1)))
    answers: list[list[Integers]] = [[] for _ in STRENGTHS]
    with track(f"probing {name}", total=len(STRENGTHS) * len(parts), unit="fits", shown=shown) as advance:
        for first in range(0, len(parts), size):
            group = parts[first : first + size]
            for found, said in zip(answers, _path(features, labels, group, advance), strict=True):
                found += said
    return answers


def _path(
    features: Array, labels: Integers, parts: Sequence[Part], advance: Callable[[int], None]
) -> list[list[Integers]]:
    """From the strongest penalty to the weakest: each begins where the last one ended."""
    learned = np.zeros((len(features), len(parts)), np.bool_)
    for fit, part in enumerate(parts):
        learned[part.learned, fit] = True
    fits = problem(features, labels, learned)
    weights, answers = None, list[list[Integers]]()
    for strength in sorted(STRENGTHS, reverse=True):
        weights = minimize(fits, strength, weights)
        answers.append(list(_decisions(features, weights, parts)))
        advance(len(parts))
    return answers[::-1]


def _decisions(features: Array, weights: Array, parts: Sequence[Part]) -> Iterator[Integers]:
    for fit, part in enumerate(parts):
        yield decide(outputs(features[part.asked], weights[:, fit : fit + 1]))[:, 0]


def _best(labels: Integers, parts: Sequence[Part], answers: Sequence[Sequence[Integers]]) -> int:
    """The strength of the highest accuracy, of several the weakest, as in SentEval; which of `STRENGTHS` it is."""
    means = [np.mean([_accuracy(labels, *pair) for pair in zip(parts, said, strict=True)]) for said in answers]
    return int(np.argmax(np.round(means, 4)))


def _accuracy(labels: Integers, part: Part, predicted: Integers) -> float:
    return float((labels[part.asked] == predicted).mean())
