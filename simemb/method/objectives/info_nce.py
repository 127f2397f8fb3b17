"""InfoNCE: classify the key of each query among other candidates.

Its options give NT-Xent, CLIP's symmetric loss, MoCo's loss with a queue, the decoupled contrastive loss, ArcCSE's loss
with an angular margin and MixCSE's mixed negatives.
"""

from dataclasses import KW_ONLY, dataclass, replace
from math import inf, isnan, log, pi
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from simemb.arguments import checked_fields
from simemb.errors import RecipeError
from simemb.method.deferral import deferrable
from simemb.method.objectives.base import Objective, Pair, Texts, above_zero, cosines
from simemb.method.objectives.difficulty import mixed_negatives, widen
from simemb.method.objectives.false_negatives import FalseNegatives, duplicates
from simemb.method.objectives.row_blocks import by_query


@checked_fields
@dataclass(frozen=True)
class InfoNCE(Objective):
    """Classify the key of each query among all other keys, the hard negatives and the memory.

    l_i = -log( exp(s(q_i, k_i) / t) / sum over all candidates c of exp(s(q_i, c) / t) )

    van den Oord et al., 2018, eq. 4; with hard negatives SimCSE (Gao et al., 2021), eq. 5. By default: one
    direction, N - 1 in-batch negatives, s the cosine. The loss is the mean of l_i over the queries.

    A candidate that is left out (`in_batch`, a duplicate, a false negative) has the logit minus infinity. A query
    without negatives has loss 0 and no gradient.
    """

    temperature: float = 0.05
    """t > 0, in units of the similarity."""
    hard_negative_weight: float = 0.0
    """Added to the logits of the query's own hard negatives only, with one each column N + i of row i, as in
    princeton-nlp/SimCSE. The alpha of the paper's eq. 8 is its exponential, so 0 means alpha = 1."""
    _: KW_ONLY
    similarity: Literal["cosine", "dot"] = "cosine"
    """s. With `dot` and a linear predictor the score is CPC's q W k (van den Oord et al., 2018, eq. 3)."""
    in_batch: bool = True
    """Whether the keys of other examples are negatives; if not, only hard negatives and the memory are, as in
    MoCo (He et al., 2020, algorithm 1)."""
    within_view: bool = False
    """Whether the other queries are negatives too. With two views that are both online and target this is NT-Xent
    with 2N - 2 negatives (Chen et al., 2020, eq. 1; ConSERT, Yan et al., 2021, eq. 1)."""
    symmetric: bool = False
    """Whether each key is also classified among queries, and the loss is the mean of both directions (CLIP, Radford et
    al., 2021, figure 3). Hard negatives and the memory are negatives of the queries only."""
    decoupled: bool = False
    """Whether the positive is left out of the denominator (decoupled contrastive learning, Yeh et al., 2022)."""
    learnt: bool = False
    """Whether the temperature is learnt, starting from `temperature` (CLIP)."""
    temperature_floor: float = 0.01
    """The lowest temperature that can be learnt, above 0; CLIP: 0.01."""
    mask_duplicates: bool = True
    """Whether to leave out candidates with the text of the query or of its key, the query's own hard negatives
    included, and keys of queries with the same text. The released codes of SimCSE, ESimCSE and ConSERT do not."""
    false_negatives: FalseNegatives | None = None
    """Which negatives to leave out because they are too close to the query."""
    hard_negatives: bool = True
    """Whether the hard negatives are in the denominator; if not, they are there for another term of a `Sum`."""
    angular_margin: float = 0.0
    """Angle in radians, from 0 to below pi / 2, by which the query is taken to be farther from its key than it is:
    cos(theta + m) stands for s(q_i, k_i) everywhere (ArcCSE, Zhang et al., 2022, https://arxiv.org/abs/2203.06875)."""
    mix: float | None = None
    """Whether each query has one more negative, mix * k_i + (1 - mix) * k_j without gradient, where j is the next
    example: the share of its own key, above 0 and below 1 (MixCSE, Zhang et al., 2022)."""

    negatives: ClassVar[bool] = True
    outsiders: ClassVar[bool] = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "temperature", "temperature_floor")
        if isnan(self.hard_negative_weight):
            raise RecipeError("objective.hard_negative_weight must be a number, not nan")
        if self.learnt and self.temperature < self.temperature_floor:
            raise RecipeError(
                f"objective.temperature must be at least objective.temperature_floor, {self.temperature_floor}, "
                f"to be learnt, not {self.temperature}"
            )
        if self.symmetric and not self.in_batch and not self.within_view:
            raise RecipeError("objective.symmetric needs objective.in_batch: the batch holds a key's only negatives")
        self._check_difficulty()

    def _check_difficulty(self) -> None:
        if not 0 <= self.angular_margin < pi / 2:
            raise RecipeError(
                f"objective.angular_margin must be in radians, at least 0 and below pi / 2, not {self.angular_margin}"
            )
        if self.angular_margin and self.similarity != "cosine":
            raise RecipeError("objective.angular_margin is an angle, which a dot product has not: similarity='cosine'")
        if self.mix is not None and not 0 < self.mix < 1:
            raise RecipeError(f"objective.mix must be above 0 and below 1, not {self.mix}")
        if self.mix is not None and not self.in_batch:
            raise RecipeError("objective.mix needs objective.in_batch: it mixes keys of the batch")

    @property
    def guided(self) -> bool:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Whether a guide judges its false negatives."""
        return self.false_negatives is not None and self.false_negatives.guided

    @property
    def takes_negatives(self) -> bool:
        """Whether hard negatives are in the denominator."""
        return self.hard_negatives

    def build(self, width: int) -> "InfoNCE | LearntTemperature":  # noqa: ARG002
        """The objective itself; with `learnt`, a module that holds the temperature."""
        return LearntTemperature(self) if self.learnt else self

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """The mean of l_i over this process's queries, with the constant `temperature`."""
        return self.scaled(pair, 1 / self.temperature)

    def scaled(self, pair: Pair, scale: float | Float[Tensor, ""]) -> Float[Tensor, ""]:
        """The same with a given 1 / t."""
        pair = pair if self.hard_negatives else without_hard_negatives(pair)
        return by_query(lambda block: self._mean(block, scale), pair)

    def _mean(self, pair: Pair, scale: float | Float[Tensor, ""]) -> Float[Tensor, ""]:
        if not self.symmetric:
            return self._one_way(pair, scale)
        return (self._one_way(pair, scale) + self._one_way(swap_sides(pair), scale)) / 2

    def _one_way(self, pair: Pair, scale: float | Float[Tensor, ""]) -> Float[Tensor, ""]:
        """-log(exp(s_ii) / sum_c exp(s_ic)) = log(sum_c exp(s_ic - s_ii)), which is accurate near 0."""
        candidates = self._columns(pair.key, pair.hard, pair.queries, pair.memory)
        similarities = cosines(pair.query, candidates) if self.similarity == "cosine" else pair.query @ candidates.T
        row, own = self._own(pair)
        if self.angular_margin:
            similarities = similarities.index_put((row, own), widen(similarities[row, own], self.angular_margin))
        logits = similarities * scale
        if self.hard_negative_weight and pair.hard is not None:
            own_negatives = self._own_negatives(pair, len(candidates))
            logits = logits + torch.zeros_like(logits).masked_fill(own_negatives, self.hard_negative_weight)
        mask = self._mask(pair, candidates)
        if self.mix is not None:
            mixed, left_out = mixed_negatives(pair, self.mix, mask, cosine=self.similarity == "cosine")
            logits, mask = torch.cat([logits, mixed * scale], dim=1), torch.cat([mask, left_out], dim=1)
        no_negatives = mask.all(dim=1)
        odds = (logits - logits[row, own][:, None]).masked_fill(mask & ~no_negatives[:, None], -inf)
        return odds.logsumexp(dim=1).masked_fill(no_negatives, 0).mean()

    def _columns(
        self,
        key: Shaped[Tensor, "all *width"],
        hard: Shaped[Tensor, "negatives *width"] | None,
        queries: Shaped[Tensor, "queries *width"],
        memory: Shaped[Tensor, "memory *width"] | None,
    ) -> Shaped[Tensor, "columns *width"]:
        """The blocks of candidates of a query, one after the other: their vectors, or their text numbers."""
        blocks = (key, hard, queries if self.within_view else None, memory)
        return torch.cat([block for block in blocks if block is not None])

    def _own(self, pair: Pair) -> tuple[Int[Tensor, "batch"], Int[Tensor, "batch"]]:
        """The rows, and the columns of their keys."""
        row = torch.arange(len(pair.query), device=pair.query.device)
        return row, row + pair.first

    def _own_negatives(self, pair: Pair, columns: int) -> Bool[Tensor, "batch columns"]:
        """Mask of each query's own hard negatives."""
        row, own = self._own(pair)
        mask = torch.zeros(len(row), columns, dtype=torch.bool, device=row.device)
        mask[:, len(pair.key) : len(pair.key) + len(pair.owners)] = pair.owners == own[:, None]
        return mask

    def _mask(self, pair: Pair, candidates: Float[Tensor, "columns width"]) -> Bool[Tensor, "batch columns"]:
        """Mask of the logits that do not enter the denominator."""
        row, own = self._own(pair)
        mask = torch.zeros(len(row), len(candidates), dtype=torch.bool, device=candidates.device)
        if self.false_negatives is not None:
            similarities = self._judge_cosines(pair, candidates, guided=self.false_negatives.guided)
            positive = similarities[row, own][:, None]
            mask[:, : similarities.shape[1]] = self.false_negatives.among(similarities, positive)
            mask &= ~self._own_negatives(pair, len(candidates))
        if not self.in_batch:
            mask[:, : len(pair.key)] = True
        if self.mask_duplicates and pair.texts is not None:
            texts = pair.texts
            numbers = self._columns(texts.key, texts.hard, texts.query, texts.memory)
            mask[:, : len(numbers)] |= duplicates(numbers, texts.query, texts.query[pair.own], texts.key[pair.own])
        if self.within_view:
            mask[row, own + len(pair.key) + len(pair.owners)] = mask.new_ones(())
        mask[row, own] = mask.new_full((), self.decoupled)  # new_full: a Python bool would make the GPU wait
        return mask

    def _judge_cosines(
        self, pair: Pair, candidates: Float[Tensor, "columns width"], *, guided: bool
    ) -> Float[Tensor, "batch cosines"]:
        """The cosines for the rule of false negatives; from a guide, without the last block, the memory."""
        if not guided:
            return cosines(pair.query.detach(), candidates.detach())
        guide = pair.guide
        if guide is None:
            raise RecipeError("objective.false_negatives.guided needs the recipe's guide: name an encoder there")
        return cosines(guide.query, self._columns(guide.key, guide.hard, guide.queries, None)).detach()


