"""A batch padded to a round number of tokens.

oneDNN compiles a kernel for every number of rows that it meets, and keeps a thousand of them: milliseconds each, and
hundreds of megabytes. The number of tokens is what differs most between ragged batches, so one sentence of token 0 is
inserted among the others, and its rows are removed again.
"""

from bisect import bisect_left
from dataclasses import replace

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from simemb.transformer.batch import Batch


def missing_tokens(tokens: int) -> int:
    """Tokens from here to the next number with zeros below its six highest bits: at most 3 %.

    >>> missing_tokens(63), missing_tokens(65), missing_tokens(4000)
    (0, 1, 32)
    """
    return -tokens % (1 << max(0, tokens.bit_length() - 6))


class Padding:
    """A batch with a padding sentence, which `insert` adds to token-wise values and `remove` removes.

    batch: with one sentence more, at the place of its length, or the given batch where no token is missing. enabled:
    False adds nothing, for products that oneDNN does not compute.
    """

    def __init__(self, batch: Batch, *, enabled: bool = True):
        self.count = missing_tokens(len(batch.ids)) if enabled else 0
        self.sentence = bisect_left(batch.lengths, self.count)
        self.token = sum(batch.lengths[: self.sentence])
        self.batch = self._padded(batch) if self.count else batch

    def _padded(self, batch: Batch) -> Batch:
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

    def insert(self, tokens: Shaped[Tensor, "tokens *rest"]) -> Shaped[Tensor, "padded *rest"]:
        """Token-wise values of the given batch, with zeros for the padding sentence."""
        if not self.count:
            return tokens
        return self._insert(tokens, tokens.new_zeros(self.count, *tokens.shape[1:]), self.token)

    def remove(self, rows: Float[Tensor, "padded dim"], *, first_only: bool) -> Float[Tensor, "rows dim"]:
        """Rows without those of the padding sentence; `first_only`: there is one row per sentence, not per token."""
        if not self.count:
            return rows
        place, count = (self.sentence, 1) if first_only else (self.token, self.count)
        before, _, after = rows.split([place, count, len(rows) - place - count])
        return torch.cat([before, after])

    @staticmethod
    def _insert(rows: Tensor, new: Tensor, place: int) -> Tensor:
        before, after = rows.split([place, len(rows) - place])
        return torch.cat([before, new, after])
