"""A ragged batch: the token sequences of several sentences laid end to end, with no padding anywhere.

Sentences are sorted by length, so that those of equal length form *runs* and everything that works per
sentence (attention, pooling) can be done with one dense call per run.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

Runs: TypeAlias = tuple[tuple[int, int], ...]
"""(sentences, tokens per sentence) of every run of equal lengths, in the order of the batch."""


@dataclass(frozen=True)
class Batch:
    """Sentences as token ids, sorted by length, shortest first.

    ids: the tokens of all sentences, end to end.
    positions: the place of each token in its sentence, counted from 0 whatever the model's family.
    lengths: tokens of each sentence, ascending, each at least 1.
    order: the caller's row of each sentence; `restore` undoes the sorting.
    precomputed_starts: the value of `starts`, where it exists already; by default it follows from `lengths`.
    """

    ids: Int[Tensor, "tokens"]
    positions: Int[Tensor, "tokens"]
    lengths: tuple[int, ...]
    order: Int[Tensor, "batch"]
    precomputed_starts: Int[Tensor, "batch_and_one"] | None = None

    def __post_init__(self) -> None:
        if self.precomputed_starts is not None and len(self.precomputed_starts) != len(self.lengths) + 1:
            raise ValueError("a batch needs one start per sentence, and the end of the last")

    @classmethod
    def collate(
        cls,
        sentences: Sequence[Sequence[int] | NDArray[np.integer[Any]]],
        positions: Sequence[Sequence[int] | NDArray[np.integer[Any]]] | None = None,
    ) -> "Batch":
        """Lay sentences (each a sequence of at least one token id) end to end, sorted by length.

        positions: of every token, as many as there are ids; by default 0, 1, 2 ... in each sentence. The
        sort is stable, so equal input gives an equal batch.

        >>> Batch.collate([[7, 8, 9], [5]]).ids.tolist()
        [5, 7, 8, 9]
        """
        lengths = np.fromiter((len(sentence) for sentence in sentences), np.int64, len(sentences))
        if not len(lengths) or not lengths.min():
            raise ValueError("a batch needs at least one sentence, and every sentence at least one token")
        order = np.argsort(lengths, kind="stable")
        ordered = lengths[order]
        ids = np.concatenate([np.asarray(sentences[row], dtype=np.int64) for row in order])
        if positions is None:
            places = np.arange(len(ids)) - np.repeat(np.cumsum(ordered) - ordered, ordered)
        else:
            places = np.concatenate([np.asarray(positions[row], dtype=np.int64) for row in order])
        return cls(
            ids=torch.from_numpy(ids),
            positions=torch.from_numpy(places),
            lengths=tuple(ordered.tolist()),
            order=torch.from_numpy(order),
        )

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def runs(self) -> Runs:
        """(sentences, tokens per sentence) of every run of equal lengths."""
        return tuple((len(list(group)), length) for length, group in groupby(self.lengths))

    @cached_property
    def starts(self) -> Int[Tensor, "batch_and_one"]:
        """Where each sentence begins, and the end of the last, as attention kernels expect it."""
        if self.precomputed_starts is not None:
            return self.precomputed_starts
        return torch.from_numpy(np.cumsum((0, *self.lengths), dtype=np.int32)).to(self.ids.device, non_blocking=True)

    @cached_property
    def firsts(self) -> Int[Tensor, "batch"]:
        """Where each sentence begins."""
        return self.starts[:-1].long()

    @property
    def segments(self) -> Int[Tensor, "tokens"]:
        """The caller's row of the sentence that each token belongs to."""
        lengths = torch.tensor(self.lengths, device=self.ids.device)
        return torch.repeat_interleave(self.order, lengths)

    def to(self, device: torch.device | str) -> "Batch":
        """The same batch on another device."""
        return self._copied(lambda tensor: tensor.to(device, non_blocking=True))

    def pin_memory(self) -> "Batch":
        """The same batch in page-locked memory, from which a GPU copies it while it computes."""
        return self._copied(Tensor.pin_memory)

    def _copied(self, copy: Callable[[Tensor], Tensor]) -> "Batch":
        """The starts go along: a GPU would otherwise have to wait for their copy from pageable memory."""
        return replace(
            self,
            ids=copy(self.ids),
            positions=copy(self.positions),
            order=copy(self.order),
            precomputed_starts=copy(self.starts),
        )

    def restore(self, rows: Float[Tensor, "batch *rest"]) -> Float[Tensor, "batch *rest"]:
        """Per-sentence results of this batch in the order in which the caller gave the sentences."""
        return rows.index_select(0, torch.argsort(self.order))

    def split(self, tokens: Float[Tensor, "tokens *rest"]) -> Iterator[Float[Tensor, "run length *rest"]]:
        """Token-wise results, run by run, as dense blocks."""
        return split_runs(tokens, self.runs)

    def by_length(self) -> list["Batch"]:
        """A batch for each run of equal lengths; `order` still holds the caller's rows."""
        batches: list[Batch] = []
        sentence = token = 0
        for count, length in self.runs:
            rows, tokens = slice(sentence, sentence + count), slice(token, token + count * length)
            batches.append(Batch(self.ids[tokens], self.positions[tokens], self.lengths[rows], self.order[rows]))
            sentence, token = rows.stop, tokens.stop
        return batches

    def parts(self, sizes: Sequence[int]) -> list["Batch"]:
        """The caller's first sentences, as many as the first of the sizes says, then the next, each a batch."""
        order, lengths = self.order.cpu().numpy(), np.array(self.lengths)
        batches: list[Batch] = []
        for end, size in zip(np.cumsum(sizes).tolist(), sizes, strict=True):
            kept = (order < end) & (order >= end - size)
            rows = torch.from_numpy(np.flatnonzero(kept)).to(self.ids.device)
            tokens = torch.from_numpy(np.flatnonzero(np.repeat(kept, lengths))).to(self.ids.device)
            left = tuple(lengths[kept].tolist())
            batches.append(Batch(self.ids[tokens], self.positions[tokens], left, self.order[rows] - (end - size)))
        return batches

    def pad(self, padding: int) -> tuple[Int[Tensor, "batch longest"], Int[Tensor, "batch longest"]]:
        """Token ids as a padded matrix, and the mask that is 1 for tokens and 0 for padding."""
        lengths = torch.tensor(self.lengths, device=self.ids.device)
        mask = torch.arange(self.lengths[-1], device=self.ids.device) < lengths[:, None]
        ids = torch.full(mask.shape, padding, dtype=self.ids.dtype, device=self.ids.device)
        ids[mask] = self.ids
        return ids, mask.long()


def split_runs(tokens: Float[Tensor, "tokens *rest"], runs: Runs) -> Iterator[Float[Tensor, "run length *rest"]]:
    """Token-wise values, run by run, as dense blocks.

    `split` and not slices: the backward of n slices fills n tensors of full size with zeros.
    """
    blocks = tokens.split([sentences * length for sentences, length in runs])
    for block, (sentences, length) in zip(blocks, runs, strict=True):
        yield block.unflatten(0, (sentences, length))
