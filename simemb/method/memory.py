"""Memory: vectors that outlive their batch, as negatives (a queue) or as keys (a bank).

Both are modules whose buffers are saved in checkpoints. Both hold the vectors of all processes, so they are the same
in each process.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import normalize

from simemb.arguments import checked_fields
from simemb.errors import RecipeError
from simemb.method.deferral import deferrable


@checked_fields
@dataclass(frozen=True)
class Queue:
    """The keys of the last batches, first in first out (MoCo, He et al., 2020, section 3.2; ESimCSE, section 3.3).

    A batch is compared with the queue before its own keys enter it.
    """

    size: int = 160
    """Maximum number of keys."""
    view: int | None = None
    """The view whose vectors enter; by default every view that the target encodes."""
    start: Literal["empty", "random"] = "empty"
    """`empty` grows with the first batches; `random` starts full of random directions, as in MoCo's code."""

    @deferrable
    def __post_init__(self) -> None:
        if self.size < 1:
            raise RecipeError(f"--memory.size must be at least 1, not {self.size}")

    def build(self, width: int, generator: torch.Generator) -> "QueueState":
        """A new queue for keys of `width` dimensions."""
        return QueueState(self, width, generator)


class QueueState(nn.Module):
    """The state of a queue: a ring buffer of keys and of their text numbers (see `objectives.Texts`)."""

    keys: Tensor
    texts: Tensor
    count: Tensor

    def __init__(self, spec: Queue, width: int, generator: torch.Generator):
        super().__init__()
        self.size, self.view = spec.size, spec.view
        full = spec.start == "random"
        keys = normalize(torch.randn(spec.size, width, generator=generator)) if full else torch.zeros(spec.size, width)
        self.register_buffer("keys", keys)
        self.register_buffer("texts", torch.zeros(spec.size, dtype=torch.int64))
        self.register_buffer("count", torch.tensor(spec.size if full else 0))

    def read(self) -> tuple[Float[Tensor, "held width"], Int[Tensor, "held"]]:
        """The keys and their text numbers, oldest first."""
        count = int(self.count)
        order = torch.arange(count - min(count, self.size), count, device=self.keys.device) % self.size
        return self.keys[order], self.texts[order]

    @torch.no_grad()
    def push(self, keys: Float[Tensor, "all key_width"], texts: Int[Tensor, "all"]) -> None:
        """Append keys, or as many of their columns as it has; they replace the oldest."""
        keys, texts = keys[-self.size :, : self.keys.shape[1]], texts[-self.size :]
        places = (int(self.count) + torch.arange(len(keys), device=self.keys.device)) % self.size
        self.keys[places] = keys.detach().to(self.keys.dtype)
        self.texts[places] = texts
        self.count += len(keys)


@checked_fields
@dataclass(frozen=True)
class Bank:
    """One vector for every example of the data (InstDisc, Wu et al., 2018, section 3.1).

    After a step v_i becomes the unit vector along momentum * v_i + (1 - momentum) * f_i.
    """

    momentum: float = 0.5
    """Weight of the old vector, in [0, 1)."""

    @deferrable
    def __post_init__(self) -> None:
        if not 0 <= self.momentum < 1:
            raise RecipeError(f"--memory.momentum must be in [0, 1), not {self.momentum}")

    def build(self, width: int, examples: int, generator: torch.Generator) -> "BankState":
        """A new bank of random directions, one for each of `examples`."""
        return BankState(self, width, examples, generator)


class BankState(nn.Module):
    """The state of a bank: unit vectors, indexed by the number of the example."""

    rows: Tensor

    def __init__(self, spec: Bank, width: int, examples: int, generator: torch.Generator):
        super().__init__()
        self.momentum = spec.momentum
        self.register_buffer("rows", normalize(torch.randn(examples, width, generator=generator)))

    @torch.no_grad()
    def push(self, numbers: Int[Tensor, "all"], vectors: Float[Tensor, "all width"]) -> None:
        """Move the rows of some examples towards their new vectors."""
        mean = self.momentum * self.rows[numbers] + (1 - self.momentum) * normalize(vectors.detach().float())
        self.rows[numbers] = normalize(mean)


Memory = Queue | Bank
