"""Attention with dropout on a CPU, in blocks of sentences of similar length.

PyTorch's fused CPU kernel has no dropout, and its plain one makes ten small calls for every run of equal lengths.
Here neighbouring runs share a block, padded to its longest sentence, and a block is one chain of matrix products.
Only these small blocks are ever padded.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function

from simemb.transformer.batch import Runs, split_runs
from simemb.transformer.cpu_ops import keep_mask


class _Saved(NamedTuple):
    """What the backward of a block needs: q, k, v, the attention weights, and which of them dropout kept."""

    query: Tensor
    key: Tensor
    value: Tensor
    weights: Tensor
    mask: Tensor


def attend_in_blocks(
    query: Float[Tensor, "rows heads dim"],
    key: Float[Tensor, "tokens heads dim"],
    value: Float[Tensor, "tokens heads dim"],
    *,
    bias: Float[Tensor, "heads longest longest"] | None = None,
    runs: Runs,
    scaling: float,
    dropout: float,
    first_only: bool,
) -> Float[Tensor, "rows heads dim"]:
    """dropout(softmax(q k^T * scaling + bias)) v within each sentence; with `first_only` one query per sentence."""
    return _Attention.apply(query, key, value, bias, runs, scaling, dropout, first_only)


def grouped(runs: Runs) -> Iterator[Runs]:
    """Runs in groups. The longest of a group is at most a quarter, or four tokens, longer than its shortest."""
    group: list[tuple[int, int]] = []
    for run in runs:
        if group and run[1] > max(group[0][1] * 5 // 4, group[0][1] + 4):
            yield tuple(group)
            group = []
        group.append(run)
    yield tuple(group)


class _Attention(Function):
    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        bias: Tensor | None,
        runs: Runs,
        scaling: float,
        dropout: float,
        first_only: bool,
    ) -> Tensor:
        groups = tuple(grouped(runs))
        query_groups = tuple(_firsts(group) for group in groups) if first_only else groups
        output = torch.empty_like(query)
        tensors: list[Tensor] = []
        for group, queries, q, k, v, out in zip(
            groups,
            query_groups,
            _split(query, query_groups),
            _split(key, groups),
            _split(value, groups),
            _split(output, query_groups),
            strict=True,
        ):
            q, k, v = to_block(q, queries), to_block(k, group), to_block(v, group)
            weights = _weights(q, k, bias, group, scaling)
            mask, ctx.scale = keep_mask(weights.shape, dropout)
            from_block(_dropped(weights, mask, ctx.scale) @ v, out, queries)
            tensors += _Saved(q, k, v, weights, mask)
        ctx.save_for_backward(*tensors)
        ctx.groups, ctx.query_groups, ctx.scaling = groups, query_groups, scaling
        ctx.bias_shape = None if bias is None else bias.shape
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        (gradient,) = gradients
        saved = ctx.saved_tensors
        blocks = [_Saved(*saved[first : first + 5]) for first in range(0, len(saved), 5)]
        of_query = torch.empty_like(gradient, memory_format=torch.contiguous_format)
        tokens = sum(count * length for group in ctx.groups for count, length in group)
        of_key = gradient.new_empty(tokens, *gradient.shape[1:])
        of_value = torch.empty_like(of_key)
        of_bias = gradient.new_zeros(ctx.bias_shape, dtype=torch.float32) if ctx.needs_input_grad[3] else None
        for group, queries, block, g, gq, gk, gv in zip(
            ctx.groups,
            ctx.query_groups,
            blocks,
            _split(gradient, ctx.query_groups),
            _split(of_query, ctx.query_groups),
            _split(of_key, ctx.groups),
            _split(of_value, ctx.groups),
            strict=True,
        ):
            g = to_block(g, queries)
            of_weights = _dropped(g @ block.value.transpose(1, 2), block.mask, ctx.scale)
            of_scores = torch.ops.aten._softmax_backward_data(of_weights, block.weights, -1, block.weights.dtype)
            if of_bias is not None:
                corner(of_bias, of_scores).add_(of_scores.unflatten(0, (-1, len(of_bias))).sum(0))
            of_scores *= ctx.scaling
            from_block(of_scores @ block.key, gq, queries)
            from_block(of_scores.transpose(1, 2) @ block.query, gk, group)
            from_block(_dropped(block.weights, block.mask, ctx.scale).transpose(1, 2) @ g, gv, group)
        return of_query, of_key, of_value, of_bias, None, None, None, None


def _firsts(group: Runs) -> Runs:
    """The runs of the first tokens alone."""
    return ((sum(count for count, _ in group), 1),)


def _split(rows: Tensor, groups: tuple[Runs, ...]) -> tuple[Tensor, ...]:
    return rows.split([sum(count * length for count, length in group) for group in groups])


def to_block(rows: Float[Tensor, "rows heads dim"], runs: Runs) -> Float[Tensor, "sentences_heads longest dim"]:
    """Rows as a dense block, one matrix per sentence and head, filled up with zeros."""
    heads, dim = rows.shape[1:]
    sentences, longest = sum(count for count, _ in runs), runs[-1][1]
    make = rows.new_empty if len(runs) == 1 else rows.new_zeros
    block = make(sentences, heads, longest, dim)
    first = 0
    for part, (count, length) in zip(split_runs(rows, runs), runs, strict=True):
        block[first : first + count, :, :length] = part.transpose(1, 2)
        first += count
    return block.view(sentences * heads, longest, dim)


def from_block(block: Float[Tensor, "sentences_heads longest dim"], rows: Tensor, runs: Runs) -> None:
    """Write a dense block back to its rows."""
    heads = rows.shape[1]
    block = block.unflatten(0, (-1, heads))
    first = 0
    for part, (count, length) in zip(split_runs(rows, runs), runs, strict=True):
        part.copy_(block[first : first + count, :, :length].transpose(1, 2))
        first += count


def corner(bias: Float[Tensor, "heads longest longest"], scores: Float[Tensor, "*_ rows columns"]) -> Tensor:
    """The part of a bias for scores of sentences that are shorter, or for their first tokens [heads, rows, columns]."""
    return bias[:, : scores.shape[-2], : scores.shape[-1]]


def _weights(
    query: Tensor, key: Tensor, bias: Tensor | None, runs: Runs, scaling: float
) -> Float[Tensor, "sentences_heads rows longest"]:
    """softmax(q k^T * scaling + bias) over the tokens of each sentence, without its padding."""
    scores = query @ key.transpose(1, 2)
    scores *= scaling
    if bias is not None:
        scores.unflatten(0, (-1, len(bias))).add_(corner(bias, scores))
    if len(runs) > 1:
        lengths = torch.tensor([length for count, length in runs for _ in range(count)], device=key.device)
        padding = torch.arange(key.shape[1], device=key.device) >= lengths[:, None]
        scores.unflatten(0, (len(lengths), -1)).masked_fill_(padding[:, None, None], -torch.inf)
    return torch.softmax(scores, -1)


def _dropped(values: Tensor, mask: Tensor, scale: float) -> Tensor:
    return torch.ops.aten.native_dropout_backward(values, mask, scale)
