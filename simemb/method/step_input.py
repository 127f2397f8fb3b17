"""The input of one training step: ragged batches of sentences, and the data of each example."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from simemb.transformer.batch import Batch


@dataclass(frozen=True)
class Chunk:
    """Examples that go through the networks at once.

    online: the sentences of every view that the encoder encodes, one view after the other. second: those for the slow
    copy or the twin. first, size: the chunk holds the examples `first` to `first + size - 1` of the batch.
    """

    online: Batch
    second: Batch | None
    first: int
    size: int


@dataclass(frozen=True)
class StepInput:
    """This process's share of one batch.

    chunks: the sentences; together all examples, in order. rows: the number of each example in the data. texts: for
    every view one number per text, equal exactly if the texts are. scores: those of the data, if the recipe needs
    them. teacher_vectors: by view, a frozen teacher's vectors of the texts. guide_vectors: the same of a guide.
    classes: the number of each example's class label, if the recipe needs them.
    source: which of several sources of the run they are from, counted from 0.
    """

    chunks: tuple[Chunk, ...]
    rows: Int[Tensor, "batch"]
    texts: Int[Tensor, "views batch"]
    scores: Float[Tensor, "batch"] | None = None
    teacher_vectors: Mapping[int, Float[Tensor, "batch teacher_dim"]] = field(default_factory=dict)
    guide_vectors: Mapping[int, Float[Tensor, "batch guide_dim"]] = field(default_factory=dict)
    classes: Int[Tensor, "batch"] | None = None
    source: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def sentences(self) -> int:
        """Number of sentences that go through the networks."""
        return sum(len(chunk.online) + len(chunk.second or ()) for chunk in self.chunks)

    def to(self, device: torch.device | str) -> "StepInput":
        """The same examples on another device."""
        return self._map(lambda batch: batch.to(device), lambda tensor: tensor.to(device, non_blocking=True))

    def pinned(self) -> "StepInput":
        """The same examples in pinned memory, from which a GPU copies while it computes."""
        return self._map(Batch.pin_memory, Tensor.pin_memory)

    def _map(self, batch: Callable[[Batch], Batch], tensor: Callable[[Tensor], Tensor]) -> "StepInput":
        return replace(
            self,
            chunks=tuple(
                replace(chunk, online=batch(chunk.online), second=chunk.second and batch(chunk.second))
                for chunk in self.chunks
            ),
            rows=tensor(self.rows),
            texts=tensor(self.texts),
            scores=None if self.scores is None else tensor(self.scores),
            classes=None if self.classes is None else tensor(self.classes),
            teacher_vectors={view: tensor(vectors) for view, vectors in self.teacher_vectors.items()},
            guide_vectors={view: tensor(vectors) for view, vectors in self.guide_vectors.items()},
        )
