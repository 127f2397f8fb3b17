"""Triton kernels for half-precision training on CUDA: what stands between two matrix products, one pass each.

A whole sentence fits into one tile, so attention needs no online softmax and its backward no atomics. Dropout
masks are not stored: the backward draws them again from (seed, site, place). Every sum has a fixed order.

In the names of gradients `of_x` is the gradient of x within a kernel, and `dx` the tensor that it is written to.
"""

# ruff: noqa: N803
# pyright: reportMissingImports=false, reportMissingTypeStubs=false, reportUnknownParameterType=false, reportMissingParameterType=false
# pyright: reportIndexIssue=false, reportArgumentType=false, reportOperatorIssue=false, reportCallIssue=false
# pyright: reportAttributeAccessIssue=false, reportGeneralTypeIssues=false, reportUntypedFunctionDecorator=false

import torch
import triton
import triton.language as tl
from jaxtyping import Float, Int
from torch import Tensor

NORM_PROGRAMS = 264
"""Programs of a LayerNorm's backward: two for each multiprocessor of a Hopper GPU."""

GELU_ROWS = 32
"""Rows of one program of the gelu's backward."""


@triton.jit
def _kept(seed, row, width, columns: tl.constexpr, threshold):
    """Which values of each row, `columns` of them, a dropout keeps; one philox call gives four random numbers."""
    quarter = tl.arange(0, columns // 4)
    a, b, c, d = tl.randint4x(seed, row[:, None] * (width // 4) + quarter[None, :])
    numbers = tl.join(tl.join(a, c), tl.join(b, d)).reshape(row.shape[0], columns)
    return numbers.to(tl.int32, bitcast=True) >= threshold


@triton.jit
def _attend_kernel(
    q, k, v, out, q_starts, k_starts, seed, q_stride, k_stride, out_stride, scale, threshold, gain, site,
    DIM: tl.constexpr, Q: tl.constexpr, K: tl.constexpr, DROP: tl.constexpr,
):  # fmt: skip
    sentence, head = tl.program_id(0), tl.program_id(1)
    q_first, k_first = tl.load(q_starts + sentence), tl.load(k_starts + sentence)
    q_count, k_count = tl.load(q_starts + sentence + 1) - q_first, tl.load(k_starts + sentence + 1) - k_first
    i, j, d = tl.arange(0, Q), tl.arange(0, K), head * DIM + tl.arange(0, DIM)
    q_here, k_here = (i < q_count)[:, None], (j < k_count)[:, None]
    queries = tl.load(q + (q_first + i)[:, None] * q_stride + d[None, :], mask=q_here, other=0.0)
    keys = tl.load(k + (k_first + j)[:, None] * k_stride + d[None, :], mask=k_here, other=0.0)
    values = tl.load(v + (k_first + j)[:, None] * k_stride + d[None, :], mask=k_here, other=0.0)
    scores = tl.where((j < k_count)[None, :], tl.dot(queries, tl.trans(keys)) * scale, float("-inf"))
    weights = tl.exp(scores - tl.max(scores, 1)[:, None])
    weights = weights / tl.sum(weights, 1)[:, None]
    if DROP:
        place = (sentence * tl.num_programs(1) + head) * Q + i
        weights = tl.where(_kept(tl.load(seed) + site, place, K, K, threshold), weights * gain, 0.0)
    mixed = tl.dot(weights.to(values.dtype), values)
    tl.store(out + (q_first + i)[:, None] * out_stride + d[None, :], mixed.to(values.dtype), mask=q_here)


@triton.jit
def _attend_backward_kernel(
    q, k, v, gradient, dq, dk, dv, q_sums, k_sums, v_sums, q_starts, k_starts, seed,
    q_stride, k_stride, gradient_stride, dq_stride, dk_stride, q_sums_stride, k_sums_stride,
    scale, threshold, gain, site,
    DIM: tl.constexpr, Q: tl.constexpr, K: tl.constexpr, DROP: tl.constexpr, SUMS: tl.constexpr,
):  # fmt: skip
    sentence, head = tl.program_id(0), tl.program_id(1)
    q_first, k_first = tl.load(q_starts + sentence), tl.load(k_starts + sentence)
    q_count, k_count = tl.load(q_starts + sentence + 1) - q_first, tl.load(k_starts + sentence + 1) - k_first
    i, j, d = tl.arange(0, Q), tl.arange(0, K), head * DIM + tl.arange(0, DIM)
    q_here, k_here = (i < q_count)[:, None], (j < k_count)[:, None]
    queries = tl.load(q + (q_first + i)[:, None] * q_stride + d[None, :], mask=q_here, other=0.0)
    keys = tl.load(k + (k_first + j)[:, None] * k_stride + d[None, :], mask=k_here, other=0.0)
    values = tl.load(v + (k_first + j)[:, None] * k_stride + d[None, :], mask=k_here, other=0.0)
    of_mixed = tl.load(gradient + (q_first + i)[:, None] * gradient_stride + d[None, :], mask=q_here, other=0.0)
    scores = tl.where((j < k_count)[None, :], tl.dot(queries, tl.trans(keys)) * scale, float("-inf"))
    weights = tl.exp(scores - tl.max(scores, 1)[:, None])
    weights = weights / tl.sum(weights, 1)[:, None]
    of_weights = tl.dot(of_mixed, tl.trans(values))
    dropped = weights
    if DROP:
        place = (sentence * tl.num_programs(1) + head) * Q + i
        keep = _kept(tl.load(seed) + site, place, K, K, threshold)
        dropped = tl.where(keep, weights * gain, 0.0)
        of_weights = tl.where(keep, of_weights * gain, 0.0)
    of_values = tl.dot(tl.trans(dropped.to(values.dtype)), of_mixed)
    of_scores = weights * (of_weights - tl.sum(of_weights * weights, 1)[:, None]) * scale
    of_scores = of_scores.to(values.dtype)
    of_queries, of_keys = tl.dot(of_scores, keys), tl.dot(tl.trans(of_scores), queries)
    tl.store(dq + (q_first + i)[:, None] * dq_stride + d[None, :], of_queries.to(values.dtype), mask=q_here)
    tl.store(dk + (k_first + j)[:, None] * dk_stride + d[None, :], of_keys.to(values.dtype), mask=k_here)
    tl.store(dv + (k_first + j)[:, None] * dk_stride + d[None, :], of_values.to(values.dtype), mask=k_here)
    if SUMS:
        tl.store(q_sums + sentence * q_sums_stride + d, tl.sum(of_queries, 0))
        tl.store(k_sums + sentence * k_sums_stride + d, tl.sum(of_keys, 0))
        tl.store(v_sums + sentence * k_sums_stride + d, tl.sum(of_values, 0))


@triton.jit
def _norm_kernel(
    y, x, weight, bias, out, z, statistics, seed, width, epsilon, threshold, gain, site,
    WIDTH: tl.constexpr, DROP: tl.constexpr, SAVE: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0) + tl.arange(0, 1)
    column = tl.arange(0, WIDTH)
    here = (column < width)[None, :]
    place = row[:, None].to(tl.int64) * width + column[None, :]
    added = tl.load(y + place, mask=here, other=0.0).to(tl.float32)
    if DROP:
        added = tl.where(_kept(tl.load(seed) + site, row, width, WIDTH, threshold), added * gain, 0.0)
    total = added + tl.load(x + place, mask=here, other=0.0).to(tl.float32)
    mean = tl.sum(total, 1) / width
    centered = tl.where(here, total - mean[:, None], 0.0)
    inverse = tl.rsqrt(tl.sum(centered * centered, 1) / width + epsilon)
    scaled = centered * inverse[:, None]
    w = tl.load(weight + column, mask=column < width, other=0.0)[None, :].to(tl.float32)
    b = tl.load(bias + column, mask=column < width, other=0.0)[None, :].to(tl.float32)
    tl.store(out + place, (scaled * w + b).to(out.dtype.element_ty), mask=here)
    if SAVE:
        tl.store(z + place, total.to(z.dtype.element_ty), mask=here)
        tl.store(statistics + row * 2, mean)
        tl.store(statistics + row * 2 + 1, inverse)


@triton.jit
def _norm_backward_kernel(
    gradient, addend, z, statistics, weight, dx, dy, sums, seed, rows, width, threshold, gain, site,
    WIDTH: tl.constexpr, ROWS: tl.constexpr, DROP: tl.constexpr, TWO: tl.constexpr,
):  # fmt: skip
    program = tl.program_id(0)
    column = tl.arange(0, WIDTH)
    w = tl.load(weight + column, mask=column < width, other=0.0)[None, :].to(tl.float32)
    of_weight = tl.zeros((WIDTH,), tl.float32)
    of_bias = tl.zeros((WIDTH,), tl.float32)
    of_added = tl.zeros((WIDTH,), tl.float32)
    for first in range(program * ROWS, rows, tl.num_programs(0) * ROWS):
        row = first + tl.arange(0, ROWS)
        here = (row < rows)[:, None] & (column < width)[None, :]
        place = row[:, None].to(tl.int64) * width + column[None, :]
        of_out = tl.load(gradient + place, mask=here, other=0.0).to(tl.float32)
        if TWO:
            of_out += tl.load(addend + place, mask=here, other=0.0).to(tl.float32)
        mean = tl.load(statistics + row * 2, mask=row < rows, other=0.0)[:, None]
        inverse = tl.load(statistics + row * 2 + 1, mask=row < rows, other=0.0)[:, None]
        scaled = tl.where(here, tl.load(z + place, mask=here, other=0.0).to(tl.float32) - mean, 0.0) * inverse
        of_scaled = of_out * w
        shift = tl.sum(of_scaled, 1)[:, None] / width
        slope = tl.sum(of_scaled * scaled, 1)[:, None] / width
        of_total = tl.where(here, inverse * (of_scaled - shift - scaled * slope), 0.0)
        tl.store(dx + place, of_total.to(dx.dtype.element_ty), mask=here)
        of_weight += tl.sum(of_out * scaled, 0)
        of_bias += tl.sum(of_out, 0)
        if DROP:
            of_total = tl.where(_kept(tl.load(seed) + site, row, width, WIDTH, threshold), of_total * gain, 0.0)
            tl.store(dy + place, of_total.to(dy.dtype.element_ty), mask=here)
        of_added += tl.sum(of_total, 0)
    sums += program * 3 * width + column
    tl.store(sums, of_weight, mask=column < width)
    tl.store(sums + width, of_bias, mask=column < width)
    tl.store(sums + 2 * width, of_added, mask=column < width)


@triton.jit
def _gelu_backward_kernel(
    gradient, x, dx, sums, rows, width, ROWS: tl.constexpr, COLUMNS: tl.constexpr
):  # fmt: skip
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    here = (row < rows)[:, None] & (column < width)[None, :]
    place = row[:, None].to(tl.int64) * width + column[None, :]
    value = tl.load(x + place, mask=here, other=0.0).to(tl.float32)
    of_gelu = tl.load(gradient + place, mask=here, other=0.0).to(tl.float32)
    below = 0.5 * (1 + tl.erf(value * 0.7071067811865476))
    density = 0.3989422804014327 * tl.exp(-0.5 * value * value)
    of_x = of_gelu * (below + value * density)
    tl.store(dx + place, of_x.to(dx.dtype.element_ty), mask=here)
    tl.store(sums + tl.program_id(0) * width + column, tl.sum(of_x, 0), mask=column < width)


# ---- what the rest of the package calls ------------------------------------------------------------------


class Dropout:
    """One dropout of a network; `site` distinguishes it from the others that share the seed."""

    def __init__(self, probability: float, seed: Int[Tensor, "1"], site: int):
        self.on = probability > 0
        self.seed = seed
        self.site = site
        # a value is kept if its 32 random bits, read as a signed number, reach the threshold
        self.threshold = min(round(probability * 2**32), 2**32 - 1) - 2**31
        self.gain = 1 / (1 - probability) if probability < 1 else 0.0


def attend(
    query: Float[Tensor, "rows heads dim"],
    key: Float[Tensor, "tokens heads dim"],
    value: Float[Tensor, "tokens heads dim"],
    starts: tuple[Int[Tensor, "starts"], Int[Tensor, "starts"]],
    longest: tuple[int, int],
    scale: float,
    dropout: Dropout,
) -> Float[Tensor, "rows heads dim"]:
    """Attention within each sentence; key and value have the same strides, and the last two dimensions are dense."""
    out = torch.empty(query.shape, dtype=query.dtype, device=query.device)
    q_tile, k_tile = _tile(longest[0]), _tile(longest[1])
    _attend_kernel[(len(starts[0]) - 1, query.shape[1])](
        query, key, value, out, *starts, dropout.seed, query.stride(0), key.stride(0), out.stride(0),
        scale, dropout.threshold, dropout.gain, dropout.site, query.shape[2], q_tile, k_tile, dropout.on,
        num_warps=_warps(q_tile, k_tile),
    )  # fmt: skip
    return out


def attend_backward(
    gradient: Float[Tensor, "rows heads dim"],
    parts: tuple[Tensor, Tensor, Tensor],
    gradients: tuple[Tensor, Tensor, Tensor],
    starts: tuple[Int[Tensor, "starts"], Int[Tensor, "starts"]],
    longest: tuple[int, int],
    scale: float,
    dropout: Dropout,
    sums: tuple[Tensor, Tensor, Tensor] | None = None,
) -> None:
    """The gradients of query, key and value, written into `gradients`.

    sums: receive the sums over each sentence's tokens, [sentences, heads x dim] each, in float32.
    """
    query, key, value = parts
    dq, dk, dv = gradients
    q_tile, k_tile = _tile(longest[0]), _tile(longest[1])
    targets = sums or (gradient, gradient, gradient)  # not written without SUMS
    _attend_backward_kernel[(len(starts[0]) - 1, query.shape[1])](
        query, key, value, gradient, dq, dk, dv, *targets, *starts, dropout.seed,
        query.stride(0), key.stride(0), gradient.stride(0), dq.stride(0), dk.stride(0), targets[0].stride(0),
        targets[1].stride(0), scale, dropout.threshold, dropout.gain, dropout.site,
        query.shape[2], q_tile, k_tile, dropout.on, sums is not None, num_warps=_warps(q_tile, k_tile),
    )  # fmt: skip


def add_norm(
    y: Float[Tensor, "rows dim"], x: Float[Tensor, "rows dim"], weight: Tensor, bias: Tensor, epsilon: float,
    dropout: Dropout, *, save: bool, dtype: torch.dtype | None = None,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """LayerNorm(x + dropout(y)) as `dtype`, and for the backward the sum, mean and inverse deviation of each row."""
    rows, width = y.shape
    out = torch.empty_like(y, dtype=dtype)
    z = torch.empty_like(y) if save else out
    statistics = torch.empty(rows, 2, dtype=torch.float32, device=y.device) if save else out
    _norm_kernel[(rows,)](
        y, x, weight, bias, out, z, statistics, dropout.seed, width, epsilon,
        dropout.threshold, dropout.gain, dropout.site, triton.next_power_of_2(width), dropout.on, save, num_warps=4,
    )  # fmt: skip
    return out, z, statistics


def add_norm_backward(
    gradient: Float[Tensor, "rows dim"], addend: Float[Tensor, "rows dim"] | None, z: Tensor, statistics: Tensor,
    weight: Tensor, dropout: Dropout, sums: Float[Tensor, "programs three dim"],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The gradients of x and y, from that of the output, which is `gradient` plus `addend`.

    sums: receives partial sums of the gradients of weight, bias and y, each over the rows of one program.
    """
    rows, width = z.shape
    dx = torch.empty_like(z)
    dy = torch.empty_like(z) if dropout.on else dx
    _norm_backward_kernel[(len(sums),)](
        gradient, gradient if addend is None else addend, z, statistics, weight, dx, dy, sums, dropout.seed,
        rows, width, dropout.threshold, dropout.gain, dropout.site,
        triton.next_power_of_2(width), 2, dropout.on, addend is not None, num_warps=4,
    )  # fmt: skip
    return dx, dy


def gelu_backward(
    gradient: Float[Tensor, "rows dim"], x: Float[Tensor, "rows dim"], sums: Float[Tensor, "programs dim"]
) -> Float[Tensor, "rows dim"]:
    """The gradient of the exact gelu's input; `sums` receives its sums over every GELU_ROWS rows."""
    rows, width = x.shape
    dx = torch.empty_like(x)
    grid = (triton.cdiv(rows, GELU_ROWS), triton.cdiv(width, 128))
    _gelu_backward_kernel[grid](gradient, x, dx, sums, rows, width, GELU_ROWS, 128, num_warps=4)
    return dx


def _tile(longest: int) -> int:
    return max(16, triton.next_power_of_2(longest))


def _warps(q_tile: int, k_tile: int) -> int:
    return {16: 1, 32: 2, 64: 4, 128: 8}[max(q_tile, k_tile)]
