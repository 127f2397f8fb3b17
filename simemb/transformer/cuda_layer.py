"""One layer in half precision on CUDA, with its forward and backward written out.

`simemb.transformer.cuda_stack` makes one autograd function of several of them.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.functional import gelu, linear


@dataclass(frozen=True)
class Settings:
    """The constants of a layer: heads, the three dropouts (0 outside training), the epsilons of its two norms."""

    heads: int
    dropouts: tuple[float, float, float]
    epsilons: tuple[float, float]


@dataclass(frozen=True)
class Spans:
    """Where the sentences lie.

    starts: the first token of each sentence, and the end of the last. longest: no sentence has more tokens.
    firsts: the first token of each sentence if the last layer is to give those rows only, otherwise None.
    """

    starts: Int[Tensor, "starts"]
    longest: int
    firsts: Int[Tensor, "batch"] | None


class Parameters(NamedTuple):
    """The parameters of a layer, or their gradients, in the order in which autograd sees them."""

    query: Tensor
    query_bias: Tensor
    key: Tensor
    key_bias: Tensor
    value: Tensor
    value_bias: Tensor
    output: Tensor
    output_bias: Tensor
    output_norm: Tensor
    output_norm_bias: Tensor
    up: Tensor
    up_bias: Tensor
    down: Tensor
    down_bias: Tensor
    down_norm: Tensor
    down_norm_bias: Tensor


@dataclass(frozen=True)
class HalfWeights:
    """The weights of a layer's products in half precision; q, k and v are one matrix."""

    qkv: Tensor
    qkv_bias: Tensor
    output: Tensor
    output_bias: Tensor
    up: Tensor
    up_bias: Tensor
    down: Tensor
    down_bias: Tensor


class Activations(NamedTuple):
    """What a layer's backward needs of its forward.

    rows: the tokens that the output is computed for. queries, keys: the same tensor of q, k and v, or where only first
    tokens are computed, q of those and k and v of every token. sum, statistics: what a LayerNorm normalized, and mean
    and inverse deviation of each row.
    """

    tokens: Tensor
    rows: Tensor
    queries: Tensor
    keys: Tensor
    attended: Tensor
    output_sum: Tensor
    output_statistics: Tensor
    output_normed: Tensor
    inner: Tensor
    inner_gelu: Tensor
    down_sum: Tensor
    down_statistics: Tensor


class LayerSums(NamedTuple):
    """Buffers of one layer for partial sums over rows: gradients of norms and biases, to be added up later."""

    output_norm: Tensor
    down_norm: Tensor
    inner: Tensor
    qkv: Tensor


class MatrixGradients(NamedTuple):
    """The gradients of a layer's matrices."""

    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor
    up: Tensor
    down: Tensor


def product(a: Tensor, b: Tensor, dtype: torch.dtype) -> Tensor:
    """a b of half-precision matrices, rounded once, to `dtype`."""
    return a @ b if dtype == a.dtype else torch.mm(a, b, out_dtype=dtype)


