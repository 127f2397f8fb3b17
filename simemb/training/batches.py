"""Which examples each batch takes, and of which source: all of it from the seed and the number of the step.

So a run that is resumed needs no state of a sampler, and several processes agree without communication.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from simemb.method.recipe import Recipe
from simemb.training.random_seeds import seed_of

PARTS = "data.parts"
"""Where recipe.json and metrics.jsonl speak of each of several data."""


class Batches(Protocol):
    """The batches of a pass over the examples of one source."""

    count: int
    """Batches of a pass; the same for every pass."""

    def size(self, number: int) -> int:
        """How many examples a batch has."""
        ...

    def batch(self, number: int, *, of_pass: int) -> list[int]:
        """The examples of a batch, by their numbers in the data."""
        ...


class Shuffled:
    """All examples once a pass, in an order of its own.

    largest: examples of every batch but the last one of a pass, which is left out if it has fewer than `least`.
    stream: what sets the random numbers of a source apart from those of others; empty for a single one.
    """

    def __init__(self, examples: int, largest: int, *, seed: int, least: int = 1, stream: tuple[int, ...] = ()):
        self.examples, self.largest, self.seed, self.stream = examples, largest, seed, stream
        whole, rest = divmod(examples, largest)
        self.count = whole + (rest >= least)
        self._pass, self._order = -1, torch.empty(0)

    def size(self, number: int) -> int:
        """How many examples a batch has."""
        return min(self.largest, self.examples - number * self.largest)

    def batch(self, number: int, *, of_pass: int) -> list[int]:
        """The examples of a batch, by their numbers in the data."""
        if of_pass != self._pass:
            generator = torch.Generator().manual_seed(seed_of(self.seed, of_pass, *self.stream))
            self._pass, self._order = of_pass, torch.randperm(self.examples, generator=generator)
        return self._order[number * self.largest : (number + 1) * self.largest].tolist()


class ByLabel:
    """All texts once a pass, with several of a label in a batch (PK batches, Hermans et al., 2017, section 2).

    The texts of a label are drawn in an order of their own and taken `several` at a time; what is missing to the last
    of these groups comes again from the first. A label with fewer texts gives those it has. The groups of a label are
    spread over the pass, so that each batch holds labels as often as the data do, a rare one with all of its group.
    Where a batch ends, its last group may be cut.
    """

    def __init__(
        self,
        labels: NDArray[np.int64],
        largest: int,
        several: int,
        *,
        seed: int,
        least: int = 1,
        stream: tuple[int, ...] = (),
    ):
        self.texts = [np.flatnonzero(labels == label) for label in np.unique(labels)]
        self.largest, self.several, self.seed, self.stream = largest, several, seed, stream
        self.examples = sum(len(self._filled(texts)) for texts in self.texts)
        whole, rest = divmod(self.examples, largest)
        self.count = whole + (rest >= least)
        self._pass, self._order = -1, np.empty(0, np.int64)

    def size(self, number: int) -> int:
        """How many examples a batch has."""
        return min(self.largest, self.examples - number * self.largest)

    def batch(self, number: int, *, of_pass: int) -> list[int]:
        """The examples of a batch, by their numbers in the data."""
        if of_pass != self._pass:
            self._pass, self._order = of_pass, self._drawn(of_pass)
        return self._order[number * self.largest : (number + 1) * self.largest].tolist()

    def _drawn(self, of_pass: int) -> NDArray[np.int64]:
        dice = np.random.default_rng(seed_of(self.seed, of_pass, *self.stream))
        places: list[float] = []
        groups: list[NDArray[np.int64]] = []
        for texts in self.texts:
            drawn = self._filled(dice.permutation(texts))
            count = ceil(len(drawn) / self.several)
            groups += np.array_split(drawn, count)
            places += ((np.arange(count) + dice.random(count)) / count).tolist()
        return np.concatenate([groups[place] for place in np.argsort(places, kind="stable")])

    def _filled(self, texts: NDArray[np.int64]) -> NDArray[np.int64]:
        """The texts of a label and, if they fill a group, the first ones again until all groups are full."""
        missing = -len(texts) % self.several if len(texts) > self.several else 0
        return np.concatenate([texts, texts[:missing]])


@dataclass(frozen=True)
class Schedule:
    """The optimizer steps of a run. batches: those of an epoch."""

    batches: int
    recipe: Recipe

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps of an epoch; the last one may have fewer batches than the others."""
        return ceil(self.batches / self.recipe.accumulate)

    @property
    def steps(self) -> int:
        """Optimizer steps of the run."""
        steps = self.steps_per_epoch * self.recipe.epochs
        return min(steps, self.recipe.max_steps or steps)

    def of_step(self, step: int) -> tuple[int, range]:
        """The epoch of a step, and the numbers of its batches there."""
        epoch, within = divmod(step, self.steps_per_epoch)
        first = within * self.recipe.accumulate
        return epoch, range(first, min(first + self.recipe.accumulate, self.batches))

    def done(self, step: int) -> tuple[int, int]:
        """Whole epochs before a step, and the batches of the next one that were taken before it."""
        epoch, within = divmod(step, self.steps_per_epoch)
        return epoch, min(within * self.recipe.accumulate, self.batches)


