"""All scored pairs of a suite in one place, and where the model and the people who scored them disagree."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from simemb.evaluation.scores import Scores
from simemb.evaluation.suite import Suite
from simemb.evaluation.surface_bias import Surface
from simemb.evaluation.tasks import Similarity

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ScoredPairs:
    """The pairs of those tasks of a suite whose gold scores have one scale.

    Attributes:
        tasks: Which tasks.
        texts: Both sentences of every pair.
        cosine: What the model made of it [pairs].
        gold: What people said of it [pairs].
        origin: Task and subset of every pair.
        ahead: How much more similar the model finds a pair than people do: its percentile among the cosines of its task
            less its percentile among the gold scores of its task, -100 to 100 [pairs].
        scale: Lowest and highest gold score.
    """

    tasks: Sequence[str]
    texts: Sequence[tuple[str, ...]]
    cosine: Floats
    gold: Floats
    origin: Sequence[str]
    ahead: Floats
    scale: tuple[float, float]

    @classmethod
    def of(cls, suite: Suite, scores: Scores) -> "ScoredPairs | None":
        """Those of one model; None for a suite without scored pairs."""
        tasks = _alike(suite, scores)
        if not tasks:
            return None
        outcomes = [scores.outcomes[task] for task in tasks]
        gold = [each.gold for each in outcomes if each.gold is not None]
        ahead = [percentiles(each.values) - percentiles(own) for each, own in zip(outcomes, gold, strict=True)]
        scale = _scale(suite, tasks[0])
        every = np.concatenate(gold)
        return cls(
            tasks=tasks,
            texts=[texts for each in outcomes for texts in each.texts],
            cosine=np.concatenate([each.values for each in outcomes]),
            gold=every,
            origin=[
                _origin(task, subset) for task, each in zip(tasks, outcomes, strict=True) for subset in each.subsets
            ],
            ahead=np.concatenate(ahead),
            scale=scale if all(map(isfinite, scale)) else (float(every.min()), float(every.max())),
        )

    @property
    def binary(self) -> bool:
        """Whether people said no more than yes or no."""
        return len(np.unique(self.gold)) <= 2

    @cached_property
    def surface(self) -> Surface:
        """Lengths and common words of the pairs."""
        first, second = zip(*self.texts, strict=True)
        return Surface.of(first, second)

    def worst(self, count: int) -> list[int]:
        """The pairs on which model and people disagree most, the worst first: so many in either direction."""
        low, high = np.argsort(self.ahead, kind="stable")[:count], np.argsort(-self.ahead, kind="stable")[:count]
        chosen = np.array([*(row for row in low if self.ahead[row] < 0), *(row for row in high if self.ahead[row] > 0)])
        return chosen[np.argsort(-abs(self.ahead[chosen]), kind="stable")].tolist() if len(chosen) else []


def percentiles(values: Floats) -> Floats:
    """The share of values that each is above, in percent: 0 to 100, equal ones sharing their mean place."""
    from scipy.stats import rankdata

    return 100 * (rankdata(values) - 0.5) / len(values)


def _alike(suite: Suite, scores: Scores) -> list[str]:
    """The tasks of scored pairs on the scale of the first graded one; where all are yes or no, those."""
    pairs = [task for task in suite.tasks if isinstance(task, Similarity) and _values(scores, task.name)]
    chosen = [task for task in pairs if _values(scores, task.name) > 2] or pairs
    return [task.name for task in chosen if task.scale == chosen[0].scale]


def _values(scores: Scores, task: str) -> int:
    """How many different gold scores a task has; 0 for one without."""
    outcomes = scores.outcomes.get(task)
    return 0 if outcomes is None or outcomes.gold is None else len(np.unique(outcomes.gold))


def _scale(suite: Suite, name: str) -> tuple[float, float]:
    return next(task.scale for task in suite.tasks if isinstance(task, Similarity) and task.name == name)


def _origin(task: str, subset: str) -> str:
    """A task of one subset that is its test set needs no more than its own name."""
    return task if subset in (task, "test") else f"{task} {subset}"
