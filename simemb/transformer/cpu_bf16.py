"""Matrix products in bfloat16 on a CPU, by oneDNN: twice as fast as in float32 where there are instructions for it.

Autocast asks for them (`torch.autocast("cpu", torch.bfloat16)`), in training and in encoding. The weights stay in
float32. Without gradient their packed copies in bfloat16 are kept; with gradient they are cast at every product, since
every step changes them. Sums inside a product are in float32.
"""

from functools import cache
from typing import Any, NamedTuple

import torch
from jaxtyping import BFloat16, Float
from torch import Tensor
from torch.autograd import Function
from torch.utils.weak import WeakIdKeyDictionary

from simemb.transformer.matrix import LinearPart, Matrix

HALF = torch.bfloat16


class _Packed(NamedTuple):
    """Weights and biases as oneDNN reads them, and what they were made of."""

    made_of: tuple[int, int]
    weight: Tensor
    bias: Tensor | None


_kept: Any = WeakIdKeyDictionary()  # weight of a module -> its parts -> _Packed; an entry goes with its weight


def missing_instructions() -> str | None:
    """Why this processor computes slower in bfloat16 than in float32, or None."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return None if supported() else "the processor has no AVX-512 BF16 instructions"


@cache
def missing() -> str | None:
    """What this processor or this torch lacks for fast products in bfloat16, or None."""
    if lacking := missing_instructions():
        return lacking
    if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return f"torch {torch.__version__} was built without oneDNN's products"
    return None


def asked(rows: Tensor) -> bool:
    """Whether these rows are to be multiplied here: under autocast to bfloat16, on a CPU that has it."""
    return (
        rows.device.type == "cpu"
        and rows.dtype in (torch.float32, HALF)
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == HALF
        and missing() is None
    )


def linear(rows: Float[Tensor, "rows inputs"], layer: Matrix) -> BFloat16[Tensor, "rows outputs"]:
    """rows W^T + b."""
    if torch.is_grad_enabled():
        return _Linear.apply(rows.to(HALF), layer.weight, layer.bias)
    packed = _packed(layer)
    return _product(rows.to(HALF), packed.weight, packed.bias)


def linear_gelu(rows: Float[Tensor, "rows inputs"], layer: Matrix) -> BFloat16[Tensor, "rows outputs"]:
    """gelu(rows W^T + b), in one pass; without gradient only."""
    packed = _packed(layer)
    return torch.ops.mkldnn._linear_pointwise(rows.to(HALF), packed.weight, packed.bias, "gelu", [], "none")


def _product(rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")


def _packed(layer: Matrix) -> _Packed:
    """The layer's weights for a product, made anew when the layer has changed."""
    weight, bias = layer.weight.detach(), None if layer.bias is None else layer.bias.detach()
    made_of = (weight.data_ptr(), 0 if weight.is_inference() else weight._version)
    parts = _kept.setdefault(layer.owner if isinstance(layer, LinearPart) else layer.weight, {})
    packed = parts.get(weight.storage_offset())
    if packed is None or packed.made_of != made_of:
        packed = _Packed(made_of, _reordered(weight.to(HALF)), None if bias is None else bias.to(HALF))
        parts[weight.storage_offset()] = packed
    return packed


def _reordered(weight: Tensor) -> Tensor:
    """The weight in the order in which oneDNN's kernels read it, where torch can do that."""
    if not hasattr(torch.ops.mkldnn, "_reorder_linear_weight"):
        return weight
    return torch.ops.mkldnn._reorder_linear_weight(weight, None)


class _Linear(Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        half = weight.to(HALF)
        ctx.save_for_backward(rows, half)
        return _product(rows, half, None if bias is None else bias.to(HALF))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        gradient = gradients[0].contiguous()
        rows, weight = ctx.saved_tensors
        of_rows = _product(gradient, weight.t(), None) if ctx.needs_input_grad[0] else None
        of_weight = (gradient.t() @ rows).float() if ctx.needs_input_grad[1] else None
        of_bias = gradient.sum(0, dtype=torch.float32) if ctx.needs_input_grad[2] else None
        return of_rows, of_weight, of_bias
