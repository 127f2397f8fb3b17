"""Augmentations of token sequences: they act on the tokens of a view before it reaches the network.

All draw from a generator that the loader seeds by example, view and epoch, so a step is the same whatever
the batch, the number of processes or what was resumed.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Sentence:
    """Token ids, special tokens included, and the position of each, counted from 0 whatever the model's family."""

    ids: Numbers
    positions: Numbers


@dataclass(frozen=True)
class Vocabulary:
    """What augmentations need to know of a tokenizer.

    special: by token id, whether it is a special token. starts: by token id, whether it begins a word.
    mask: the id of the mask token, if there is one. limit: the longest sequence that the encoder takes.
    """

    special: NDArray[np.bool_]
    starts: NDArray[np.bool_]
    mask: int | None
    limit: int


@dataclass(frozen=True)
class TokenAugmentation:
    """A change of the tokens of a sentence."""

    frozen: bool = field(default=False, kw_only=True)
    """Draw once for each example and repeat that in every epoch, instead of drawing anew."""

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, dice: np.random.Generator) -> Sentence:
        """The changed sentence, with at least one token and at most `vocabulary.limit`."""
        raise NotImplementedError
