"""A denoising autoencoder: a decoder rebuilds each text from its sentence vector alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cross_entropy

from simemb.arguments import checked_fields
from simemb.encoder import token_states
from simemb.encoder.encoder import Encoder
from simemb.encoder.language_head import VocabularyHead
from simemb.errors import RecipeError
from simemb.method.auxiliaries.base import Auxiliary, AuxiliaryInput, AuxiliaryLoss, Masked
from simemb.method.deferral import deferrable
from simemb.method.step_input import Chunk
from simemb.method.views import View
from simemb.transformer.decoder import KIN, Decoder, layers_to_decode


@checked_fields
@dataclass(frozen=True)
class Denoising(Auxiliary):
    """Rebuild the text of each view from its vector: -log p(token | tokens before it, vector), mean over all tokens.

    TSDAE (Wang et al., 2021, section 3, equations 1 and 2): the view is noised (`Delete`), and the decoder writes the
    text as it was, special tokens included but for the first, without the view's prompt. The decoder sees the vector by
    cross-attention and the tokens before; it is thrown away after training.
    """

    layers: int | None = None
    """Layers of the decoder, from the encoder's first; by default as many as the encoder has."""
    tied: bool = True
    """Whether its layers are the encoder's own, as in the paper; otherwise they start as copies. The word embeddings
    are the encoder's in any case."""

    reads_vectors: ClassVar[bool] = True
    reads_originals: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        if self.layers is not None and self.layers < 1:
            raise RecipeError(f"a decoder's layers must be at least 1, not {self.layers}")

    def check(self, encoder: Encoder) -> None:
        """Raise `RecipeError` for an encoder whose layers cannot be a decoder's."""
        found = len(layers_to_decode(encoder.backbone))
        if not found:
            raise RecipeError(
                f"{encoder.name} ({encoder.network.config.model_type}): its layers cannot be those of a decoder "
                f"(allowed: {', '.join(KIN)}; adapters without dropout)"
            )
        if self.layers is not None and self.layers > found:
            raise RecipeError(
                f"a decoder's layers are the encoder's, and {encoder.name} has {found}, not {self.layers}"
            )

    def build(self, encoder: Encoder, views: Mapping[int, View]) -> "DenoisingLoss":  # noqa: ARG002
        """The loss with its decoder and vocabulary head, which is the checkpoint's if that carries one."""
        self.check(encoder)
        return DenoisingLoss(self, encoder)


class DenoisingLoss(AuxiliaryLoss):
    """Cross-entropy of the tokens of the original texts, mean over all but the first of each text."""

    def __init__(self, spec: Denoising, encoder: Encoder):
        super().__init__()
        self.decoder = Decoder(encoder.backbone, encoder.dim, layers=spec.layers, tied=spec.tied)
        self.head = VocabularyHead(encoder.backbone, encoder.source, encoder.name, tied=True)

    def count(self, chunk: Chunk, masked: Masked | None) -> int:  # noqa: ARG002
        """How many tokens are predicted."""
        originals = chunk.originals or chunk.online
        return len(originals.ids) - len(originals)

    def forward(self, inputs: AuxiliaryInput) -> Float[Tensor, ""]:
        """The loss of the sentences of a batch."""
        encoder, batch = inputs.encoder, inputs.originals or inputs.batch
        places = token_states.places(encoder, batch)
        states = self.decoder(encoder.backbone, batch, places, inputs.by_sentence())
        before, after = torch.ones_like(batch.ids, dtype=torch.bool), torch.ones_like(batch.ids, dtype=torch.bool)
        before[batch.starts[1:].long() - 1] = False
        after[batch.firsts] = False
        if len(batch.ids) == len(batch):
            return states.sum() * 0
        return cross_entropy(self.head(states[before]), batch.ids[after])
