"""What several processes need of each other: their keys, and to know which of them speaks.

Every function is the identity in a single process.
"""

import torch
from jaxtyping import Float
from torch import Tensor, distributed


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


def _several() -> bool:
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1
