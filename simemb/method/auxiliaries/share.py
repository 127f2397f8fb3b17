"""What each chunk of a batch, and each process, contributes to the mean of an auxiliary's loss."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from simemb.distributed import gather_numbers, world
from simemb.method.auxiliaries.base import AuxiliaryLoss, Masked
from simemb.method.step_input import StepInput


@dataclass(frozen=True)
class Share:
    """What a chunk contributes to an auxiliary's mean over the batch.

    weight: the chunk's part of what the loss averages over, as a fraction of what a process has in the mean. masked:
    its tokens, if they are masked.
    """

    weight: float | Float[Tensor, ""]
    masked: Masked | None = None


def shares(auxiliary: nn.Module, examples: StepInput) -> list[Share]:
    """The share of every chunk: of examples, or of what an `AuxiliaryLoss` counts.

    Tokens are masked here, before the first chunk is scored. Tokens and pairs are counted over all processes, whose
    gradients are averaged: a process with more of them weighs more.
    """
    chunks = examples.chunks
    if not isinstance(auxiliary, AuxiliaryLoss):
        return [Share(chunk.size / len(examples)) for chunk in chunks]
    masked = [auxiliary.mask(chunk.online) for chunk in chunks]
    counts = [auxiliary.count(chunk, part) for chunk, part in zip(chunks, masked, strict=True)]
    weights = _weights(torch.stack([torch.as_tensor(count, device=examples.rows.device) for count in counts]))
    return [Share(weight, part) for weight, part in zip(weights, masked, strict=True)]


def _weights(counts: Int[Tensor, "chunks"]) -> Float[Tensor, "chunks"]:
    """Counts of the chunks by the mean count of a process."""
    each = gather_numbers(counts.sum()[None]).sum() / world()
    return counts / each.clamp(min=1 / world())
