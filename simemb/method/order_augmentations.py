"""Augmentations of the order of tokens; see `simemb.method.token_augmentations`."""

from dataclasses import dataclass, replace

import numpy as np

from simemb.arguments import checked_fields
from simemb.method.token_augmentations import Sentence, TokenAugmentation, Vocabulary


@checked_fields
@dataclass(frozen=True)
class Shuffle(TokenAugmentation):
    """Permute the positions of the tokens; the ids stay (ConSERT, Yan et al., 2021, section 3.2).

    Positions are counted from 0 here, and the encoder adds the offset of its family. ConSERT's released RoBERTa
    permutes 0 .. n - 1 itself, where RoBERTa's positions begin at padding_idx + 1: a defect, not repeated.
    """

    special: bool = True
    """Whether special tokens move too, as in ConSERT; in PCL (Wu et al., 2022) they do not."""

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:
        """The same ids at permuted positions."""
        moved = np.flatnonzero(self.special | ~vocabulary.special[sentence.ids])
        positions = sentence.positions.copy()
        positions[moved] = rng.permutation(positions[moved])
        return replace(sentence, positions=positions)


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
