"""A stack of BERT-layout layers in half precision on CUDA, forward and backward written out.

Weights are cast once a pass, q, k and v are one product, gradients of weights come out of the product in float32,
and `simemb.transformer.triton_kernels` does in one pass each what stands between the products.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function

from simemb.transformer.batch import Batch
from simemb.transformer.cpu_ops import PLAIN, exact_gelu
from simemb.transformer.cuda_layer import Block, Half, Shape, Spans
from simemb.transformer.layer import Layer

HALVES = (torch.float16, torch.bfloat16)
LONGEST = 128
"""Tokens of the longest sentence for which a tile of attention is worth it."""


def precision(tokens: Tensor) -> torch.dtype:
    """The type that matrix products have here: that of autocast, else of the tokens."""
    return torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else tokens.dtype


def suits(tokens: Tensor, layers: Sequence[Layer], batch: Batch) -> bool:
    """Whether `run` can compute these layers."""
    return (
        not PLAIN and tokens.is_cuda and precision(tokens) in HALVES and batch.lengths[-1] <= LONGEST and knows(layers)
    )


def knows(layers: Sequence[Layer]) -> bool:
    """Whether these layers are of the kind that is written out here, and Triton is there."""
    return all(_known(layer) for layer in layers) and _has_triton()


def run(
    tokens: Float[Tensor, "tokens dim"], layers: Sequence[Layer], batch: Batch, *, first_only: bool
) -> Float[Tensor, "rows dim"]:
    """The output of the last of `layers`; with `first_only` at the first token of each sentence alone."""
    shapes = tuple(
        Shape(
            layer.heads,
            layer.dropouts if layer.training else (0.0, 0.0, 0.0),
            (layer.output_norm.eps, layer.down_norm.eps),
        )
        for layer in layers
    )
    spans = Spans(batch.starts, batch.lengths[-1], batch.firsts if first_only else None)
    seed = torch.randint(2**62, (1,), device=tokens.device)
    parameters = [parameter for layer in layers for parameter in _parameters(layer)]
    half = tokens.to(precision(tokens))
    return _Stack.apply(half, tokens.dtype, seed, spans, shapes, torch.is_grad_enabled(), *parameters)


def _parameters(layer: Layer) -> list[Any]:
    modules = (
        layer.query, layer.key, layer.value, layer.output, layer.output_norm, layer.up, layer.down, layer.down_norm,
    )  # fmt: skip
    return [parameter for module in modules for parameter in (module.weight, module.bias)]


def _known(layer: Layer) -> bool:
    size = layer.query.out_features // layer.heads
    exact = exact_gelu(layer.activation)
    dense = all(parameter is not None for parameter in _parameters(layer))
    return exact and dense and size in (16, 32, 64, 128) and layer.query.out_features % 16 == 0


_triton: bool | None = None


def _has_triton() -> bool:
    global _triton
    if _triton is None:
        try:
            import simemb.transformer.triton_kernels  # noqa: F401  # pyright: ignore[reportUnusedImport]
        except ImportError:
            _triton = False
        else:
            _triton = True
    return _triton


def _halves(parameters: Sequence[Tensor], dtype: torch.dtype) -> list[Half]:
    """q, k and v as one matrix, and everything cast in one call."""
    made: list[Half] = []
    into: list[Tensor] = []
    out_of: list[Tensor] = []
    for first in range(0, len(parameters), 16):
        q, q_bias, k, k_bias, v, v_bias, output, output_bias, _, _, up, up_bias, down, down_bias = parameters[
            first : first + 14
        ]
        width = len(q)
        half = Half(
            *(torch.empty(shape, dtype=dtype, device=q.device) for shape in ((3 * width, q.shape[1]), (3 * width,))),
            *(torch.empty_like(p, dtype=dtype) for p in (output, output_bias, up, up_bias, down, down_bias)),
        )
        made.append(half)
        into += [*half.qkv.split(width), *half.qkv_bias.split(width)]
        into += [half.output, half.output_bias, half.up, half.up_bias, half.down, half.down_bias]
        out_of += [q, k, v, q_bias, k_bias, v_bias, output, output_bias, up, up_bias, down, down_bias]
    torch._foreach_copy_(into, out_of)  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]
    return made


class _Stack(Function):
    @staticmethod
    def forward(
        ctx: Any,
        tokens: Tensor,
        dtype: torch.dtype,
        seed: Tensor,
        spans: Spans,
        shapes: tuple[Shape, ...],
        save: bool,
        *parameters: Tensor,
    ) -> Tensor:
        with torch.no_grad(), torch.autocast("cuda", enabled=False):
            weights = _halves(parameters, tokens.dtype)
            kept: list[Tensor] = []
            for place, (shape, half) in enumerate(zip(shapes, weights, strict=True)):
                last = place == len(shapes) - 1
                norms = (parameters[16 * place + 8 : 16 * place + 10], parameters[16 * place + 14 : 16 * place + 16])
                block = Block(shape, half, spans, spans.firsts if last else None, seed, 3 * place, norms)
                tokens, states = block.forward(tokens, save=save, dtype=dtype if last else tokens.dtype)
                kept += states
        if save:
            ctx.spans, ctx.shapes, ctx.weights = spans, shapes, weights
            ctx.save_for_backward(seed, *parameters, *kept)
        return tokens

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        seed, *saved = ctx.saved_tensors
        count = 16 * len(ctx.shapes)
        parameters, kept = saved[:count], saved[count:]
        with torch.no_grad(), torch.autocast("cuda", enabled=False):
            rows, batch = len(kept[0]), len(ctx.spans.starts) - 1
            sums = Sums.empty(len(ctx.shapes), rows, batch, len(parameters[6]), len(parameters[10]), seed.device)
            arrived, further = gradients[0].contiguous(), None
            matrices: list[list[Tensor]] = []
            for place in reversed(range(len(ctx.shapes))):
                firsts = ctx.spans.firsts if place == len(ctx.shapes) - 1 else None
                norms = (parameters[16 * place + 8 : 16 * place + 10], parameters[16 * place + 14 : 16 * place + 16])
                block = Block(ctx.shapes[place], ctx.weights[place], ctx.spans, firsts, seed, 3 * place, norms)
                states = kept[12 * place : 12 * place + 12]
                arrived, further, found = block.backward(arrived, further, states, sums.of(place), parameters[0].dtype)
                matrices.append(found)
            vectors = sums.totals(parameters[0].dtype)
        every = [
            gradient for place in range(len(matrices)) for gradient in _ordered(matrices[-1 - place], vectors[place])
        ]
        return (arrived if further is None else arrived + further, None, None, None, None, None, *every)


def _ordered(matrices: list[Tensor], vectors: list[Tensor]) -> list[Tensor]:
    """The gradients of a layer in the order of `_parameters`."""
    (q, k, v, output, up, down), (q_bias, k_bias, v_bias, output_bias, g1, b1, up_bias, down_bias, g2, b2) = (
        matrices,
        vectors,
    )
    return [q, q_bias, k, k_bias, v, v_bias, output, output_bias, g1, b1, up, up_bias, down, down_bias, g2, b2]


@dataclass(frozen=True)
class Sums:
    """Partial sums over rows, of all layers: gradients of biases and norms, added up in one call each."""

    norms: Float[Tensor, "layers two programs three dim"]
    wide: Float[Tensor, "layers programs inner"]
    qkv: Float[Tensor, "layers batch three_dim"]

    @classmethod
    def empty(cls, layers: int, rows: int, batch: int, dim: int, inner: int, device: torch.device) -> "Sums":
        """Room for so many layers."""
        from simemb.transformer.triton_kernels import GELU_ROWS, NORM_PROGRAMS

        def room(*shape: int) -> Tensor:
            return torch.empty(shape, dtype=torch.float32, device=device)

        wide = torch.zeros(layers, -(-rows // GELU_ROWS), inner, device=device)  # a last layer of few rows fills less
        return cls(room(layers, 2, min(NORM_PROGRAMS, rows), 3, dim), wide, room(layers, batch, 3 * dim))

    def of(self, layer: int) -> tuple[Tensor, Tensor, Tensor]:
        """The room of one layer."""
        return self.norms[layer], self.wide[layer], self.qkv[layer]

    def totals(self, dtype: torch.dtype) -> list[list[Tensor]]:
        """Of each layer the gradients of all that is a vector, in the order of `_ordered`."""
        norms, wide, qkv = (part.to(dtype) for part in (self.norms.sum(2), self.wide.sum(1), self.qkv.sum(1)))
        return [
            [*parts.chunk(3), first[2], first[0], first[1], up, second[2], second[0], second[1]]
            for (first, second), up, parts in zip(norms, wide, qkv, strict=True)
        ]
