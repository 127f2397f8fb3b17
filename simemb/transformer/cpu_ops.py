"""The two operators that PyTorch's CPU path leaves slow: matrix products by oneDNN, and dropout's random numbers.

Both equal PyTorch's own in value and gradient (dropout: in distribution) and step aside where they do not apply: on
another device, in another precision than float32, or with `SIMEMB_PLAIN=1` in the environment. Under autocast to
bfloat16 the products are those of `simemb.transformer.cpu_bf16`.
"""

import os
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional

from simemb.transformer import cpu_bf16
from simemb.transformer.matrix import Matrix

PLAIN = os.environ.get("SIMEMB_PLAIN", "0") not in ("", "0")
"""SIMEMB_PLAIN=1 uses only PyTorch's own operators and transformers' own forward passes."""

_GRAIN = 1 << 16
"""Dropout probabilities are rounded to multiples of 1 / this; the scale is exact for the rounded probability."""


def linear(
    rows: Float[Tensor, "rows inputs"], layer: Matrix, residual: Float[Tensor, "rows outputs"] | None = None
) -> Float[Tensor, "rows outputs"]:
    """rows W^T + b, and + residual."""
    if in_bf16(rows):
        product = cpu_bf16.linear(rows, layer)
    elif by_onednn(rows):
        if not torch.is_grad_enabled():
            return _onednn(rows, layer.weight, layer.bias, residual)
        product = _Linear.apply(rows, layer.weight, layer.bias)
    else:
        product = functional.linear(rows, layer.weight, layer.bias)
    return product if residual is None else product + residual


def linear_gelu(rows: Float[Tensor, "rows inputs"], layer: Matrix) -> Float[Tensor, "rows outputs"]:
    """gelu(rows W^T + b), the exact gelu x Phi(x)."""
    if not torch.is_grad_enabled() and in_bf16(rows):
        return cpu_bf16.linear_gelu(rows, layer)
    if not torch.is_grad_enabled() and by_onednn(rows):
        return torch.ops.mkldnn._linear_pointwise(rows, layer.weight, layer.bias, "gelu", [], "none")
    return functional.gelu(linear(rows, layer))


def linear_times(
    rows: Float[Tensor, "rows inputs"], layer: Matrix, factors: Float[Tensor, "rows outputs"]
) -> Float[Tensor, "rows outputs"]:
    """(rows W^T + b) * factors."""
    if by_onednn(rows) and not torch.is_grad_enabled():
        return torch.ops.mkldnn._linear_pointwise.binary(rows, factors, layer.weight, layer.bias, "mul")
    return linear(rows, layer) * factors


def factor(rows: Float[Tensor, "rows inputs"]) -> Float[Tensor, "rows inputs"]:
    """Rows as products take them, so that what several products share is cast once: in bfloat16, or as they are."""
    return rows.to(cpu_bf16.HALF) if in_bf16(rows) else rows


def exact_gelu(activation: Any) -> bool:
    """Whether an activation of torch or transformers is the exact gelu x Phi(x), not an approximation."""
    if type(activation) is nn.GELU:
        return activation.approximate == "none"
    return getattr(activation, "act", None) is functional.gelu


def dropout(values: Float[Tensor, "*shape"], probability: float, *, training: bool) -> Float[Tensor, "*shape"]:
    """Each value is 0 with the given probability and otherwise divided by one minus it."""
    if not training or probability == 0:
        return values
    if PLAIN or values.device.type != "cpu" or probability >= 1:
        return functional.dropout(values, probability)
    return _Dropout.apply(values, probability)


def keep_mask(shape: torch.Size, probability: float) -> tuple[Bool[Tensor, "*shape"], float]:
    """The mask of the values that a dropout keeps, and the factor by which it multiplies them.

    torch draws one seed, so `torch.manual_seed` decides; the bits come from numpy's SFC64, which makes them
    over ten times as fast as torch's generator on a CPU.
    """
    dropped = round(probability * _GRAIN)
    bits = np.random.SFC64(int(torch.randint(2**62, ())))
    numbers = torch.from_numpy(bits.random_raw(-(-shape.numel() // 4))).view(torch.int16)[: shape.numel()]
    return (numbers >= dropped - _GRAIN // 2).view(shape), _GRAIN / (_GRAIN - dropped)


def by_onednn(rows: Tensor) -> bool:
    """Whether oneDNN computes the products of these rows."""
    return (
        not PLAIN
        and rows.dtype == torch.float32
        and rows.device.type == "cpu"
        and _has_products()
        and not torch.is_autocast_enabled("cpu")
    )


def in_bf16(rows: Tensor) -> bool:
    """Whether the products of these rows are computed in bfloat16 on a CPU."""
    return not PLAIN and cpu_bf16.asked(rows)


def _has_products() -> bool:
    """Whether this torch has oneDNN's products; their operator is private, so it is asked for itself."""
    return torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _onednn(rows: Tensor, weight: Tensor, bias: Tensor | None, residual: Tensor | None = None) -> Tensor:
    if residual is None:
        return torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
    return torch.ops.mkldnn._linear_pointwise.binary(rows, residual, weight, bias, "add")


class _Linear(Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(rows, weight)
        return _onednn(rows, weight, bias)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        (gradient,) = gradients
        gradient = gradient.contiguous()
        rows, weight = ctx.saved_tensors
        of_rows = _onednn(gradient, weight.t(), None) if ctx.needs_input_grad[0] else None
        of_weight = _onednn(gradient.t(), rows.t(), None) if ctx.needs_input_grad[1] else None
        of_bias = gradient.sum(0) if ctx.needs_input_grad[2] else None
        return of_rows, of_weight, of_bias


class _Dropout(Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, probability: float) -> Tensor:
        mask, ctx.scale = keep_mask(values.shape, probability)
        ctx.save_for_backward(mask)
        return torch.ops.aten.native_dropout_backward(values, mask, ctx.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (mask,) = ctx.saved_tensors
        return torch.ops.aten.native_dropout_backward(gradients[0], mask, ctx.scale), None
