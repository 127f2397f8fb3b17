"""Objectives: from query and key vectors to a scalar, one class each, mathematics only.

They know no model and no data, so each can be tested on two matrices.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from simemb.errors import RecipeError


@dataclass(frozen=True)
class InfoNCE:
    """Tell the key of each query from all other keys, the hard negatives and the memory.

    l_i = -log( exp(cos(q_i, k_i) / t) / sum over all candidates c of exp(cos(q_i, c) / t) )

    van den Oord et al., 2018, eq. 4; with hard negatives SimCSE (Gao et al., 2021), eq. 5. One direction,
    N - 1 in-batch negatives.
    """

    temperature: float = 0.05
    """t > 0, in cosine units."""
    hard_negative_weight: float = 0.0
    """A logit added to the column of the query's own hard negative only, position (i, N + i), as
    princeton-nlp/SimCSE does; the alpha of the paper's eq. 8 is its exponential, so 0 means alpha = 1."""

    needs_negatives = True

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise RecipeError(f"objective.temperature must be above 0, not {self.temperature}")

    def __call__(
        self,
        query: Float[Tensor, "batch dim"],
        key: Float[Tensor, "keys dim"],
        hard: Sequence[Float[Tensor, "keys dim"]] = (),
        memory: Float[Tensor, "memory dim"] | None = None,
        *,
        first: int = 0,
    ) -> Float[Tensor, ""]:
        """Mean of l_i over the queries.

        key, hard: one row per example of the whole batch, of which the queries are rows `first` to
        `first` + batch - 1 (the share of one process). memory: further negatives, older than the batch.
        """
        own = torch.arange(first, first + len(query), device=query.device)
        row = torch.arange(len(query), device=query.device)
        logits = [cosines(query, key) / self.temperature]
        for negatives in hard:
            block = cosines(query, negatives) / self.temperature
            weight = torch.full_like(row, self.hard_negative_weight, dtype=block.dtype)
            logits.append(block.index_put((row, own), weight, accumulate=True))
        if memory is not None and len(memory):
            logits.append(cosines(query, memory) / self.temperature)
        return cross_entropy(torch.cat(logits, dim=1), own)


def cosines(a: Float[Tensor, "rows dim"], b: Float[Tensor, "columns dim"]) -> Float[Tensor, "rows columns"]:
    """Cosine of every row of a with every row of b; 0 for a zero vector."""
    return normalize(a, dim=1) @ normalize(b, dim=1).T
