"""How a meaning of the sample corpus is told: the choices between ways to say the same.

A style remembers its choices, so that two meanings can be told alike or differently.
"""

from collections.abc import Hashable, Sequence
from typing import TypeVar

from .lexicon import Concept
from .rng import Rng

Option = TypeVar("Option", bound=Hashable)


class Style:
    """Choices between ways to say the same, the same one every time the same choice comes up.

    Args:
        rng: what decides a choice that comes up for the first time.
        unlike: a style whose choices are shunned where there is another way.
    """

    def __init__(self, rng: Rng, unlike: "Style | None" = None) -> None:
        self._dice = rng
        self._chosen: dict[Hashable, Hashable] = {}
        self._shunned = unlike._chosen if unlike else {}

    def choose(self, key: Hashable, options: Sequence[Option]) -> Option:
        """One of the options, the one chosen before under this key if it is still among them."""
        if len(options) == 1:
            return options[0]
        for option in options:
            if key in self._chosen and option == self._chosen[key]:
                return option
        shunned = self._shunned.get(key)
        choice = self._dice.pick([option for option in options if option != shunned] or options)
        self._chosen[key] = choice
        return choice

    def word(self, concept: Concept) -> str:
        """One of the words for a concept."""
        return self.choose(concept, concept)
