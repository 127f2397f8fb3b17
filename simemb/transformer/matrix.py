"""The weights of a product: a whole `nn.Linear`, or some of its outputs."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor, nn


class LinearPart(NamedTuple):
    """Some of the outputs of an `nn.Linear`; `owner`: the weights of all of them."""

    weight: Float[Tensor, "outputs inputs"]
    bias: Float[Tensor, "outputs"] | None
    owner: Float[Tensor, "all inputs"]


Matrix = nn.Linear | LinearPart
"""The weights of a product. Hooks and forwards of other classes are not heard: see `Layer.is_unmodified`."""


def split(layer: nn.Linear, count: int) -> list[LinearPart]:
    """The outputs of a layer in equal parts. Their gradients become one again by one copy."""
    biases = [None] * count if layer.bias is None else layer.bias.chunk(count)  # pyright: ignore[reportUnnecessaryComparison]
    parts = zip(layer.weight.chunk(count), biases, strict=True)
    return [LinearPart(weight, bias, layer.weight) for weight, bias in parts]
