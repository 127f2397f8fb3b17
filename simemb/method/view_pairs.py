"""What is compared in a step: queries and keys of every pair of views, put together for the objective."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from simemb.distributed import gather, gather_numbers, rank
from simemb.method.memory import BankState, QueueState
from simemb.method.objectives import Pair, Texts
from simemb.method.step_input import StepInput
from simemb.method.views import View, pairs

Vectors = Mapping[int, Float[Tensor, "batch dim"]]
"""Vectors of the examples, by view."""

Keys = Mapping[int, Float[Tensor, "batch key_dim"]]
"""The same of a second network or a teacher, which may have another width."""


@dataclass(frozen=True)
class Encoded:
    """What the networks made of some examples, before any head: the encoder, and the slow copy or the twin."""

    online: Vectors
    second: Keys


@dataclass(frozen=True)
class Sides:
    """What is compared: queries of this process, keys of this process, and what a queue will remember."""

    queries: Vectors
    keys: Keys
    remembered: Keys


def join(parts: list[Encoded]) -> Encoded:
    """The examples of several chunks as one."""
    if len(parts) == 1:
        return parts[0]
    online, second = ([getattr(part, side) for part in parts] for side in ("online", "second"))
    return Encoded(
        *({place: torch.cat([vectors[place] for vectors in side]) for place in side[0]} for side in (online, second))
    )


def pairs_of_step(
    sides: Sides, examples: StepInput, views: tuple[View, ...], memory: QueueState | BankState | None, progress: float
) -> list[Pair]:
    """What the objective sees: a `Pair` for each pair of views, or for each query view against a bank."""
    first = rank() * len(examples)
    if isinstance(memory, BankState):
        keys = memory.rows[gather_numbers(examples.rows)]
        return [
            Pair(query, keys, memory=memory.rows, first=first, others=gather(query), rows=examples.rows)
            for query in sides.queries.values()
        ]
    texts = gather_numbers(examples.texts.T).T
    held, held_texts = (None, None) if memory is None else memory.read()
    negatives = [place for place, view in enumerate(views) if view.negative]
    chosen = pairs(views)
    keys = {place: gather(sides.keys[place]) for place in sorted({j for _, j in chosen} | set(negatives))}
    queries = {place: gather(sides.queries[place]) for place in sorted({i for i, _ in chosen})}
    return [
        Pair(
            query=sides.queries[i],
            key=keys[j],
            hard=tuple(keys[place] for place in negatives),
            memory=held,
            first=first,
            others=queries[i],
            scores=examples.scores,
            texts=Texts(texts[i], texts[j], tuple(texts[place] for place in negatives), held_texts),
            guide=_guide_pair(examples.guide_vectors, i, j, negatives, first) if examples.guide_vectors else None,
            progress=progress,
        )
        for i, j in chosen
    ]


def _guide_pair(vectors: Vectors, i: int, j: int, negatives: list[int], first: int) -> Pair:
    """The same pair of views as the guide sees it."""
    hard = tuple(gather(vectors[place]) for place in negatives)
    return Pair(vectors[i], gather(vectors[j]), hard, first=first, others=gather(vectors[i]))


def signal_pair(
    sides: Sides, examples: StepInput, views: tuple[View, ...], memory: QueueState | BankState | None
) -> tuple[Float[Tensor, "batch dim"], Float[Tensor, "batch dim"] | None]:
    """Query and key to watch; the key of a teacher of another width cannot be compared."""
    if isinstance(memory, BankState):
        return next(iter(sides.queries.values())).detach(), memory.rows[examples.rows]
    i, j = pairs(views)[0]
    query, key = sides.queries[i].detach(), sides.keys[j].detach()
    return query, key if key.shape == query.shape else None
