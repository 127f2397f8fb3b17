"""Whole optimizer steps as CUDA graphs: what a GPU does in six milliseconds takes Python longer to ask for.

For methods whose step is the same work each time: one network, no queue or bank, nothing that follows the optimizer.
Each size of batch is rehearsed, recorded and only then done, so a resumed run, which records anew, does the same.
"""

import logging
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]

from simemb.method.method import Method
from simemb.method.step_input import StepInput
from simemb.method.targets import Frozen, StopGradient
from simemb.method.token_augmentations import TokenAugmentation
from simemb.training.cuda_graphs import MOST, Graphs, Room, Size, uncached
from simemb.training.monitor import Numbers
from simemb.transformer.cuda_stack import LONGEST

log = logging.getLogger("simemb")

ON = os.environ.get("SIMEMB_GRAPHS") == "steps"
"""Not without being asked for, until the tests of recorded steps have passed on a GPU (tests/simemb/training/test_cuda_graphs.py)."""


def repeatable(method: Method) -> bool:
    """Whether every step of a method is the same work, but for what is in the batch."""
    recipe = method.recipe
    augmented = any(not isinstance(item, TokenAugmentation) for view in method.views for item in view.augment)
    followed = any(callable(getattr(module, "after_step", None)) for module in method.modules() if module is not method)
    return (
        (recipe.target is None or isinstance(recipe.target, StopGradient | Frozen))
        and method.second is None
        and method.memory is None
        and method.objective is not None
        and not recipe.auxiliaries
        and recipe.accumulate == 1
        and recipe.chunk is None
        and method.encoder.pooling == "cls"
        and not augmented
        and not followed
        and not any(isinstance(module, _BatchNorm) for module in method.modules())  # a rehearsal would count
    )


def begin(optimizer: torch.optim.Optimizer) -> None:
    """Give AdamW the moments that it would make in its first step, and load its kernels: a recording can do neither."""
    device = torch.device("cuda")
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if not optimizer.state[parameter]:
                moments = {name: torch.zeros_like(parameter) for name in ("exp_avg", "exp_avg_sq")}
                optimizer.state[parameter] = {"step": torch.zeros((), device=parameter.device), **moments}
    pair = [torch.nn.Parameter(torch.zeros(shape, device=device)) for shape in ((64, 64), (64,))]
    for parameter in pair:
        parameter.grad = torch.zeros_like(parameter)
    torch.nn.utils.clip_grad_norm_(pair, 1.0)
    torch.optim.AdamW(pair, lr=torch.zeros((), device=device), fused=True, capturable=True).step()


@dataclass(frozen=True)
class _Recording:
    size: Size
    room: Room
    front: StepInput
    graph: Any
    numbers: Numbers


class Steps:
    """Runs steps by recordings.

    backward: gives the numbers of a step and leaves its gradients. update: uses them up; it must have what it needs
    (the optimizer's moments) beforehand. Where `backward` waits for the device, no step is recorded.
    """

    def __init__(
        self,
        method: Method,
        graphs: Graphs,
        backward: Callable[[StepInput], Numbers],
        update: Callable[[], None],
    ):
        self.method = method
        self.graphs = graphs
        self.backward = backward
        self.update = update
        self.on = True
        self._pool = torch.cuda.graph_pool_handle()
        self._recordings: dict[Any, _Recording] = {}

    def __call__(self, examples: StepInput, seed: Callable[[], None]) -> Numbers | None:
        """One step with these examples, or None where it must be done in the ordinary way.

        seed: sets the random numbers of the step.
        """
        batch = examples.chunks[0].online
        if not self.on or batch.lengths[-1] > LONGEST:
            return None
        key = Size.of(batch), len(examples)
        if key not in self._recordings:
            room, front = _make(key[0], examples, self.graphs.encoder.device)
            if not self._rehearsed(room, front):
                return None
            if len(self._recordings) == MOST:
                self._recordings.pop(next(iter(self._recordings)))
            self._recordings[key] = self._record(key[0], room, front)
        recording = self._recordings[key]
        _fill(recording.room, recording.front, recording.size, examples)
        seed()
        recording.graph.replay()
        names, values = recording.numbers
        return names, values.clone()

    def _rehearsed(self, room: Room, front: StepInput) -> bool:
        """Compute the gradient once, so that kernels are compiled and loaded, and forget it; whether it never waits."""
        before = torch.cuda.get_sync_debug_mode()
        try:
            with self._posing(room):
                torch.cuda.set_sync_debug_mode("error")
                self.backward(front)
        except RuntimeError as error:
            if "synchroniz" not in str(error):
                raise
            log.debug("steps are not recorded: %s", error)
            self.on = False
        finally:
            torch.cuda.set_sync_debug_mode(before)
            self.method.zero_grad()
        return self.on

    def _record(self, size: Size, room: Room, front: StepInput) -> _Recording:
        graph = torch.cuda.CUDAGraph()
        # thread_local: another thread may fetch pinned memory for the next batch meanwhile
        with (
            torch.cuda.graph(graph, pool=self._pool, capture_error_mode="thread_local"),
            self._posing(room),
            uncached(),
        ):
            numbers = self.backward(front)
            self.update()
        return _Recording(size, room, front, graph, numbers)

    @contextmanager
    def _posing(self, room: Room) -> Generator[None, None, None]:
        """Inside this context the encoder computes the padded batch, whatever batch it is given."""
        self.graphs.posing = room
        try:
            yield
        finally:
            self.graphs.posing = None


def _make(size: Size, examples: StepInput, device: torch.device) -> tuple[Room, StepInput]:
    """Room for a padded batch, and examples that stand before it, on the device and filled."""
    room = size.empty(device)
    front = examples.to(device)
    (chunk,) = front.chunks
    front = replace(
        front, chunks=(replace(chunk, online=replace(chunk.online, ids=room.ids, positions=room.positions)),)
    )
    _fill(room, front, size, examples)
    return room, front


def _fill(room: Room, front: StepInput, size: Size, examples: StepInput) -> None:
    (chunk,), (ahead,) = examples.chunks, front.chunks
    size.fill(chunk.online, room)
    ahead.online.order.copy_(chunk.online.order, non_blocking=True)
    both = [(front.rows, examples.rows), (front.texts, examples.texts), (front.scores, examples.scores)]
    both += [(front.taught[view], examples.taught[view]) for view in examples.taught]
    both += [(front.guided[view], examples.guided[view]) for view in examples.guided]
    for into, out_of in both:
        if into is not None and out_of is not None:
            into.copy_(out_of, non_blocking=True)
