"""How a meaning of the sample corpus is worded: choices between ways to say the same thing.

A style remembers its choices, so that two meanings can be worded alike or differently.
"""

from collections.abc import Hashable, Sequence
from typing import TypeVar

from .lexicon import Concept
from .rng import Rng

Option = TypeVar("Option", bound=Hashable)


class Style:
    """Choices between ways to say the same thing; a choice that comes up again is decided as before.

    Args:
        rng: decides a choice that comes up for the first time.
        unlike: a style whose choices are avoided where there is an alternative.
    """

    def __init__(self, rng: Rng, unlike: "Style | None" = None) -> None:
        self._dice = rng
        self._choices: dict[Hashable, Hashable] = {}
        self._avoided = unlike._choices if unlike else {}

    def choose(self, key: Hashable, options: Sequence[Option]) -> Option:
        """One of the options: the earlier choice for this key if it is among them."""
        if len(options) == 1:
            return options[0]
        for option in options:
            if key in self._choices and option == self._choices[key]:
                return option
        avoided = self._avoided.get(key)
        choice = self._dice.pick([option for option in options if option != avoided] or options)
        self._choices[key] = choice
        return choice

    def word(self, concept: Concept) -> str:
        """One of the words for a concept."""
        return self.choose(concept, concept)
