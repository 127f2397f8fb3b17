"""Transfer: how well a logistic regression on frozen vectors tells classes of texts, or of pairs of texts, apart.

Conneau & Kiela, 2018, SentEval, https://arxiv.org/abs/1803.05449; its protocol stands in `simemb.evaluation.probing`.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simemb.corpus.rows import open_rows
from simemb.corpus.sources import Source
from simemb.errors import DataError
from simemb.evaluation import probing
from simemb.evaluation.outcomes import Outcomes
from simemb.evaluation.probing import Probed
from simemb.evaluation.scores import TaskScores
from simemb.evaluation.tasks.task import LoadedTask, Task, TaskResult
from simemb.evaluation.text_vectors import TextVectors


@dataclass(frozen=True)
class ClassificationScores(TaskScores):
    """How often the classifier is right, in points.

    Attributes:
        accuracy: Share of the examples whose class it predicts; under cross-validation the mean of that over folds.
        f1: Of pairs of two classes, of the class that sorts last ("1"); otherwise None.
        majority: The accuracy of always answering the class that is most frequent where it learns.
        examples: Those it is asked about.
        classes: How many there are.
        strengths: Of the penalty, as chosen: for each fold, or once.
    """

    accuracy: float
    f1: float | None
    majority: float
    examples: int
    classes: int
    strengths: tuple[float, ...]

    def numbers(self) -> dict[str, float]:
        """`accuracy`, and of pairs of two classes `f1`."""
        return {"accuracy": self.accuracy} | ({} if self.f1 is None else {"f1": self.f1})


@dataclass(frozen=True)
class LabeledTexts:
    """Texts or pairs with a label each.

    Attributes:
        origin: The corpus or file that they are from.
        checksum: Its SHA-256.
        texts: The text of each example, or its two.
        labels: As they are written.
    """

    origin: str
    checksum: str
    texts: list[tuple[str, ...]]
    labels: list[str]

    @classmethod
    def read(cls, data: str | Source | Path) -> "LabeledTexts":
        """The rows of a corpus, by its name or as a `Source`, or of a file; one or two text columns, and a label."""
        rows = open_rows(data)
        if len(rows.columns) > 2:
            raise DataError(f"{rows.name} has {len(rows.columns)} text columns ({', '.join(rows.columns)}): 1 or 2 do")
        texts, labels = (list(column) for column in zip(*rows.labeled(), strict=True))
        return cls(rows.name, rows.checksum(), texts, labels)

    def classes(self, *, least: int, why: str) -> list[str]:
        """The labels that occur, sorted; `DataError` if there is one alone, or one on fewer than `least` examples."""
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
        """Which of the classes each example is of."""
        place = {label: code for code, label in enumerate(classes)}
        return np.array([place[label] for label in self.labels], np.intp)

    def features(self, vectors: TextVectors) -> NDArray[np.float32]:
        """The vector of each text; of a pair u, v: |u - v| and u * v, side by side, as in SentEval."""
        columns = [vectors[list(column)] for column in zip(*self.texts, strict=True)]
        if len(columns) == 1:
            return columns[0]
        u, v = columns
        return np.hstack([np.abs(u - v), u * v])


@dataclass(frozen=True)
class CrossValidated(Task):
    """Labeled texts or pairs without a split: every example is predicted by a classifier that did not see its fold.

    Attributes:
        data: A corpus of `data/` by its name, a `Source`, or the path of a file.
        folds: How many, and how many again within the rest of each to choose the penalty.
        seed: Of the folds.
    """

    data: str | Source | Path
    folds: int = probing.FOLDS
    seed: int = probing.SEED

    def load(self) -> "LoadedCrossValidated":
        """Read it; `DataError` for a missing label, a single class, or a class with too few examples."""
        return LoadedCrossValidated(self, LabeledTexts.read(self.data))


class LoadedCrossValidated(LoadedTask):
    """The examples of a `CrossValidated`."""

    def __init__(self, task: CrossValidated, data: LabeledTexts):
        self._task, self.data = task, data
        self.origins = {data.origin: data.checksum}
        why = f"cross-validation by {task.folds} folds within {task.folds} folds"
        self._labels = data.class_numbers(data.classes(least=probing.enough(task.folds), why=why))

    def texts(self) -> Iterator[str]:
        """Every text."""
        return (text for texts in self.data.texts for text in texts)

    def score(self, vectors: TextVectors) -> TaskResult:
        """Mean accuracy over folds, and whether each example was predicted right."""
        task, labels = self._task, self._labels
        features = self.data.features(vectors)
        found = probing.cross_validated(
            features, labels, folds=task.folds, seed=task.seed, name=task.name, shown=vectors.progress
        )
        return _scored(found, self.data, labels, labels, "all")


@dataclass(frozen=True)
class Split(Task):
    """Labeled texts or pairs to learn from and others to predict.

    Attributes:
        train: A corpus of `data/` by its name, a `Source`, or the path of a file.
        test: Likewise, of the same kind and classes.
        dev: What the penalty is chosen on; without it, it is chosen by folds of `train`.
        folds: How many.
        seed: Of the folds.
    """

    train: str | Source | Path
    test: str | Source | Path
    dev: str | Source | Path | None = None
    folds: int = probing.FOLDS
    seed: int = probing.SEED

    def load(self) -> "LoadedSplit":
        """Read it; `DataError` too for a class that is not in `train`, or texts where `train` has pairs."""
        dev = None if self.dev is None else LabeledTexts.read(self.dev)
        return LoadedSplit(self, LabeledTexts.read(self.train), LabeledTexts.read(self.test), dev)


class LoadedSplit(LoadedTask):
    """The examples of a `Split`."""

    def __init__(self, task: Split, train: LabeledTexts, test: LabeledTexts, dev: LabeledTexts | None):
        self._task, self.train, self.test, self.dev = task, train, test, dev
        self._all = [part for part in (train, test, dev) if part]
        self.origins = {part.origin: part.checksum for part in self._all}
        least, why = (1, "training") if dev else (task.folds, f"the choice of a penalty by {task.folds} folds")
        self._classes = train.classes(least=least, why=why)
        for part in self._all[1:]:
            _check(train, part, self._classes)

    def texts(self) -> Iterator[str]:
        """Every text of every part."""
        return (text for part in self._all for texts in part.texts for text in texts)

    def test_texts(self) -> Iterator[str]:
        """The texts of the test part: from the others the classifier learns."""
        return (text for texts in self.test.texts for text in texts)

    def score(self, vectors: TextVectors) -> TaskResult:
        """Accuracy on the test part, and whether each of its examples was predicted right."""
        task = self._task
        train, test, *dev = ((part.features(vectors), part.class_numbers(self._classes)) for part in self._all)
        found = probing.trained(
            train, test, *dev, folds=task.folds, seed=task.seed, name=task.name, shown=vectors.progress
        )
        return _scored(found, self.test, test[1], train[1], "test")


def _check(train: LabeledTexts, part: LabeledTexts, classes: Sequence[str]) -> None:
    """Refuse a part that a classifier of the training part cannot be asked about."""
    if len(part.texts[0]) != len(train.texts[0]):
        kinds = {1: "single texts", 2: "pairs"}
        found = f"{part.origin} has {kinds[len(part.texts[0])]}"
        raise DataError(f"{found}, but {train.origin}, which it goes with, has {kinds[len(train.texts[0])]}")
    strange = sorted(set(part.labels) - set(classes))
    if strange:
        problem = f"{part.origin}: class {strange[0]!r} is not in {train.origin}"
        raise DataError(f"{problem}, which has {', '.join(classes)}")


def _scored(
    found: Probed, data: LabeledTexts, gold: NDArray[np.intp], learned: NDArray[np.intp], subset: str
) -> TaskResult:
    """Scores and outcomes of the examples asked about."""
    right = found.predicted == gold
    frequent = np.bincount(learned).argmax()
    classes = int(learned.max()) + 1
    scores = ClassificationScores(
        accuracy=100 * found.accuracy,
        f1=_f1(found.predicted, gold) if classes == 2 and len(data.texts[0]) == 2 else None,
        majority=100 * float((gold == frequent).mean()),
        examples=len(gold),
        classes=classes,
        strengths=found.strengths,
    )
    return TaskResult(scores, Outcomes(data.texts, right.astype(np.float64), None, [subset] * len(gold)))


def _f1(predicted: NDArray[np.intp], gold: NDArray[np.intp]) -> float:
    """Harmonic mean of precision and recall of class 1, in points; 0 where it is neither said nor there."""
    said = int(predicted.sum() + gold.sum())
    return 200 * int((predicted & gold).sum()) / said if said else 0.0
