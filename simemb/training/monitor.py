"""Collects the numbers of training steps (`simemb.method.signals`) and warns when they show a failing run."""

from collections import deque
from math import isfinite

import torch
from torch import Tensor

from simemb import distributed
from simemb.errors import TrainingError

Numbers = tuple[tuple[str, ...], Tensor]
"""Names, and the values of all batches of a step in one tensor."""


def numbered(batches: list[dict[str, Tensor]]) -> Numbers:
    """The numbers of the batches of a step, those that each of them has: batches of other sources may have others."""
    names = tuple(name for name in batches[0] if all(name in numbers for numbers in batches))
    return names, torch.stack([numbers[name].detach().float() for numbers in batches for name in names])


class Readings:
    """The numbers of steps, left on the device until they are read, since reading waits for it."""

    def __init__(self) -> None:
        self._unread: list[tuple[int, Numbers]] = []

    def add(self, step: int, numbers: Numbers) -> None:
        """Add the numbers of a step."""
        self._unread.append((step, numbers))

    def read(self) -> list[tuple[int, dict[str, float]]]:
        """The steps since the last reading, each with the means over its batches and over all processes."""
        unread, self._unread = self._unread, []
        if not unread:
            return []
        values = iter(distributed.mean(torch.cat([values for _, (_, values) in unread])).tolist())
        means_of_steps: list[tuple[int, dict[str, float]]] = []
        for step, (names, values_of_step) in unread:
            batches = len(values_of_step) // len(names)
            means = dict.fromkeys(names, 0.0)
            for _ in range(batches):
                for name in names:
                    means[name] += next(values) / batches
            means_of_steps.append((step, means))
        return means_of_steps


class Watch:
    """Checks the numbers of every step for a loss that is not finite and for a collapse."""

    COLLAPSED = 0.999
    """Mean cosine of different sentences above which all sentences have practically the same vector."""
    STEPS = 20
    """Consecutive steps above it that count as a collapse: a base model may start close to one."""

    def __init__(self) -> None:
        self.cosines: deque[float] = deque(maxlen=self.STEPS)

    def check(self, step: int, numbers: dict[str, float]) -> str | None:
        """A warning, or None. Raises `TrainingError` for a loss that is not finite."""
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
