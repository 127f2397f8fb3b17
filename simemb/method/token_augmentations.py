"""Augmentations of token sequences: they act on the tokens of a view before it reaches the network.

All draw from a generator that the loader seeds by example, view and epoch, so a step is the same whatever
the batch, the number of processes or what was resumed. What changes the number of tokens counts positions
anew, so `Shuffle` belongs behind it; `Span` alone keeps the places that its tokens had.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
from numpy.typing import NDArray

from simemb.corpus.words import UNSPACED
from simemb.errors import RecipeError, unknown

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Sentence:
    """Token ids, special tokens included, and the position of each, counted from 0 whatever the model's family."""

    ids: Numbers
    positions: Numbers


@dataclass(frozen=True)
class Vocabulary:
    """What augmentations need to know of a tokenizer.

    special: by token id, whether it is a special token; the unknown token is none, as it stands for a word
    of the text. starts: by token id, whether it begins a word. mask: the id of the mask token, if there is
    one. limit: the longest sequence that the encoder takes.
    """

    special: Flags
    starts: Flags
    mask: int | None
    limit: int

    @classmethod
    def of(cls, tokenizer: "PreTrainedTokenizerBase", limit: int) -> "Vocabulary":
        """The tables of a tokenizer, `len(tokenizer)` entries each.

        What begins a word is read off the vocabulary's own mark: '##' before what continues one (WordPiece),
        'Ġ' (byte-level BPE) or '▁' (SentencePiece) before what begins one. Without any of these, every token
        is a word; so is one in a script that is written without spaces (Chinese, Japanese, Thai ...).
        """
        tokens = [token or "" for token in tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))]
        # A WordPiece of many languages knows 'Ġ' and '▁' as letters, so the mark is what most tokens begin with.
        marked = {mark: np.array([token.startswith(mark) for token in tokens]) for mark in ("##", "Ġ", "▁")}
        mark = max(marked, key=lambda mark: int(marked[mark].sum()))
        mask, unknown_word = (cast("int | None", token) for token in (tokenizer.mask_token_id, tokenizer.unk_token_id))
        special = np.zeros(len(tokens), dtype=np.bool_)
        special[tokenizer.all_special_ids] = True
        # Unless the same token has another office: GPT-2's ends texts as well.
        if sum(token == tokenizer.unk_token for token in tokenizer.special_tokens_map.values()) == 1:
            special[unknown_word] = False
        unspaced = np.array([bool(UNSPACED.search(token)) for token in tokens])
        starts = ~marked[mark] if mark == "##" else marked[mark]
        return cls(special, starts | unspaced, mask, limit)


@dataclass(frozen=True)
class TokenAugmentation(ABC):
    """A change of the tokens of a sentence."""

    frozen: bool = field(default=False, kw_only=True)
    """Draw once for each example and repeat that in every epoch, instead of drawing anew."""

    @abstractmethod
    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:
        """The changed sentence, with at least one token and at most `vocabulary.limit`."""


@dataclass(frozen=True)
class Repeat(TokenAugmentation):
    """Write some sub-words or words twice, so that length no longer tells which sentences belong together.

    The number of repeats is uniform, and they fall without replacement. Of L tokens, special ones included,
    N are ordinary, and form n words:

    count="code", unit="subword": 0 .. min(10, int(rate * L)) - 1 of the tokens 1 .. L - 2
    count="code", unit="word":    0 .. min(10, n, max(2, int(rate * n))) - 1 of all words but the last
    count="paper":                0 .. max(2, int(rate * N)) of all N tokens, or the same with n words

    "code" is the released caskcsg/sentemb, "paper" is ESimCSE (Wu et al., 2022, section 3). The paper does
    not say whether its N tokens hold [CLS] and [SEP]; here they do not, and no special token is repeated
    anywhere. The released code draws once for all epochs (`frozen`), and splits words at spaces, before it
    tokenizes and cuts; here a word is what the vocabulary says, so to WordPiece a punctuation mark is one.
    A sentence of a single word, as text without spaces is to SentencePiece, has its sub-words repeated.
    """

    rate: float = 0.32
    """Repeats in relation to the length, at least 0 and below 1; 0 repeats nothing."""
    unit: Literal["subword", "word"] = "subword"
    """What is repeated: tokens, or words with all their tokens."""
    count: Literal["code", "paper"] = "code"
    """Whose number of repeats: that of the released code or that of the paper."""

    def __post_init__(self) -> None:
        check_rate(self, self.rate)
        for name, value, allowed in (
            ("unit", self.unit, ("subword", "word")),
            ("count", self.count, ("code", "paper")),
        ):
            if value not in allowed:
                raise RecipeError(unknown(f"Repeat.{name}", value, allowed))

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:
        """The sentence with repeats, less those for which `vocabulary.limit` has no room; positions anew."""
        if not self.rate:
            return sentence
        ids, special = sentence.ids, vocabulary.special[sentence.ids]
        starts, words = self._units(ids, special, vocabulary)
        candidates, most = self._choice(np.flatnonzero(~special[starts]), len(ids), words=words)
        chosen = rng.permutation(candidates)[: rng.integers(most + 1)]
        ends = np.concatenate((starts[1:], [len(ids)]))
        fits = (ends - starts)[chosen].cumsum() <= vocabulary.limit - len(ids)
        return _renumbered(_twice(ids, starts, ends, np.sort(chosen[fits]))) if fits.any() else sentence

    def _units(self, ids: Numbers, special: Flags, vocabulary: Vocabulary) -> tuple[Numbers, bool]:
        """Where each unit starts, a special token being one of its own, and whether the units are words."""
        if self.unit == "word":
            starts = vocabulary.starts[ids] | special
            starts[0] = True
            starts[1:] |= special[:-1]
            if np.count_nonzero(starts & ~special) > 1:
                return np.flatnonzero(starts), True
        return np.arange(len(ids)), False

    def _choice(self, ordinary: Numbers, tokens: int, *, words: bool) -> tuple[Numbers, int]:
        """The units that may be repeated, and how many of them at most."""
        share = max(2, int(self.rate * len(ordinary)))
        if self.count == "paper":
            return ordinary, min(share, len(ordinary))
        if words:
            return ordinary[:-1], min(10, len(ordinary), share) - 1
        inner = ordinary[(ordinary > 0) & (ordinary < tokens - 1)]
        return inner, min(len(inner), max(0, min(10, int(self.rate * tokens)) - 1))


