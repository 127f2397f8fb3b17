"""The useful arithmetic of an encoder, and the highest rate of matrix products on this machine.

A forward pass of a sentence of n tokens ([CLS] and [SEP] included, padding not) costs

    2 n P + 4 n^2 h L    floating-point operations,    P = L (4 h^2 + 2 h f)

for L layers of width h with feed-forward width f: a multiplication and an addition for each weight of the layers'
matrices, and the two products of attention, n x h by h x n and n x n by n x h. Training costs three times that, since
the backward pass computes the gradients of inputs and of weights. With a gate (ModernBERT) a layer has a third matrix
of h f; with a window of w tokens to each side its attention needs n min(n, 2 w + 1) products in place of n^2.
Embeddings, norms, heads and the optimizer are not counted. The count is that of the published network, even where a
program leaves out a part of it.
"""

from collections.abc import Iterable
from time import perf_counter
from typing import Any

ROWS = 2048
"""Tokens in each matrix product that the peak is measured with."""


def forward(config: Any, lengths: Iterable[int]) -> float:
    """Useful operations of a forward pass over sentences of these lengths."""
    hidden, layers, wide = config.hidden_size, config.num_hidden_layers, config.intermediate_size
    weights = layers * (4 * hidden**2 + (3 if config.model_type == "modernbert" else 2) * hidden * wide)
    local = getattr(config, "layer_types", None) or []
    windows = sum(kind == "sliding_attention" for kind in local)
    seen = 2 * config.sliding_window + 1 if windows else 0
    return float(
        sum(2 * n * weights + 4 * n * hidden * ((layers - windows) * n + windows * min(n, seen)) for n in lengths)
    )


def training(config: Any, lengths: Iterable[int]) -> float:
    """Useful operations of a forward and a backward pass."""
    return 3 * forward(config, lengths)


def matrix_peak(config: Any, precision: str = "float32", seconds: float = 0.15) -> float:
    """The highest rate (operations per second) of a product at the shapes of the model's layers, in a precision.

    The best of torch's `linear` and of oneDNN's with weights in its preferred layout, over the products
    hidden x 3 hidden, hidden x hidden, hidden x wide and wide x hidden. In int8 (bytes to float32) only oneDNN's.
    """
    import torch

    hidden, wide = config.hidden_size, config.intermediate_size
    best = 0.0
    with torch.inference_mode():
        for inward, outward in ((hidden, 3 * hidden), (hidden, hidden), (hidden, wide), (wide, hidden)):
            operations = 2 * ROWS * inward * outward
            for product in _products(inward, outward, precision):
                best = max(best, operations / _quickest(product, seconds))
    return best


def _products(inward: int, outward: int, precision: str) -> list[Any]:
    """The ways of one product of `ROWS` rows."""
    import torch
    from torch.nn.functional import linear

    if precision == "int8":
        from simemb.transformer.int8_quantizer import Product, Quantizer

        product = Product(
            torch.randn(outward, inward), torch.randn(outward), Quantizer(torch.ones(inward), torch.zeros(inward))
        )
        rows = torch.randint(0, 256, (ROWS, inward), dtype=torch.uint8)
        return [lambda: product(rows)]
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    tokens, weight, bias = (torch.randn(shape).to(dtype) for shape in ((ROWS, inward), (outward, inward), (outward,)))
    packed = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)
    return [
        lambda: linear(tokens, weight, bias),
        lambda: torch.ops.mkldnn._linear_pointwise(tokens, packed, bias, "none", [], ""),
    ]


def _quickest(product: Any, seconds: float) -> float:
    """The shortest time of one call among those that fit into `seconds`."""
    product()
    times: list[float] = []
    while sum(times) < seconds:
        started = perf_counter()
        product()
        times.append(perf_counter() - started)
    return min(times)
