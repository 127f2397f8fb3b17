"""Quantizing activations and weights to bytes, and products of bytes, for `simemb.transformer.int8_layers`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int8, UInt8
from torch import Tensor

_MARGIN = 1.1
"""A channel's range is widened by this factor."""

_SHARES = (0.5, 0.6, 0.7, 0.8, 0.9)
"""Candidates for how far the quantization step of a channel follows its range; the best is taken."""

_ZERO = 128
"""The byte of value 0: oneDNN's fast kernels take unsigned activations."""


@dataclass(frozen=True)
class Quantizer:
    """How the inputs x of a product become bytes: round(x * factor + shift) + 128, each channel with its own two."""

    factor: Float[Tensor, "inputs"]
    shift: Float[Tensor, "inputs"]

    def __call__(self, values: Float[Tensor, "rows inputs"]) -> UInt8[Tensor, "rows inputs"]:
        """Values out of range become the nearest byte."""
        signed = torch.addcmul(self.shift, values, self.factor).round_().clamp_(-128, 127).to(torch.int8)
        return signed.view(torch.uint8).bitwise_xor_(_ZERO)  # + 128; torch converts to int8 far faster than to uint8


@dataclass(frozen=True)
class ActivationRange:
    """The inputs of a product over some tokens: the range of each channel, and a sample of the rows."""

    low: Float[Tensor, "inputs"]
    high: Float[Tensor, "inputs"]
    sample: Float[Tensor, "rows inputs"]

    @classmethod
    def of(cls, inputs: Float[Tensor, "rows inputs"], every: int = 1) -> "ActivationRange":
        """From the inputs of one batch; one row in `every` is kept as the sample."""
        return cls(inputs.amin(0), inputs.amax(0), inputs[::every].clone())

    @classmethod
    def together(cls, parts: Sequence["ActivationRange"]) -> "ActivationRange":
        """The ranges of several batches as one."""
        low = torch.stack([part.low for part in parts]).amin(0)
        high = torch.stack([part.high for part in parts]).amax(0)
        return cls(low, high, torch.cat([part.sample for part in parts]))

    def quantizer(self, weight: Float[Tensor, "outputs inputs"]) -> Quantizer:
        """The quantizer with the least error in the product with `weight`, of those that cover every channel's range.

        A step (1 / factor) is proportional to range^share / max|weight|^(1 - share) of its channel, as in SmoothQuant
        (Xiao et al., 2023, https://arxiv.org/abs/2211.10438, equation 4): the weights are multiplied by the steps
        before they are rounded, so one step for all is hard on narrow channels, and steps that follow the range are
        hard on the weights.
        """
        middle, half = (self.low + self.high) / 2, (_MARGIN * (self.high - self.low) / 2).clamp_min(1e-6)
        exact = self.sample @ weight.t()
        candidates: list[tuple[float, Quantizer]] = []
        for share in _SHARES:
            step = half**share / weight.abs().amax(0).clamp_min(1e-6) ** (1 - share)
            step *= (half / step).max() / 127
            quantizer = Quantizer(1 / step, -middle / step)
            rounded, scales = rounded_rows(weight * step)
            centered = quantizer(self.sample).float() - _ZERO - quantizer.shift
            error = centered @ (rounded.float() * scales[:, None]).t() - exact
            candidates.append((float(error.var(0).mean()), quantizer))  # its mean goes into the bias
        return min(candidates, key=lambda pair: pair[0])[1]


def rounded_rows(
    weight: Float[Tensor, "outputs inputs"],
) -> tuple[Int8[Tensor, "outputs inputs"], Float[Tensor, "outputs"]]:
    """Weights as whole numbers from -127 to 127, and the scale of each row."""
    scales = weight.abs().amax(1).clamp_min(1e-12) / 127
    return (weight / scales[:, None]).round().to(torch.int8), scales


class Product:
    """x W^T + b on the bytes of x: W in int8, each row with its scale."""

    def __init__(
        self,
        weight: Float[Tensor, "outputs inputs"],
        bias: Float[Tensor, "outputs"],
        inputs: Quantizer,
        sample: Float[Tensor, "rows inputs"] | None = None,
    ):
        """sample: inputs on which the product is to be right on average; its mean error goes into the bias."""
        scaled = weight / inputs.factor
        self.weight, self.scales = rounded_rows(scaled)
        self.bias = bias - scaled @ inputs.shift
        self._pack()
        self._zeros = torch.zeros(len(weight), dtype=torch.int32)
        if sample is not None:
            self.bias = self.bias + (sample @ weight.t() + bias - self(inputs(sample))).mean(0)

    def _pack(self) -> None:
        self._packed = torch.ops.onednn.qlinear_prepack(self.weight, None)

    def __getstate__(self) -> dict[str, Any]:
        """All but the packed weight, which can be neither pickled nor copied."""
        return {name: value for name, value in vars(self).items() if name != "_packed"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._pack()

    def __call__(
        self, rows: UInt8[Tensor, "rows inputs"], *, dtype: torch.dtype = torch.float32, gelu: bool = False
    ) -> Float[Tensor, "rows outputs"]:
        """The product as `dtype`; with `gelu` the exact gelu of it."""
        after = ("gelu", [], "none") if gelu else ("none", [], "")
        return torch.ops.onednn.qlinear_pointwise(
            rows, 1.0, _ZERO, self._packed, self.scales, self._zeros, self.bias, 1.0, 0, dtype, *after
        )