class LearntTemperature(nn.Module):
    """InfoNCE with log(1 / t) as a parameter, where t >= `temperature_floor` (CLIP, Radford et al., 2021, section 2.5).

    CLIP clamps the parameter after each optimizer step, this class before each use. The values used are the same, and
    a parameter at the limit still gets a gradient.
    """

    def __init__(self, objective: InfoNCE) -> None:
        super().__init__()
        self.objective = objective
        self.log_scale = nn.Parameter(torch.tensor(-log(objective.temperature), dtype=torch.float32))

    def forward(self, pair: Pair) -> Float[Tensor, ""]:
        """The loss at the current temperature."""
        with torch.no_grad():
            self.log_scale.clamp_(max=-log(self.objective.temperature_floor))
        return self.objective.scaled(pair, self.log_scale.exp())


def without_hard_negatives(pair: Pair) -> Pair:
    """The same pair without its hard negatives."""
    texts = pair.texts and replace(pair.texts, hard=None)
    return replace(pair, hard=None, owner=None, texts=texts, guide=pair.guide and without_hard_negatives(pair.guide))


def swap_sides(pair: Pair) -> Pair:
    """The same pair with queries and keys exchanged, without hard negatives and memory."""
    texts = pair.texts
    return replace(
        pair,
        query=pair.key[pair.own],
        key=pair.queries,
        others=pair.key,
        hard=None,
        owner=None,
        memory=None,
        texts=None if texts is None else Texts(query=texts.key, key=texts.query),
        guide=None if pair.guide is None else swap_sides(pair.guide),
    )
