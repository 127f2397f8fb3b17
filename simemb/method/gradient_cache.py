"""Gradient caching: a batch of any size in the memory of a small one.

Gao et al., 2021, https://arxiv.org/abs/2101.06983 (GradCache), section 3.2. The loss of a whole batch
reaches the network only through the sentence vectors. So the vectors are computed first, chunk by chunk
and without a graph; then the loss, and its gradient at every vector; then every chunk once more with its
graph, through which the gradient of its own vectors flows. The gradient is that of the whole batch.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager

import torch
from torch import Tensor

from simemb.method.method import Method
from simemb.method.step_input import Chunk, StepInput
from simemb.method.view_pairs import Encoded, join


def backward(
    method: Method,
    examples: StepInput,
    send: Callable[[Tensor], None],
    autocast: Callable[[], AbstractContextManager[None]],
) -> tuple[Tensor, dict[str, Tensor]]:
    """The loss of a batch and what to watch, with the gradients left in the parameters.

    send: runs backward from a scalar, scaled as the trainer wants it. Each chunk draws the same random
    numbers both times, so dropout and augmentations agree.
    """
    seeds = torch.randint(2**62, (len(examples.chunks),)).tolist()

    def encode(chunk: Chunk, seed: int) -> Encoded:
        torch.manual_seed(seed)
        return method.encode(chunk, examples)

    with torch.no_grad(), autocast():
        parts = [encode(chunk, seed) for chunk, seed in zip(examples.chunks, seeds, strict=True)]
    for vectors in _all(parts):
        vectors.requires_grad_()
    with autocast():
        loss, signals = method.compare(join(parts), examples)
    if loss.requires_grad:
        send(loss)
    total = loss.detach()
    for chunk, seed, part in zip(examples.chunks, seeds, parts, strict=True):
        with autocast():
            again = encode(chunk, seed)
            extra = method.auxiliary_loss(chunk, again, examples, signals)
        _send_through(again, part, retain_graph=isinstance(extra, Tensor))
        if isinstance(extra, Tensor):
            send(extra)
            total = total + extra.detach()
        del again, extra  # the graph of this chunk, before the next one is built
    return total, signals


def _all(parts: list[Encoded]) -> list[Tensor]:
    return [vectors for part in parts for side in (part.online, part.second) for vectors in side.values()]


def _send_through(again: Encoded, cached: Encoded, *, retain_graph: bool) -> None:
    """Let the gradients of the cached vectors flow through the same vectors with their graph.

    retain_graph: the auxiliaries of the chunk go through it afterwards.
    """
    both = zip(_all([again]), _all([cached]), strict=True)
    alive = [(vectors, known.grad) for vectors, known in both if vectors.requires_grad and known.grad is not None]
    if alive:
        vectors, gradients = zip(*alive, strict=True)
        torch.autograd.backward(vectors, gradients, retain_graph=retain_graph)
