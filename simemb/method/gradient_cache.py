"""Gradient caching: a batch of any size in the memory of a small one.

Gao et al., 2021, https://arxiv.org/abs/2101.06983 (GradCache), section 3.2. The loss of a whole batch depends on the
network only through the sentence vectors. So the vectors are computed first, chunk by chunk and without a graph; then
the loss, and its gradient with respect to every vector; then every chunk once more with its graph, through which the
gradient of its vectors flows. The result is the gradient of the whole batch. With dropout it is so for the masks of
the chunks, which are others than those of the batch in one piece: a mask is drawn for all tokens of a pass at once,
and drawing it by sentence would cost what that saves.
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
    """The loss of a batch and its signals; the gradients are added to those of the parameters.

    send: runs the backward pass from a scalar, with the trainer's scaling. Each chunk draws the same random numbers
    in both passes, so dropout and augmentations agree.
    """
    seeds = torch.randint(2**62, (len(examples.chunks),)).tolist()

    def encode(chunk: Chunk, seed: int) -> Encoded:
        torch.manual_seed(seed)
        return method.encode(chunk, examples)

    with torch.no_grad(), autocast():
        parts = [encode(chunk, seed) for chunk, seed in zip(examples.chunks, seeds, strict=True)]
    for vectors in _all_vectors(parts):
        vectors.requires_grad_()
    with autocast():
        loss, signals = method.compare(join(parts), examples)
    if loss.requires_grad:
        send(loss)
    total = loss.detach()
    for chunk, seed, part, share in zip(examples.chunks, seeds, parts, method.shares(examples), strict=True):
        with autocast():
            replay = encode(chunk, seed)
            extra = method.auxiliary_loss(chunk, replay, examples, share, signals)
        _send_through(replay, part, retain_graph=isinstance(extra, Tensor))
        if isinstance(extra, Tensor):
            send(extra)
            total = total + extra.detach()
        del replay, extra  # frees the graph of this chunk before the next one is built
    return total, signals


def _all_vectors(parts: list[Encoded]) -> list[Tensor]:
    return [vectors for part in parts for side in (part.online, part.second) for vectors in side.values()]


def _send_through(replay: Encoded, kept: Encoded, *, retain_graph: bool) -> None:
    """Send the gradients of the kept vectors through the graph of the replayed ones.

    retain_graph: for the auxiliaries of the chunk, which use the graph afterwards.
    """
    pairs = zip(_all_vectors([replay]), _all_vectors([kept]), strict=True)
    outputs = [(vectors, leaf.grad) for vectors, leaf in pairs if vectors.requires_grad and leaf.grad is not None]
    if outputs:
        vectors, gradients = zip(*outputs, strict=True)
        torch.autograd.backward(vectors, gradients, retain_graph=retain_graph)
