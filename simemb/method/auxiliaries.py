"""Auxiliary losses: a second task on the same encoder, added to the objective with a weight."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from simemb.arguments import checked_fields
from simemb.distributed import gather_numbers, world
from simemb.encoder.encoder import Encoder
from simemb.encoder.language_head import VocabularyHead
from simemb.errors import DataError, RecipeError
from simemb.method.deferral import deferrable
from simemb.method.step_input import Chunk, StepInput
from simemb.method.views import View, clean_views
from simemb.transformer.batch import Batch

log = logging.getLogger("simemb")


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
    owners: as in `simemb.method.step_input.Chunk`.
    """

    encoder: Encoder
    batch: Batch
    vectors: Mapping[int, Float[Tensor, "_ dim"]]
    scores: Float[Tensor, "batch"] | None = None
    masked: Masked | None = None
    owners: Mapping[int, Int[Tensor, "_"]] = field(default_factory=dict)


@dataclass(frozen=True)
class Auxiliary(ABC):
    """A second task. Subclasses hold constants and build the module that turns an `AuxiliaryInput` into a loss."""

    weight: float = 1.0
    """Factor on this loss."""

    labeled: ClassVar[bool] = False
    """Whether it learns from labels of the pairs; an adversarial view then attacks this loss."""

    def reads(self, view: View) -> bool:  # noqa: ARG002
        """Whether its labels are about the texts of such a view."""
        return self.labeled

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
        self.head = VocabularyHead(encoder.backbone, encoder.source, encoder.name, tied=spec.tied)

    def mask(self, batch: Batch) -> Masked:
        """Draw the tokens that are predicted, and what stands in their place."""
        ordinary = ~torch.isin(batch.ids, self.special)
        return Masked(*mask_tokens(batch.ids, ordinary, self.spec.probability, self.mask_id, self.vocabulary))

    def forward(self, inputs: AuxiliaryInput) -> Float[Tensor, ""]:
        """Mask the batch unless it is, encode it again and score the predictions."""
        encoder, batch = inputs.encoder, inputs.batch
        masked = inputs.masked or self.mask(batch)
        hidden = encoder.hidden_states(Batch(masked.ids, batch.positions, batch.lengths, batch.order))[-1]
        if not masked.selection.any():
            return hidden.sum() * 0
        return cross_entropy(self.head(hidden[masked.selection]), batch.ids[masked.selection])


@checked_fields
@dataclass(frozen=True)
class SoftmaxNLI(Auxiliary):
    """Classify from two sentence vectors whether one entails the other: softmax of W (u, v, |u - v|).

    Sentence-BERT (Reimers & Gurevych, 2019, section 3, classification objective); ConSERT trains it beside
    its contrastive loss (Yan et al., 2021, section 3.3). Pairs come with a label from 0 to `classes` - 1
    (0 entailment, 1 neutral, 2 contradiction). In triplets the first two columns are an entailment, the first and
    the third a contradiction. Of each column it reads the first view that is not adversarial.
    """

    classes: int = 3
    """Number of labels."""
    max_square: bool = False
    """Whether W also sees max(u, v)^2, dimension by dimension; ConSERT's scripts switch it on."""

    labeled: ClassVar[bool] = True

    def reads(self, view: View) -> bool:
        """Whether it is of one of the first three columns."""
        return view.column < 3 and view.offset == 0

    def build(self, encoder: Encoder, views: Mapping[int, View]) -> "SoftmaxNLILoss":
        """The loss with a fresh classifier over one clean view of each of the first three columns."""
        clean = clean_views({place: view for place, view in views.items() if self.reads(view)})
        if not {(0, 0), (1, 0)} <= clean.keys():
            raise RecipeError("SoftmaxNLI compares columns 0 and 1: the encoder must see a view of each")
        return SoftmaxNLILoss(self, encoder.dim, [clean[text] for text in sorted(clean)])


class SoftmaxNLILoss(nn.Module):
    """Cross-entropy of the labels, mean over all labeled pairs."""

    def __init__(self, spec: SoftmaxNLI, dim: int, places: list[int]):
        super().__init__()
        self.classifier = nn.Linear((4 if spec.max_square else 3) * dim, spec.classes)
        self.classes = spec.classes
        self.max_square = spec.max_square
        self.places = places

    def forward(self, inputs: AuxiliaryInput) -> Float[Tensor, ""]:
        """The loss of the pairs of a step."""
        first, *others = self.places
        premise = inputs.vectors[first]
        owners = [inputs.owners.get(place) for place in others]
        pairs = [
            (premise if owner is None else premise[owner], inputs.vectors[place])
            for place, owner in zip(others, owners, strict=True)
        ]
        logits = torch.cat([self.classifier(self._features(*pair)) for pair in pairs])
        labels = self._labels(inputs.scores, [len(other) for _, other in pairs])
        return cross_entropy(logits, labels.to(logits.device))

    def pairs(self, chunk: Chunk) -> int:
        """How many pairs of a chunk are labeled."""
        return sum(chunk.sizes(self.places[1:]))

    def _features(self, u: Float[Tensor, "batch dim"], v: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch width"]:
        features = [u, v, (u - v).abs()]
        if self.max_square:
            features.append(torch.maximum(u, v).square())
        return torch.cat(features, dim=1)

    def _labels(self, scores: Tensor | None, pairs: list[int]) -> Int[Tensor, "pairs"]:
        """pairs: how many there are of each column after the first."""
        if len(pairs) == 2:
            return torch.tensor([0, self.classes - 1]).repeat_interleave(torch.tensor(pairs))
        if scores is None:
            raise DataError("SoftmaxNLI needs triplets, or pairs with a column of labels")
        labels = scores.long()
        if bool((labels != scores).any()) or int(labels.min()) < 0 or int(labels.max()) >= self.classes:
            raise DataError(f"SoftmaxNLI: labels must be whole numbers from 0 to {self.classes - 1}")
        return labels


@dataclass(frozen=True)
class Share:
    """What a chunk contributes to an auxiliary's mean over the batch.

    weight: the chunk's part of what the loss averages over, as a fraction of what a process has in the mean. masked:
    its tokens, if they are masked.
    """

    weight: float | Float[Tensor, ""]
    masked: Masked | None = None


def shares(auxiliary: nn.Module, examples: StepInput) -> list[Share]:
    """The share of every chunk: of examples, of labeled pairs where examples have differently many, of masked tokens.

    Tokens are masked here, before the first chunk is scored. Tokens and pairs are counted over all processes, whose
    gradients are averaged: a process with more of them weighs more.
    """
    chunks = examples.chunks
    if isinstance(auxiliary, MaskedLMLoss):
        masked = [auxiliary.mask(chunk.online) for chunk in chunks]
        weights = _weights(torch.stack([part.selection.sum() for part in masked]))
        return [Share(weight, part) for weight, part in zip(weights, masked, strict=True)]
    if isinstance(auxiliary, SoftmaxNLILoss) and chunks[0].owners:
        return list(map(Share, _weights(torch.tensor(list(map(auxiliary.pairs, chunks)), device=examples.rows.device))))
    return [Share(chunk.size / len(examples)) for chunk in chunks]


def _weights(counts: Int[Tensor, "chunks"]) -> Float[Tensor, "chunks"]:
    """Counts of the chunks by the mean count of a process."""
    each = gather_numbers(counts.sum()[None]).sum() / world()
    return counts / each.clamp(min=1 / world())


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
