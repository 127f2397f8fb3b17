"""How the examples of each step are read and augmented; `simemb.training.trainer` asks for each step.

`simemb.training.batches` says which examples a step takes. Everything follows from the seed and the number of the step,
so a run that is resumed needs no state of a sampler, and several processes agree without communication.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
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
from simemb.training.prompted_texts import with_prompt, without_prompt
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
            texts=self._text_hashes(rows, epoch),
            scores=None if data.scores is None else torch.from_numpy(data.scores[rows]),
            teacher_vectors=self._vectors(data.teacher_vectors, rows, epoch),
            guide_vectors=self._vectors(data.guide_vectors, rows, epoch),
            grades=self._vectors(data.grades, rows, epoch),
            classes=None if data.classes is None else torch.from_numpy(data.classes[rows]),
            source=self.source,
        )

    def _chunk(self, rows: list[int], first: int, epoch: int) -> Chunk:
        online = self._collate(self.data.online, self.view_plan.online, rows, epoch)
        second = None
        if self.view_plan.second:
            second = self._collate(self.data.second or self.data.online, self.view_plan.second, rows, epoch)
        return Chunk(online, second, first, len(rows), self._owners(rows, epoch))

    def _owners(self, rows: list[int], epoch: int) -> dict[int, Tensor]:
        """For each view of a column apart, the place in `rows` of each of its texts."""
        uneven = {place: view for place, view in enumerate(self.views) if view.column in self.data.spans}
        counts = {place: list(map(len, self._texts_by_row(view, rows, epoch))) for place, view in uneven.items()}
        return {place: torch.arange(len(rows)).repeat_interleave(torch.tensor(n)) for place, n in counts.items()}

    def _texts(self, view: View, rows: list[int], epoch: int) -> list[int]:
        """The numbers of the texts that a view reads of some rows."""
        if view.column not in self.data.spans:
            return [row + view.offset for row in rows] if view.offset else rows
        return [text for texts in self._texts_by_row(view, rows, epoch) for text in texts]

    def _texts_by_row(self, view: View, rows: list[int], epoch: int) -> list[list[int]]:
        """The same of a column apart, row by row: of more texts than `negatives` others are drawn in each epoch."""
        spans, most = self.data.spans[view.column], self.recipe.negatives
        numbers: list[list[int]] = []
        for row in rows:
            first, count = spans[row + view.offset].tolist()
            places = range(count)
            if most is not None and count > most:
                rng = np.random.default_rng((self.seed, epoch, row + view.offset, *self._stream))
                places = sorted(rng.choice(count, most, replace=False).tolist())
            numbers.append([first + place for place in places])
        return numbers

    def _collate(self, tokenized: TokenizedTexts, places: Sequence[int], rows: list[int], epoch: int) -> Batch:
        if not any(_token_augmentations(self.views[place]) for place in places):
            return Batch.collate([ids for place in places for ids in self._of_view(tokenized, place, rows, epoch)])
        sentences = [sentence for place in places for sentence in self._augmented(tokenized, place, rows, epoch)]
        return Batch.collate([sentence.ids for sentence in sentences], [sentence.positions for sentence in sentences])

    def _augmented(self, tokenized: TokenizedTexts, place: int, rows: list[int], epoch: int) -> list[Sentence]:
        """The sentences of a view; random numbers follow from example, view and epoch, not from the batch."""
        view = self.views[place]
        augmentations = _token_augmentations(view)
        sentences: list[Sentence] = []
        vocabulary, prompt = tokenized.vocabulary, tokenized.prompt_span(view)
        assert vocabulary is not None
        vocabulary = replace(vocabulary, limit=vocabulary.limit - (prompt.stop - prompt.start))
        texts = self._texts(view, rows, epoch)
        for text, tokens in zip(texts, tokenized.of(view, texts), strict=True):
            ids = tokens.astype(np.int64)
            sentence = without_prompt(ids, prompt)
            for number, augmentation in enumerate(augmentations):
                time = 0 if augmentation.frozen else epoch + 1
                drawn_for = len(self.views) if augmentation.joint else place
                rng = np.random.default_rng((self.seed, time, text - view.offset, drawn_for, number, *self._stream))
                sentence = augmentation(sentence, vocabulary, rng)
            sentences.append(with_prompt(sentence, ids, prompt))
        return sentences

    def _of_view(self, tokenized: TokenizedTexts, place: int, rows: list[int], epoch: int) -> list[NDArray[np.int32]]:
        """The texts of a view, after its prompt."""
        view = self.views[place]
        return tokenized.of(view, self._texts(view, rows, epoch))

    def _read(self, tokenized: TokenizedTexts, place: int, rows: list[int], epoch: int) -> list[NDArray[np.int32]]:
        view = self.views[place]
        return tokenized.table.ids(view.column, self._texts(view, rows, epoch))

    def _text_hashes(self, rows: list[int], epoch: int) -> tuple[Tensor, ...]:
        """For each view a number of 64 bits for each text, equal for equal texts."""
        places = {view.text: place for place, view in enumerate(self.views)}
        numbers = {text: numbers_of(self._read(self.data.online, place, rows, epoch)) for text, place in places.items()}
        return tuple(numbers[view.text] for view in self.views)

    def _vectors(
        self, vectors_by_column: Mapping[int, NDArray[np.float32]], rows: list[int], epoch: int
    ) -> dict[int, Tensor]:
        return {
            place: torch.from_numpy(np.asarray(vectors_by_column[view.column][self._texts(view, rows, epoch)]))
            for place, view in enumerate(self.views)
            if view.column in vectors_by_column
        }


def numbers_of(sentences: Sequence[NDArray[np.int32]]) -> Tensor:
    """A number of 64 bits for each sentence: the BLAKE2b hash of its token ids, little-endian."""
    hashes = (blake2b(ids.astype("<i4", copy=False).tobytes(), digest_size=8).digest() for ids in sentences)
    return torch.from_numpy(np.frombuffer(bytearray().join(hashes), np.dtype("<i8")).astype(np.int64, copy=False))


def _token_augmentations(view: View) -> list[TokenAugmentation]:
    return [augmentation for augmentation in view.augment if isinstance(augmentation, TokenAugmentation)]
