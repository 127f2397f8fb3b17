"""The weights of a product: a whole `nn.Linear`, or some of its outputs."""

from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn


class LinearPart(NamedTuple):
    """Some of the outputs of an `nn.Linear`; `owner`: the weights of all of them."""

    weight: Float[Tensor, "outputs inputs"]
    bias: Float[Tensor, "outputs"] | None
    owner: Float[Tensor, "all inputs"]


Matrix = nn.Linear | LinearPart
"""The weights of a product. Hooks and forwards of other classes are not heard: see `Layer.is_unmodified`."""


def adapted(layer: Any) -> Any:
    """A linear layer with its low-rank adapters (LoRA) as one product, W + s B A, with gradient for A and B.

    Hu et al., 2022, https://arxiv.org/abs/2106.09685, equation 3; s is `scaling` of peft's layer. Any other layer is
    given back as it is, and so is one whose adapters do more: dropout on their input, weight decomposition (DoRA), a
    bias of their own.
    """
    base, names = getattr(layer, "base_layer", None), getattr(layer, "active_adapters", ())
    if base is None or type(base).forward is not nn.Linear.forward or not _is_low_rank(layer, names):
        return layer
    if layer.merged or layer.disable_adapters:
        return base
    weight = base.weight
    for name in names:
        weight = weight + layer.scaling[name] * (layer.lora_B[name].weight @ layer.lora_A[name].weight)
    return LinearPart(weight, base.bias, weight)


def _is_low_rank(layer: Any, names: Any) -> bool:
    """Whether adapters are products of two matrices and nothing else."""
    if getattr(layer, "fan_in_fan_out", False) or getattr(layer, "lora_variant", None):
        return False
    parts = [getattr(layer, part, {}) for part in ("lora_A", "lora_B", "lora_dropout", "scaling")]
    return all(
        all(name in part for part in parts)
        and isinstance(layer.lora_dropout[name], nn.Identity)
        and layer.lora_B[name].bias is None
        for name in names
    )


def split(layer: Matrix, count: int) -> list[LinearPart]:
    """The outputs of a layer in equal parts. Their gradients become one again by one copy."""
    biases = [None] * count if layer.bias is None else layer.bias.chunk(count)  # pyright: ignore[reportUnnecessaryComparison]
    parts = zip(layer.weight.chunk(count), biases, strict=True)
    return [LinearPart(weight, bias, layer.weight) for weight, bias in parts]
