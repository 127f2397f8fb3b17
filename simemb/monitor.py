"""What a person watches while a model trains, and the words for what goes wrong.

A contrastive loss near zero means nothing by itself: these numbers say whether the model tells sentences
apart, and whether it still can.
"""

from collections import deque
from math import isfinite, nan

import torch
from jaxtyping import Float
from torch import Tensor

from simemb.errors import TrainingError
from simemb.objectives import cosines


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
    diagonal = torch.eye(len(query), dtype=torch.bool, device=query.device)
    among = cosines(query, query)[~diagonal]
    accuracy = positive = query.new_tensor(nan)
    negative = among
    if key is not None:
        similarity = cosines(query, key)
        accuracy = (similarity.argmax(1) == torch.arange(len(query), device=query.device)).float().mean()
        positive, negative = similarity.diagonal().mean(), similarity[~diagonal]
    return {
        "accuracy": accuracy,
        "positive": positive,
        "negative": negative.mean(),
        "collapse": cosines(encoded, encoded)[~diagonal].mean(),
        "uniformity": (-4 * (1 - among)).exp().mean().log(),
    }


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
