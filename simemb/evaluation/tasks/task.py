"""The base classes of all kinds of evaluation task."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from simemb.encoder.prompts import Role
from simemb.evaluation.outcomes import Outcomes
from simemb.evaluation.scores import TaskScores
from simemb.evaluation.text_vectors import TextVectors
from simemb.extras import SCORES, Extra


class TaskResult(NamedTuple):
    """The scores of a task, and the values of its units if it has units."""

    scores: TaskScores
    outcomes: Outcomes | None


class LoadedTask(ABC):
    """The data of a task in memory: the texts to encode, and the scores of their vectors.

    Attributes:
        origins: Each corpus or file that was read -> its SHA-256.
    """

    origins: dict[str, str]

    @abstractmethod
    def texts(self) -> Iterator[str]:
        """All texts that `score` needs a vector of; a text may occur several times."""

    def by_role(self) -> Iterator[tuple[Role, str]]:
        """The same texts, each with what it is to the task: a model may have prompts for queries and for documents."""
        return (("text", text) for text in self.texts())

    def test_texts(self) -> Iterator[str]:
        """The texts of `texts` that the encoder is scored on, and so must not have been trained on.

        Empty if the task does not expose its texts.
        """
        return self.texts()

    @abstractmethod
    def score(self, vectors: TextVectors) -> TaskResult:
        """The scores of the encoder of these vectors."""


@dataclass(frozen=True)
class Task(ABC):
    """One task of a suite.

    Attributes:
        name: The name in tables and records.
        needs: The libraries that it cannot be scored without.
    """

    needs: ClassVar[Extra] = SCORES

    name: str

    @abstractmethod
    def load(self) -> LoadedTask:
        """Read the data; `AbsentError` if they are missing, `DataError` if they cannot be used."""