@dataclass(frozen=True)
class Delete(TokenAugmentation):
    """Drop int(rate * N) of the N ordinary tokens, anywhere; positions anew (CLEAR, Wu et al., 2020, section 3.2)."""

    rate: float = 0.1
    """Share of the ordinary tokens, at least 0 and below 1."""

    def __post_init__(self) -> None:
        check_rate(self, self.rate)

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:
        """The sentence without the tokens drawn; special tokens stay, and at least one ordinary token."""
        dropped = _drawn(sentence, vocabulary, self.rate, rng)
        return _renumbered(np.delete(sentence.ids, dropped)) if len(dropped) else sentence


@dataclass(frozen=True)
class Crop(TokenAugmentation):
    """Keep one contiguous span of the N ordinary tokens, and the special tokens; positions anew.

    Its length is max(1, round(f * N)) with f uniform between `shortest` and `longest`, its place uniform.
    What SwAV's multi-crop is to images (Caron et al., 2020, section 3.2): long crops beside short ones.
    """

    shortest: float = 0.5
    """Smallest share of the ordinary tokens, above 0 and at most `longest`."""
    longest: float = 1.0
    """Largest share of the ordinary tokens, at most 1."""

    def __post_init__(self) -> None:
        if not 0 < self.shortest <= self.longest <= 1:
            raise RecipeError(
                f"Crop needs 0 < shortest <= longest <= 1, not shortest {self.shortest} and longest {self.longest}"
            )

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:
        """The span between the special tokens of the sentence."""
        keep = vocabulary.special[sentence.ids]
        ordinary = np.flatnonzero(~keep)
        size = max(1, round(rng.uniform(self.shortest, self.longest) * len(ordinary)))
        if size >= len(ordinary):
            return sentence
        first = rng.integers(len(ordinary) - size + 1)
        keep[ordinary[first : first + size]] = True
        return _renumbered(sentence.ids[keep])


@dataclass(frozen=True)
class Span(TokenAugmentation):
    """Keep one contiguous span of max(1, int(n * (1 - rate))) of all n tokens, at the positions they had.

    As ConSERT's released code does (its paper has no span): special tokens count, and may be cut off, so pool
    by the mean. There ids and attention are set to 0 outside of the span; here those tokens are left out.
    """

    rate: float = 0.1
    """Share of the tokens that is cut off, at least 0 and below 1."""

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


@dataclass(frozen=True)
class Shuffle(TokenAugmentation):
    """Permute the positions of all tokens, special ones too; the ids stay (ConSERT, Yan et al., 2021, section 3.2).

    Positions are counted from 0 here and the encoder adds what its family needs. ConSERT's released RoBERTa
    permutes 0 .. n - 1 itself, where RoBERTa's positions begin at padding_idx + 1: a defect, not repeated.
    """

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:  # noqa: ARG002
        """The same ids at permuted positions."""
        return replace(sentence, positions=rng.permutation(sentence.positions))


@dataclass(frozen=True)
class Mask(TokenAugmentation):
    """Put the mask token in the place of int(rate * N) of the N ordinary tokens."""

    rate: float = 0.15
    """Share of the ordinary tokens, at least 0 and below 1."""

    def __post_init__(self) -> None:
        check_rate(self, self.rate)

    def __call__(self, sentence: Sentence, vocabulary: Vocabulary, rng: np.random.Generator) -> Sentence:
        """The masked sentence. Raises `RecipeError` if the tokenizer has no mask token."""
        if vocabulary.mask is None:
            raise RecipeError("Mask needs a mask token, which this tokenizer has not: use Delete, or another base")
        masked = _drawn(sentence, vocabulary, self.rate, rng)
        if not len(masked):
            return sentence
        ids = sentence.ids.copy()
        ids[masked] = vocabulary.mask
        return replace(sentence, ids=ids)


def check_rate(augmentation: object, rate: float) -> None:
    """Raise `RecipeError` for a rate that is not at least 0 and below 1."""
    if not 0 <= rate < 1:
        raise RecipeError(f"{type(augmentation).__name__}.rate must be at least 0 and below 1, not {rate}")


def _drawn(sentence: Sentence, vocabulary: Vocabulary, rate: float, rng: np.random.Generator) -> Numbers:
    """The places of int(rate * N) of the N ordinary tokens."""
    ordinary = np.flatnonzero(~vocabulary.special[sentence.ids])
    count = int(rate * len(ordinary))
    return rng.permutation(ordinary)[:count] if count else ordinary[:0]


def _renumbered(ids: Numbers) -> Sentence:
    return Sentence(ids, np.arange(len(ids)))


def _twice(ids: Numbers, starts: Numbers, ends: Numbers, chosen: Numbers) -> Numbers:
    """The ids with a copy of each chosen unit right behind it; `chosen` ascends."""
    # Each piece goes from the start of one chosen unit, whose second copy it is, to the end of the next.
    pieces = zip((0, *starts[chosen]), (*ends[chosen], len(ids)), strict=True)
    return np.concatenate([ids[start:end] for start, end in pieces])
