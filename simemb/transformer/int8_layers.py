"""Encoding in int8 on a CPU: the matrix products of BERT-family layers, with weights and activations as bytes.

Products are oneDNN's, whose integer sums are exact; attention is in bfloat16, the residual stream and the norms stay in
float32. The quantizers are fixed once, so that a sentence's vector does not depend on the rest of its batch.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simemb.errors import ModelError
from simemb.transformer.attention import attend
from simemb.transformer.batch import Batch
from simemb.transformer.cpu_ops import exact_gelu
from simemb.transformer.families import BERTS_KIN
from simemb.transformer.forward import layers_of
from simemb.transformer.int8_quantizer import ActivationRange, Product, Quantizer
from simemb.transformer.layer import NOWHERE, Layer, Places

CACHED = 3 << 18
"""Values between the two products of the feed-forward at once, which stay in the processor's caches."""

_SAMPLED = 1024
"""About how many tokens are kept as a sample, to choose the quantizers and to correct the biases."""


SUPPORTED = BERTS_KIN | {"mpnet"}
"""The families with int8 layers."""


# ---- the layers ----------------------------------------------------------------------------------


class Int8Layer:
    """A `simemb.transformer.layer.Layer` in int8, called like it, without gradient; `quantize` makes them."""

    def __init__(self, layer: Layer, ranges: Sequence[ActivationRange]):
        """ranges: the inputs of attention, of its output, of the feed-forward, and of its second product."""
        query, key, value, output, up, down = _linears(layer)
        weights = (torch.cat([query.weight, key.weight, value.weight]), output.weight, up.weight, down.weight)
        self.quantizers = tuple(inputs.quantizer(weight) for inputs, weight in zip(ranges, weights, strict=True))
        tokens, mixed, rows, wide = self.quantizers
        width, self.heads, self.kind = query.out_features, layer.heads, layer.kind
        scaling = (width / layer.heads) ** -0.5
        samples = [inputs.sample for inputs in ranges]
        self.query = Product(query.weight * scaling, query.bias * scaling, tokens, samples[0])
        bias = torch.cat([key.bias, value.bias])
        self.key_value = Product(weights[0][width:], bias, tokens, samples[0])
        self.output = Product(output.weight, output.bias, mixed, samples[1])
        self.up = Product(up.weight, up.bias, rows, samples[2])
        self.down = Product(down.weight, down.bias, wide, samples[3])
        self.norms, self.activation = (layer.attention_norm, layer.feed_forward_norm), layer.activation
        self._gelu = exact_gelu(layer.activation)
        self._half = _half()

    def __call__(
        self,
        tokens: Float[Tensor, "tokens dim"],
        batch: Batch,
        places: Places = NOWHERE,
        *,
        first_only: bool = False,
    ) -> Float[Tensor, "rows dim"]:
        """Post-norm attention and feed-forward: of every token, or of the first of each sentence only."""
        if torch.is_grad_enabled():
            raise ModelError("precision int8 computes without gradient: use torch.inference_mode(), or load in float32")
        quantized = self.quantizers[0](tokens)
        query_rows, rows = (x.index_select(0, batch.firsts) if first_only else x for x in (quantized, tokens))
        keys, values = self.key_value(quantized, dtype=self._half).chunk(2, dim=1)
        queries = self.query(query_rows, dtype=self._half)
        heads = map(self._heads, (queries, keys, values))
        mixed = attend(*heads, runs=batch.runs, bias=places.bias, scaling=1.0, first_only=first_only)
        mixed = mixed.flatten(1).float()
        part_rows = max(1, CACHED // len(self.up.bias))
        return torch.cat(
            [self._after_attention(*part) for part in zip(mixed.split(part_rows), rows.split(part_rows), strict=True)]
        )

    def tensors(self) -> list[Tensor]:
        """What the layer's output depends on besides its float32 weights: quantizers and corrected biases."""
        products = (self.query, self.key_value, self.output, self.up, self.down)
        return [
            *(part.contiguous() for each in self.quantizers for part in (each.factor, each.shift)),
            *(product.bias.contiguous() for product in products),
        ]

    def _after_attention(
        self, mixed: Float[Tensor, "rows dim"], rows: Float[Tensor, "rows dim"]
    ) -> Float[Tensor, "rows dim"]:
        _, of_mixed, of_rows, of_wide = self.quantizers
        rows = self.norms[0](self.output(of_mixed(mixed)).add_(rows))
        wide = self.up(of_rows(rows), gelu=self._gelu)
        return self.norms[1](self.down(of_wide(wide if self._gelu else self.activation(wide))).add_(rows))

    def _heads(self, rows: Tensor) -> Float[Tensor, "rows heads dim"]:
        return rows.unflatten(1, (self.heads, -1))


def _half() -> torch.dtype:
    """bfloat16 where the processor has instructions for it, otherwise float32."""
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return torch.bfloat16 if supported() else torch.float32


# ---- from a backbone -----------------------------------------------------------------------------


@torch.inference_mode()
def quantize(
    backbone: Any, token_ids: Sequence[Sequence[int]], embed: Callable[[Sequence[Sequence[int]]], Any]
) -> list[Int8Layer]:
    """The layers of a backbone in int8, for its present weights.

    token_ids: a few hundred sentences of the kind that will be encoded; the ranges of activations are measured on them.
    embed: runs the backbone in float32 on a batch of them. Raises `ModelError` as `check` does.
    """
    check(backbone)
    layers = layers_of(backbone)
    if layers is None or not token_ids:
        raise ModelError("precision int8 needs at least one sentence to measure the ranges of activations on")
    ranges = _measure(layers, token_ids, embed)
    return [Int8Layer(layer, inputs) for layer, inputs in zip(layers, ranges, strict=True)]


def check(backbone: Any) -> None:
    """Raise a `ModelError` where `quantize` cannot work.

    That is for a family that is not `SUPPORTED`, a model that is not on the CPU, and a processor or a torch without the
    kernels.
    """
    weight = next(backbone.parameters())
    family, device = backbone.config.model_type, weight.device
    if weight.dtype != torch.float32:
        raise ModelError(f"precision int8 is made of weights in float32, and these are in {weight.dtype}")
    if device.type != "cpu":
        raise ModelError(f"precision int8 is for the CPU, and the model is on {device}")
    if family not in SUPPORTED or layers_of(backbone) is None:
        known = ", ".join(sorted(SUPPORTED))
        raise ModelError(f"precision int8 needs a plain encoder of these families: {known}; this is {family!r}")
    reason = missing()
    if reason:
        raise ModelError(f"precision int8 cannot be had here: {reason}")


def missing() -> str | None:
    """What this processor or this torch lacks for int8, or None.

    oneDNN also computes without the instructions, but a hundred times slower, or with sums that overflow.
    """
    supported = getattr(torch.cpu, "_is_vnni_supported", None) or getattr(torch.cpu, "_is_cpu_support_vnni", None)
    if supported is None or not supported():
        return "the processor has no AVX-512 VNNI instructions"
    if not torch.backends.mkldnn.is_available() or not hasattr(torch.ops.onednn, "qlinear_pointwise"):
        return f"torch {torch.__version__} was built without oneDNN's int8 products"
    one = Quantizer(torch.ones(64), torch.zeros(64))
    product = Product(torch.full((16, 64), 127.0), torch.zeros(16), one)
    if not torch.equal(product(torch.full((4, 64), 255, dtype=torch.uint8)), torch.full((4, 16), 127.0 * 127 * 64)):
        return f"oneDNN's int8 products are not exact with torch {torch.__version__} on this processor"
    return None


def _measure(
    layers: Sequence[Layer], texts: Sequence[Sequence[int]], embed: Callable[[Sequence[Sequence[int]]], Any]
) -> list[list[ActivationRange]]:
    """The four inputs of each layer's products while transformers computes the texts in float32.

    Layers may share their modules (ALBERT); then the calls of a module are those of its layers in turn.
    """
    linears = [_linears(layer) for layer in layers]
    modules = [[query, output, up, down] for query, _, _, output, up, down in linears]
    every = max(1, sum(map(len, texts)) // _SAMPLED)
    parts: dict[nn.Module, list[ActivationRange]] = {module: [] for row in modules for module in row}

    def record(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        parts[module].append(ActivationRange.of(inputs[0].flatten(0, -2), every))

    handles = [module.register_forward_pre_hook(record) for module in parts]
    try:
        for batch in _batches(texts, alike=any(layer.kind for layer in layers)):
            embed(batch)
    finally:
        for handle in handles:
            handle.remove()
    sharing: Counter[nn.Module] = Counter(module for row in modules for module in row)
    turns: Counter[nn.Module] = Counter()

    def together(module: nn.Module) -> ActivationRange:
        turns[module] += 1
        return ActivationRange.together(parts[module][turns[module] - 1 :: sharing[module]])

    return [[together(module) for module in row] for row in modules]


def _linears(layer: Layer) -> list[nn.Linear]:
    """The modules of a layer's products. Raises `ModelError` for weights with adapters, which are no module's."""
    parts = [part for part in (*layer.projections, layer.output, layer.up, layer.down) if isinstance(part, nn.Linear)]
    if len(parts) < 3 + len(layer.projections):
        raise ModelError(
            "precision int8 is for weights without adapters: save the encoder, which merges them, and load it"
        )
    return parts


def _batches(texts: Sequence[Sequence[int]], *, alike: bool) -> Iterator[Sequence[Sequence[int]]]:
    """The texts in batches; `alike`: of equal length each, so that a model that is padded sees no padding."""
    groups = [list(group) for _, group in groupby(sorted(texts, key=len), key=len)] if alike else [texts]
    for group in groups:
        for first in range(0, len(group), 32):
            yield group[first : first + 32]
