"""Replaced-token detection: given its vector, a discriminator finds what a language model changed in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from simemb.arguments import checked_fields
from simemb.encoder.encoder import Encoder
from simemb.encoder.external import ExternalEncoder
from simemb.encoder.language_head import VocabularyHead, is_language_model
from simemb.encoder.names import BASE
from simemb.errors import RecipeError
from simemb.method.auxiliaries.base import Auxiliary, AuxiliaryInput, AuxiliaryLoss, Masked
from simemb.method.auxiliaries.masked_lm import TokenMask
from simemb.method.branch import Branch
from simemb.method.deferral import deferrable
from simemb.method.step_input import Chunk
from simemb.method.views import View
from simemb.transformer.batch import Batch

BLOCK = 1024
"""Tokens whose logits over the vocabulary are in memory at once."""


@checked_fields
@dataclass(frozen=True)
class ReplacedTokenDetection(Auxiliary):
    """Tell which tokens a masked language model has changed, given the vector of the sentence as it was.

    DiffCSE (Chuang et al., 2022, section 3, equation 3). The generator, which is frozen and has no dropout, reads each
    view with some tokens masked (80/10/10, as in `MaskedLM`); its most probable tokens, at every place but the first,
    are the edited sentence. The discriminator, a copy of the encoder with weights of its own, reads that sentence with
    the vector in the place of the first token's embedding. Both are dropped after training. They cost three more
    passes of a model: one of the generator, and one of the discriminator there and back.
    """

    weight: float = 0.005
    """Factor on this loss."""
    probability: float = 0.3
    """Expected fraction of the ordinary tokens that are masked, in (0, 1)."""
    generator: str | None = None
    """A masked language model with the encoder's vocabulary: a directory or a hub name. By default the encoder's own
    checkpoint, if it has a language-modelling head, otherwise the bundled `base`."""
    projected: bool = True
    """Whether the discriminator gets the vector after the head, as in the released code, or before it."""

    reads_vectors: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        if not 0 < self.probability < 1:
            raise RecipeError(f"the fraction of masked tokens must be in (0, 1), not {self.probability}")

    @property
    def reads_head(self) -> bool:
        """Whether it reads what the head makes of the vectors."""
        return self.projected

    def load(self, encoder: Encoder) -> Encoder:
        """The generator, on the encoder's device. Raises `RecipeError` for one that does not fit."""
        if self.generator is None and is_language_model(encoder.source):
            return Branch.copy(encoder, nn.Identity()).encoder
        model = Encoder.load(self.generator or BASE, pooling="cls", precision="float32", device=str(encoder.device))
        return checked_generator(model, encoder)

    def build(self, encoder: Encoder, views: Mapping[int, View]) -> "ReplacedTokenLoss":  # noqa: ARG002
        """The loss with generator and discriminator. Raises `RecipeError` for a generator that does not fit."""
        return ReplacedTokenLoss(self, encoder)


class ReplacedTokenLoss(AuxiliaryLoss):
    """Cross-entropy of replaced or not, mean over all tokens."""

    def __init__(self, spec: ReplacedTokenDetection, encoder: Encoder):
        super().__init__()
        self.projected = spec.projected
        self.draw = TokenMask(spec, encoder, spec.probability)
        self.generator = Generator(spec.load(encoder))
        self.discriminator = Branch.copy(encoder, nn.Identity()).encoder
        self.discriminator.tail, self.discriminator.pooling = nn.ModuleList(), "cls"
        with self.discriminator.intercept(lambda tokens, _: tokens):  # refused now if they cannot be reached
            pass
        self.classifier = nn.Linear(int(encoder.network.config.hidden_size), 2)

    def check_width(self, dim: int, width: int) -> None:
        """Raise `RecipeError` unless the vector can take the place of an embedding."""
        given = width if self.projected else dim
        needed = int(self.discriminator.backbone.get_input_embeddings().weight.shape[1])
        if given != needed:
            raise RecipeError(
                f"ReplacedTokenDetection puts the vector in the place of an embedding, which has {needed} dimensions, "
                f"not {given}"
            )

    def mask(self, batch: Batch) -> Masked:
        """Draw what the generator has to guess."""
        return self.draw(batch)

    def count(self, chunk: Chunk, masked: Masked | None) -> int:  # noqa: ARG002
        """How many tokens are told apart."""
        return len(chunk.online.ids)

    def forward(self, inputs: AuxiliaryInput) -> Float[Tensor, ""]:
        """The loss of the sentences of a batch."""
        batch = inputs.batch
        edited = self.generator(batch, inputs.masked or self.mask(batch))
        given = inputs.by_sentence(projected=self.projected)

        def condition(tokens: Tensor, batch: Batch) -> Tensor:
            return tokens.index_copy(0, batch.firsts, given.index_select(0, batch.order).to(tokens.dtype))

        with self.discriminator.intercept(condition):
            states = self.discriminator.hidden_states(replace(batch, ids=edited))[-1]
        return cross_entropy(self.classifier(states).float(), (edited != batch.ids).long())


class Generator(nn.Module):
    """A frozen masked language model that fills in the masked tokens of a batch."""

    def __init__(self, model: Encoder):
        super().__init__()
        self.encoder, self.words = model, len(model.tokenizer)
        tied = bool(model.backbone.config.tie_word_embeddings)
        self.head = VocabularyHead(model.backbone, model.source, model.name, tied=tied)
        self.requires_grad_(requires_grad=False).train()

    def train(self, mode: bool = True) -> "Generator":  # noqa: ARG002
        """It stays in evaluation mode."""
        return super().train(mode=False)

    @torch.no_grad()
    def forward(self, batch: Batch, masked: Masked) -> Int[Tensor, "tokens"]:
        """The most probable tokens, the first of each sentence as it was."""
        states = self.encoder.hidden_states(replace(batch, ids=masked.ids))[-1]
        ids = torch.cat([self.head(block)[:, : self.words].argmax(-1) for block in states.split(BLOCK)])
        return ids.index_copy(0, batch.firsts, batch.ids[batch.firsts])


def checked_generator(model: Encoder | ExternalEncoder, encoder: Encoder) -> Encoder:
    """The model, if it can guess the encoder's tokens.

    Raises `RecipeError` for a model without a language-modelling head, with another vocabulary, or for shorter texts.
    """
    name = model.name
    if not isinstance(model, Encoder) or not is_language_model(model.source):
        raise RecipeError(f"generator {name}: has no language-modelling head (allowed: a masked language model)")
    if model.tokenizer.get_vocab() != encoder.tokenizer.get_vocab():
        sizes = f"{len(model.tokenizer)} tokens, against {len(encoder.tokenizer)}"
        raise RecipeError(
            f"generator {name}: its vocabulary is not that of {encoder.name} ({sizes}): name a masked language model "
            "with the same one"
        )
    if model.longest < encoder.longest:
        raise RecipeError(
            f"generator {name}: takes {model.longest} tokens, fewer than the {encoder.longest} of {encoder.name}"
        )
    return model
