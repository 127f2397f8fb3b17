"""Attention over a ragged batch, by the kernel that suits the device."""

from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from simemb.transformer import cuda_attention
from simemb.transformer.batch import Runs, split_runs
from simemb.transformer.cpu_attention import attend_in_blocks
from simemb.transformer.cpu_ops import PLAIN
from simemb.transformer.encoding_attention import ROWS, attend_without_gradient, near


def attend(
    query: Float[Tensor, "rows heads dim"],
    key: Float[Tensor, "tokens heads dim"],
    value: Float[Tensor, "tokens heads dim"],
    *,
    runs: Runs,
    bias: Float[Tensor, "heads longest longest"] | None = None,
    causal: bool = False,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    first_only: bool = False,
) -> Float[Tensor, "rows heads dim"]:
    """softmax(q k^T * scaling + bias) v within each sentence, by the kernel that suits the device.

    bias: by the places of query and key in their sentence; a shorter sentence reads its upper left corner. causal: a
    query sees the keys at its place and before, without bias, window and `first_only`. scaling: 1 / sqrt(dim) by
    default. sliding_window: a query sees the keys at a distance below it. first_only: `query` holds only the first
    token of every sentence.
    """
    if causal:
        return _attend_causally(query, key, value, runs=runs, scaling=scaling, dropout=dropout)
    longest = runs[-1][1]
    if sliding_window is not None and sliding_window >= longest:
        sliding_window = None
    if query.is_cuda and bias is None and sliding_window is None:
        starts = cuda_attention.starts_of(runs, query.device)
        return cuda_attention.attend(
            query, key, value, starts, longest, dropout=dropout, scaling=scaling, first_only=first_only
        )
    scale = float(query.shape[-1] ** -0.5 if scaling is None else scaling)
    half, learning = query.dtype == torch.bfloat16, torch.is_grad_enabled()
    # torch's fused kernel has neither dropout nor the gradient of a bias, and is slow in bfloat16
    slow = dropout or half or (bias is not None and bias.requires_grad)
    if query.is_cuda:
        kernel = _attend_padded
    elif not PLAIN and half and not (dropout or learning):
        return attend_without_gradient(
            query,
            key,
            value,
            bias=bias,
            runs=runs,
            scaling=scale,
            sliding_window=sliding_window,
            first_only=first_only,
        )
    elif not PLAIN and slow and sliding_window is None:
        return attend_in_blocks(
            query, key, value, bias=bias, runs=runs, scaling=scale, dropout=dropout, first_only=first_only
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


def _attend_causally(
    query: Float[Tensor, "tokens heads dim"],
    key: Float[Tensor, "tokens heads dim"],
    value: Float[Tensor, "tokens heads dim"],
    *,
    runs: Runs,
    scaling: float | None,
    dropout: float,
) -> Float[Tensor, "tokens heads dim"]:
    """One dense call per run of equal lengths, in which no token sees a later one."""
    outputs: list[Tensor] = []
    for parts in zip(split_runs(query, runs), split_runs(key, runs), split_runs(value, runs), strict=True):
        q, k, v = (part.transpose(1, 2) for part in parts)
        attended = scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True, scale=scaling)
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
    for first in range(0, queries, max(window, ROWS)):
        rows = slice(first, min(queries, first + max(window, ROWS)))
        columns = slice(max(0, rows.start - window + 1), min(keys, rows.stop + window - 1))
        mask = near(rows, columns, window, query.device)
        if attn_mask is not None:
            mask = attn_mask[:, :, rows, columns].masked_fill(~mask, -torch.inf)
        parts.append(
            scaled_dot_product_attention(
                query[:, :, rows], key[:, :, columns], value[:, :, columns], attn_mask=mask, **options
            )
        )
    return torch.cat(parts, 2)


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
        mask = mask & near(slice(0, q.shape[1]), slice(0, longest), sliding_window, device)
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
