"""Transfer: the accuracy of a logistic regression on frozen vectors, for labeled texts or pairs of texts.

Conneau & Kiela, 2018, SentEval, https://arxiv.org/abs/1803.05449; `simemb.evaluation.probing` has its protocol.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from simemb.arguments import checked_fields
from simemb.corpus.rows import open_rows
from simemb.corpus.sources import Source
from simemb.errors import DataError
from simemb.evaluation import probing
from simemb.evaluation.outcomes import Outcomes
from simemb.evaluation.probing import Predictions
from simemb.evaluation.scores import TaskScores
from simemb.evaluation.tasks.task import LoadedTask, Task, TaskResult
from simemb.evaluation.text_vectors import TextVectors
from simemb.extras import CLASSES, Extra


@dataclass(frozen=True)
class ClassificationScores(TaskScores):
    """The scores of the classifier, in points.

    Attributes:
        accuracy: Share of the examples with the correct class; in cross-validation the mean over folds.
        f1: F1 of the class that sorts last ("1"), for pairs of two classes; otherwise None.
        majority: The accuracy of always predicting the most frequent class of the training examples.
        examples: The number of examples that are predicted.
        classes: The number of classes.
        strengths: The chosen strength of the penalty, of each fold or the only one.
    """

    accuracy: float
    f1: float | None
    majority: float
    examples: int
    classes: int
    strengths: tuple[float, ...]

    def numbers(self) -> dict[str, float]:
        """`accuracy`, and for pairs of two classes `f1`."""
        return {"accuracy": self.accuracy} | ({} if self.f1 is None else {"f1": self.f1})


@dataclass(frozen=True)
class LabeledTexts:
    """Texts or pairs, each with a label.

    Attributes:
        origin: The corpus or file of the examples.
        checksum: SHA-256 of the origin.
        texts: The text of each example, or its two texts.
        labels: The label of each example as a string.
    """

    origin: str
    checksum: str
    texts: list[tuple[str, ...]]
    labels: list[str]

    @classmethod
    def read(cls, data: str | Source | Path) -> "LabeledTexts":
        """The rows of a corpus (its name or a `Source`) or of a file: one or two text columns, and a label."""
        rows = open_rows(data)
        if len(rows.columns) > 2:
            raise DataError(f"{rows.name} has {len(rows.columns)} text columns ({', '.join(rows.columns)}): 1 or 2 do")
        texts, labels = (list(column) for column in zip(*rows.labeled(), strict=True))
        return cls(rows.name, rows.checksum(), texts, labels)

    def classes(self, *, least: int, why: str) -> list[str]:
        """The distinct labels, sorted; `DataError` if there is only one, or one has fewer than `least` examples."""
        counts = Counter(self.labels)
        if len(counts) < 2:
            raise DataError(
                f"{self.origin}: all {len(self.labels)} labels are {self.labels[0]!r}, two classes are needed"
            )
        rare = min(counts, key=lambda label: (counts[label], label))
        if counts[rare] < least:
            raise DataError(f"{self.origin}: class {rare!r} has {counts[rare]} examples, {why} needs {least}")
        return sorted(counts)

    def class_numbers(self, classes: Sequence[str]) -> NDArray[np.intp]:
        """The index in `classes` of each example's label."""
        numbers = {label: number for number, label in enumerate(classes)}
        return np.array([numbers[label] for label in self.labels], np.intp)

    def features(self, vectors: TextVectors) -> NDArray[np.float32]:
        """The vector of each text, or for a pair u, v the concatenation of |u - v| and u * v, as in SentEval."""
        columns = [vectors[list(column)] for column in zip(*self.texts, strict=True)]
        if len(columns) == 1:
            return columns[0]
        u, v = columns
        return np.hstack([np.abs(u - v), u * v])


@checked_fields
@dataclass(frozen=True)
class CrossValidated(Task):
    """Labeled texts or pairs without a split: each example is predicted by a classifier trained on the other folds.

    Attributes:
        data: The name of a corpus in `data/`, a `Source`, or the path of a file.
        folds: The number of folds, and of inner folds within the others that choose the penalty.
        seed: Seed of the folds.
    """

    needs: ClassVar[Extra] = CLASSES

    data: str | Source | Path
    folds: int = probing.FOLDS
    seed: int = probing.SEED

    def load(self) -> "LoadedCrossValidated":
        """Read the data; `DataError` for a missing label, a single class, or a class with too few examples."""
        return LoadedCrossValidated(self, LabeledTexts.read(self.data))


