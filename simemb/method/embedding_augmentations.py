"""Augmentations of the embedding layer's output, after its LayerNorm and dropout, as in ConSERT.

They act on ragged tokens and draw from torch's global generator, which the trainer seeds for every step.
ConSERT is Yan et al., 2021, section 3.2. Where the paper is silent, they do what its released code does: each
sentence has its own draws, special tokens count and may be cut, and what remains is not scaled up.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import inf

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from simemb.arguments import checked_fields
from simemb.errors import RecipeError
from simemb.method.deferral import deferrable
from simemb.method.token_augmentations import check_rate


@dataclass(frozen=True)
class EmbeddingAugmentation(ABC):
    """A change of the embedding layer's output for the tokens of some sentences."""

    @abstractmethod
    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], lengths: Int[Tensor, "sentences"]
    ) -> Float[Tensor, "tokens dim"]:
        """The changed tokens. Sentences lie end to end; `lengths` counts the tokens of each, special ones included.

        Keep `lengths` on the CPU: reading it back from a GPU waits until the GPU has finished.
        """


@checked_fields
@dataclass(frozen=True)
class TokenCutoff(EmbeddingAugmentation):
    """Set int(n * rate) of the n tokens of each sentence to 0; the attention still covers them."""

    rate: float = 0.15
    """Share of the tokens, at least 0 and below 1."""

    @deferrable
    def __post_init__(self) -> None:
        check_rate(self, self.rate)

    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], lengths: Int[Tensor, "sentences"]
    ) -> Float[Tensor, "tokens dim"]:
        """The tokens with some rows set to 0."""
        if not self.rate:
            return tokens
        sentence = _sentence_numbers(lengths).to(tokens.device)
        return tokens.masked_fill(_random_mask(sentence, lengths, self.rate)[:, None], 0)


@checked_fields
@dataclass(frozen=True)
class FeatureCutoff(EmbeddingAugmentation):
    """Set int(d * rate) of the d dimensions to 0 in all tokens of a sentence, drawn for each sentence."""

    rate: float = 0.2
    """Share of the dimensions, at least 0 and below 1."""

    @deferrable
    def __post_init__(self) -> None:
        check_rate(self, self.rate)

    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], lengths: Int[Tensor, "sentences"]
    ) -> Float[Tensor, "tokens dim"]:
        """The tokens with some columns set to 0, drawn for each sentence."""
        if not self.rate:
            return tokens
        noise = torch.rand(len(lengths), tokens.shape[1], device=tokens.device)
        columns = noise.argsort(dim=1)[:, : int(tokens.shape[1] * self.rate)]
        cut = torch.zeros_like(noise, dtype=torch.bool).scatter_(1, columns, True)
        return tokens.masked_fill(cut[_sentence_numbers(lengths).to(tokens.device)], 0)


@checked_fields
@dataclass(frozen=True)
class ElementDropout(EmbeddingAugmentation):
    """Set exactly int(n * d * rate) of the n * d numbers of each sentence to 0, without scaling up the rest.

    This is ConSERT's "dropout" view. The encoder's own dropout keeps the expectation, this does not.
    """

    rate: float = 0.2
    """Share of the numbers, at least 0 and below 1."""

    @deferrable
    def __post_init__(self) -> None:
        check_rate(self, self.rate)

    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], lengths: Int[Tensor, "sentences"]
    ) -> Float[Tensor, "tokens dim"]:
        """The tokens with some numbers set to 0."""
        if not self.rate:
            return tokens
        width = tokens.shape[1]
        sentence = _sentence_numbers(lengths).to(tokens.device).repeat_interleave(width)
        return tokens.masked_fill(_random_mask(sentence, lengths * width, self.rate).view_as(tokens), 0)


@checked_fields
@dataclass(frozen=True)
class ShuffleEmbeddings(EmbeddingAugmentation):
    """Permute the tokens of each sentence, special tokens included, after their positions were added.

    Attention does not depend on the order. So this changes nothing for mean pooling with a model that takes its
    positions from the embedding layer only; `simemb.method.order_augmentations.Shuffle` is ConSERT's token shuffling.
    """

    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], lengths: Int[Tensor, "sentences"]
    ) -> Float[Tensor, "tokens dim"]:
        """The same rows, permuted within each sentence."""
        return tokens.index_select(0, _shuffled_indices(_sentence_numbers(lengths).to(tokens.device)))


@checked_fields
@dataclass(frozen=True)
class Adversarial:
    """A step along the gradient of the loss, in the direction that raises it most (ConSERT, section 3.2: Fast
    Gradient Value).

    It only marks a view. The method first encodes the clean views and takes the gradient of the loss with respect
    to the embedding layer's output, then encodes them once more with `attack`: a step costs two passes. ConSERT
    attacks the softmax loss of labeled NLI pairs. So the gradient is that of a labeled auxiliary's loss if there is
    one, else that of the objective. The labels themselves are learnt from clean vectors, as there: each text that is
    attacked needs a clean view beside the adversarial one.
    """

    norm: float = 1.0
    """L2 norm of the step of every token, above 0. ConSERT's command line has 1 by default, its class 0.01."""

    @deferrable
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


def _sentence_numbers(lengths: Int[Tensor, "sentences"]) -> Int[Tensor, "tokens"]:
    """For each token the number of its sentence, on the CPU."""
    return torch.repeat_interleave(lengths.cpu())


def _shuffled_indices(sentence: Int[Tensor, "items"]) -> Int[Tensor, "items"]:
    """Indices that permute the items within their sentences; the sentences keep their places."""
    # int32 halves the memory: an element cutoff sorts hundreds of thousands of numbers.
    order = torch.randperm(len(sentence), dtype=torch.int32, device=sentence.device)
    grouped = sentence.int().index_select(0, order).argsort(stable=True)
    return order.index_select(0, grouped).long()


def _random_mask(sentence: Int[Tensor, "items"], sizes: Int[Tensor, "sentences"], rate: float) -> Bool[Tensor, "items"]:
    """A mask of int(size * rate) items of each sentence, all subsets of that size equally likely.

    sentence: for each item the number of its sentence, ascending. sizes: number of items of each sentence.
    """
    sizes = sizes.cpu()
    # In float64, as in Python: in float32 some products would fall just below an integer, or round up to one.
    ends = sizes.cumsum(0) - sizes + (sizes.double() * rate).long()
    place = torch.arange(len(sentence), device=sentence.device)
    first = place < ends.to(sentence.device).index_select(0, sentence)
    return torch.empty_like(first).index_copy_(0, _shuffled_indices(sentence), first)
