"""Auxiliary losses: a second task on the same encoder, added to the objective with a weight."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from simemb.arguments import checked_fields
from simemb.encoder.encoder import Encoder
from simemb.encoder.language_head import VocabularyHead
from simemb.errors import DataError, RecipeError
from simemb.method.views import View
from simemb.transformer.batch import Batch

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class AuxiliaryInput:
    """What an auxiliary gets from a step.

    encoder, batch: for an auxiliary that encodes the sentences again. vectors: the encoder's vectors by view, before
    any head. scores: one per example, if the data has them.
    """

    encoder: Encoder
    batch: Batch
    vectors: Mapping[int, Float[Tensor, "batch dim"]]
    scores: Float[Tensor, "batch"] | None = None


@dataclass(frozen=True)
class Auxiliary(ABC):
    """A second task. Subclasses hold constants and build the module that turns an `AuxiliaryInput` into a loss."""

    weight: float = 1.0
    """Factor on this loss."""

    labeled: ClassVar[bool] = False
    """Whether it learns from labels of the pairs; an adversarial view then attacks this loss."""

    @abstractmethod
    def build(self, encoder: Encoder, views: Mapping[int, View]) -> nn.Module:
        """A new module whose forward takes an `AuxiliaryInput`. views: those that the encoder encodes, by index."""


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

    def __post_init__(self) -> None:
        if not 0 < self.probability < 1:
            raise RecipeError(f"the fraction of masked tokens must be in (0, 1), not {self.probability}")

    def build(self, encoder: Encoder, views: Mapping[int, View]) -> "MaskedLMLoss":  # noqa: ARG002
        """The loss with its vocabulary head, taken from the encoder's checkpoint if it carries one."""
        return MaskedLMLoss(self, encoder)


class MaskedLMLoss(nn.Module):
    """Cross-entropy of the masked tokens, mean over all of them."""

    special: Tensor

    def __init__(self, spec: MaskedLM, encoder: Encoder):
        super().__init__()
        self.spec = spec
        self.mask_id = encoder.tokenizer.mask_token_id
        if self.mask_id is None:
            raise RecipeError(f"{encoder.name}: its tokenizer has no mask token, which MaskedLM needs")
        self.vocabulary = len(encoder.tokenizer)
        special = torch.tensor(sorted(encoder.tokenizer.all_special_ids))
        self.register_buffer("special", special, persistent=False)
        self.head = VocabularyHead(encoder.backbone, encoder.source, encoder.name)

    def forward(self, inputs: AuxiliaryInput) -> Float[Tensor, ""]:
        """Mask the batch, encode it again and score the predictions."""
        encoder, batch = inputs.encoder, inputs.batch
        ordinary = ~torch.isin(batch.ids, self.special)
        masked, selection = mask_tokens(batch.ids, ordinary, self.spec.probability, self.mask_id, self.vocabulary)
        hidden = encoder.hidden_states(Batch(masked, batch.positions, batch.lengths, batch.order))[-1]
        if not selection.any():
            return hidden.sum() * 0
        return cross_entropy(self.head(hidden[selection]), batch.ids[selection])


@checked_fields
@dataclass(frozen=True)
class SoftmaxNLI(Auxiliary):
    """Classify from two sentence vectors whether one entails the other: softmax of W (u, v, |u - v|).

    Sentence-BERT (Reimers & Gurevych, 2019, section 3, classification objective); ConSERT trains it beside
    its contrastive loss (Yan et al., 2021, section 3.3). Pairs come with a label from 0 to `classes` - 1
    (0 entailment, 1 neutral, 2 contradiction). In triplets the first two columns are an entailment, the first and
    the third a contradiction.
    """

    classes: int = 3
    """Number of labels."""

    labeled: ClassVar[bool] = True

    def build(self, encoder: Encoder, views: Mapping[int, View]) -> "SoftmaxNLILoss":
        """The loss with a fresh classifier over the first view of each of the first three columns."""
        places: dict[int, int] = {}
        for place, view in views.items():
            places.setdefault(view.column, place)
        if not {0, 1} <= places.keys():
            raise RecipeError("SoftmaxNLI compares columns 0 and 1: the encoder must see a view of each")
        return SoftmaxNLILoss(encoder.dim, self.classes, [places[column] for column in (0, 1, 2) if column in places])


class SoftmaxNLILoss(nn.Module):
    """Cross-entropy of the labels, mean over all labeled pairs."""

    def __init__(self, dim: int, classes: int, places: list[int]):
        super().__init__()
        self.classifier = nn.Linear(3 * dim, classes)
        self.classes = classes
        self.places = places

    def forward(self, inputs: AuxiliaryInput) -> Float[Tensor, ""]:
        """The loss of the pairs of a step."""
        premise, *others = (inputs.vectors[place] for place in self.places)
        logits = torch.cat([self.classifier(torch.cat([premise, v, (premise - v).abs()], dim=1)) for v in others])
        return cross_entropy(logits, self._labels(inputs.scores, len(premise), len(others)).to(logits.device))

    def _labels(self, scores: Tensor | None, examples: int, columns: int) -> Int[Tensor, "pairs"]:
        if columns == 2:
            return torch.tensor([0, self.classes - 1]).repeat_interleave(examples)
        if scores is None:
            raise DataError("SoftmaxNLI needs triplets, or pairs with a column of labels")
        labels = scores.long()
        if bool((labels != scores).any()) or int(labels.min()) < 0 or int(labels.max()) >= self.classes:
            raise DataError(f"SoftmaxNLI: labels must be whole numbers from 0 to {self.classes - 1}")
        return labels


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
