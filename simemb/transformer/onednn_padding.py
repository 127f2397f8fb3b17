"""A batch filled up to a round number of tokens.

oneDNN compiles a kernel for every number of rows that it meets, and keeps a thousand of them: milliseconds each, and
hundreds of megabytes. Ragged batches differ in nothing more than in their number of tokens, so one sentence of no
meaning is laid among the others, and taken out again.
"""

from bisect import bisect_left
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from simemb.transformer.batch import Batch


def missing(tokens: int) -> int:
    """How many tokens are missing to the next number whose six highest bits alone are not zero: 3 % at most.

    >>> missing(63), missing(65), missing(4000)
    (0, 1, 32)
    """
    return -tokens % (1 << max(0, tokens.bit_length() - 6))


class Filling:
    """A batch with its filling, and the way in and out of it.

    batch: with one sentence more, where its length has its place, or as it was where nothing is missing. able: False
    fills nothing, for who does not compute by oneDNN.
    """

    def __init__(self, batch: Batch, *, able: bool = True):
        self.count = missing(len(batch.ids)) if able else 0
        self.sentence = bisect_left(batch.lengths, self.count)
        self.token = sum(batch.lengths[: self.sentence])
        self.batch = self._filled(batch) if self.count else batch

    def _filled(self, batch: Batch) -> Batch:
        zeros = batch.ids.new_zeros(self.count)
        lengths = (*batch.lengths[: self.sentence], self.count, *batch.lengths[self.sentence :])
        return replace(
            batch,
            ids=self._insert(batch.ids, zeros, self.token),
            positions=self._insert(batch.positions, zeros, self.token),
            lengths=lengths,
            order=self._insert(batch.order, batch.order.new_full((1,), len(batch)), self.sentence),
            precomputed_starts=None,
        )

    def put(self, tokens: Float[Tensor, "tokens dim"]) -> Float[Tensor, "filled dim"]:
        """Tokens of the batch, with zeros for the filling."""
        if not self.count:
            return tokens
        return self._insert(tokens, tokens.new_zeros(self.count, tokens.shape[1]), self.token)

    def take(self, rows: Float[Tensor, "filled dim"], *, first_only: bool) -> Float[Tensor, "rows dim"]:
        """Rows without those of the filling; `first_only`: one row a sentence, not one a token."""
        if not self.count:
            return rows
        place, count = (self.sentence, 1) if first_only else (self.token, self.count)
        before, _, after = rows.split([place, count, len(rows) - place - count])
        return torch.cat([before, after])

    @staticmethod
    def _insert(rows: Tensor, new: Tensor, place: int) -> Tensor:
        before, after = rows.split([place, len(rows) - place])
        return torch.cat([before, new, after])
