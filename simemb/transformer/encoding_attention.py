"""Attention without gradient on a CPU, as plain products of blocks of sentences of similar length.

In bfloat16 they are faster than torch's fused kernel, whose tiles are too small for oneDNN, which computes them here.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from simemb.transformer.batch import Runs
from simemb.transformer.cpu_attention import from_block, grouped, to_block

SCORES = 1 << 20
"""Scores at once, 2 MiB, which stay in the caches: sentences are taken in parts, and so are the rows of long ones."""

ROWS = 128
"""The fewest queries of a long sentence that one product takes, with all keys in the window of any of them."""

_SMALLEST, _LARGEST = 1e-35, 1e35
"""Sums of weights within which products with values of ordinary size have a place in bfloat16."""


def attend_without_gradient(
    query: Float[Tensor, "rows heads dim"],
    key: Float[Tensor, "tokens heads dim"],
    value: Float[Tensor, "tokens heads dim"],
    *,
    bias: Float[Tensor, "heads longest longest"] | None = None,
    runs: Runs,
    scaling: float,
    sliding_window: int | None = None,
    first_only: bool,
) -> Float[Tensor, "rows heads dim"]:
    """softmax(q k^T * scaling + bias) v within each sentence; the arguments are those of `attention.attend`."""
    output = torch.empty_like(query)
    query = query if scaling == 1 else query * scaling
    bias = None if bias is None else bias.to(query.dtype)
    scratch = query.new_empty(max(SCORES, query.shape[1] * runs[-1][1]))
    rows = tokens = 0
    for group in _parts(runs, query.shape[1], alike=sliding_window is not None):
        sentences, total = sum(count for count, _ in group), sum(count * length for count, length in group)
        queries = ((sentences, 1),) if first_only else group
        here = slice(rows, rows := rows + (sentences if first_only else total))
        there = slice(tokens, tokens := tokens + total)
        blocks = to_block(query[here], queries), to_block(key[there], group), to_block(value[there], group)
        mixed = _by_rows(*blocks, real=_real(group, query), bias=bias, window=sliding_window, scratch=scratch)
        from_block(mixed, output[here], queries)
    return output


def _parts(runs: Runs, heads: int, *, alike: bool) -> list[Runs]:
    """Groups of runs, cut so that the scores of each part are at most `SCORES`, or those of one sentence.

    alike: of equal length each. A window that slides over padding alone would see nothing.
    """
    parts: list[list[tuple[int, int]]] = []
    for group in ((run,) for run in runs) if alike else grouped(runs):
        most = max(1, SCORES // (heads * group[-1][1] ** 2))
        room = 0
        for count, length in group:
            while count:
                if not room:
                    parts.append([])
                    room = most
                taken = min(count, room)
                parts[-1].append((taken, length))
                count, room = count - taken, room - taken
    return [tuple(part) for part in parts]


def _real(group: Runs, like: Tensor) -> Float[Tensor, "blocks longest one"] | None:
    """1 for the tokens of a sentence and 0 for its padding, for every sentence and head; None without padding."""
    if len(group) == 1:
        return None
    lengths = torch.tensor([length for count, length in group for _ in range(count)])
    real = (torch.arange(group[-1][1]) < lengths[:, None]).to(like.dtype)
    return real.repeat_interleave(like.shape[1], 0)[:, :, None]


def _by_rows(
    query: Float[Tensor, "blocks rows dim"],
    key: Float[Tensor, "blocks longest dim"],
    value: Float[Tensor, "blocks longest dim"],
    *,
    real: Float[Tensor, "blocks longest one"] | None,
    bias: Float[Tensor, "heads all all"] | None,
    window: int | None,
    scratch: Float[Tensor, "scores"],
) -> Float[Tensor, "blocks rows dim"]:
    """Some queries after the others, each with the keys that any of them sees."""
    longest = key.shape[1]
    most = max(1, SCORES // (len(key) * longest)) if window is None else max(window, ROWS)
    mixed: list[Tensor] = []
    for first in range(0, query.shape[1], most):
        rows, keys = slice(first, min(query.shape[1], first + most)), slice(0, longest)
        unseen = None
        if window is not None and window < longest:
            keys = slice(max(0, rows.start - window + 1), min(longest, rows.stop + window - 1))
            unseen = ~near(rows, keys, window, query.device)
        part = None if bias is None else bias[:, rows, keys]
        seen = None if real is None else real[:, keys]
        scores = partial(_scores, query[:, rows], key[:, keys], bias=part, unseen=unseen, scratch=scratch)
        mixed.append(_mix(scores, value[:, keys], seen))
    return mixed[0] if len(mixed) == 1 else torch.cat(mixed, 1)


def near(rows: slice, columns: slice, window: int, device: torch.device) -> Bool[Tensor, "rows columns"]:
    """Which places of keys (columns) are at a distance below the window from those of queries (rows)."""
    row, column = (torch.arange(places.start, places.stop, device=device) for places in (rows, columns))
    return (row[:, None] - column).abs() < window


def _scores(
    query: Float[Tensor, "blocks rows dim"],
    key: Float[Tensor, "blocks keys dim"],
    *,
    bias: Float[Tensor, "heads rows keys"] | None,
    unseen: Bool[Tensor, "rows keys"] | None,
    scratch: Float[Tensor, "scores"],
) -> Float[Tensor, "blocks rows keys"]:
    """q k^T + bias, and minus infinity where a query does not see a key.

    scratch: where they are written if there is room; fresh memory would cost as much as the rest.
    """
    shape = (len(query), query.shape[1], key.shape[1])
    room = scratch[: math.prod(shape)].view(shape) if math.prod(shape) <= len(scratch) else query.new_empty(shape)
    scores = torch.bmm(query, key.transpose(1, 2), out=room)
    if bias is not None:
        scores.unflatten(0, (-1, len(bias))).add_(bias)
    if unseen is not None:
        scores.masked_fill_(unseen, -torch.inf)
    return scores


def _mix(
    scores: Callable[[], Float[Tensor, "blocks rows keys"]],
    value: Float[Tensor, "blocks keys dim"],
    real: Float[Tensor, "blocks keys one"] | None,
) -> Float[Tensor, "blocks rows dim"]:
    """softmax(scores) v over the keys for which `real` is 1; the values of the others are 0.

    The weights are not shifted by the largest score of their row, which saves two passes: exponents to 80 have a place
    in float32 and bfloat16. Where a sum shows an overflow or underflow, they are.
    """
    weights = scores().exp_()
    sums = _sums(weights, real)
    least, most = sums.aminmax()
    if not (least > _SMALLEST and most < _LARGEST):
        again = scores()
        if real is not None:
            again.masked_fill_(real.transpose(1, 2) == 0, -torch.inf)
        weights = again.sub_(again.amax(-1, keepdim=True)).exp_()
        sums = _sums(weights, real)
    return (weights @ value).div_(sums)


def _sums(weights: Tensor, real: Tensor | None) -> Float[Tensor, "blocks rows one"]:
    return weights.sum(-1, keepdim=True) if real is None else weights @ real
