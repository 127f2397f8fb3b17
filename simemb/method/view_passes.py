"""The passes in which a network encodes the views of a batch: all in one, or each in its own."""

from collections.abc import Sequence
from contextlib import nullcontext

from jaxtyping import Float
from torch import Tensor

from simemb.encoder.encoder import Encoder
from simemb.method.view_hooks import augment_embeddings
from simemb.method.view_prompts import skips
from simemb.method.views import View
from simemb.transformer.batch import Batch


def encode_views(
    encoder: Encoder,
    batch: Batch,
    views: Sequence[View],
    sizes: Sequence[int],
    max_length: int,
    gradient: Float[Tensor, "tokens dim"] | None = None,
) -> Sequence[Float[Tensor, "_ dim"]]:
    """The vectors of each view, of which the batch holds so many sentences, one view after the other.

    All views share a pass, unless one draws its dropout (`SampledDropout`): then each has its own. gradient: as in
    `augment_embeddings`.
    """
    if encoder.training and any(view.sampled_dropout for view in views):
        parts = zip(batch.parts(sizes), views, sizes, strict=True)
        return [_encode(encoder, part, [view], [size], max_length) for part, view, size in parts]
    return _encode(encoder, batch, views, sizes, max_length, gradient).split(list(sizes))


def _encode(
    encoder: Encoder,
    batch: Batch,
    views: Sequence[View],
    sizes: Sequence[int],
    max_length: int,
    gradient: Tensor | None = None,
) -> Float[Tensor, "batch dim"]:
    """One pass."""
    sampled = views[0].sampled_dropout if len(views) == 1 and encoder.training else None
    with sampled.drawn(encoder) if sampled else nullcontext(), augment_embeddings(encoder, views, gradient, sizes):
        return encoder(batch, skips(views, encoder, max_length, sizes))
