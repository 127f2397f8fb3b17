"""Augmentations of texts: they act before a text is tokenized, once for all epochs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from simemb.arguments import checked_fields
from simemb.corpus.negation import opposite


@dataclass(frozen=True)
class TextAugmentation(ABC):
    """A change of a text that draws no random numbers."""

    version: ClassVar[int] = 1
    """Counted up where the results change, so that tokens in the cache are made anew."""

    @abstractmethod
    def __call__(self, text: str) -> str:
        """The changed text; as it is, where the change does not apply."""


@checked_fields
@dataclass(frozen=True)
class Negate(TextAugmentation):
    """Say the opposite in nearly the same words: remove a negation, or put "not" to the verb.

    Rules for English, without a parser (`simemb.corpus.negation`, which says what they cannot do). "Not" stands before
    a text in which they find no verb, as in SNCSE (Wang et al., 2022, section 3.1).
    """

    def __call__(self, text: str) -> str:
        """The negated text; a text without Latin letters stays as it is."""
        return opposite(text)
