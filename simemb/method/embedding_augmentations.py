"""Augmentations of the embedding layer's output, after LayerNorm and dropout, where ConSERT cuts and attacks.

They act on ragged tokens and draw from torch's global generator, which the trainer seeds for every step.
ConSERT is Yan et al., 2021, section 3.2; where the paper is silent, they do what its released code does: each
sentence is drawn for by itself, special tokens count and may be hit, and what remains is not scaled up.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simemb.errors import RecipeError
from simemb.method.token_augmentations import check_rate


@dataclass(frozen=True)
class EmbeddingAugmentation(ABC):
    """A change of what the embedding layer gives for the tokens of some sentences."""

    @abstractmethod
    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], lengths: Int[Tensor, "sentences"]
    ) -> Float[Tensor, "tokens dim"]:
        """The changed tokens. Sentences lie end to end; `lengths` counts the tokens of each, special ones too.

        `lengths` is best left on the CPU: on a GPU it has to be fetched, for which the GPU must finish first.
        """


@dataclass(frozen=True)
class TokenCutoff(EmbeddingAugmentation):
    """Set int(n * rate) of the n tokens of each sentence to 0; they are still attended to."""

    rate: float = 0.15
    """Share of the tokens, at least 0 and below 1."""

    def __post_init__(self) -> None:
        check_rate(self, self.rate)

    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], lengths: Int[Tensor, "sentences"]
    ) -> Float[Tensor, "tokens dim"]:
        """The tokens with some rows 0."""
        if not self.rate:
            return tokens
        sentence = _sentence(lengths).to(tokens.device)
        return tokens.masked_fill(_drawn(sentence, lengths, self.rate)[:, None], 0)


@dataclass(frozen=True)
class FeatureCutoff(EmbeddingAugmentation):
    """Set int(d * rate) of the d dimensions to 0 in all tokens of a sentence; which ones, each sentence draws."""

    rate: float = 0.2
    """Share of the dimensions, at least 0 and below 1."""

    def __post_init__(self) -> None:
        check_rate(self, self.rate)

    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], lengths: Int[Tensor, "sentences"]
    ) -> Float[Tensor, "tokens dim"]:
        """The tokens with some columns 0, other ones in every sentence."""
        if not self.rate:
            return tokens
        dice = torch.rand(len(lengths), tokens.shape[1], device=tokens.device)
        columns = dice.argsort(dim=1)[:, : int(tokens.shape[1] * self.rate)]
        cut = torch.zeros_like(dice, dtype=torch.bool).scatter_(1, columns, True)
        return tokens.masked_fill(cut[_sentence(lengths).to(tokens.device)], 0)


@dataclass(frozen=True)
class ElementDropout(EmbeddingAugmentation):
    """Set int(n * d * rate) of the n * d numbers of each sentence to 0: exactly so many, and not scaled up.

    That is ConSERT's "dropout" view; the encoder's own dropout keeps the expectation, this does not.
    """

    rate: float = 0.2
    """Share of the numbers, at least 0 and below 1."""

    def __post_init__(self) -> None:
        check_rate(self, self.rate)

    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], lengths: Int[Tensor, "sentences"]
    ) -> Float[Tensor, "tokens dim"]:
        """The tokens with some numbers 0."""
        if not self.rate:
            return tokens
        width = tokens.shape[1]
        sentence = _sentence(lengths).to(tokens.device).repeat_interleave(width)
        return tokens.masked_fill(_drawn(sentence, lengths * width, self.rate).view_as(tokens), 0)


@dataclass(frozen=True)
class ShuffleEmbeddings(EmbeddingAugmentation):
    """Permute the tokens of each sentence after their positions were added, special tokens too.

    Attention does not see the order, so this changes nothing for mean pooling and a model that has its
    positions from the embedding layer only: `simemb.method.token_augmentations.Shuffle` is ConSERT's token shuffling.
    """

    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], lengths: Int[Tensor, "sentences"]
    ) -> Float[Tensor, "tokens dim"]:
        """The same rows in another order within every sentence."""
        return tokens.index_select(0, _shuffled(_sentence(lengths).to(tokens.device)))


@dataclass(frozen=True)
class Adversarial:
    """A step along the gradient of the loss, the worst small change (ConSERT, section 3.2: Fast Gradient Value).

    It only marks a view. The method first encodes the views as they are and takes the gradient of the loss
    with respect to the embedding layer's output, then encodes them once more with `attack`: a step costs two
    passes. ConSERT takes the softmax loss of labelled NLI pairs, so where an auxiliary has labels the gradient
    is that of its loss, else of the objective's.
    """

    norm: float = 1.0
    """Length of the step for every token, above 0: 1 by the released command line, 0.01 by the class behind it."""

    def __post_init__(self) -> None:
        if not 0 < self.norm < inf:
            raise RecipeError(f"Adversarial.norm must be above 0 and finite, not {self.norm}")


def attack(
    tokens: Float[Tensor, "tokens dim"], gradient: Float[Tensor, "tokens dim"], norm: float
) -> Float[Tensor, "tokens dim"]:
    """Each token x moved along the gradient g of the loss: x + norm * g / (|g|_2 + 1e-10).

    The gradient is a constant here. The step is computed in float32 at least, where 1e-10 is above 0; a
    factor on the loss, such as that of mixed precision, cancels.
    """
    direction = gradient.detach().to(torch.promote_types(gradient.dtype, torch.float32))
    direction = direction / (torch.linalg.vector_norm(direction, dim=1, keepdim=True) + 1e-10)
    return tokens + (norm * direction).to(tokens.dtype)


def _sentence(lengths: Int[Tensor, "sentences"]) -> Int[Tensor, "tokens"]:
    """The number of the sentence that each token belongs to, on the CPU."""
    return torch.repeat_interleave(lengths.cpu())


def _shuffled(sentence: Int[Tensor, "items"]) -> Int[Tensor, "items"]:
    """The items in random order within their sentences, which stay where they are."""
    # Half as wide as torch's usual numbers: an element cutoff sorts hundreds of thousands of them.
    order = torch.randperm(len(sentence), dtype=torch.int32, device=sentence.device)
    grouped = sentence.int().index_select(0, order).argsort(stable=True)
    return order.index_select(0, grouped).long()


def _drawn(sentence: Int[Tensor, "items"], sizes: Int[Tensor, "sentences"], rate: float) -> Bool[Tensor, "items"]:
    """Which items are drawn: int(size * rate) of every sentence's, all choices equally likely.

    sentence: the number of the sentence that each item belongs to, ascending. sizes: items of each.
    """
    sizes = sizes.cpu()
    # In float64, as Python does it: in float32 some products would fall short of a whole number, or reach it.
    ends = sizes.cumsum(0) - sizes + (sizes.double() * rate).long()
    place = torch.arange(len(sentence), device=sentence.device)
    first = place < ends.to(sentence.device).index_select(0, sentence)
    return torch.empty_like(first).index_copy_(0, _shuffled(sentence), first)
