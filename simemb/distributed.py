"""What several processes need of each other: their keys, and to know which of them speaks.

Every function is the identity in a single process.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, distributed, nn


def rank() -> int:
    """The number of this process."""
    return distributed.get_rank() if _several() else 0


def world() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if _several() else 1


def shares(count: int, device: torch.device) -> tuple[int, ...]:
    """How many rows each process holds, in the order of their ranks."""
    return tuple(gather_numbers(torch.tensor([count], device=device)).tolist()) if _several() else (count,)


def gather(rows: Float[Tensor, "batch dim"], shares: Sequence[int] = ()) -> Float[Tensor, "all dim"]:
    """The rows of all processes, in the order of their ranks, with gradient to every one of them.

    shares: how many rows each process holds, if not equally many. With the loss of each process a mean over its own
    queries and gradients averaged over processes, the gradient equals that of one process with the whole batch.
    """
    return _unpadded(_Gather.apply(_padded(rows, shares)), shares) if _several() else rows


class _Gather(torch.autograd.Function):
    """The rows of all processes; backward, the gradients of all processes added up, each process's share to it."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:  # noqa: ARG004
        """All rows."""
        return gather_numbers(rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ARG004
        """The gradient of this process's rows."""
        whole = gradients[0].clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(whole)
        return whole.chunk(world())[rank()]


def gather_numbers(numbers: Int[Tensor, "batch *rest"], shares: Sequence[int] = ()) -> Int[Tensor, "all *rest"]:
    """Whole numbers of all processes, in the order of their ranks; shares: as for `gather`."""
    if not _several():
        return numbers
    padded = _padded(numbers, shares).contiguous()
    gathered = [torch.empty_like(padded) for _ in range(world())]
    distributed.all_gather(gathered, padded)
    return _unpadded(torch.cat(gathered), shares)


def _padded(rows: Tensor, shares: Sequence[int]) -> Tensor:
    """The rows of this process and zeros: as many as the largest share has."""
    missing = max(shares, default=len(rows)) - len(rows)
    return torch.cat([rows, rows.new_zeros(missing, *rows.shape[1:])]) if missing else rows


def _unpadded(rows: Tensor, shares: Sequence[int]) -> Tensor:
    """The rows of all processes without the zeros that `_padded` added."""
    if len(set(shares)) < 2:
        return rows
    return torch.cat([padded[:share] for padded, share in zip(rows.chunk(len(shares)), shares, strict=True)])


def mean(numbers: Float[Tensor, " numbers"]) -> Float[Tensor, " numbers"]:
    """Numbers averaged over the processes."""
    if not _several():
        return numbers
    shared = numbers / world()
    distributed.all_reduce(shared)
    return shared


def of_main(number: float, device: torch.device) -> float:
    """A number of the main process: what is decided by it is decided alike in all processes."""
    if not _several():
        return number
    shared = torch.tensor(number, dtype=torch.float64, device=device)
    distributed.broadcast(shared, 0)
    return shared.item()


def greatest(number: int, device: torch.device) -> int:
    """The greatest number of all processes."""
    if not _several():
        return number
    shared = torch.tensor(number, device=device)
    distributed.all_reduce(shared, distributed.ReduceOp.MAX)
    return int(shared.item())


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
