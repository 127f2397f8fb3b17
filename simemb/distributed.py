"""What several processes need of each other: their keys, and to know which of them speaks.

Every function is the identity in a single process.
"""

from collections.abc import Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor, distributed, nn


def rank() -> int:
    """The number of this process."""
    return distributed.get_rank() if _several() else 0


def world() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if _several() else 1


def gather(rows: Float[Tensor, "batch dim"]) -> Float[Tensor, "all dim"]:
    """The rows of all processes, in the order of their ranks, with gradient to every one of them.

    All processes must hold equally many rows. With the loss of each process a mean over its own queries
    and gradients averaged over processes, the gradient equals that of one process with the whole batch.
    """
    if not _several():
        return rows
    from torch.distributed.nn.functional import all_gather

    return torch.cat(list(all_gather(rows)))


def gather_numbers(numbers: Int[Tensor, "batch *rest"]) -> Int[Tensor, "all *rest"]:
    """Whole numbers of all processes, in the order of their ranks."""
    if not _several():
        return numbers
    gathered = [torch.empty_like(numbers) for _ in range(world())]
    distributed.all_gather(gathered, numbers.contiguous())
    return torch.cat(gathered)


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Make every gradient the mean over the processes; one that no process has stays absent."""
    if not _several():
        return
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    present = torch.tensor([float(parameter.grad is not None) for parameter in learning], device=learning[0].device)
    distributed.all_reduce(present)
    for parameter, processes in zip(learning, present.tolist(), strict=True):
        if processes:
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            distributed.all_reduce(gradient)
            parameter.grad = gradient / world()


def _several() -> bool:
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
