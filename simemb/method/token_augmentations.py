"""Augmentations of token sequences: they act on the tokens of a view before it reaches the network.

All draw from a generator that the loader seeds by example, view and epoch. So the result does not depend on the batch,
the number of processes, or a resumption. Augmentations that change the number of tokens renumber the positions, so
`Shuffle` belongs after them; only `Span` keeps the original positions.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from numpy.typing import NDArray

from simemb.arguments import checked_fields
from simemb.corpus.words import UNSPACED
from simemb.errors import RecipeError, unknown
from simemb.method.deferral import deferrable

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Sentence:
    """Token ids, special tokens included, and their positions, counted from 0 for every model family."""

    ids: Numbers
    positions: Numbers


@dataclass(frozen=True)
class Vocabulary:
    """Properties of a tokenizer that augmentations need.

    special: by token id, whether it is a special token; the unknown token is not, since it stands for a word of the
    text. starts: by token id, whether it begins a word. mask: the id of the mask token, or None. limit: the longest
    sequence that the encoder takes. characters: by token id, how many characters of a text it stands for, the space
    before a word included.
    """

    special: Flags
    starts: Flags
    mask: int | None
    limit: int
    characters: Numbers

    @classmethod
    def of(cls, tokenizer: "PreTrainedTokenizerBase", limit: int) -> "Vocabulary":
        """The tables of a tokenizer, `len(tokenizer)` entries each.

        Which tokens begin a word follows from the vocabulary's own mark: '##' before tokens that continue a word
        (WordPiece), 'Ġ' (byte-level BPE) or '▁' (SentencePiece) before tokens that begin one. Without any of these
        every token is a word. So is every token in a script without spaces (Chinese, Japanese, Thai ...).
        """
        tokens = [token or "" for token in tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))]
        # A multilingual WordPiece vocabulary has 'Ġ' and '▁' as letters, so the mark is the most frequent prefix.
        prefixes = {mark: np.array([token.startswith(mark) for token in tokens]) for mark in ("##", "Ġ", "▁")}
        mark = max(prefixes, key=lambda mark: int(prefixes[mark].sum()))
        mask, unknown_word = (cast("int | None", token) for token in (tokenizer.mask_token_id, tokenizer.unk_token_id))
        special = np.zeros(len(tokens), dtype=np.bool_)
        special[tokenizer.all_special_ids] = True
        # Unless the same token has another role too: GPT-2's unknown token also ends texts.
        if sum(token == tokenizer.unk_token for token in tokenizer.special_tokens_map.values()) == 1:
            special[unknown_word] = False
        unspaced = np.array([bool(UNSPACED.search(token)) for token in tokens])
        starts = ~prefixes[mark] if mark == "##" else prefixes[mark]
        characters = np.array([len(token.removeprefix(mark)) for token in tokens], dtype=np.int64)
        return cls(special, starts | unspaced, mask, limit, characters + (starts & ~unspaced))


@dataclass(frozen=True)
class TokenAugmentation(ABC):
    """A change of the tokens of a sentence."""

    frozen: bool = field(default=False, kw_only=True)
    """Whether each example has the same draw in every epoch, instead of a new one."""
    shared: bool = field(default=False, kw_only=True)
    """Whether all views with a shared augmentation have the same draw, instead of one each."""

    @abstractmethod
    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:
        """The changed sentence, with at least one token and at most `vocabulary.limit`."""


@checked_fields
@dataclass(frozen=True)
class Repeat(TokenAugmentation):
    """Write some sub-words or words twice, so that length does not reveal which sentences belong together.

    The number of repeats is uniform, and the units are drawn without replacement. Of L tokens, special ones included,
    N are ordinary and form n words:

    count="code", unit="subword": 0 .. min(10, int(rate * L)) - 1 of the tokens 1 .. L - 2
    count="code", unit="word":    0 .. min(10, n, max(2, int(rate * n))) - 1 of all words but the last
    count="paper":                0 .. max(2, int(rate * N)) of all N tokens, or the same with n words

    "code" is the released caskcsg/sentemb, "paper" is ESimCSE (Wu et al., 2022, section 3). The paper does not say
    whether its N tokens include [CLS] and [SEP]; here they do not, and special tokens are never repeated. The
    released code draws once for all epochs (`frozen`), and splits words at spaces, before it tokenizes and truncates.
    Here the vocabulary defines the words, so in WordPiece a punctuation mark is a word. In a sentence of a single
    word, such as text without spaces in SentencePiece, sub-words are repeated.
    """

    rate: float = 0.32
    """Largest number of repeats as a share of the length, at least 0 and below 1; 0 repeats nothing."""
    unit: Literal["subword", "word"] = "subword"
    """The units that are repeated: tokens, or words with all their tokens."""
    count: Literal["code", "paper"] = "code"
    """The rule for the number of repeats: that of the released code or that of the paper."""

    @deferrable
    def __post_init__(self) -> None:
        check_rate(self, self.rate)
        for name, value, allowed in (
            ("unit", self.unit, ("subword", "word")),
            ("count", self.count, ("code", "paper")),
        ):
            if value not in allowed:
                raise RecipeError(unknown(f"Repeat.{name}", value, allowed))

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:
        """The sentence with repeats, as many as fit in `vocabulary.limit`, and with new positions."""
        if not self.rate:
            return sentence
        ids, special = sentence.ids, vocabulary.special[sentence.ids]
        starts, words = self._units(ids, special, vocabulary)
        candidates, most = self._candidates(np.flatnonzero(~special[starts]), len(ids), words=words)
        units = rng.permutation(candidates)[: rng.integers(most + 1)]
        ends = np.concatenate((starts[1:], [len(ids)]))
        fits = (ends - starts)[units].cumsum() <= vocabulary.limit - len(ids)
        return with_new_positions(_repeat_units(ids, starts, ends, np.sort(units[fits]))) if fits.any() else sentence

    def _units(self, ids: Numbers, special: Flags, vocabulary: Vocabulary) -> tuple[Numbers, bool]:
        """The start of each unit, and whether the units are words. A special token is a unit of its own."""
        if self.unit == "word":
            starts = vocabulary.starts[ids] | special
            starts[0] = True
            starts[1:] |= special[:-1]
            if np.count_nonzero(starts & ~special) > 1:
                return np.flatnonzero(starts), True
        return np.arange(len(ids)), False

    def _candidates(self, ordinary: Numbers, tokens: int, *, words: bool) -> tuple[Numbers, int]:
        """The units that may be repeated, and the largest number of repeats."""
        share = max(2, int(self.rate * len(ordinary)))
        if self.count == "paper":
            return ordinary, min(share, len(ordinary))
        if words:
            return ordinary[:-1], min(10, len(ordinary), share) - 1
        inner = ordinary[(ordinary > 0) & (ordinary < tokens - 1)]
        return inner, min(len(inner), max(0, min(10, int(self.rate * tokens)) - 1))


@checked_fields
@dataclass(frozen=True)
class Delete(TokenAugmentation):
    """Drop int(rate * N) of the N ordinary tokens and renumber the positions (CLEAR, Wu et al., 2020, section 3.2)."""

    rate: float = 0.1
    """Share of the ordinary tokens, at least 0 and below 1."""

    @deferrable
    def __post_init__(self) -> None:
        check_rate(self, self.rate)

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:
        """The sentence without some random tokens; all special tokens stay, and at least one ordinary token."""
        places = _random_places(sentence, vocabulary, self.rate, rng)
        return with_new_positions(np.delete(sentence.ids, places)) if len(places) else sentence


@checked_fields
@dataclass(frozen=True)
class Crop(TokenAugmentation):
    """Keep the special tokens and one contiguous span of the N ordinary tokens, and renumber the positions.

    Its length is max(1, round(f * N)) with f uniform between `shortest` and `longest`; its place is uniform. Long and
    short crops together are the counterpart of SwAV's multi-crop of images (Caron et al., 2020, section 3.2).
    """

    shortest: float = 0.5
    """Smallest share of the ordinary tokens, above 0 and at most `longest`."""
    longest: float = 1.0
    """Largest share of the ordinary tokens, at most 1."""

    @deferrable
    def __post_init__(self) -> None:
        if not 0 < self.shortest <= self.longest <= 1:
            raise RecipeError(
                f"Crop needs 0 < shortest <= longest <= 1, not shortest {self.shortest} and longest {self.longest}"
            )

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:
        """The special tokens of the sentence and the span."""
        keep = vocabulary.special[sentence.ids]
        ordinary = np.flatnonzero(~keep)
        size = max(1, round(rng.uniform(self.shortest, self.longest) * len(ordinary)))
        if size >= len(ordinary):
            return sentence
        first = rng.integers(len(ordinary) - size + 1)
        keep[ordinary[first : first + size]] = True
        return with_new_positions(sentence.ids[keep])


@checked_fields
@dataclass(frozen=True)
class Span(TokenAugmentation):
    """Keep one contiguous span of max(1, int(n * (1 - rate))) of all n tokens, at their original positions.

    As in ConSERT's released code (its paper has no span), special tokens count and may be cut off, so use mean
    pooling. That code sets ids and attention to 0 outside of the span; here those tokens are left out.
    """

    rate: float = 0.1
    """Share of the tokens that is cut off, at least 0 and below 1."""

    @deferrable
    def __post_init__(self) -> None:
        check_rate(self, self.rate)

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:  # noqa: ARG002
        """The span, at a place drawn uniformly."""
        tokens = len(sentence.ids)
        size = max(1, int(tokens * (1 - self.rate)))
        if size == tokens:
            return sentence
        first = int(rng.integers(tokens - size + 1))
        span = slice(first, first + size)
        return Sentence(sentence.ids[span], sentence.positions[span])


@checked_fields
@dataclass(frozen=True)
class Mask(TokenAugmentation):
    """Replace int(rate * N) of the N ordinary tokens by the mask token."""

    rate: float = 0.15
    """Share of the ordinary tokens, at least 0 and below 1."""

    @deferrable
    def __post_init__(self) -> None:
        check_rate(self, self.rate)

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:
        """The masked sentence. Raises `RecipeError` if the tokenizer has no mask token."""
        if vocabulary.mask is None:
            raise RecipeError("Mask needs a mask token, which this tokenizer has not: use Delete, or another base")
        places = _random_places(sentence, vocabulary, self.rate, rng)
        if not len(places):
            return sentence
        ids = sentence.ids.copy()
        ids[places] = vocabulary.mask
        return replace(sentence, ids=ids)


def check_rate(augmentation: object, rate: float) -> None:
    """Raise `RecipeError` for a rate that is not at least 0 and below 1."""
    if not 0 <= rate < 1:
        raise RecipeError(f"{type(augmentation).__name__}.rate must be at least 0 and below 1, not {rate}")


def _random_places(sentence: Sentence, vocabulary: Vocabulary, rate: float, rng: np.random.Generator) -> Numbers:
    """Indices of int(rate * N) random tokens of the N ordinary ones."""
    ordinary = np.flatnonzero(~vocabulary.special[sentence.ids])
    count = int(rate * len(ordinary))
    return rng.permutation(ordinary)[:count] if count else ordinary[:0]


def with_new_positions(ids: Numbers) -> Sentence:
    """A sentence of these ids at the positions 0, 1, 2 ..."""
    return Sentence(ids, np.arange(len(ids)))


def _repeat_units(ids: Numbers, starts: Numbers, ends: Numbers, units: Numbers) -> Numbers:
    """The ids with a copy of each of these units right after it; `units` is ascending."""
    # Each piece begins with the second copy of one unit and ends with the first copy of the next.
    pieces = zip((0, *starts[units]), (*ends[units], len(ids)), strict=True)
    return np.concatenate([ids[start:end] for start, end in pieces])