@dataclass(frozen=True)
class Seen:
    """How much of one source a run has seen: batches, examples of all processes, and passes over it ("epochs")."""

    name: str
    batches: int
    examples: int
    epochs: float

    def amount(self) -> str:
        """In words.

        >>> Seen("pairs.tsv", 30, 1920, 1.5).amount()
        '30 batches, 1,920 examples, 1.50 epochs'
        >>> Seen("pairs.tsv", 1, 8, 0.2).amount()
        '1 batch, 8 examples, 0.20 epochs'
        """
        counts = ((self.batches, "batch", "batches"), (self.examples, "example", "examples"))
        words = [f"{count:,} {one if count == 1 else more}" for count, one, more in counts]
        return f"{', '.join(words)}, {self.epochs:.2f} epochs"


def numbers_of(seen: Sequence[Seen]) -> dict[str, float]:
    """What metrics.jsonl says about it, under the names that recipe.json has for the sources.

    >>> numbers_of([Seen("pairs.tsv", 30, 1920, 1.5)])
    {'data.parts.0.batches': 30, 'data.parts.0.examples': 1920, 'data.parts.0.epochs': 1.5}
    """
    names = ("batches", "examples", "epochs")
    return {f"{PARTS}.{place}.{name}": getattr(one, name) for place, one in enumerate(seen) for name in names}


@dataclass(frozen=True)
class Turn:
    """A batch of a run of several sources: the source, the pass over it, and the number of the batch in that pass."""

    source: int
    of_pass: int
    number: int


class Turns:
    """Whose turn it is: the sources of the batches of every epoch.

    An epoch holds `shares[k]` batches of source k. proportional: those of one pass over each source or, with weights,
    as many batches, divided by the weights; in an order drawn for the epoch. round_robin: one of each in turn until
    the largest has been seen; until_smallest: until the smallest has. A source that ends begins again in another
    order, and what an epoch leaves of it comes first in the next one.
    """

    def __init__(self, passes: tuple[int, ...], recipe: Recipe, *, seed: int):
        self.passes, self.seed, self.in_turn = passes, seed, recipe.mix != "proportional"
        if self.in_turn:
            self.shares = (max(passes) if recipe.mix == "round_robin" else min(passes),) * len(passes)
        else:
            self.shares = divided(sum(passes), recipe.weights) if recipe.weights else passes
        self.count = sum(self.shares)
        self._epoch = -1
        self._sources = self._numbers = np.empty(0, np.int64)

    def turn(self, epoch: int, number: int) -> Turn:
        """The source of a batch of an epoch."""
        self._order(epoch)
        source = int(self._sources[number])
        of_pass, within = divmod(epoch * self.shares[source] + int(self._numbers[number]), self.passes[source])
        return Turn(source, of_pass, within)

    def taken(self, epochs: int, batches: int) -> tuple[int, ...]:
        """By source, its batches in so many epochs and the first batches of the next one."""
        if batches:
            self._order(epochs)
        first = np.bincount(self._sources[:batches], minlength=len(self.shares)) if batches else [0] * len(self.shares)
        return tuple(epochs * share + int(more) for share, more in zip(self.shares, first, strict=True))

    def _order(self, epoch: int) -> None:
        """Draw the sources of the batches of an epoch, unless it is the last one that was asked for."""
        if epoch == self._epoch:
            return
        sources: NDArray[np.int64] = np.repeat(np.arange(len(self.shares)), self.shares)
        if self.in_turn:
            sources = np.tile(np.arange(len(self.shares)), self.shares[0])
        else:
            np.random.default_rng(seed_of(self.seed, epoch, *self.shares)).shuffle(sources)
        numbers = np.empty_like(sources)
        for source in range(len(self.shares)):
            (places,) = np.nonzero(sources == source)
            numbers[places] = np.arange(len(places))
        self._epoch, self._sources, self._numbers = epoch, sources, numbers


def divided(batches: int, weights: tuple[float, ...]) -> tuple[int, ...]:
    """Batches in proportion to weights, by the largest remainders; each source gets one at least.

    >>> divided(10, (1, 1, 3)), divided(4, (1, 100))
    ((2, 2, 6), (1, 4))
    """
    exact = [batches * weight / sum(weights) for weight in weights]
    whole = [floor(share) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda place: whole[place] - exact[place])
    for place in by_remainder[: batches - sum(whole)]:
        whole[place] += 1
    return tuple(max(1, share) for share in whole)
