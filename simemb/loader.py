"""Which examples every step sees, and their ragged batches.

Everything follows from the seed and the number of the step, so a run that is resumed needs no state of a
sampler, and several processes agree without talking.
"""

from collections.abc import Sequence
from math import ceil
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from simemb.batch import Batch
from simemb.errors import TrainingError
from simemb.recipe import Recipe
from simemb.views import View


@runtime_checkable
class Sentences(Protocol):
    """Tokenised text columns, as `simemb.tokens.TokenTable` holds them."""

    def __len__(self) -> int:
        """Examples."""
        ...

    def ids(self, column: int, rows: Sequence[int]) -> list[np.ndarray[tuple[int], np.dtype[np.int32]]]:
        """Token ids of some rows of a column."""
        ...


class Loader:
    """The batches of a run, by the number of the optimizer step (counted from 0)."""

    def __init__(self, table: Sentences, recipe: Recipe, views: tuple[View, ...], *, seed: int, rank: int, world: int):
        self.table = table
        self.recipe = recipe
        self.views = views
        self.seed = seed
        self.rank = rank
        self.world = world
        if min(len(table), recipe.batch_size) < world:
            raise TrainingError(
                f"{world} processes cannot share a batch of {min(len(table), recipe.batch_size)}; start fewer processes"
            )
        whole, rest = divmod(len(table), recipe.batch_size)
        self.batches_per_epoch = whole + (rest >= world)
        self.steps_per_epoch = ceil(self.batches_per_epoch / recipe.accumulate)
        steps = self.steps_per_epoch * recipe.epochs
        self.steps = min(steps, recipe.max_steps or steps)
        self._epoch = -1
        self._order = torch.empty(0)

    def step(self, step: int) -> list[Batch]:
        """The batches of one optimizer step, this process's share of each."""
        epoch, within = divmod(step, self.steps_per_epoch)
        first = within * self.recipe.accumulate
        numbers = range(first, min(first + self.recipe.accumulate, self.batches_per_epoch))
        return [self._batch(self.rows(epoch, number)) for number in numbers]

    def rows(self, epoch: int, number: int) -> list[int]:
        """The examples of one batch of an epoch, this process's share.

        Several processes need equally many, so up to `world` - 1 examples of a batch are left out.
        """
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(mix(self.seed, epoch))
            self._epoch, self._order = epoch, torch.randperm(len(self.table), generator=generator)
        size = self.recipe.batch_size
        batch = self._order[number * size : (number + 1) * size]
        share = len(batch) // self.world
        return batch[self.rank * share : (self.rank + 1) * share].tolist()

    def _batch(self, rows: list[int]) -> Batch:
        return Batch.collate([ids for view in self.views for ids in self.table.ids(view.column, rows)])


def mix(*numbers: int) -> int:
    """One well-mixed seed out of several numbers; the same on every machine.

    >>> mix(1, 2) == mix(1, 2) != mix(2, 1)
    True
    """
    # How many there are goes in too: numpy fills up with zeros, so (1, 2) and (1, 2, 0) would be the same.
    low, high = np.random.SeedSequence((len(numbers), *numbers)).generate_state(2)
    return int(low) << 31 ^ int(high)
