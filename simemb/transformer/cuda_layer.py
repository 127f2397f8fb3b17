"""One layer in half precision on CUDA, forward and backward written out; `simemb.transformer.cuda_stack` stacks them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.functional import gelu, linear


@dataclass(frozen=True)
class Shape:
    """What is fixed of a layer: heads, the three dropouts (0 outside training), the epsilons of its norms."""

    heads: int
    dropouts: tuple[float, float, float]
    epsilons: tuple[float, float]


@dataclass(frozen=True)
class Spans:
    """Where the sentences lie: starts of all and the end; `firsts`, if the last layer is to give no other rows."""

    starts: Int[Tensor, "starts"]
    longest: int
    firsts: Int[Tensor, "batch"] | None


@dataclass(frozen=True)
class Half:
    """The weights of a layer in half precision."""

    qkv: Tensor
    qkv_bias: Tensor
    output: Tensor
    output_bias: Tensor
    up: Tensor
    up_bias: Tensor
    down: Tensor
    down_bias: Tensor


def product(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
    """a b of half-precision matrices, rounded once, to `dtype`."""
    return a @ b if dtype == a.dtype else torch.mm(a, b, out_dtype=dtype)


@dataclass(frozen=True)
class Block:
    """One layer. firsts: the only rows wanted of it. site: the number of its first dropout. norms: two affine maps."""

    shape: Shape
    half: Half
    spans: Spans
    firsts: Tensor | None
    seed: Tensor
    site: int
    norms: tuple[Sequence[Tensor], Sequence[Tensor]]

    def _drop(self, which: int) -> Any:
        from simemb.transformer.triton_kernels import Drop

        return Drop(self.shape.dropouts[which], self.seed, self.site + which)

    def _geometry(self) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        """Starts and longest span of the queries and of the keys."""
        starts, longest = self.spans.starts, self.spans.longest
        if self.firsts is None:
            return (starts, starts), (longest, longest)
        return (torch.arange(len(starts), dtype=starts.dtype, device=starts.device), starts), (1, longest)

    def _heads(self, rows: Tensor) -> Tensor:
        return rows.unflatten(1, (self.shape.heads, -1))

    def _scale(self, query: Tensor) -> float:
        return query.shape[2] ** -0.5

    def forward(self, x: Tensor, *, save: bool, dtype: torch.dtype) -> tuple[Tensor, list[Tensor]]:
        """The layer's output, and the twelve tensors that its backward needs."""
        from simemb.transformer import triton_kernels

        half, width = self.half, len(self.half.output)
        (weight1, bias1), (weight2, bias2) = self.norms
        if self.firsts is None:
            rows = x
            queries = keys = linear(x, half.qkv, half.qkv_bias)
            q, k, v = (self._heads(part) for part in queries.chunk(3, 1))
        else:
            rows = x.index_select(0, self.firsts)
            queries = linear(rows, half.qkv[:width], half.qkv_bias[:width])
            keys = linear(x, half.qkv[width:], half.qkv_bias[width:])
            q, k, v = (self._heads(part) for part in (queries, *keys.chunk(2, 1)))
        mixed = triton_kernels.attend(q, k, v, *self._geometry(), self._scale(q), self._drop(0)).flatten(1)
        y = linear(mixed, half.output, half.output_bias)
        middle, z1, s1 = triton_kernels.add_norm(
            y, rows, weight1, bias1, self.shape.epsilons[0], self._drop(1), save=save
        )
        wide = linear(middle, half.up, half.up_bias)
        bent = gelu(wide)
        y = linear(bent, half.down, half.down_bias)
        out, z2, s2 = triton_kernels.add_norm(
            y, middle, weight2, bias2, self.shape.epsilons[1], self._drop(2), save=save, dtype=dtype
        )
        return out, [x, rows, queries, keys, mixed, z1, s1, middle, wide, bent, z2, s2]

    def backward(
        self,
        arrived: Tensor,
        further: Tensor | None,
        states: Sequence[Tensor],
        sums: tuple[Tensor, Tensor, Tensor],
        dtype: torch.dtype,
    ) -> tuple[Tensor, Tensor | None, list[Tensor]]:
        """The gradient of the input, as one or two tensors to be added, and of q, k, v, output, up and down.

        The output's gradient comes in the same way. sums: what takes the partial sums of this layer.
        """
        from simemb.transformer import triton_kernels

        half, width = self.half, len(self.half.output)
        x, rows, queries, keys, mixed, z1, s1, middle, wide, bent, z2, s2 = states
        of_middle, dy = triton_kernels.add_norm_backward(
            arrived, further, z2, s2, self.norms[1][0], self._drop(2), sums[0][1]
        )
        of_down = product(dy.t(), bent, dtype)
        of_wide = triton_kernels.gelu_backward(dy @ half.down, wide, sums[1])
        of_up = product(of_wide.t(), middle, dtype)
        of_rows, dy = triton_kernels.add_norm_backward(
            of_middle, of_wide @ half.up, z1, s1, self.norms[0][0], self._drop(1), sums[0][0]
        )
        of_output = product(dy.t(), mixed, dtype)
        of_mixed = self._heads(dy @ half.output)
        of_queries, of_keys = torch.empty_like(queries), torch.empty_like(keys)
        if self.firsts is None:
            of_keys = of_queries
            parts, gradients = queries.chunk(3, 1), of_queries.chunk(3, 1)
        else:
            parts, gradients = (queries, *keys.chunk(2, 1)), (of_queries, *of_keys.chunk(2, 1))
        q, k, v = (self._heads(part) for part in parts)
        dq, dk, dv = (self._heads(part) for part in gradients)
        q_sums, k_sums, v_sums = sums[2].chunk(3, 1)
        triton_kernels.attend_backward(
            of_mixed,
            (q, k, v),
            (dq, dk, dv),
            *self._geometry(),
            self._scale(q),
            self._drop(0),
            (q_sums, k_sums, v_sums),
        )
        others = [of_output, of_up, of_down]
        if self.firsts is None:
            of_qkv = product(of_queries.t(), x, dtype).split(width)
            return of_rows, of_queries @ half.qkv, [*of_qkv, *others]
        of_q, of_kv = product(of_queries.t(), rows, dtype), product(of_keys.t(), x, dtype)
        of_x = of_keys @ half.qkv[width:]
        of_x.index_add_(0, self.firsts, of_rows + of_queries @ half.qkv[:width])
        return of_x, None, [of_q, *of_kv.split(width), *others]