@dataclass(frozen=True)
class HalfLayer:
    """One layer in half precision.

    firsts: the only rows that the output is computed for, or None for all. site: the number of its first dropout.
    """

    settings: Settings
    weights: HalfWeights
    parameters: Parameters
    spans: Spans
    firsts: Tensor | None
    seed: Tensor
    site: int

    def _dropout(self, number: int) -> Any:
        from simemb.transformer.triton_kernels import Dropout

        return Dropout(self.settings.dropouts[number], self.seed, self.site + number)

    def _geometry(self) -> tuple[tuple[Tensor, Tensor], tuple[int, int]]:
        """Starts and longest span of the queries and of the keys."""
        starts, longest = self.spans.starts, self.spans.longest
        if self.firsts is None:
            return (starts, starts), (longest, longest)
        return (torch.arange(len(starts), dtype=starts.dtype, device=starts.device), starts), (1, longest)

    def _heads(self, rows: Tensor) -> Tensor:
        return rows.unflatten(1, (self.settings.heads, -1))

    def _qkv(self, queries: Tensor, keys: Tensor) -> tuple[Tensor, ...]:
        """Views of q, k and v, or of their gradients, with the heads apart."""
        parts = queries.chunk(3, 1) if self.firsts is None else (queries, *keys.chunk(2, 1))
        return tuple(self._heads(part) for part in parts)

    def _scale(self, query: Tensor) -> float:
        return query.shape[2] ** -0.5

    def forward(self, tokens: Tensor, *, save: bool, dtype: torch.dtype) -> tuple[Tensor, Activations]:
        """The layer's output as `dtype`, and what the backward needs; without `save` parts of it are not filled."""
        from simemb.transformer import triton_kernels

        weights, width, (output_epsilon, down_epsilon) = self.weights, len(self.weights.output), self.settings.epsilons
        if self.firsts is None:
            rows = tokens
            queries = keys = linear(tokens, weights.qkv, weights.qkv_bias)
        else:
            rows = tokens.index_select(0, self.firsts)
            queries = linear(rows, weights.qkv[:width], weights.qkv_bias[:width])
            keys = linear(tokens, weights.qkv[width:], weights.qkv_bias[width:])
        q, k, v = self._qkv(queries, keys)
        attended = triton_kernels.attend(q, k, v, *self._geometry(), self._scale(q), self._dropout(0)).flatten(1)
        y = linear(attended, weights.output, weights.output_bias)
        norm, bias = self.parameters.output_norm, self.parameters.output_norm_bias
        normed, output_sum, output_statistics = triton_kernels.add_norm(
            y, rows, norm, bias, output_epsilon, self._dropout(1), save=save
        )
        inner = linear(normed, weights.up, weights.up_bias)
        inner_gelu = gelu(inner)
        y = linear(inner_gelu, weights.down, weights.down_bias)
        norm, bias = self.parameters.down_norm, self.parameters.down_norm_bias
        out, down_sum, down_statistics = triton_kernels.add_norm(
            y, normed, norm, bias, down_epsilon, self._dropout(2), save=save, dtype=dtype
        )
        return out, Activations(
            tokens, rows, queries, keys, attended, output_sum, output_statistics,
            normed, inner, inner_gelu, down_sum, down_statistics,
        )  # fmt: skip

    def backward(
        self, gradient: Tensor, addend: Tensor | None, saved: Activations, sums: LayerSums, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor | None, MatrixGradients]:
        """The gradient of the input, as one or two tensors to be added, and those of the matrices, as `dtype`.

        The gradient of the output comes in the same way, as `gradient` and `addend`. sums: receives the partial sums.
        """
        from simemb.transformer import triton_kernels

        weights, parameters = self.weights, self.parameters
        of_normed, dy = triton_kernels.add_norm_backward(
            gradient, addend, saved.down_sum, saved.down_statistics, parameters.down_norm, self._dropout(2),
            sums.down_norm,
        )  # fmt: skip
        of_down = product(dy.t(), saved.inner_gelu, dtype)
        of_inner = triton_kernels.gelu_backward(dy @ weights.down, saved.inner, sums.inner)
        of_up = product(of_inner.t(), saved.output_normed, dtype)
        of_rows, dy = triton_kernels.add_norm_backward(
            of_normed, of_inner @ weights.up, saved.output_sum, saved.output_statistics, parameters.output_norm,
            self._dropout(1), sums.output_norm,
        )  # fmt: skip
        of_output = product(dy.t(), saved.attended, dtype)
        of_queries, of_keys = self._attention_backward(dy @ weights.output, saved, sums.qkv)
        of_tokens, of_tokens_addend, (of_q, of_k, of_v) = self._projection_backward(
            of_rows, of_queries, of_keys, saved, dtype
        )
        return of_tokens, of_tokens_addend, MatrixGradients(of_q, of_k, of_v, of_output, of_up, of_down)

    def _attention_backward(self, gradient: Tensor, saved: Activations, sums: Tensor) -> tuple[Tensor, Tensor]:
        """The gradients of `Activations.queries` and `Activations.keys`."""
        from simemb.transformer import triton_kernels

        of_queries, of_keys = torch.empty_like(saved.queries), torch.empty_like(saved.keys)
        if self.firsts is None:
            of_keys = of_queries
        q, k, v = self._qkv(saved.queries, saved.keys)
        dq, dk, dv = self._qkv(of_queries, of_keys)
        q_sums, k_sums, v_sums = sums.chunk(3, 1)
        triton_kernels.attend_backward(
            self._heads(gradient),
            (q, k, v),
            (dq, dk, dv),
            *self._geometry(),
            self._scale(q),
            self._dropout(0),
            (q_sums, k_sums, v_sums),
        )
        return of_queries, of_keys

    def _projection_backward(
        self, of_rows: Tensor, of_queries: Tensor, of_keys: Tensor, saved: Activations, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor | None, list[Tensor]]:
        """The gradient of the input as one or two tensors to be added, and those of the matrices of q, k and v."""
        weights, width = self.weights, len(self.weights.output)
        if self.firsts is None:
            of_qkv = product(of_queries.t(), saved.tokens, dtype).split(width)
            return of_rows, of_queries @ weights.qkv, [*of_qkv]
        of_q, of_kv = product(of_queries.t(), saved.rows, dtype), product(of_keys.t(), saved.tokens, dtype)
        of_tokens = of_keys @ weights.qkv[width:]
        of_tokens.index_add_(0, self.firsts, of_rows + of_queries @ weights.qkv[:width])
        return of_tokens, None, [of_q, *of_kv.split(width)]
