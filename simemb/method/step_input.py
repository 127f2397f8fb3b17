"""The input of one training step: ragged batches of sentences, and the data of each example."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from simemb.transformer.batch import Batch


@dataclass(frozen=True)
class Chunk:
    """Examples that go through the networks at once.

    online: the sentences of every view that the encoder encodes, one view after the other. second: those for the slow
    copy or the twin. first, size: the chunk holds the examples `first` to `first + size - 1` of the batch. owners: by
    view of which an example has any number of texts, the example of each text, counted from the chunk's first; of other
    views every example has one. originals: the texts of `online` without prompts and augmentations, in the same order,
    where an auxiliary reads them.
    """

    online: Batch
    second: Batch | None
    first: int
    size: int
    owners: Mapping[int, Int[Tensor, "_"]] = field(default_factory=dict)
    originals: Batch | None = None

    def sizes(self, views: Sequence[int]) -> list[int]:
        """How many sentences the chunk has of each of these views."""
        return [len(self.owners[view]) if view in self.owners else self.size for view in views]


@dataclass(frozen=True)
class StepInput:
    """This process's share of one batch.

    chunks: the sentences; together all examples, in order. rows: the number of each example in the data. texts: for
    every view one number per text, equal exactly if the texts are, in the order of its vectors. scores: those of the
    data, if the recipe needs them. teacher_vectors: by view, a frozen teacher's vectors of the texts. guide_vectors:
    the same of a guide. grades: by view of keys or negatives, a reranker's scores of the texts with their queries.
    classes: the number of each example's class label, if the recipe needs them.
    source: which of several sources of the run they are from, counted from 0.
    """

    chunks: tuple[Chunk, ...]
    rows: Int[Tensor, "batch"]
    texts: Sequence[Int[Tensor, "_"]]
    scores: Float[Tensor, "batch"] | None = None
    teacher_vectors: Mapping[int, Float[Tensor, "_ teacher_dim"]] = field(default_factory=dict)
    guide_vectors: Mapping[int, Float[Tensor, "_ guide_dim"]] = field(default_factory=dict)
    grades: Mapping[int, Float[Tensor, "_"]] = field(default_factory=dict)
    classes: Int[Tensor, "batch"] | None = None
    source: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def owners(self) -> Mapping[int, Int[Tensor, "_"]]:
        """Those of the chunks, with the examples of this process counted from 0."""
        return {
            view: torch.cat([chunk.owners[view] + chunk.first for chunk in self.chunks])
            for view in self.chunks[0].owners
        }

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
                replace(
                    chunk,
                    online=batch(chunk.online),
                    second=chunk.second and batch(chunk.second),
                    owners={view: tensor(owners) for view, owners in chunk.owners.items()},
                    originals=chunk.originals and batch(chunk.originals),
                )
                for chunk in self.chunks
            ),
            rows=tensor(self.rows),
            texts=tuple(map(tensor, self.texts)),
            scores=None if self.scores is None else tensor(self.scores),
            classes=None if self.classes is None else tensor(self.classes),
            teacher_vectors={view: tensor(vectors) for view, vectors in self.teacher_vectors.items()},
            guide_vectors={view: tensor(vectors) for view, vectors in self.guide_vectors.items()},
            grades={view: tensor(scores) for view, scores in self.grades.items()},
        )
