"""Augmentations that choose spans of a document or a sentence: pairs of near spans, and masked ones.

See `simemb.method.token_augmentations`.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from simemb.arguments import checked_fields
from simemb.errors import RecipeError, unknown
from simemb.method.deferral import deferrable
from simemb.method.token_augmentations import Sentence, TokenAugmentation, Vocabulary, check_rate, with_new_positions

PARTS = {"anchor": (4, 2), "positive": (2, 4)}
"""The parameters of the beta distribution of the length: anchors tend to be long, positives short."""


@checked_fields
@dataclass(frozen=True)
class SpanPair(TokenAugmentation):
    """Keep one of two spans that lie near each other in a document (DeCLUTR, Giorgi et al., 2021, section 3.1).

    Of a document with N ordinary tokens, b from a beta distribution, floor for lengths:

    anchor:   length a = shortest + b (longest - shortest), b ~ Beta(4, 2); its start s is uniform in 0 .. N - a
    positive: length p = the same with b ~ Beta(2, 4); its start is uniform in max(0, s - p) .. min(s + a, N - p)

    so the positive overlaps the anchor, lies within it, or next to it. `shortest` and `longest` are shares of N here.
    Both views of an example draw the same numbers: the view with part="positive" reads beside that with
    part="anchor", if both say the same otherwise. The special tokens stay, and positions are renumbered.
    """

    part: Literal["anchor", "positive"] = "anchor"
    """Which of the two spans the view keeps."""
    shortest: float = 0.0625
    """Smallest share of the ordinary tokens, above 0 and at most `longest`."""
    longest: float = 0.25
    """Largest share of the ordinary tokens, at most 1."""

    shared: bool = field(default=True, kw_only=True)
    """Must stay true: the positive is drawn beside the anchor."""

    @deferrable
    def __post_init__(self) -> None:
        if not self.shared:
            raise RecipeError("SpanPair.shared must stay true: the positive is drawn beside the anchor")
        if self.part not in PARTS:
            raise RecipeError(unknown("SpanPair.part", self.part, PARTS))
        if not 0 < self.shortest <= self.longest <= 1:
            raise RecipeError(
                f"SpanPair needs 0 < shortest <= longest <= 1, not shortest {self.shortest} and longest {self.longest}"
            )

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:
        """The special tokens of the document and the span of this view."""
        keep = vocabulary.special[sentence.ids]
        ordinary = np.flatnonzero(~keep)
        if not len(ordinary):
            return sentence
        start, length = self._spans(len(ordinary), rng)[self.part]
        keep[ordinary[start : start + length]] = True
        return with_new_positions(sentence.ids[keep])

    def _spans(self, tokens: int, rng: np.random.Generator) -> dict[str, tuple[int, int]]:
        """Start and length of both spans in a document of so many tokens, drawn in a fixed order."""
        shortest, longest = (max(1, int(share * tokens)) for share in (self.shortest, self.longest))
        lengths = {part: shortest + int(rng.beta(*shape) * (longest - shortest)) for part, shape in PARTS.items()}
        anchor, positive = lengths["anchor"], lengths["positive"]
        start = int(rng.integers(tokens - anchor + 1))
        near = rng.integers(max(0, start - positive), min(start + anchor, tokens - positive) + 1)
        return {"anchor": (start, anchor), "positive": (int(near), positive)}


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


@checked_fields
@dataclass(frozen=True)
class MaskCharacters(TokenAugmentation):
    """Replace a run of characters by one mask token (Mirror-BERT, Liu et al., 2021, section 2.1).

    The run of `characters` lies anywhere in the sentence with the same probability. The released code masks exactly
    these characters, before it tokenizes; here every token that the run touches goes. A text of fewer than `least`
    characters stays as it is, as in that code.
    """

    characters: int = 5
    """Length of the run, at least 1 (the paper's k)."""
    least: int = 30
    """Characters below which a text is not masked, at least 0; it must be longer than the run."""

    @deferrable
    def __post_init__(self) -> None:
        for name, lowest in (("characters", 1), ("least", 0)):
            if getattr(self, name) < lowest:
                raise RecipeError(f"MaskCharacters.{name} must be at least {lowest}, not {getattr(self, name)}")

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:
        """The masked sentence. Raises `RecipeError` if the tokenizer has no mask token."""
        if vocabulary.mask is None:
            raise RecipeError(
                "MaskCharacters needs a mask token, which this tokenizer has not: use Delete, or another base"
            )
        ids = sentence.ids
        ordinary = np.flatnonzero(~vocabulary.special[ids])
        ends = vocabulary.characters[ids[ordinary]].cumsum()
        total = int(ends[-1]) if len(ends) else 0
        if total <= self.characters or total < self.least:
            return sentence
        first = rng.integers(total - self.characters)
        begins = ends - vocabulary.characters[ids[ordinary]]
        touched = ordinary[(begins < first + self.characters) & (ends > first)]
        masked = ids.copy()
        masked[touched[0]] = vocabulary.mask
        return with_new_positions(np.delete(masked, touched[1:]))
