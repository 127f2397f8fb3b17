"""Attention over a ragged batch, by the kernel that suits the device."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from simemb.transformer import cuda_attention
from simemb.transformer.batch import Runs, split_runs
from simemb.transformer.cpu_attention import attend_in_blocks
from simemb.transformer.cpu_ops import PLAIN
from simemb.transformer.half_attention import attend_without_gradient


def attend(
    query: Float[Tensor, "rows heads dim"],
    key: Float[Tensor, "tokens heads dim"],
    value: Float[Tensor, "tokens heads dim"],
    *,
    runs: Runs,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    first_only: bool = False,
) -> Float[Tensor, "rows heads dim"]:
    """softmax(q k^T * scaling) v within each sentence, by the kernel that suits the device.

    scaling: 1 / sqrt(dim) by default. first_only: `query` holds only the first token of every sentence.
    """
    if query.is_cuda and sliding_window is None:
        starts, longest = cuda_attention.starts_of(runs, query.device), runs[-1][1]
        return cuda_attention.attend(
            query, key, value, starts, longest, dropout=dropout, scaling=scaling, first_only=first_only
        )
    if query.is_cuda:
        kernel = _attend_padded
    elif not PLAIN and sliding_window is None and (dropout or query.dtype == torch.bfloat16):
        scale = float(query.shape[-1] ** -0.5 if scaling is None else scaling)
        if dropout or torch.is_grad_enabled():
            return attend_in_blocks(
                query, key, value, runs=runs, scaling=scale, dropout=dropout, first_only=first_only
            )
        return attend_without_gradient(query, key, value, runs=runs, scaling=scale, first_only=first_only)
    else:
        kernel = _attend_by_run
    return kernel(
        query,
        key,
        value,
        runs=runs,
        scaling=scaling,
        dropout=dropout,
        sliding_window=sliding_window,
        first_only=first_only,
    )


def _attend_by_run(
    query: Float[Tensor, "rows heads dim"],
    key: Float[Tensor, "tokens heads dim"],
    value: Float[Tensor, "tokens heads dim"],
    *,
    runs: Runs,
    scaling: float | None,
    dropout: float,
    sliding_window: int | None,
    first_only: bool = False,
) -> Float[Tensor, "rows heads dim"]:
    """One dense call per run of equal lengths: no padding, so no work beyond the tokens of the batch."""
    outputs: list[Tensor] = []
    query_runs = tuple((sentences, 1) for sentences, _ in runs) if first_only else runs
    for q, k, v in zip(split_runs(query, query_runs), split_runs(key, runs), split_runs(value, runs), strict=True):
        attended = scaled_dot_product_attention(
            q.transpose(1, 2),
            k.transpose(1, 2),
            v.transpose(1, 2),
            attn_mask=_window_mask(q.shape[1], sliding_window, q.device),
            dropout_p=dropout,
            scale=scaling,
        )
        outputs.append(attended.transpose(1, 2).flatten(0, 1))
    return torch.cat(outputs)


def _attend_padded(
    query: Float[Tensor, "rows heads dim"],
    key: Float[Tensor, "tokens heads dim"],
    value: Float[Tensor, "tokens heads dim"],
    *,
    runs: Runs,
    scaling: float | None,
    dropout: float,
    sliding_window: int | None,
    first_only: bool = False,
) -> Float[Tensor, "rows heads dim"]:
    """One masked call on a padded batch, which a GPU computes faster than many small calls."""
    device, longest = query.device, runs[-1][1]
    lengths = torch.tensor([length for count, length in runs for _ in range(count)], device=device)
    real = torch.arange(longest, device=device) < lengths[:, None]
    row, column = real.nonzero(as_tuple=True)

    def padded(projection: Tensor) -> Tensor:
        empty = projection.new_zeros(len(lengths), longest, *projection.shape[1:])
        return empty.index_put((row, column), projection)

    q, k, v = query[:, None] if first_only else padded(query), padded(key), padded(value)
    visible = real[:, None, None, :]
    window = _window_mask(longest, sliding_window, device)
    attended = scaled_dot_product_attention(
        q.transpose(1, 2),
        k.transpose(1, 2),
        v.transpose(1, 2),
        attn_mask=visible if window is None else visible & window,
        dropout_p=dropout,
        scale=scaling,
    )
    attended = attended.transpose(1, 2)
    return attended[:, 0] if first_only else attended[row, column]


def _window_mask(length: int, sliding_window: int | None, device: torch.device) -> Bool[Tensor, "length length"] | None:
    if sliding_window is None or length <= sliding_window:
        return None
    place = torch.arange(length, device=device)
    return (place[:, None] - place).abs() < sliding_window
