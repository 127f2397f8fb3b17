"""The encoder's forward and backward as CUDA graphs, replayed instead of launched kernel by kernel.

A batch is padded with short dummy sentences to one of a few sizes. A size is captured when it occurs for the second
time. The first time, the same padded batch is computed without a graph, so a resumed run gives the same bits.
`simemb.training.trainer` calls this.
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

from simemb.encoder.adapters import has_adapters
from simemb.encoder.encoder import Encoder
from simemb.transformer import cuda_stack
from simemb.transformer.batch import Batch
from simemb.transformer.cpu_ops import PLAIN
from simemb.transformer.cuda_attention import HALF_TYPES
from simemb.transformer.forward import layers_of

ON = os.environ.get("SIMEMB_GRAPHS", "1") not in ("", "0")
"""Whether CUDA graphs are used at all: SIMEMB_GRAPHS=0 turns them off."""

MOST = 16
"""The most recordings of one encoder: each holds the gradients of all weights."""


@dataclass(frozen=True)
class Size:
    """The size of a padded batch: tokens and sentences, dummies included, and an upper bound of a sentence's length."""

    tokens: int
    sentences: int
    longest: int

    @classmethod
    def of(cls, batch: Batch) -> "Size":
        """The size to which a batch is padded.

        The number of tokens is a multiple of `grain`: a sixteenth of the power of two above the batch's tokens, and at
        least 256. There are enough dummies to take any remainder, each with 1 to `longest` tokens.
        """
        longest = max(16, 1 << (batch.lengths[-1] - 1).bit_length())
        grain = max(256, (1 << (len(batch.ids) - 1).bit_length()) // 16)
        dummies = -(-(grain - 1) // (longest - 1))
        tokens = -(-(len(batch.ids) + dummies) // grain) * grain
        return cls(tokens, len(batch) + dummies, longest)

    def empty(self, device: torch.device) -> "PaddedBatch":
        """A padded batch of this size, to be filled by `fill`."""
        ids, positions = (torch.zeros(self.tokens, dtype=torch.int64, device=device) for _ in range(2))
        order = torch.arange(self.sentences, device=device)
        starts = torch.zeros(self.sentences + 1, dtype=torch.int32, device=device)
        return PaddedBatch(ids, positions, (self.longest,) * self.sentences, order, starts)

    def fill(self, batch: Batch, padded: "PaddedBatch") -> "PaddedBatch":
        """Write a batch into a padded batch of this size: its sentences first, then the dummies, of token 0."""
        count, dummies = len(batch.ids), self.sentences - len(batch)
        padded.ids[:count].copy_(batch.ids, non_blocking=True)
        padded.positions[:count].copy_(batch.positions, non_blocking=True)
        # tokens left over from an earlier batch would change the order in which gradients of embeddings are added up
        padded.ids[count:].zero_()
        padded.positions[count:].zero_()
        rest = count + np.arange(1, dummies + 1) * (self.tokens - count) // dummies
        starts = np.concatenate([np.cumsum((0, *batch.lengths)), rest]).astype(np.int32)
        padded.starts.copy_(torch.from_numpy(starts), non_blocking=True)
        return padded


@dataclass(frozen=True)
class PaddedBatch(Batch):
    """A batch whose tensors are overwritten in place, so nothing that depends on `starts` is cached."""

    @property
    def firsts(self) -> Tensor:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Where each sentence begins."""
        return self.starts[:-1].long()


class Graphs:
    """Computes the states of one encoder by replaying recordings, where it can, while `active`.

    replayed: the recording whose forward has been replayed and whose backward has not.
    """

    def __init__(self, encoder: Encoder):
        self.encoder = encoder
        self.active = False
        self.replayed: Recording | None = None
        self._pool = torch.cuda.graph_pool_handle()
        self._counts: Counter[Any] = Counter()
        self._recordings: dict[Any, Recording] = {}
        encoder.states_by = self.states

    def close(self) -> None:
        """Let the encoder compute its states itself again, and drop the recordings."""
        self.encoder.states_by = None
        self._recordings.clear()

    def states(self, batch: Batch, *, first_only: bool) -> tuple[Tensor, ...]:
        """The same as `Encoder.eager_states`."""
        if not self._suits(batch):
            return self.encoder.eager_states(batch, first_only=first_only)
        size = Size.of(batch)
        recording = self._recording(size, first_only=first_only)
        if recording is None:
            states = self.encoder.eager_states(size.fill(batch, size.empty(batch.ids.device)), first_only=first_only)
        else:
            states = recording.run(size.fill(batch, recording.padded))
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
        """The recording for batches of this size, captured at the second call; None before, or if there are too many.

        None too while another forward awaits its backward, which would read what this replay overwrites.
        """
        if self.replayed is not None:
            return None
        key = size, first_only, self.encoder.training
        self._counts[key] += 1
        if key not in self._recordings and self._counts[key] > 1 and len(self._recordings) < MOST:
            self._recordings[key] = Recording(self, size, first_only=first_only)
        return self._recordings.get(key)


class Recording:
    """The captured forward and backward of one size of batch, with the buffers of their inputs and outputs."""

    def __init__(self, graphs: Graphs, size: Size, *, first_only: bool):
        backbone = graphs.encoder.network
        self.graphs = graphs
        self.padded = size.empty(graphs.encoder.device)
        trainable = {name: p for name, p in backbone.named_parameters() if p.requires_grad}
        self.parameters = list(trainable.values())
        self.forward, self.backward = torch.cuda.CUDAGraph(), torch.cuda.CUDAGraph()
        self._anchor = torch.zeros((), device=graphs.encoder.device, requires_grad=bool(trainable))
        with _new_leaves(backbone, trainable) as leaves, torch.enable_grad():
            with self._record(self.forward), _uncached():
                states = graphs.encoder.eager_states(self.padded, first_only=first_only)
            self.states = tuple(state.detach() for state in states)
            self.state_gradients = tuple(torch.zeros_like(state) for state in states)
            self.gradients: Sequence[Tensor | None] = ()
            if trainable:
                with self._record(self.backward):
                    # retained: the first backward must not overwrite what a second one needs
                    self.gradients = torch.autograd.grad(
                        states, leaves, self.state_gradients, allow_unused=True, retain_graph=True
                    )

    def _record(self, graph: torch.cuda.CUDAGraph) -> Any:
        # thread_local: another thread may fetch pinned memory for the next batch meanwhile
        return torch.cuda.graph(graph, pool=self.graphs._pool, capture_error_mode="thread_local")  # pyright: ignore[reportPrivateUsage]

    def run(self, padded: PaddedBatch) -> tuple[Tensor, ...]:
        """The states of the batch that was written into `padded` of this recording."""
        assert padded is self.padded
        if torch.is_grad_enabled() and self.parameters:
            return _Replay.apply(self._anchor, self)
        self.forward.replay()
        return tuple(state.clone() for state in self.states)

    def add_gradients(self) -> None:
        """Add copies of the backward's gradients to the parameters', since the next replay overwrites them."""
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            if gradient is not None:
                parameter.grad = gradient.clone() if parameter.grad is None else parameter.grad.add_(gradient)


class _Replay(Function):
    """Replays a recording; gradients of parameters are added to `grad` directly, not through autograd."""

    @staticmethod
    def forward(ctx: Any, anchor: Tensor, recording: Recording) -> tuple[Tensor, ...]:  # noqa: ARG004
        recording.forward.replay()
        recording.graphs.replayed = ctx.recording = recording
        return tuple(state.clone() for state in recording.states)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[None, None]:
        recording: Recording = ctx.recording
        for buffer, gradient in zip(recording.state_gradients, gradients, strict=True):
            buffer.zero_() if gradient is None else buffer.copy_(gradient)
        recording.backward.replay()
        recording.add_gradients()
        recording.graphs.replayed = None
        return None, None


@contextmanager
def _new_leaves(backbone: Any, trainable: dict[str, Tensor]) -> Generator[list[Tensor], None, None]:
    """New leaf tensors on the same memory: the old ones may be tied to a stream that a capture must not wait for."""
    leaves = {name: parameter.detach().requires_grad_() for name, parameter in trainable.items()}
    with torch.nn.utils.stateless._reparametrize_module(backbone, leaves):  # pyright: ignore
        yield list(leaves.values())


@contextmanager
def _uncached() -> Generator[None, None, None]:
    """Autocast caches no casts: a cached cast would be gone at the next replay."""
    before = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_cache_enabled(before)


def able(encoder: Encoder) -> bool:
    """Whether the states of this encoder can be recorded."""
    if has_adapters(encoder.network):  # their product is made anew in every pass, outside of what is recorded
        return False
    layers = layers_of(encoder.network) if encoder.fast else None
    return ON and not PLAIN and encoder.device.type == "cuda" and layers is not None and cuda_stack.supports(layers)


@contextmanager
def working(graphs: Sequence[Graphs]) -> Generator[None, None, None]:
    """Inside this context, for one batch forward and backward, recordings are captured and replayed."""
    for graph in graphs:
        graph.active, graph.replayed = True, None
    try:
        yield
    finally:
        for graph in graphs:
            graph.active = False
