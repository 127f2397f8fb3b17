"""The random generator of the sample corpus, which uses `Random.random()` alone.

Python promises that a seed gives the same `random()` on every platform and version; it does not promise it of `choice`.
"""

from collections.abc import Sequence
from random import Random
from typing import TypeVar

Option = TypeVar("Option")


class Rng:
    """A seeded generator of choices.

    >>> rng = Rng(seed=0)
    >>> [rng.pick("abc") for _ in range(5)]
    ['c', 'c', 'b', 'a', 'b']
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed).random

    def chance(self, probability: float) -> bool:
        """True with the given probability, in [0, 1]."""
        return self._random() < probability

    def pick(self, options: Sequence[Option]) -> Option:
        """One of the options, each equally likely."""
        return options[int(self._random() * len(options))]
