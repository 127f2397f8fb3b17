"""Chance for the sample corpus, from `Random.random()` alone.

Python promises that stream for a seed on every platform and version; that of `choice` it does not.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

Option = TypeVar("Option")


class Rng:
    """A seeded source of choices.

    >>> rng = Rng(seed=0)
    >>> [rng.pick("abc") for _ in range(5)]
    ['c', 'c', 'b', 'a', 'b']
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random

    def chance(self, probability: float) -> bool:
        """True with a probability in [0, 1]."""
        return self._random() < probability

    def pick(self, options: Sequence[Option]) -> Option:
        """One of the options, all equally likely."""
        return options[int(self._random() * len(options))]
