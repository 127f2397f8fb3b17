"""Attention without gradient on a CPU, as plain products of blocks of sentences of similar length.

In bfloat16 they are two to three times as fast as torch's fused kernel, whatever the length: oneDNN computes them, and
the kernel computes tiles too small for it.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from simemb.transformer.batch import Runs
from simemb.transformer.cpu_attention import from_block, grouped, to_block

SCORES = 1 << 20
"""Scores at once, 2 MiB, which stay in the caches: sentences are taken in parts, and so are the rows of long ones."""

_SMALLEST, _LARGEST = 1e-35, 1e35
"""Sums of weights within which products with values of ordinary size have a place in bfloat16."""


def attend_without_gradient(
    query: Float[Tensor, "rows heads dim"],
    key: Float[Tensor, "tokens heads dim"],
    value: Float[Tensor, "tokens heads dim"],
    *,
    runs: Runs,
    scaling: float,
    first_only: bool,
) -> Float[Tensor, "rows heads dim"]:
    """softmax(q k^T * scaling) v within each sentence; `first_only`: one query per sentence."""
    output = torch.empty_like(query)
    rows = tokens = 0
    for group in _parts(runs, query.shape[1]):
        sentences, total = sum(count for count, _ in group), sum(count * length for count, length in group)
        queries = ((sentences, 1),) if first_only else group
        here = slice(rows, rows := rows + (sentences if first_only else total))
        there = slice(tokens, tokens := tokens + total)
        blocks = to_block(query[here], queries), to_block(key[there], group), to_block(value[there], group)
        from_block(_by_rows(*blocks, _real(group, query), scaling), output[here], queries)
    return output


def _parts(runs: Runs, heads: int) -> list[Runs]:
    """Groups of runs, cut so that the scores of each part are at most `SCORES`, or those of one sentence."""
    parts: list[list[tuple[int, int]]] = []
    for group in grouped(runs):
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


def _real(group: Runs, like: Tensor) -> Float[Tensor, "blocks longest one"]:
    """1 for the tokens of a sentence and 0 for its padding, for every sentence and head."""
    lengths = torch.tensor([length for count, length in group for _ in range(count)])
    real = (torch.arange(group[-1][1]) < lengths[:, None]).to(like.dtype)
    return real.repeat_interleave(like.shape[1], 0)[:, :, None]


def _by_rows(query: Tensor, key: Tensor, value: Tensor, real: Tensor, scaling: float) -> Tensor:
    rows = max(1, SCORES // (len(key) * key.shape[1]))
    mixed = [_mix(part, key, value, real, scaling) for part in query.split(rows, 1)]
    return mixed[0] if len(mixed) == 1 else torch.cat(mixed, 1)


def _mix(
    query: Float[Tensor, "blocks rows dim"],
    key: Float[Tensor, "blocks longest dim"],
    value: Float[Tensor, "blocks longest dim"],
    real: Float[Tensor, "blocks longest one"],
    scaling: float,
) -> Float[Tensor, "blocks rows dim"]:
    """softmax(q k^T * scaling) v over the keys for which `real` is 1; the values of the others are 0.

    The weights are not shifted by the largest score of their row, which saves two passes: exponents to 80 have a place
    in float32 and bfloat16. Where a sum shows an overflow or underflow, they are.
    """
    scores = (query * scaling) @ key.transpose(1, 2)
    weights = scores.exp()
    sums = weights @ real
    least, most = sums.aminmax()
    if not (least > _SMALLEST and most < _LARGEST):
        scores.masked_fill_(real.transpose(1, 2) == 0, -torch.inf)
        weights = scores.sub_(scores.amax(-1, keepdim=True)).exp_()
        sums = weights @ real
    return (weights @ value).div_(sums)
