"""Objectives for pairs of texts with a score of how similar they are, as in STS.

All but `ScoredContrast` compare only the two texts of each example, and no texts of different examples.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import normalize

from simemb.arguments import checked_fields
from simemb.errors import DataError, RecipeError
from simemb.method.deferral import deferrable
from simemb.method.objectives.base import Objective, Pair, above_zero, cosines
from simemb.method.objectives.row_blocks import by_query, by_strip, strips


@checked_fields
@dataclass(frozen=True)
class CoSENT(Objective):
    """Give the cosines of pairs the order of their scores.

    loss = log(1 + sum over all i, j with s_i > s_j of exp(scale * (cos_j - cos_i))), cos_i = cos(q_i, k_i)

    Su, 2022, https://kexue.fm/archives/8847. Only the order of the scores matters, so any range works. Equal
    scores contribute nothing, and a batch of equal scores has loss 0. As in sentence-transformers the sum is over this
    process's pairs and is not divided by their number, so it grows with the batch.
    """

    scale: float = 20.0
    """Inverse temperature, above 0: differences of cosines are multiplied by it (lambda)."""

    scored: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "scale")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The loss over this process's pairs."""
        assert pair.scores is not None
        return _disorder(_own_cosines(pair), pair.scores, self.scale)


@checked_fields
@dataclass(frozen=True)
class AnglE(Objective):
    """Give the angles of pairs in complex space the order of their scores, which cosines near 1 have no gradient for.

    loss = log(1 + sum over all i, j with s_i > s_j of exp(scale * (a_j - a_i)))
    a_i = | sum over d of Re(z_d) + Im(z_d) |, z_d = x_d / y_d * |y_d|^2 / (|q_i| |k_i|)

    x_d and y_d: complex numbers out of q_i and k_i, whose first half is the real part and whose second half is the
    imaginary part. So a_i = | cos(q_i, k_i) + sin(q_i, k_i) |, where sin is the same product with the halves of q_i
    swapped and the first of them negated. Li & Li, 2024, https://arxiv.org/abs/2309.12871, section 3.4, as in the
    released code (SeanLee97/AnglE): the paper's difference of angles is the sum over the parts of the quotient. The
    width must be even.
    """

    scale: float = 20.0
    """Inverse temperature, above 0; the paper's script has 1, the authors' advice of today is 20."""

    scored: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "scale")

    def build(self, width: int) -> "AnglE":
        """The objective itself. Raises `RecipeError` for an odd width, of which no half is the imaginary part."""
        if width % 2:
            raise RecipeError(f"AnglE needs vectors of an even number of dimensions, not {width}")
        return self

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The loss over this process's pairs."""
        assert pair.scores is not None
        query, key = normalize(pair.query, dim=1), normalize(pair.key[pair.own], dim=1)
        (real, imaginary), (key_real, key_imaginary) = query.chunk(2, dim=1), key.chunk(2, dim=1)
        sine = (imaginary * key_real - real * key_imaginary).sum(dim=1)
        return _disorder(((query * key).sum(dim=1) + sine).abs(), pair.scores, self.scale)


@checked_fields
@dataclass(frozen=True)
class ScoredContrast(Objective):
    """Find the other text of each pair of a high score among all texts of the batch.

    loss = 1/(2N) sum over the 2N texts x of l_x, and l_x = 0 if the score of its pair is not above `above`, else
    l_x = -log( exp(cos(x, x') / t) / sum over all texts c but x of exp(cos(x, c) / t) ), x': the other text of its pair

    The in-batch negatives of AnglE (Li & Li, 2024, section 3.3) with the pairs of the released code: those of a low
    score are no positives, but their texts are negatives of all others. Unlike there, a text equal to x or x' is not.
    The batch is that of all processes.
    """

    temperature: float = 0.05
    """t > 0, in cosine units."""
    above: float = 0.0
    """The score that a pair must exceed to be a positive."""

    negatives: ClassVar[bool] = True
    scored: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "temperature")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The mean of l_x over this process's texts."""
        return by_query(self._mean, pair)

    def _mean(self, pair: Pair) -> Float[Tensor, ""]:
        assert pair.scores is not None
        texts = pair.texts
        queries = self._side(pair.queries, pair.key, pair, texts and (texts.query, texts.key))
        keys = self._side(pair.key, pair.queries, pair, texts and (texts.key, texts.query))
        return ((queries + keys) / 2 * (pair.scores > self.above)).mean()

    def _side(
        self,
        own: Float[Tensor, "all width"],
        other: Float[Tensor, "all width"],
        pair: Pair,
        texts: tuple[Int[Tensor, "all"], Int[Tensor, "all"]] | None,
    ) -> Float[Tensor, "batch"]:
        """l_x of this process's texts of one side, as if all pairs were positives."""
        row = torch.arange(len(pair.query), device=own.device)
        logits = cosines(own[pair.own], torch.cat([other, own])) / self.temperature
        left_out = torch.zeros_like(logits, dtype=torch.bool)
        if texts is not None:
            candidates = torch.cat([texts[1], texts[0]])
            left_out = (candidates == texts[0][pair.own, None]) | (candidates == texts[1][pair.own, None])
        place = row + pair.first
        left_out[row, len(other) + place] = True
        left_out[row, place] = False
        return logits.masked_fill(left_out, -inf).logsumexp(dim=1) - logits[row, place]


@checked_fields
@dataclass(frozen=True)
class CosineRegression(Objective):
    """Make the cosine of a pair equal to its score.

    l_i = (cos(q_i, k_i) - (s_i - low) / (high - low))^2

    Sentence-BERT (Reimers & Gurevych, 2019), section 3, regression objective, with scores mapped to [0, 1] as in
    its training on STS-B.
    """

    low: float = 0.0
    """The score of cosine 0."""
    high: float = 5.0
    """The score of cosine 1, above `low`."""

    scored: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        if not self.high > self.low:
            raise RecipeError(f"objective.high must be above objective.low ({self.low}), not {self.high}")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """Mean of l_i over this process's pairs; DataError for a score outside [low, high]."""
        assert pair.scores is not None
        outside = pair.scores[~((pair.scores >= self.low) & (pair.scores <= self.high))]
        if len(outside):
            raise DataError(
                f"score {outside[0].item():g} is outside [{self.low:g}, {self.high:g}]: "
                "set objective.low and objective.high to the range of the scores"
            )
        target = (pair.scores - self.low) / (self.high - self.low)
        return (_own_cosines(pair) - target).square().mean()


def _own_cosines(pair: Pair) -> Float[Tensor, "batch"]:
    return (normalize(pair.query, dim=1) * normalize(pair.key[pair.own], dim=1)).sum(dim=1)


def _disorder(similarity: Float[Tensor, "batch"], scores: Float[Tensor, "batch"], scale: float) -> Float[Tensor, ""]:
    """log(1 + sum over all i, j with s_i > s_j of exp(scale * (similarity_j - similarity_i)))."""

    def excess(part: slice) -> Float[Tensor, ""]:
        higher = scores[part, None] > scores[None, :]
        differences = scale * (similarity[None, :] - similarity[part, None])
        return torch.cat([similarity.new_full((1,), -inf), differences[higher]]).logsumexp(dim=0)

    terms = by_strip(excess, strips(len(similarity), len(similarity)))
    return torch.cat([similarity.new_zeros(1), terms]).logsumexp(dim=0)
