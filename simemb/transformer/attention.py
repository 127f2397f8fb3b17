"""Attention over a ragged batch, by the kernel that suits the device."""

from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from simemb.transformer import cuda_attention
from simemb.transformer.batch import Runs, split_runs
from simemb.transformer.cpu_attention import attend_in_blocks
from simemb.transformer.cpu_ops import PLAIN

_ROWS = 128
"""The fewest queries of a long sentence that one call takes, with all keys in the window of any of them."""


def attend(
    query: Float[Tensor, "rows heads dim"],
    key: Float[Tensor, "tokens heads dim"],
    value: Float[Tensor, "tokens heads dim"],
    *,
    runs: Runs,
    bias: Float[Tensor, "heads longest longest"] | None = None,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    first_only: bool = False,
) -> Float[Tensor, "rows heads dim"]:
    """softmax(q k^T * scaling + bias) v within each sentence, by the kernel that suits the device.

    bias: by the places of query and key in their sentence; a shorter sentence reads its upper left corner. scaling:
    1 / sqrt(dim) by default. sliding_window: a query sees the keys at a distance below it. first_only: `query` holds
    only the first token of every sentence.
    """
    longest = runs[-1][1]
    if sliding_window is not None and sliding_window >= longest:
        sliding_window = None
    if query.is_cuda and bias is None and sliding_window is None:
        starts = cuda_attention.starts_of(runs, query.device)
        return cuda_attention.attend(
            query, key, value, starts, longest, dropout=dropout, scaling=scaling, first_only=first_only
        )
    slow = dropout or (bias is not None and bias.requires_grad)  # torch's fused kernel can do neither
    if query.is_cuda:
        kernel = _attend_padded
    elif slow and not PLAIN and sliding_window is None and not torch.is_autocast_enabled("cpu"):
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        return attend_in_blocks(
            query, key, value, bias=bias, runs=runs, scaling=float(scale), dropout=dropout, first_only=first_only
        )
    else:
        kernel = _attend_by_run
    return kernel(
        query,
        key,
        value,
        runs=runs,
        bias=bias,
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
    bias: Float[Tensor, "heads longest longest"] | None = None,
    scaling: float | None,
    dropout: float,
    sliding_window: int | None,
    first_only: bool = False,
) -> Float[Tensor, "rows heads dim"]:
    """One dense call per run of equal lengths: no padding, so no work beyond the tokens of the batch."""
    outputs: list[Tensor] = []
    query_runs = tuple((sentences, 1) for sentences, _ in runs) if first_only else runs
    for q, k, v in zip(split_runs(query, query_runs), split_runs(key, runs), split_runs(value, runs), strict=True):
        kernel = scaled_dot_product_attention if sliding_window is None else partial(_by_window, sliding_window)
        attended = kernel(
            q.transpose(1, 2),
            k.transpose(1, 2),
            v.transpose(1, 2),
            attn_mask=None if bias is None else _corner(bias, q.shape[1], k.shape[1], q.dtype),
            dropout_p=dropout,
            scale=scaling,
        )
        outputs.append(attended.transpose(1, 2).flatten(0, 1))
    return torch.cat(outputs)


def _by_window(
    window: int,
    query: Float[Tensor, "run heads queries dim"],
    key: Float[Tensor, "run heads keys dim"],
    value: Float[Tensor, "run heads keys dim"],
    *,
    attn_mask: Float[Tensor, "#run heads queries keys"] | None,
    **options: Any,
) -> Float[Tensor, "run heads queries dim"]:
    """Blocks of queries, each with the keys that any of them sees: the work grows with the length, not its square."""
    queries, keys = query.shape[2], key.shape[2]
    parts: list[Tensor] = []
    for first in range(0, queries, max(window, _ROWS)):
        rows = slice(first, min(queries, first + max(window, _ROWS)))
        columns = slice(max(0, rows.start - window + 1), min(keys, rows.stop + window - 1))
        mask = _near(rows, columns, window, query.device)
        if attn_mask is not None:
            mask = attn_mask[:, :, rows, columns].masked_fill(~mask, -torch.inf)
        parts.append(
            scaled_dot_product_attention(
                query[:, :, rows], key[:, :, columns], value[:, :, columns], attn_mask=mask, **options
            )
        )
    return torch.cat(parts, 2)


def _near(rows: slice, columns: slice, window: int, device: torch.device) -> Bool[Tensor, "rows columns"]:
    """Which places are at a distance below the window."""
    row, column = (torch.arange(places.start, places.stop, device=device) for places in (rows, columns))
    return (row[:, None] - column).abs() < window


def _corner(bias: Tensor, queries: int, keys: int, dtype: torch.dtype) -> Float[Tensor, "one heads queries keys"]:
    """The bias of sentences of fewer tokens, or of their first tokens alone."""
    return bias[None, :, :queries, :keys].to(dtype)


def _attend_padded(
    query: Float[Tensor, "rows heads dim"],
    key: Float[Tensor, "tokens heads dim"],
    value: Float[Tensor, "tokens heads dim"],
    *,
    runs: Runs,
    bias: Float[Tensor, "heads longest longest"] | None = None,
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
    mask = real[:, None, None, :]
    if sliding_window is not None:
        mask = mask & _near(slice(0, q.shape[1]), slice(0, longest), sliding_window, device)
    if bias is not None:
        mask = _corner(bias, q.shape[1], longest, q.dtype).masked_fill(~mask, -torch.inf)
    attended = scaled_dot_product_attention(
        q.transpose(1, 2),
        k.transpose(1, 2),
        v.transpose(1, 2),
        attn_mask=mask,
        dropout_p=dropout,
        scale=scaling,
    )
    attended = attended.transpose(1, 2)
    return attended[:, 0] if first_only else attended[row, column]
