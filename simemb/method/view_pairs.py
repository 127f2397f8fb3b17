"""The input of the objective in a step: a `Pair` of queries and keys for every pair of views."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from simemb.distributed import gather, gather_numbers, rank, shares
from simemb.method.memory import BankState, NoiseState, QueueState
from simemb.method.objectives import Grades, Pair, Texts
from simemb.method.step_input import StepInput
from simemb.method.views import View, compared

Vectors = Mapping[int, Float[Tensor, "_ dim"]]
"""Vectors of the texts, by the index of their view; usually one for each example."""

Keys = Mapping[int, Float[Tensor, "_ key_dim"]]
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
    sides: Sides,
    examples: StepInput,
    views: tuple[View, ...],
    memory: QueueState | BankState | NoiseState | None,
    progress: float,
) -> list[Pair]:
    """A `Pair` for each pair of views; with a bank, one for each query view."""
    first = rank() * len(examples)
    if isinstance(memory, BankState):
        keys = memory.rows[gather_numbers(examples.rows)]
        return [
            Pair(query, keys, memory=memory.rows, first=first, others=gather(query), rows=examples.rows)
            for query in sides.queries.values()
        ]
    memory_keys, memory_texts = memory.read() if isinstance(memory, QueueState) else (None, None)
    hard = Negatives.of(examples, views)
    indices = compared(views)
    labels = None if examples.classes is None else gather_numbers(examples.classes)
    keys = {place: gather(sides.keys[place]) for place in sorted({j for _, j in indices})}
    queries = {place: gather(sides.queries[place]) for place in sorted({i for i, _ in indices})}
    texts = {place: gather_numbers(examples.texts[place]) for place in sorted({*queries, *keys})}
    negatives, negative_texts = hard.gather(sides.keys), hard.gather_numbers(examples.texts)
    return [
        Pair(
            query=sides.queries[i],
            key=keys[j],
            hard=negatives,
            memory=memory.against(queries[i], keys[j]) if isinstance(memory, NoiseState) else memory_keys,
            first=first,
            others=queries[i],
            scores=examples.scores,
            labels=labels,
            same=i == j,
            texts=Texts(texts[i], texts[j], negative_texts, memory_texts),
            guide=_guide_pair(examples.guide_vectors, i, j, hard, first) if examples.guide_vectors else None,
            progress=progress,
            owner=hard.owner,
            grades=_grades(examples, j, hard) if examples.grades else None,
        )
        for i, j in indices
    ]


@dataclass(frozen=True)
class Negatives:
    """The hard negatives of a step: the views that hold them, and the example of each in all processes.

    shares: by view of which an example has any number of texts, how many texts each process holds.
    """

    views: tuple[int, ...]
    shares: Mapping[int, tuple[int, ...]]
    owner: Int[Tensor, "negatives"] | None

    @classmethod
    def of(cls, examples: StepInput, views: tuple[View, ...]) -> "Negatives":
        """Those of this step."""
        places = tuple(place for place, view in enumerate(views) if view.negative)
        device, first = examples.rows.device, rank() * len(examples)
        one_each = torch.arange(len(examples), device=device)
        owners = [examples.owners.get(place, one_each) for place in places]
        held = {place: shares(len(examples.owners[place]), device) for place in places if place in examples.owners}
        gathered = [gather_numbers(own + first, held.get(place, ())) for place, own in zip(places, owners, strict=True)]
        return cls(places, held, torch.cat(gathered) if gathered else None)

    def gather(self, vectors: Vectors) -> Float[Tensor, "negatives dim"] | None:
        """Their vectors of all processes, one view after the other; None if no view holds any."""
        blocks = [gather(vectors[place], self.shares.get(place, ())) for place in self.views]
        return torch.cat(blocks) if blocks else None

    def gather_numbers(self, numbers: Sequence[Int[Tensor, "_"]]) -> Int[Tensor, "negatives"] | None:
        """Their numbers in the same order, by view."""
        blocks = [gather_numbers(numbers[place], self.shares.get(place, ())) for place in self.views]
        return torch.cat(blocks) if blocks else None


def _grades(examples: StepInput, j: int, hard: Negatives) -> Grades:
    """The scores of this process's keys, and of the negatives of all processes."""
    negatives = hard.gather({place: examples.grades[place][:, None] for place in hard.views})
    key = examples.grades[j]
    return Grades(key, key[:0] if negatives is None else negatives[:, 0])


def _guide_pair(vectors: Vectors, i: int, j: int, hard: Negatives, first: int) -> Pair:
    """The guide's vectors of the same pair of views."""
    others, negatives = gather(vectors[i]), hard.gather(vectors)
    return Pair(vectors[i], gather(vectors[j]), negatives, first=first, others=others, owner=hard.owner)


def signal_pair(
    sides: Sides, examples: StepInput, views: tuple[View, ...], memory: QueueState | BankState | NoiseState | None
) -> tuple[Float[Tensor, "batch dim"], Float[Tensor, "batch dim"] | None]:
    """Query and key from which signals are computed; no key of a teacher of another width, or of one view alone."""
    if isinstance(memory, BankState):
        return next(iter(sides.queries.values())).detach(), memory.rows[examples.rows]
    i, j = compared(views)[0]
    query, key = sides.queries[i].detach(), sides.keys[j].detach()
    return query, key if i != j and key.shape == query.shape else None
