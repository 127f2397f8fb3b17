"""Telling single examples apart, as the first papers of the field did: against a memory bank, or within the batch.

Both make unit vectors of what they are given, and their negatives are all other examples that they can see.
"""

from dataclasses import dataclass
from math import inf, log

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import log_softmax, normalize, softplus

from simemb.method.objectives.base import Objective, Pair, above_zero, at_least
from simemb.method.objectives.row_blocks import by_query, by_strip, strips


@dataclass(frozen=True)
class NCE(Objective):
    """Tell the bank's vector of each example from vectors drawn at random out of the bank.

    P(i|v) = exp(v . f_i / t) / Z
    h(i, v) = P(i|v) / (P(i|v) + m / n)
    l_i = -log h(i, v) - sum over m draws j of log(1 - h(j, v)) + lambda |v - f_i|^2

    v: the query, made a unit vector; f: the n unit rows of the bank, where i is the example's own row of one update
    ago. The draws are uniform over all n rows and with replacement, for every query anew, as in the released code
    (zhirongw/lemniscate.pytorch): i itself may be drawn, and a bank of fewer than m rows changes nothing.

    Wu et al., 2018, sections 3.2 (eq. 4, 6, 7, and 8 for Z) and 3.3 (eq. 9, 10). Z is n times the mean of
    exp(v . f_j / t) over m draws, taken from the first batch and kept. The released code counts the own row in
    that mean and has no proximal term.
    """

    temperature: float = 0.07
    """t > 0, in cosine units."""
    draws: int = 4096
    """m, at least 1: how many rows of the bank stand for noise."""
    proximal: float = 10.0
    """lambda, at least 0: how strongly a vector is held to its row of the bank. Our choice, since the paper names no
    default and the released code has no such term: 2 lambda is then of the size of 1 / t, the pull of the positive
    (for unit vectors the term is 2 lambda (1 - v . f_i))."""

    negatives = True
    banked = True

    def __post_init__(self) -> None:
        above_zero(self, "temperature")
        at_least(1, self, "draws")
        at_least(0, self, "proximal")

    def build(self, width: int) -> "NCELoss":  # noqa: ARG002
        """The loss with its normalizing constant."""
        return NCELoss(self)


class NCELoss(nn.Module):
    """`NCE`, and log Z, which is minus infinity (Z = 0) until the first batch."""

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
        drawn = torch.randint(len(bank), (len(query), self.spec.draws), device=bank.device)
        # Copies of the rows drawn, each once: the bank may be far larger, and may change before the backward pass.
        drawn, place = drawn.unique(return_inverse=True)
        noise = (query @ bank[drawn].T).gather(1, place)
        # h is the sigmoid of log P - log(m / n): no exponential that could overflow, no logarithm of 0.
        positive = softplus(-self._log_odds((query * own).sum(dim=1), len(bank)))
        negative = softplus(self._log_odds(noise, len(bank))).sum(dim=1)
        moved = (query - own).square().sum(dim=1)
        return (positive + negative + self.spec.proximal * moved).mean()

    def _log_odds(self, cosine: Float[Tensor, "..."], rows: int) -> Float[Tensor, "..."]:
        """log(h / (1 - h)) = log P - log(m / n)."""
        return cosine / self.spec.temperature - self.log_normalizer - log(self.spec.draws / rows)

    def _estimate(self, queries: Float[Tensor, "all dim"], bank: Float[Tensor, "memory dim"]) -> None:
        """Eq. 8, a mean over the queries of all processes; with draws of its own, so that all find the same Z."""
        drawn = torch.randint(len(bank), (self.spec.draws,), generator=torch.Generator().manual_seed(0))
        noise = bank[drawn.to(bank.device)].T / self.spec.temperature
        parts = strips(len(queries), self.spec.draws)
        total = by_strip(lambda part: (queries[part] @ noise).flatten().logsumexp(0), parts).logsumexp(0)
        self.log_normalizer.copy_(total + log(len(bank) / (len(queries) * self.spec.draws)))


@dataclass(frozen=True)
class InvariantSpread(Objective):
    """Recognize the augmented example as its original, and no other original as that one.

    P(i | x'_i) = exp(f_i . f'_i / t) / sum over k of exp(f_k . f'_i / t)
    P(i | x_j) = exp(f_i . f_j / t) / sum over k of exp(f_k . f_j / t)
    l_i = -log P(i | x'_i) - sum over j != i of log(1 - P(i | x_j))

    f: originals (queries), f': augmented (keys), all unit vectors. Both sums over k run over all originals, so the
    second one holds f_j itself.

    Ye et al., 2019, section 3.2, eq. 2, 3, 5 and 6, divided by the number of examples. The released code
    (mangye16/Unsupervised_Embedding_Learning) treats both views alike in one batch of twice the size, leaves a
    vector's product with itself out of its sum, and stops the gradient on one side of every product.
    """

    temperature: float = 0.1
    """t > 0, in cosine units."""

    negatives = True

    def __post_init__(self) -> None:
        above_zero(self, "temperature")

    def __call__(self, pair: Pair) -> Float[Tensor, ""]:
        """Mean of l_i over the queries. pair.query: originals; pair.key: the same examples augmented."""
        originals, augmented = normalize(pair.queries, dim=1), normalize(pair.key[pair.own], dim=1)

        def recognized(part: slice) -> Float[Tensor, ""]:
            logits = log_softmax(augmented[part] @ originals.T / self.temperature, dim=1)
            return logits.diagonal(pair.first + part.start).sum()

        def kept_apart(part: slice) -> Float[Tensor, ""]:
            mistaken = (originals[part] @ originals.T / self.temperature).softmax(dim=1)
            row = torch.arange(len(mistaken), device=mistaken.device)
            mistaken = mistaken.index_put((row, row + part.start), mistaken.new_zeros(()))[:, pair.own]
            # Off the diagonal no P(i | x_j) exceeds 1/2, since f_j . f_j in its sum is at least as large.
            return torch.log1p(-mistaken).sum()

        invariant = by_strip(recognized, strips(len(augmented), len(originals)))
        spread = by_strip(kept_apart, strips(len(originals), len(originals)))
        return -(invariant.sum() + spread.sum()) / len(augmented)
