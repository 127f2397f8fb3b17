"""Memory: vectors from outside of the batch, as negatives (a queue of past keys, noise) or as keys (a bank).

All are modules whose buffers are saved in checkpoints, and all are the same in each process: queue and bank hold the
vectors of all processes, and noise follows from the seed and the step.
"""

from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np
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


@checked_fields
@dataclass(frozen=True)
class Noise:
    """Vectors of normally distributed numbers as negatives of every query, new ones in each step.

    With `steps` each vector n then climbs the loss, n <- n + rate * g / |g|, where g is the gradient of

    mean over queries q_i of -log( exp(cos(q_i, k_i) / t) / sum over keys and noise c of exp(cos(q_i, c) / t) )

    Without: gsInfoNCE (Wu et al., 2021, https://arxiv.org/abs/2109.04321). With: DCLR (Zhou et al., 2022,
    https://arxiv.org/abs/2205.00656, section 3.3), whose released code climbs this loss. The noise is shared by all
    queries, and no gradient reaches the encoder through the climb.
    """

    size: int = 128
    """Number of vectors."""
    std: float = 1.0
    """Standard deviation of each number, above 0. Cosines do not depend on it, except through `rate`."""
    steps: int = 0
    """How many times the vectors climb."""
    rate: float = 1e-3
    """Length of a climb, above 0; the vectors themselves have lengths of about std * sqrt(width)."""
    temperature: float = 0.05
    """t of the loss that they climb, above 0, in units of the cosine."""

    @deferrable
    def __post_init__(self) -> None:
        if self.size < 1:
            raise RecipeError(f"--memory.size must be at least 1, not {self.size}")
        if self.steps < 0:
            raise RecipeError(f"--memory.steps must be at least 0, not {self.steps}")
        for name in ("std", "rate", "temperature"):
            if not 0 < getattr(self, name) < inf:
                raise RecipeError(f"--memory.{name} must be above 0, not {getattr(self, name)}")

    def build(self, width: int, generator: torch.Generator) -> "NoiseState":
        """New noise for keys of `width` dimensions."""
        return NoiseState(self, width, generator)


class NoiseState(nn.Module):
    """The state of noise: its seed, and how many optimizer steps there have been."""

    seed: Tensor
    count: Tensor

    def __init__(self, spec: Noise, width: int, generator: torch.Generator):
        super().__init__()
        self.spec = spec
        self.width = width
        self.register_buffer("seed", torch.randint(2**62, (), generator=generator))
        self.register_buffer("count", torch.tensor(0))

    def read(self) -> Float[Tensor, "size width"]:
        """The vectors of this step, before any climb: the same however often they are asked for."""
        rng = np.random.default_rng((int(self.seed), int(self.count)))
        drawn = rng.standard_normal((self.spec.size, self.width), dtype=np.float32)
        return self.spec.std * torch.from_numpy(drawn).to(self.seed.device)

    @torch.no_grad()
    def against(
        self, query: Float[Tensor, "all width"], key: Float[Tensor, "all width"]
    ) -> Float[Tensor, "size width"]:
        """The vectors of this step after their climb. query, key: those of all processes."""
        noise = self.read()
        if not self.spec.steps:
            return noise
        query, key = normalize(query, dim=1), normalize(key, dim=1)
        keys = query @ key.T
        for _ in range(self.spec.steps):
            unit = normalize(noise, dim=1)
            cosines = query @ unit.T
            chance = (torch.cat([keys, cosines], dim=1) / self.spec.temperature).softmax(dim=1)[:, len(key) :]
            # The gradient of cos(q, n) is (q / |q| - cos(q, n) n / |n|) / |n|; its length is not used.
            gradient = chance.T @ query - (chance * cosines).sum(dim=0)[:, None] * unit
            noise = noise + self.spec.rate * normalize(gradient, dim=1, eps=torch.finfo(gradient.dtype).tiny)
        return noise

    def after_step(self) -> None:
        """Call after each optimizer step: the next one has other noise."""
        self.count += 1


Memory = Queue | Bank | Noise
