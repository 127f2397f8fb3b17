"""What a person watches while a model trains, and the words for what goes wrong.

A contrastive loss near zero means nothing by itself: these numbers say whether the model tells sentences
apart, and whether it still can.
"""

from collections import deque
from math import isfinite

import torch
from torch import Tensor

from simemb.errors import TrainingError

Numbers = tuple[tuple[str, ...], Tensor]
"""Names, and the values of all batches of a step in one tensor."""


def numbered(batches: list[dict[str, Tensor]]) -> Numbers:
    """The numbers of the batches of a step, named alike in each."""
    values = [value.detach().float() for numbers in batches for value in numbers.values()]
    return tuple(batches[0]), torch.stack(values)


class Readings:
    """The numbers of steps, left where they were computed until somebody asks for them."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Numbers]] = []

    def add(self, step: int, numbers: Numbers) -> None:
        """Take the numbers of a step."""
        self._waiting.append((step, numbers))

    def read(self) -> list[tuple[int, dict[str, float]]]:
        """The steps since the last reading, each with the means over its batches."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return []
        values = iter(torch.cat([values for _, (_, values) in waiting]).tolist())
        found: list[tuple[int, dict[str, float]]] = []
        for step, (names, held) in waiting:
            batches = len(held) // len(names)
            means = dict.fromkeys(names, 0.0)
            for _ in range(batches):
                for name in names:
                    means[name] += next(values) / batches
            found.append((step, means))
        return found


class Watch:
    """Looks at every step's numbers and speaks up."""

    COLLAPSED = 0.999
    """Mean cosine of different sentences above which all sentences have the same vector, for all practical purposes."""
    STEPS = 20
    """Steps in a row before it is called a collapse: a base model may start close to one."""

    def __init__(self) -> None:
        self.cosines: deque[float] = deque(maxlen=self.STEPS)

    def check(self, step: int, numbers: dict[str, float]) -> str | None:
        """A word of warning, if there is something to say. Raises `TrainingError` for a loss that is not finite."""
        if not isfinite(numbers["loss"]):
            raise TrainingError(
                f"the loss is {numbers['loss']} at step {step}; nothing was saved from this step. Lower the learning "
                "rate or raise the temperature; the last checkpoint is from before"
            )
        if "collapse" not in numbers:  # a language model compares no vectors
            return None
        self.cosines.append(numbers["collapse"])
        if len(self.cosines) == self.STEPS and min(self.cosines) > self.COLLAPSED:
            self.cosines.clear()
            return (
                f"step {step}: the embeddings have collapsed, different sentences have cosine "
                f"{numbers['collapse']:.4f}; lower the learning rate or the temperature"
            )
        return None
