"""Objectives for texts with a class label: texts of a label belong together, those of other labels apart.

The batch must hold several texts of a label (`Recipe.per_label`). A recipe of one view compares the texts of a batch
with each other; with two views each text is there twice, as in the papers' augmented batches.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import normalize, relu, softplus

from simemb.arguments import checked_fields
from simemb.method.deferral import deferrable
from simemb.method.objectives.base import Objective, Pair, above_zero, cosines
from simemb.method.objectives.row_blocks import by_strip, strips

ROUNDING = 1e-5
"""The distance of two vectors, as a fraction of their length, up to which they are of equal texts."""


@dataclass(frozen=True)
class Candidates:
    """What the anchors of this process are compared with: the texts of all processes, in each view.

    vectors: of the candidates. same: for each anchor, which of them have its label, itself excepted. other: which have
    another label. positives: by anchor of all processes, how many of the same label it has; negatives: likewise.
    """

    vectors: Float[Tensor, "columns width"]
    same: Bool[Tensor, "batch columns"]
    other: Bool[Tensor, "batch columns"]
    positives: Int[Tensor, "all"]
    negatives: Int[Tensor, "all"]

    @classmethod
    def of(cls, pair: Pair) -> "Candidates":
        """The candidates of a pair of views, or of a view that is compared with itself."""
        labels = pair.labels
        assert labels is not None
        views = 1 if pair.same else 2
        vectors = pair.queries if pair.same else torch.cat([pair.queries, pair.key])
        equal = labels[pair.own, None] == labels.repeat(views)[None, :]
        row = torch.arange(len(equal), device=equal.device)
        alike = (labels[:, None] == labels[None, :]).sum(dim=1)
        return cls(
            vectors=vectors,
            same=equal.index_put((row, row + pair.first), equal.new_zeros(())),
            other=~equal,
            positives=views * alike - 1,
            negatives=views * (len(labels) - alike),
        )


def mean_of(total: Float[Tensor, ""], terms: Int[Tensor, ""], pair: Pair) -> Float[Tensor, ""]:
    """The sum over this process's terms as its share of the mean over those of all processes; 0 if there are none.

    terms: of all processes. The mean of the shares over processes is the mean over all terms.
    """
    processes = len(pair.queries) / len(pair.query)
    return total * processes / terms.clamp(min=1)


@checked_fields
@dataclass(frozen=True)
class SupCon(Objective):
    """Find all texts of the anchor's label among all others of the batch: supervised contrastive learning.

    l_i = -1 / |P(i)| * sum over p in P(i) of log( exp(z_i . z_p / t) / sum over a in A(i) of exp(z_i . z_a / t) )

    z: unit vectors of all texts in all views. A(i): all but i. P(i): those of A(i) with the label of i, its own other
    view among them. The loss is the mean of l_i over all i with a positive; with one view a text may have none.

    Khosla et al., 2020, https://arxiv.org/abs/2004.11362, eq. 2 (L_out), divided by the number of terms. The released
    code also multiplies the loss by its temperature over 0.07, which the equation does not.
    """

    temperature: float = 0.1
    """t > 0, in cosine units; 0.1 in the paper's section 4."""

    negatives: ClassVar[bool] = True
    classed: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "temperature")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The mean of l_i over the anchors with a positive."""
        found = Candidates.of(pair)
        vectors, queries = normalize(found.vectors, dim=1), normalize(pair.query, dim=1)

        def terms(part: slice) -> Float[Tensor, ""]:
            same, logits = found.same[part], queries[part] @ vectors.T / self.temperature
            others = logits.masked_fill(~(same | found.other[part]), -inf)  # without itself
            chances = logits - others.logsumexp(dim=1, keepdim=True)
            return -(chances.masked_fill(~same, 0).sum(dim=1) / same.sum(dim=1).clamp(min=1)).sum()

        total = by_strip(terms, strips(len(queries), len(vectors))).sum()
        return mean_of(total, (found.positives > 0).sum(), pair)


@checked_fields
@dataclass(frozen=True)
class BatchTriplet(Objective):
    """Keep a text nearer to those of its label than to others, on triplets that are chosen within the batch.

    hard: l_a = f( max over p of d(a, p) - min over n of d(a, n) ), the mean over all anchors a with a positive and a
    negative. Hermans et al., 2017, https://arxiv.org/abs/1703.07737, eq. 5 (batch hard).

    semi_hard: l_ap = f( d(a, p) - d(a, n) ), where n is the nearest negative that is farther than p or, if there is
    none, the farthest; the mean over all pairs of anchor and positive. Schroff et al., 2015 (FaceNet),
    https://arxiv.org/abs/1503.03832, section 3.2, which looks for n within the margin; the rest is as in
    sentence-transformers' BatchSemiHardTripletLoss.

    f(x) = max(0, x + margin), or log(1 + exp(x)) without a margin (Hermans et al., section 2, "soft-margin").
    d(a, p): the Euclidean distance, not squared, or 1 - cosine.
    """

    mining: Literal["hard", "semi_hard"] = "hard"
    """Which triplets of the batch are learnt from."""
    margin: float | None = 5.0
    """Above 0, in units of the distance; None is the soft margin. 5 is sentence-transformers', for vectors that are not
    of unit length; FaceNet has 0.2, for squared distances of unit vectors."""
    distance: Literal["euclidean", "cosine"] = "euclidean"
    """d."""

    negatives: ClassVar[bool] = True
    classed: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "margin")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The mean over the triplets; 0 without any."""
        found = Candidates.of(pair)
        apart = cosine_distances if self.distance == "cosine" else euclidean_distances
        choose = _hard if self.mining == "hard" else _semi_hard

        def terms(part: slice) -> Float[Tensor, ""]:
            distances = apart(pair.query[part], found.vectors)
            excess, chosen = choose(distances, found.same[part], found.other[part])
            return self._penalty(excess).masked_fill(~chosen, 0).sum()

        total = by_strip(terms, strips(len(pair.query), len(found.vectors))).sum()
        with_negative = found.positives * (found.negatives > 0)
        triplets = with_negative if self.mining == "semi_hard" else with_negative > 0
        return mean_of(total, triplets.sum(), pair)

    def _penalty(self, excess: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        return softplus(excess) if self.margin is None else relu(excess + self.margin)


Triplets = tuple[Float[Tensor, "batch terms"], Bool[Tensor, "batch terms"]]
"""d(a, p) - d(a, n) for each anchor, and which of them are of triplets that exist."""


def _hard(
    distances: Float[Tensor, "batch columns"], same: Bool[Tensor, "batch columns"], other: Bool[Tensor, "batch columns"]
) -> Triplets:
    """One triplet for each anchor: its farthest positive and its nearest negative."""
    chosen = same.any(dim=1) & other.any(dim=1)
    farthest = distances.masked_fill(~same, -inf).amax(dim=1).masked_fill(~chosen, 0)
    nearest = distances.masked_fill(~other, inf).amin(dim=1).masked_fill(~chosen, 0)
    return (farthest - nearest)[:, None], chosen[:, None]


def _semi_hard(
    distances: Float[Tensor, "batch columns"], same: Bool[Tensor, "batch columns"], other: Bool[Tensor, "batch columns"]
) -> Triplets:
    """One triplet for each anchor and positive: with the nearest negative behind it, else with the farthest."""
    chosen = same & other.any(dim=1, keepdim=True)
    ascending = distances.masked_fill(~other, inf).sort(dim=1).values
    places = torch.searchsorted(ascending.detach(), distances.detach().contiguous(), right=True)
    last = (other.sum(dim=1, keepdim=True) - 1).clamp(min=0)
    negative = ascending.gather(1, torch.minimum(places, last))
    return distances - negative.masked_fill(~chosen, 0), chosen


def cosine_distances(
    a: Float[Tensor, "rows width"], b: Float[Tensor, "columns width"]
) -> Float[Tensor, "rows columns"]:
    """1 - cosine of every row of a and every row of b."""
    return 1 - cosines(a, b)


def euclidean_distances(
    a: Float[Tensor, "rows width"], b: Float[Tensor, "columns width"]
) -> Float[Tensor, "rows columns"]:
    """|a - b| for every row of a and every row of b.

    Rows that are equal but for rounding have the distance 0 and no gradient: its direction would be that of the
    rounding, at full length.
    """
    distances = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")  # a matrix product would round more
    equal = distances.detach() <= ROUNDING * a.detach().norm(dim=1)[:, None]
    return distances.masked_fill(equal, 0)
