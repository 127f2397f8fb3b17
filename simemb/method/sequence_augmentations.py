"""Augmentations of the order of tokens, and of a span of them; see `simemb.method.token_augmentations`."""

from dataclasses import dataclass, replace

import numpy as np

from simemb.arguments import checked_fields
from simemb.errors import RecipeError
from simemb.method.deferral import deferrable
from simemb.method.token_augmentations import Sentence, TokenAugmentation, Vocabulary, check_rate


@checked_fields
@dataclass(frozen=True)
class Reverse(TokenAugmentation):
    """Write the ordinary tokens from the last to the first; special tokens stay (PCL, Wu et al., 2022)."""

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:  # noqa: ARG002
        """The reversed sentence."""
        ordinary = np.flatnonzero(~vocabulary.special[sentence.ids])
        ids = sentence.ids.copy()
        ids[ordinary] = ids[ordinary[::-1]]
        return replace(sentence, ids=ids)


@checked_fields
@dataclass(frozen=True)
class MaskSpan(TokenAugmentation):
    """Replace one contiguous span of int(rate * N) of the N ordinary tokens by mask tokens.

    With `shared`, the span of a lower rate lies within that of a higher one in another view: a sentence then entails
    the lightly masked one, and that the heavily masked one (ArcCSE, Zhang et al., 2022, section 3.3).
    """

    rate: float = 0.2
    """Share of the ordinary tokens, at least 0 and below 1."""

    @deferrable
    def __post_init__(self) -> None:
        check_rate(self, self.rate)

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:
        """The masked sentence. Raises `RecipeError` if the tokenizer has no mask token."""
        if vocabulary.mask is None:
            raise RecipeError("MaskSpan needs a mask token, which this tokenizer has not: use Crop, or another base")
        ordinary = np.flatnonzero(~vocabulary.special[sentence.ids])
        size = int(self.rate * len(ordinary))
        if not size:
            return sentence
        # The same draw for any size: both ends of a longer span are at those of a shorter one, or beyond.
        first = int(rng.random() * (len(ordinary) - size + 1))
        ids = sentence.ids.copy()
        ids[ordinary[first : first + size]] = vocabulary.mask
        return replace(sentence, ids=ids)
