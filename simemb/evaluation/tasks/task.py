"""What every kind of evaluation task has in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from simemb.evaluation.outcomes import Outcomes
from simemb.evaluation.scores import TaskScores
from simemb.evaluation.text_vectors import TextVectors


class TaskResult(NamedTuple):
    """The scores of a task, and what they are made of, unit by unit, if it has units."""

    scores: TaskScores
    outcomes: Outcomes | None


class LoadedTask(ABC):
    """The data of a task in memory: what it asks an encoder for, and what it makes of the answer.

    Attributes:
        origins: Every corpus or file that was read -> its SHA-256.
    """

    origins: dict[str, str]

    @abstractmethod
    def texts(self) -> Iterator[str]:
        """Every text whose vector will be needed, perhaps several times."""

    def test_texts(self) -> Iterator[str]:
        """The texts that an encoder must not have been trained on: of `texts`, those that it is scored on.

        None at all means that they are not known here.
        """
        return self.texts()

    @abstractmethod
    def score(self, vectors: TextVectors) -> TaskResult:
        """The scores of the encoder that gave these vectors."""


@dataclass(frozen=True)
class Task(ABC):
    """One task of a suite.

    Attributes:
        name: What tables and JSON call it.
    """

    name: str

    @abstractmethod
    def load(self) -> LoadedTask:
        """Read the data; `AbsentError` if they are not to be had, `DataError` if they cannot be used."""
