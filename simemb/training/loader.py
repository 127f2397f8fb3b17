"""How the examples of each step are read and augmented; `simemb.training.trainer` asks for each step.

`simemb.training.batches` says which examples a step takes. Everything follows from the seed and the number of the step,
so a run that is resumed needs no state of a sampler, and several processes agree without communication.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simemb.errors import TrainingError
from simemb.method.recipe import Recipe
from simemb.method.step_input import Chunk, StepInput
from simemb.method.targets import ViewPlan
from simemb.method.token_augmentations import Sentence, TokenAugmentation
from simemb.method.views import View
from simemb.training.batches import Batches, ByLabel, Schedule, Seen, Shuffled
from simemb.training.dataset import TokenizedTexts, TrainingData
from simemb.transformer.batch import Batch


class Loader:
    """The batches of one source, by the number of the optimizer step (counted from 0).

    source: which of several it is, see `simemb.training.mixed_loader`.
    """

    def __init__(
        self,
        data: TrainingData,
        recipe: Recipe,
        views: tuple[View, ...],
        view_plan: ViewPlan,
        *,
        seed: int,
        rank: int = 0,
        world: int = 1,
        source: int = 0,
    ):
        self.data = data
        self.recipe = recipe
        self.views = views
        self.view_plan = view_plan
        self.seed = seed
        self.rank = rank
        self.world = world
        self.source = source
        self._stream = (source,) if source else ()
        self.examples = data.examples(views)
        least, largest = world * recipe.smallest_share, min(self.examples, recipe.batch_size)
        if largest < least:
            raise TrainingError(
                f"{world} process{'es' * (world > 1)} cannot share a batch of {largest} (allowed: {least} or more "
                f"examples, {recipe.smallest_share} in each)"
            )
        self.batches = self._batches(least)
        self.batches_per_epoch = self.batches.count
        schedule = Schedule(self.batches_per_epoch, recipe)
        self.schedule, self.steps_per_epoch, self.steps = schedule, schedule.steps_per_epoch, schedule.steps

    def _batches(self, least: int) -> Batches:
        size, several, classes = self.recipe.batch_size, self.recipe.per_label, self.data.classes
        if several is not None and classes is not None:
            return ByLabel(classes, size, several, seed=self.seed, least=least, stream=self._stream)
        return Shuffled(self.examples, size, seed=self.seed, least=least, stream=self._stream)

    def step(self, step: int) -> list[StepInput]:
        """The batches of one optimizer step, this process's share of each."""
        epoch, numbers = self.schedule.of_step(step)
        return [self.batch(epoch, number) for number in numbers]

    def batch(self, epoch: int, number: int) -> StepInput:
        """One batch of an epoch, this process's share."""
        return self._examples(self.rows(epoch, number), epoch)

    def taken(self, batches: int) -> int:
        """How many examples the first batches of the run have, of all processes together."""
        passes, more = divmod(batches, self.batches_per_epoch)
        sizes = [self.batches.size(number) // self.world * self.world for number in range(self.batches_per_epoch)]
        return passes * sum(sizes) + sum(sizes[:more])

    def seen(self, step: int) -> tuple[Seen, ...]:  # noqa: ARG002
        """Nothing that the number of the step does not say: there is one source."""
        return ()

    def rows(self, epoch: int, number: int) -> list[int]:
        """The examples of one batch of an epoch, this process's share.

        All processes get the same number, so up to `world` - 1 examples of a batch are left out.
        """
        batch = self.batches.batch(number, of_pass=epoch)
        share = len(batch) // self.world
        return batch[self.rank * share : (self.rank + 1) * share]

    def _examples(self, rows: list[int], epoch: int) -> StepInput:
        size = self.recipe.chunk or len(rows)
        data = self.data
        return StepInput(
            chunks=tuple(self._chunk(rows[first : first + size], first, epoch) for first in range(0, len(rows), size)),
            rows=torch.tensor(rows),
            texts=self._text_hashes(rows),
            scores=None if data.scores is None else torch.from_numpy(data.scores[rows]),
            teacher_vectors=self._vectors(data.teacher_vectors, rows),
            guide_vectors=self._vectors(data.guide_vectors, rows),
            classes=None if data.classes is None else torch.from_numpy(data.classes[rows]),
            source=self.source,
        )

    def _chunk(self, rows: list[int], first: int, epoch: int) -> Chunk:
        online = self._collate(self.data.online, self.view_plan.online, rows, epoch)
        second = None
        if self.view_plan.second:
            second = self._collate(self.data.second or self.data.online, self.view_plan.second, rows, epoch)
        return Chunk(online, second, first, len(rows))

    def _collate(self, tokenized: TokenizedTexts, places: Sequence[int], rows: list[int], epoch: int) -> Batch:
        if not any(_token_augmentations(self.views[place]) for place in places):
            return Batch.collate([ids for place in places for ids in _read(tokenized, self.views[place], rows)])
        sentences = [sentence for place in places for sentence in self._augmented(tokenized, place, rows, epoch)]
        return Batch.collate([sentence.ids for sentence in sentences], [sentence.positions for sentence in sentences])

    def _augmented(self, tokenized: TokenizedTexts, place: int, rows: list[int], epoch: int) -> list[Sentence]:
        """The sentences of a view; random numbers follow from example, view and epoch, not from the batch."""
        view = self.views[place]
        augmentations = _token_augmentations(view)
        sentences: list[Sentence] = []
        for row, ids in zip(rows, _read(tokenized, view, rows), strict=True):
            sentence = Sentence(ids.astype(np.int64), np.arange(len(ids)))
            for number, augmentation in enumerate(augmentations):
                assert tokenized.vocabulary is not None
                time = 0 if augmentation.frozen else epoch + 1
                rng = np.random.default_rng((self.seed, time, row, place, number, *self._stream))
                sentence = augmentation(sentence, tokenized.vocabulary, rng)
            sentences.append(sentence)
        return sentences

    def _text_hashes(self, rows: list[int]) -> Tensor:
        """For each view a number of 64 bits for each text, equal for equal texts."""
        places = {(view.column, view.offset): view for view in self.views}
        numbers = {place: numbers_of(_read(self.data.online, view, rows)) for place, view in places.items()}
        return torch.stack([numbers[view.column, view.offset] for view in self.views])

    def _vectors(self, vectors_by_column: Mapping[int, NDArray[np.float32]], rows: list[int]) -> dict[int, Tensor]:
        return {
            place: torch.from_numpy(np.asarray(vectors_by_column[view.column][_offset_rows(rows, view)]))
            for place, view in enumerate(self.views)
            if view.column in vectors_by_column
        }


def numbers_of(sentences: Sequence[NDArray[np.int32]]) -> Tensor:
    """A number of 64 bits for each sentence: the BLAKE2b hash of its token ids, little-endian."""
    hashes = (blake2b(ids.astype("<i4", copy=False).tobytes(), digest_size=8).digest() for ids in sentences)
    return torch.from_numpy(np.frombuffer(bytearray().join(hashes), np.dtype("<i8")).astype(np.int64, copy=False))


def _read(tokenized: TokenizedTexts, view: View, rows: list[int]) -> list[NDArray[np.int32]]:
    return tokenized.table.ids(view.column, _offset_rows(rows, view))


def _offset_rows(rows: list[int], view: View) -> list[int]:
    return [row + view.offset for row in rows] if view.offset else rows


def _token_augmentations(view: View) -> list[TokenAugmentation]:
    return [augmentation for augmentation in view.augment if isinstance(augmentation, TokenAugmentation)]
