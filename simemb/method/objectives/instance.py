"""Instance discrimination, as in the first papers of the field: against a memory bank, or within the batch.

Both normalize their vectors to unit length. Their negatives are the other examples of the bank or of the batch.
"""

from dataclasses import dataclass
from math import inf, log

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import log_softmax, normalize, softplus

from simemb.arguments import checked_fields
from simemb.method.deferral import deferrable
from simemb.method.objectives.base import Objective, Pair, above_zero, at_least
from simemb.method.objectives.row_blocks import by_query, by_strip, strips


@checked_fields
@dataclass(frozen=True)
class NCE(Objective):
    """Distinguish the bank's vector of each example from vectors drawn at random from the bank.

    P(i|v) = exp(v . f_i / t) / Z
    h(i, v) = P(i|v) / (P(i|v) + m / n)
    l_i = -log h(i, v) - sum over m draws j of log(1 - h(j, v)) + lambda |v - f_i|^2

    v: the normalized query; f: the n unit rows of the bank, where row i is the example's own as of its last update. The
    draws of each query are uniform over all n rows, with replacement, as in the released code
    (zhirongw/lemniscate.pytorch): i itself may be drawn, and the bank may have fewer than m rows.

    Wu et al., 2018, sections 3.2 (eq. 4, 6, 7, and 8 for Z) and 3.3 (eq. 9, 10). Z is n times the mean of
    exp(v . f_j / t) over m draws, computed once, from the first batch. The released code includes the own row in
    that mean and has no proximal term.
    """

    temperature: float = 0.07
    """t > 0, in cosine units."""
    draws: int = 4096
    """m, at least 1: number of rows of the bank that are drawn as noise for each query."""
    proximal: float = 10.0
    """lambda, at least 0: weight of the distance from a vector to its row of the bank. The paper names no default and
    the released code has no such term. With 10, 2 lambda is of the size of 1 / t, the pull of the positive (for unit
    vectors the term is 2 lambda (1 - v . f_i))."""

    negatives = True
    banked = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "temperature")
        at_least(1, self, "draws")
        at_least(0, self, "proximal")

    def build(self, width: int) -> "NCELoss":  # noqa: ARG002
        """The loss with its normalizing constant."""
        return NCELoss(self)


class NCELoss(nn.Module):
    """The loss of `NCE`, with log Z as a buffer, which is minus infinity (Z = 0) until the first batch."""

    log_normalizer: Tensor

    def __init__(self, spec: NCE):
        super().__init__()
        self.spec = spec
        self.register_buffer("log_normalizer", torch.tensor(-inf))

    def forward(self, pair: Pair) -> Float[Tensor, ""]:
        """Mean of l_i over the queries. pair.key: the bank's rows of the examples; pair.memory: the whole bank."""
        bank = pair.memory
        assert bank is not None
        if self.log_normalizer.isinf():
            self._estimate(normalize(pair.queries.detach(), dim=1), bank)
        return by_query(self._mean, pair)

    def _mean(self, pair: Pair) -> Float[Tensor, ""]:
        bank = pair.memory
        assert bank is not None
        query, own = normalize(pair.query, dim=1), pair.key[pair.own]
        draws = torch.randint(len(bank), (len(query), self.spec.draws), device=bank.device)
        # One copy of each row drawn: the bank may be far larger, and may change before the backward pass.
        rows, place = draws.unique(return_inverse=True)
        noise = (query @ bank[rows].T).gather(1, place)
        # h is the sigmoid of log P - log(m / n), so no exponential overflows and no logarithm is of 0.
        positive = softplus(-self._log_odds((query * own).sum(dim=1), len(bank)))
        negative = softplus(self._log_odds(noise, len(bank))).sum(dim=1)
        distance = (query - own).square().sum(dim=1)
        return (positive + negative + self.spec.proximal * distance).mean()

    def _log_odds(self, cosine: Float[Tensor, "..."], rows: int) -> Float[Tensor, "..."]:
        """log(h / (1 - h)) = log P - log(m / n)."""
        return cosine / self.spec.temperature - self.log_normalizer - log(self.spec.draws / rows)

    def _estimate(self, queries: Float[Tensor, "all dim"], bank: Float[Tensor, "memory dim"]) -> None:
        """Eq. 8, a mean over the queries of all processes, with a fixed seed, so that all compute the same Z."""
        rows = torch.randint(len(bank), (self.spec.draws,), generator=torch.Generator().manual_seed(0))
        noise = bank[rows.to(bank.device)].T / self.spec.temperature
        parts = strips(len(queries), self.spec.draws)
        total = by_strip(lambda part: (queries[part] @ noise).flatten().logsumexp(0), parts).logsumexp(0)
        self.log_normalizer.copy_(total + log(len(bank) / (len(queries) * self.spec.draws)))


@checked_fields
@dataclass(frozen=True)
class InvariantSpread(Objective):
    """Classify each augmented example as its original, and no other original as that one.

    P(i | x'_i) = exp(f_i . f'_i / t) / sum over k of exp(f_k . f'_i / t)
    P(i | x_j) = exp(f_i . f_j / t) / sum over k of exp(f_k . f_j / t)
    l_i = -log P(i | x'_i) - sum over j != i of log(1 - P(i | x_j))

    f: originals (queries), f': augmented (keys), all unit vectors. Both sums over k run over all originals, so the
    second one includes f_j itself.

    Ye et al., 2019, section 3.2, eq. 2, 3, 5 and 6, divided by the number of examples. The released code
    (mangye16/Unsupervised_Embedding_Learning) treats both views alike in one batch of twice the size, leaves a
    vector's product with itself out of its sum, and stops the gradient on one side of every product.
    """

    temperature: float = 0.1
    """t > 0, in cosine units."""

    negatives = True

    @deferrable
    def __post_init__(self) -> None:
        above_zero(self, "temperature")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """Mean of l_i over the queries. pair.query: originals; pair.key: the same examples augmented."""
        originals, augmentations = normalize(pair.queries, dim=1), normalize(pair.key[pair.own], dim=1)

        def invariance(part: slice) -> Float[Tensor, ""]:
            logits = log_softmax(augmentations[part] @ originals.T / self.temperature, dim=1)
            return logits.diagonal(pair.first + part.start).sum()

        def separation(part: slice) -> Float[Tensor, ""]:
            confusion = (originals[part] @ originals.T / self.temperature).softmax(dim=1)
            row = torch.arange(len(confusion), device=confusion.device)
            confusion = confusion.index_put((row, row + part.start), confusion.new_zeros(()))[:, pair.own]
            # Off the diagonal no P(i | x_j) exceeds 1/2, since f_j . f_j in its sum is at least as large.
            return torch.log1p(-confusion).sum()

        invariant = by_strip(invariance, strips(len(augmentations), len(originals)))
        spread = by_strip(separation, strips(len(originals), len(originals)))
        return -(invariant.sum() + spread.sum()) / len(augmentations)
