"""A classifier of labeled pairs of sentences: natural language inference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from simemb.arguments import checked_fields
from simemb.encoder.encoder import Encoder
from simemb.errors import DataError, RecipeError
from simemb.method.auxiliaries.base import Auxiliary, AuxiliaryInput, AuxiliaryLoss, Masked
from simemb.method.step_input import Chunk
from simemb.method.views import View, clean_views


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
    reads_vectors: ClassVar[bool] = True

    def reads(self, view: View) -> bool:
        """Whether it is of one of the first three columns."""
        return view.column < 3 and view.offset == 0

    def build(self, encoder: Encoder, views: Mapping[int, View]) -> "SoftmaxNLILoss":
        """The loss with a fresh classifier over one clean view of each of the first three columns."""
        clean = clean_views({place: view for place, view in views.items() if self.reads(view)})
        if not {(0, 0), (1, 0)} <= clean.keys():
            raise RecipeError("SoftmaxNLI compares columns 0 and 1: the encoder must see a view of each")
        return SoftmaxNLILoss(self, encoder.dim, [clean[text] for text in sorted(clean)])


class SoftmaxNLILoss(AuxiliaryLoss):
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

    def count(self, chunk: Chunk, masked: Masked | None) -> int:  # noqa: ARG002
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
