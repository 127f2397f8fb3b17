"""Masked language modelling beside an objective, or alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from simemb.arguments import checked_fields
from simemb.encoder.encoder import Encoder
from simemb.encoder.language_head import VocabularyHead
from simemb.errors import RecipeError
from simemb.method.auxiliaries.base import Auxiliary, AuxiliaryInput, AuxiliaryLoss, Masked
from simemb.method.deferral import deferrable
from simemb.method.step_input import Chunk
from simemb.method.views import View
from simemb.transformer.batch import Batch


@checked_fields
@dataclass(frozen=True)
class MaskedLM(Auxiliary):
    """Predict masked tokens in a second pass over all views (SimCSE, section 3 and appendix E).

    Of the selected tokens 80 % become [MASK], 10 % a random token, and 10 % stay (Devlin et al., 2019, appendix
    A.1). Special tokens are never selected.
    """

    weight: float = 0.1
    """Factor on this loss."""
    probability: float = 0.15
    """Expected fraction of the ordinary tokens that are predicted, in (0, 1)."""
    tied: bool = True
    """Whether the output matrix is that of the word embeddings, as in pre-training. Its gradient reaches every word
    in every step: beside another objective, the embeddings of words that never occur drift. Untied, it is a copy
    with weights of its own, as in SimCSE's released code."""

    @deferrable
    def __post_init__(self) -> None:
        if not 0 < self.probability < 1:
            raise RecipeError(f"the fraction of masked tokens must be in (0, 1), not {self.probability}")

    def build(self, encoder: Encoder, views: Mapping[int, View]) -> "MaskedLMLoss":  # noqa: ARG002
        """The loss with its vocabulary head, taken from the encoder's checkpoint if it carries one."""
        return MaskedLMLoss(self, encoder)


class MaskedLMLoss(AuxiliaryLoss):
    """Cross-entropy of the masked tokens, mean over all of them."""

    def __init__(self, spec: MaskedLM, encoder: Encoder):
        super().__init__()
        self.draw = TokenMask(spec, encoder, spec.probability)
        self.head = VocabularyHead(encoder.backbone, encoder.source, encoder.name, tied=spec.tied)

    def mask(self, batch: Batch) -> Masked:
        """Draw the tokens that are predicted, and what stands in their place."""
        return self.draw(batch)

    def count(self, chunk: Chunk, masked: Masked | None) -> Int[Tensor, ""]:  # noqa: ARG002
        """How many tokens are predicted."""
        assert masked is not None
        return masked.selection.sum()

    def forward(self, inputs: AuxiliaryInput) -> Float[Tensor, ""]:
        """Mask the batch unless it is, encode it again and score the predictions."""
        encoder, batch = inputs.encoder, inputs.batch
        masked = inputs.masked or self.mask(batch)
        hidden = encoder.hidden_states(Batch(masked.ids, batch.positions, batch.lengths, batch.order))[-1]
        if not masked.selection.any():
            return hidden.sum() * 0
        return cross_entropy(self.head(hidden[masked.selection]), batch.ids[masked.selection])


class TokenMask(nn.Module):
    """Draws which tokens of a batch are masked, and what stands in their place.

    spec: for whom, as its name says where the tokenizer has no mask token. probability: expected fraction of the
    ordinary tokens.
    """

    special: Tensor

    def __init__(self, spec: Auxiliary, encoder: Encoder, probability: float):
        super().__init__()
        self.probability, self.vocabulary = probability, len(encoder.tokenizer)
        self.mask_id = encoder.tokenizer.mask_token_id
        if self.mask_id is None:
            raise RecipeError(f"{encoder.name}: its tokenizer has no mask token, which {type(spec).__name__} needs")
        special = torch.tensor(sorted(encoder.tokenizer.all_special_ids))
        self.register_buffer("special", special, persistent=False)

    def forward(self, batch: Batch) -> Masked:
        """Special tokens are never masked."""
        ordinary = ~torch.isin(batch.ids, self.special)
        return Masked(*mask_tokens(batch.ids, ordinary, self.probability, self.mask_id, self.vocabulary))


def mask_tokens(
    ids: Int[Tensor, "tokens"],
    ordinary: Bool[Tensor, "tokens"],
    probability: float,
    mask_id: int,
    vocabulary: int,
) -> tuple[Int[Tensor, "tokens"], Bool[Tensor, "tokens"]]:
    """The ids with 80/10/10 replacement at the selected tokens, and which tokens these are.

    Draws from torch's global generator, which the trainer seeds for every step.
    """
    selection = (torch.rand(ids.shape, device=ids.device) < probability) & ordinary
    replacement = torch.rand(ids.shape, device=ids.device)
    random = torch.randint(vocabulary, ids.shape, device=ids.device)
    masked = torch.where(selection & (replacement < 0.8), mask_id, ids)
    return torch.where(selection & (replacement >= 0.9), random, masked), selection
