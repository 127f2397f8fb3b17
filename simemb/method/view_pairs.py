"""The input of the objective in a step: a `Pair` of queries and keys for every pair of views."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from simemb.distributed import gather, gather_numbers, rank
from simemb.method.memory import BankState, QueueState
from simemb.method.objectives import Pair, Texts
from simemb.method.step_input import StepInput
from simemb.method.views import View, compared

Vectors = Mapping[int, Float[Tensor, "batch dim"]]
"""Vectors of the examples, by the index of their view."""

Keys = Mapping[int, Float[Tensor, "batch key_dim"]]
"""The same of a second network or a teacher, whose width may differ."""


@dataclass(frozen=True)
class Encoded:
    """Vectors of some examples before any head: of the encoder, and of the slow copy or the twin."""

    online: Vectors
    second: Keys


@dataclass(frozen=True)
class Sides:
    """Vectors of this process after the heads: queries, keys, and the keys that enter a queue."""

    queries: Vectors
    keys: Keys
    queue_keys: Keys


def join(parts: list[Encoded]) -> Encoded:
    """The vectors of several chunks, joined."""
    if len(parts) == 1:
        return parts[0]
    online, second = ([getattr(part, side) for part in parts] for side in ("online", "second"))
    return Encoded(
        *({place: torch.cat([vectors[place] for vectors in side]) for place in side[0]} for side in (online, second))
    )


def pairs_of_step(
    sides: Sides, examples: StepInput, views: tuple[View, ...], memory: QueueState | BankState | None, progress: float
) -> list[Pair]:
    """A `Pair` for each pair of views; with a bank, one for each query view."""
    first = rank() * len(examples)
    if isinstance(memory, BankState):
        keys = memory.rows[gather_numbers(examples.rows)]
        return [
            Pair(query, keys, memory=memory.rows, first=first, others=gather(query), rows=examples.rows)
            for query in sides.queries.values()
        ]
    texts = gather_numbers(examples.texts.T).T
    memory_keys, memory_texts = (None, None) if memory is None else memory.read()
    negatives = [place for place, view in enumerate(views) if view.negative]
    indices = compared(views)
    labels = None if examples.classes is None else gather_numbers(examples.classes)
    keys = {place: gather(sides.keys[place]) for place in sorted({j for _, j in indices} | set(negatives))}
    queries = {place: gather(sides.queries[place]) for place in sorted({i for i, _ in indices})}
    return [
        Pair(
            query=sides.queries[i],
            key=keys[j],
            hard=tuple(keys[place] for place in negatives),
            memory=memory_keys,
            first=first,
            others=queries[i],
            scores=examples.scores,
            labels=labels,
            same=i == j,
            texts=Texts(texts[i], texts[j], tuple(texts[place] for place in negatives), memory_texts),
            guide=_guide_pair(examples.guide_vectors, i, j, negatives, first) if examples.guide_vectors else None,
            progress=progress,
        )
        for i, j in indices
    ]


def _guide_pair(vectors: Vectors, i: int, j: int, negatives: list[int], first: int) -> Pair:
    """The guide's vectors of the same pair of views."""
    hard = tuple(gather(vectors[place]) for place in negatives)
    return Pair(vectors[i], gather(vectors[j]), hard, first=first, others=gather(vectors[i]))


def signal_pair(
    sides: Sides, examples: StepInput, views: tuple[View, ...], memory: QueueState | BankState | None
) -> tuple[Float[Tensor, "batch dim"], Float[Tensor, "batch dim"] | None]:
    """Query and key from which signals are computed; no key of a teacher of another width, or of one view alone."""
    if isinstance(memory, BankState):
        return next(iter(sides.queries.values())).detach(), memory.rows[examples.rows]
    i, j = compared(views)[0]
    query, key = sides.queries[i].detach(), sides.keys[j].detach()
    return query, key if i != j and key.shape == query.shape else None
