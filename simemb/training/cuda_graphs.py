"""The encoder's forward and backward as CUDA graphs, replayed instead of launched kernel by kernel.

A batch is filled up with short dummy sentences to one of a few numbers of tokens, each recorded once when it comes the
second time. The first time the same padded batch is computed without a graph, so history changes no bit.
"""

import os
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd import Function

from simemb.encoder.encoder import Encoder
from simemb.transformer import cuda_stack
from simemb.transformer.batch import Batch
from simemb.transformer.cpu_ops import PLAIN
from simemb.transformer.cuda_attention import HALF_TYPES
from simemb.transformer.forward import layers_of

ON = os.environ.get("SIMEMB_GRAPHS", "1") not in ("", "0")
"""The off switch."""

MOST = 16
"""Recordings of an encoder at most: each holds the gradients of all weights."""


@dataclass(frozen=True)
class Size:
    """What a recording is for: tokens and sentences, dummies included, and a bound on the length of a sentence."""

    tokens: int
    sentences: int
    longest: int

    @classmethod
    def of(cls, batch: Batch) -> "Size":
        """The size to which a batch is filled up.

        The number of tokens is a multiple of a sixteenth to a thirty-second of itself, and at least of 256.
        There are as many dummies as it takes to hold any rest, and each has at least one token.
        """
        longest = max(16, 1 << (batch.lengths[-1] - 1).bit_length())
        grain = max(256, (1 << (len(batch.ids) - 1).bit_length()) // 16)
        dummies = -(-(grain - 1) // (longest - 1))
        tokens = -(-(len(batch.ids) + dummies) // grain) * grain
        return cls(tokens, len(batch) + dummies, longest)

    def empty(self, device: torch.device) -> "Room":
        """A batch of this size, to be filled."""
        ids, positions = (torch.zeros(self.tokens, dtype=torch.int64, device=device) for _ in range(2))
        order = torch.arange(self.sentences, device=device)
        starts = torch.zeros(self.sentences + 1, dtype=torch.int32, device=device)
        return Room(ids, positions, (self.longest,) * self.sentences, order, starts)

    def fill(self, batch: Batch, room: "Room") -> "Room":
        """Put a batch into the room of such a size: real sentences first, then the dummies, of token 0."""
        count, dummies = len(batch.ids), self.sentences - len(batch)
        room.ids[:count].copy_(batch.ids, non_blocking=True)
        room.positions[:count].copy_(batch.positions, non_blocking=True)
        # what is left of an earlier batch would change the order in which the gradients of the embeddings are added up
        room.ids[count:].zero_()
        room.positions[count:].zero_()
        rest = count + np.arange(1, dummies + 1) * (self.tokens - count) // dummies
        starts = np.concatenate([np.cumsum((0, *batch.lengths)), rest]).astype(np.int32)
        room.starts.copy_(torch.from_numpy(starts), non_blocking=True)
        return room


@dataclass(frozen=True)
class Room(Batch):
    """A batch that is filled anew again and again, so nothing is kept of what follows from its starts."""

    @property
    def firsts(self) -> Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Where each sentence begins now."""
        return self.starts[:-1].long()


class Graphs:
    """Computes the states of one encoder by recordings, where it can, while `active`.

    posing: a padded batch of which the states are given, without a recording, for those of the batch that comes.
    """

    def __init__(self, encoder: Encoder):
        self.encoder = encoder
        self.active = False
        self.pending: Recording | None = None
        self.posing: Room | None = None
        self._pool = torch.cuda.graph_pool_handle()
        self._seen: Counter[Any] = Counter()
        self._recordings: dict[Any, Recording] = {}
        encoder.states_by = self.states

    def close(self) -> None:
        """Give the encoder back as it was."""
        self.encoder.states_by = None
        self._recordings.clear()

    def states(self, batch: Batch, *, first_only: bool) -> tuple[Tensor, ...]:
        """What `Encoder.eager_states` gives."""
        if self.posing is not None:
            return tuple(state[: len(batch)] for state in self.encoder.eager_states(self.posing, first_only=first_only))
        if not self._suits(batch):
            return self.encoder.eager_states(batch, first_only=first_only)
        size = Size.of(batch)
        recording = self._recording(size, first_only=first_only)
        if recording is None:
            states = self.encoder.eager_states(size.fill(batch, size.empty(batch.ids.device)), first_only=first_only)
        else:
            states = recording.run(size.fill(batch, recording.room))
        rows = len(batch) if first_only else len(batch.ids)
        return tuple(state[:rows] for state in states)

    def _suits(self, batch: Batch) -> bool:
        return (
            self.active
            and not self.encoder._transforms  # pyright: ignore[reportPrivateUsage]
            and torch.is_autocast_enabled("cuda")
            and torch.get_autocast_dtype("cuda") in HALF_TYPES
            and batch.lengths[-1] <= cuda_stack.LONGEST
        )

    def _recording(self, size: Size, *, first_only: bool) -> "Recording | None":
        """The recording for such a batch, if there is one or one is due, and the last one has done its backward."""
        if self.pending is not None:
            return None
        key = size, first_only, self.encoder.training
        self._seen[key] += 1
        if key not in self._recordings and self._seen[key] > 1 and len(self._recordings) < MOST:
            self._recordings[key] = Recording(self, size, first_only=first_only)
        return self._recordings.get(key)


class Recording:
    """One size of batch, recorded: what goes in, what comes out, and the same of the backward."""

    def __init__(self, graphs: Graphs, size: Size, *, first_only: bool):
        backbone = graphs.encoder.backbone
        self.graphs = graphs
        self.room = size.empty(graphs.encoder.device)
        learnt = {name: p for name, p in backbone.named_parameters() if p.requires_grad}
        self.parameters = list(learnt.values())
        self.forward, self.backward = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
        self._anchor = torch.zeros((), device=graphs.encoder.device, requires_grad=bool(learnt))
        with _fresh(backbone, learnt) as leaves, torch.enable_grad():
            with self._record(self.forward), uncached():
                states = graphs.encoder.eager_states(self.room, first_only=first_only)
            self.states = tuple(state.detach() for state in states)
            self.arrived = tuple(torch.zeros_like(state) for state in states)
            self.gradients: Sequence[Tensor | None] = ()
            if learnt:
                with self._record(self.backward):
                    # kept for a second backward: nothing that it needs may be overwritten by the first
                    self.gradients = torch.autograd.grad(
                        states, leaves, self.arrived, allow_unused=True, retain_graph=True
                    )

    def _record(self, graph: torch.cuda.CUDAGraph) -> Any:
        # thread_local: another thread may fetch pinned memory for the next batch meanwhile
        return torch.cuda.graph(graph, pool=self.graphs._pool, capture_error_mode="thread_local")  # pyright: ignore[reportPrivateUsage]

    def run(self, room: Room) -> tuple[Tensor, ...]:
        """The states of the batch that was put into `room`."""
        assert room is self.room
        if torch.is_grad_enabled() and self.parameters:
            return _Replay.apply(self._anchor, self)
        self.forward.replay()
        return tuple(state.clone() for state in self.states)

    def add_gradients(self) -> None:
        """Add what the backward left to the gradients of the parameters: copies, since the next replay writes there."""
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            if gradient is not None:
                parameter.grad = gradient.clone() if parameter.grad is None else parameter.grad.add_(gradient)


class _Replay(Function):
    """The forward and backward of a recording; gradients go to the parameters past autograd."""

    @staticmethod
    def forward(ctx: Any, anchor: Tensor, recording: Recording) -> tuple[Tensor, ...]:  # noqa: ARG004
        recording.forward.replay()
        recording.graphs.pending = ctx.recording = recording
        return tuple(state.clone() for state in recording.states)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[None, None]:
        recording: Recording = ctx.recording
        for room, gradient in zip(recording.arrived, gradients, strict=True):
            room.zero_() if gradient is None else room.copy_(gradient)
        recording.backward.replay()
        recording.add_gradients()
        recording.graphs.pending = None
        return None, None


@contextmanager
def _fresh(backbone: Any, learnt: dict[str, Tensor]) -> Generator[list[Tensor], None, None]:
    """New leaves on the same memory: old ones may be tied to a stream that a recording must not wait for."""
    leaves = {name: parameter.detach().requires_grad_() for name, parameter in learnt.items()}
    with torch.nn.utils.stateless._reparametrize_module(backbone, leaves):  # pyright: ignore
        yield list(leaves.values())


@contextmanager
def uncached() -> Generator[None, None, None]:
    """Autocast keeps no casts: they would be forgotten by the next replay."""
    before = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_cache_enabled(before)


def able(encoder: Encoder) -> bool:
    """Whether recordings may help this encoder."""
    layers = layers_of(encoder.backbone) if encoder.fast else None
    return ON and not PLAIN and encoder.device.type == "cuda" and layers is not None and cuda_stack.supports(layers)


@contextmanager
def working(graphs: Sequence[Graphs]) -> Generator[None, None, None]:
    """Inside this context recordings are used: one batch, forward and backward."""
    for one in graphs:
        one.active, one.pending = True, None
    try:
        yield
    finally:
        for one in graphs:
            one.active = False