class LoadedCrossValidated(LoadedTask):
    """The examples of a `CrossValidated`."""

    def __init__(self, task: CrossValidated, data: LabeledTexts):
        self._task, self.data = task, data
        self.origins = {data.origin: data.checksum}
        why = f"cross-validation by {task.folds} folds within {task.folds} folds"
        self._labels = data.class_numbers(data.classes(least=probing.rows_needed(task.folds), why=why))

    def texts(self) -> Iterator[str]:
        """All texts."""
        return (text for texts in self.data.texts for text in texts)

    def score(self, vectors: TextVectors) -> TaskResult:
        """Mean accuracy over folds; the outcome of an example is 1 if its class is correct."""
        task, labels = self._task, self._labels
        features = self.data.features(vectors)
        predictions = probing.cross_validate(
            features, labels, folds=task.folds, seed=task.seed, name=task.name, progress=vectors.progress
        )
        return _result(predictions, self.data, labels, labels, "all")


@checked_fields
@dataclass(frozen=True)
class Split(Task):
    """Labeled texts or pairs with a training and a test split.

    Attributes:
        train: The name of a corpus in `data/`, a `Source`, or the path of a file.
        test: Likewise, with the same number of texts in a row and the same classes.
        dev: Likewise, to choose the penalty; without it, the penalty is chosen by folds of `train`.
        folds: The number of folds of `train`.
        seed: Seed of the folds.
    """

    needs: ClassVar[Extra] = CLASSES

    train: str | Source | Path
    test: str | Source | Path
    dev: str | Source | Path | None = None
    folds: int = probing.FOLDS
    seed: int = probing.SEED

    def load(self) -> "LoadedSplit":
        """Read the data; `DataError` also for a class that `train` lacks, and for texts if `train` has pairs."""
        dev = None if self.dev is None else LabeledTexts.read(self.dev)
        return LoadedSplit(self, LabeledTexts.read(self.train), LabeledTexts.read(self.test), dev)


class LoadedSplit(LoadedTask):
    """The examples of a `Split`."""

    def __init__(self, task: Split, train: LabeledTexts, test: LabeledTexts, dev: LabeledTexts | None):
        self._task, self.train, self.test, self.dev = task, train, test, dev
        self._splits = [split for split in (train, test, dev) if split]
        self.origins = {split.origin: split.checksum for split in self._splits}
        least, why = (1, "training") if dev else (task.folds, f"the choice of a penalty by {task.folds} folds")
        self._classes = train.classes(least=least, why=why)
        for split in self._splits[1:]:
            _check(train, split, self._classes)

    def texts(self) -> Iterator[str]:
        """All texts of all splits."""
        return (text for split in self._splits for texts in split.texts for text in texts)

    def test_texts(self) -> Iterator[str]:
        """The texts of the test split; the classifier is trained on the others."""
        return (text for texts in self.test.texts for text in texts)

    def score(self, vectors: TextVectors) -> TaskResult:
        """Accuracy on the test split; the outcome of an example is 1 if its class is correct."""
        task = self._task
        train, test, *dev = ((split.features(vectors), split.class_numbers(self._classes)) for split in self._splits)
        predictions = probing.train_and_test(
            train, test, *dev, folds=task.folds, seed=task.seed, name=task.name, progress=vectors.progress
        )
        return _result(predictions, self.test, test[1], train[1], "test")


def _check(train: LabeledTexts, split: LabeledTexts, classes: Sequence[str]) -> None:
    """Raise `DataError` if a classifier of the training split cannot predict another split."""
    if len(split.texts[0]) != len(train.texts[0]):
        kinds = {1: "single texts", 2: "pairs"}
        kind = f"{split.origin} has {kinds[len(split.texts[0])]}"
        raise DataError(f"{kind}, but {train.origin}, which it goes with, has {kinds[len(train.texts[0])]}")
    extra = sorted(set(split.labels) - set(classes))
    if extra:
        problem = f"{split.origin}: class {extra[0]!r} is not in {train.origin}"
        raise DataError(f"{problem}, which has {', '.join(classes)}")


def _result(
    predictions: Predictions,
    data: LabeledTexts,
    gold: NDArray[np.intp],
    train_labels: NDArray[np.intp],
    subset: str,
) -> TaskResult:
    """Scores and outcomes of the test examples."""
    correct = predictions.classes == gold
    most_frequent = np.bincount(train_labels).argmax()
    classes = int(train_labels.max()) + 1
    scores = ClassificationScores(
        accuracy=100 * predictions.accuracy,
        f1=_f1(predictions.classes, gold) if classes == 2 and len(data.texts[0]) == 2 else None,
        majority=100 * float((gold == most_frequent).mean()),
        examples=len(gold),
        classes=classes,
        strengths=predictions.strengths,
    )
    return TaskResult(scores, Outcomes(data.texts, correct.astype(np.float64), None, [subset] * len(gold)))


def _f1(classes: NDArray[np.intp], gold: NDArray[np.intp]) -> float:
    """Harmonic mean of precision and recall of class 1, in points; 0 if it is in neither `classes` nor `gold`."""
    total = int(classes.sum() + gold.sum())
    return 200 * int((classes & gold).sum()) / total if total else 0.0
