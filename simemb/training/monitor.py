"""What a person watches while a model trains, and the words for what goes wrong.

A contrastive loss near zero means nothing by itself: these numbers say whether the model tells sentences
apart, and whether it still can.
"""

from collections import deque
from math import isfinite, nan

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from simemb.errors import TrainingError
from simemb.method.objectives.row_blocks import strips


@torch.no_grad()
def signals(
    query: Float[Tensor, "batch dim"], key: Float[Tensor, "batch dim"] | None, encoded: Float[Tensor, "batch width"]
) -> dict[str, Float[Tensor, ""]]:
    """In-batch accuracy, cosine of positives and of negatives, uniformity of the queries, and collapse.

    accuracy: fraction of queries whose own key is the nearest. uniformity: log of the mean over distinct
    pairs of exp(-2 |q_i - q_j|^2) (Wang & Isola, 2020), from 0 (all alike) down to about -4. collapse: mean
    cosine of different sentences in the encoder itself (`encoded`), before any head: batch norm in a head
    can hide that they are all alike. With a single example the last three are nan. Without a key that can be
    compared (a teacher of another width) accuracy and positive are nan, and negative is among queries.
    """
    query, encoded = normalize(query, dim=1), normalize(encoded, dim=1)
    accuracy = positive = query.new_full((), nan)
    negative = _elsewhere(query, query)
    if key is not None:
        key = normalize(key, dim=1)
        nearest = torch.cat([(query[part] @ key.T).argmax(1) for part in strips(len(query), len(key))])
        accuracy = (nearest == torch.arange(len(query), device=query.device)).float().mean()
        positive, negative = (query * key).sum(1).mean(), _elsewhere(query, key)
    return {
        "accuracy": accuracy,
        "positive": positive,
        "negative": negative,
        "collapse": _elsewhere(encoded, encoded),
        "uniformity": _uniformity(query),
    }


def _elsewhere(a: Float[Tensor, "batch dim"], b: Float[Tensor, "batch dim"]) -> Float[Tensor, ""]:
    """Mean of a_i . b_j over all i != j, without the matrix of them: nan for a single row."""
    if len(a) < 2:
        return a.new_full((), nan)
    return ((a.sum(0) * b.sum(0)).sum() - (a * b).sum()) / (len(a) * (len(a) - 1))


def _uniformity(unit: Float[Tensor, "batch dim"]) -> Float[Tensor, ""]:
    rows = len(unit)
    potential = unit.new_zeros(())
    for part in strips(rows, rows):
        everything = (-4 * (1 - unit[part] @ unit.T)).exp()
        potential += everything.sum() - everything.diagonal(part.start).sum()
    return (potential / (rows * (rows - 1))).log() if rows > 1 else unit.new_full((), nan)


Numbers = tuple[tuple[str, ...], Tensor]
"""Names, and the values of all batches of a step in one tensor."""


def numbered(batches: list[dict[str, Tensor]]) -> Numbers:
    """The numbers of the batches of a step, named alike in each."""
    values = [value.detach().float() for numbers in batches for value in numbers.values()]
    return tuple(batches[0]), torch.stack(values)


class Readings:
    """The numbers of steps, left where they were computed until somebody asks for them."""

    def __init__(self) -> None:
        self._waiting: list[tuple[int, Numbers]] = []

    def add(self, step: int, numbers: Numbers) -> None:
        """Take the numbers of a step."""
        self._waiting.append((step, numbers))

    def read(self) -> list[tuple[int, dict[str, float]]]:
        """The steps since the last reading, each with the means over its batches."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return []
        values = iter(torch.cat([values for _, (_, values) in waiting]).tolist())
        found: list[tuple[int, dict[str, float]]] = []
        for step, (names, held) in waiting:
            batches = len(held) // len(names)
            means = dict.fromkeys(names, 0.0)
            for _ in range(batches):
                for name in names:
                    means[name] += next(values) / batches
            found.append((step, means))
        return found


class Watch:
    """Looks at every step's numbers and speaks up."""

    COLLAPSED = 0.999
    """Mean cosine of different sentences above which all sentences have the same vector, for all practical purposes."""
    STEPS = 20
    """Steps in a row before it is called a collapse: a base model may start close to one."""

    def __init__(self) -> None:
        self.cosines: deque[float] = deque(maxlen=self.STEPS)

    def check(self, step: int, numbers: dict[str, float]) -> str | None:
        """A word of warning, if there is something to say. Raises `TrainingError` for a loss that is not finite."""
        if not isfinite(numbers["loss"]):
            raise TrainingError(
                f"the loss is {numbers['loss']} at step {step}; nothing was saved from this step. Lower the learning "
                "rate or raise the temperature; the last checkpoint is from before"
            )
        if "collapse" not in numbers:  # a language model compares no vectors
            return None
        self.cosines.append(numbers["collapse"])
        if len(self.cosines) == self.STEPS and min(self.cosines) > self.COLLAPSED:
            self.cosines.clear()
            return (
                f"step {step}: the embeddings have collapsed, different sentences have cosine "
                f"{numbers['collapse']:.4f}; lower the learning rate or the temperature"
            )
        return None
