"""What all auxiliaries share: the noun of a recipe, the module that it builds, and what that gets from a step."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from simemb.encoder.encoder import Encoder
from simemb.method.step_input import Chunk
from simemb.method.views import View
from simemb.transformer.batch import Batch


@dataclass(frozen=True)
class Masked:
    """A batch's tokens for masked language modelling. ids: after the replacement. selection: which are predicted."""

    ids: Int[Tensor, "tokens"]
    selection: Bool[Tensor, "tokens"]


@dataclass(frozen=True)
class AuxiliaryInput:
    """What an auxiliary gets from a step.

    encoder, batch: for an auxiliary that encodes the sentences again. vectors: the encoder's vectors by view, before
    any head. scores: one per example, if the data has them. masked: the batch's tokens, if they were masked already.
    owners, originals: as in `simemb.method.step_input.Chunk`. places: the views of the batch, in the order of their
    sentences. head: the layers between the sentence vector and the objective.
    """

    encoder: Encoder
    batch: Batch
    vectors: Mapping[int, Float[Tensor, "_ dim"]]
    scores: Float[Tensor, "batch"] | None = None
    masked: Masked | None = None
    owners: Mapping[int, Int[Tensor, "_"]] = field(default_factory=dict)
    places: tuple[int, ...] = ()
    originals: Batch | None = None
    head: nn.Module = field(default_factory=nn.Identity)

    def by_sentence(self, *, projected: bool = False) -> Float[Tensor, "batch dim"]:
        """The vectors of all sentences in the caller's order of the batch; projected: after the head."""
        vectors = [self.vectors[place] for place in self.places]
        return torch.cat([self.head(each) for each in vectors] if projected else vectors)


@dataclass(frozen=True)
class Auxiliary(ABC):
    """A second task. Subclasses hold constants and build the module that turns an `AuxiliaryInput` into a loss."""

    weight: float = 1.0
    """Factor on this loss."""

    labeled: ClassVar[bool] = False
    """Whether it learns from labels of the pairs; an adversarial view then attacks this loss."""
    reads_vectors: ClassVar[bool] = False
    """Whether it reads the sentence vectors of a step, as each labeled one does."""
    reads_originals: ClassVar[bool] = False
    """Whether it reads the texts as they are before augmentations of their tokens."""
    whole_batch: ClassVar[bool] = False
    """Whether its loss compares examples with each other, so that a batch cannot come in chunks."""

    @property
    def reads_head(self) -> bool:
        """Whether it reads what the head makes of the vectors."""
        return False

    def reads(self, view: View) -> bool:  # noqa: ARG002
        """Whether its labels are about the texts of such a view."""
        return self.labeled

    def check(self, encoder: Encoder) -> None:  # noqa: B027
        """Raise `RecipeError` for an encoder with which it cannot be trained, before anything is computed."""

    @abstractmethod
    def build(self, encoder: Encoder, views: Mapping[int, View]) -> nn.Module:
        """A new module whose forward takes an `AuxiliaryInput`. views: those that the encoder encodes, by index.

        An `AuxiliaryLoss` may be a mean over something else than examples.
        """


class AuxiliaryLoss(nn.Module):
    """The module of an auxiliary whose loss is a mean over something else than examples."""

    def check_width(self, dim: int, width: int) -> None:
        """Raise `RecipeError` for vectors that it cannot read, of `dim` dimensions and `width` after the head."""

    def mask(self, batch: Batch) -> Masked | None:  # noqa: ARG002
        """What is drawn before the first chunk of a step is scored."""
        return None

    def count(self, chunk: Chunk, masked: Masked | None) -> int | Int[Tensor, ""]:  # noqa: ARG002
        """Over how many things of a chunk its loss is a mean."""
        return chunk.size
