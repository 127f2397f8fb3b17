"""A stack of BERT-layout layers in half precision on CUDA, forward and backward written out.

Weights are cast once per pass, q, k and v are one product, gradients of weights leave the product in float32, and
`simemb.transformer.triton_kernels` does what stands between two products in one pass over memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function

from simemb.transformer.batch import Batch
from simemb.transformer.cpu_ops import PLAIN, exact_gelu
from simemb.transformer.cuda_attention import HALF_TYPES
from simemb.transformer.cuda_layer import (
    Activations,
    HalfLayer,
    HalfWeights,
    LayerSums,
    MatrixGradients,
    Parameters,
    Settings,
    Spans,
)
from simemb.transformer.layer import Layer

LONGEST = 128
"""Tokens of the longest sentence that a tile of the attention kernel holds."""

Named = TypeVar("Named", Parameters, Activations)


def precision(tokens: Tensor) -> torch.dtype:
    """The type of the matrix products' inputs: that of autocast where it is on, otherwise that of the tokens."""
    return torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled("cuda") else tokens.dtype


def can_run(tokens: Tensor, layers: Sequence[Layer], batch: Batch) -> bool:
    """Whether `run` can compute these layers for these tokens."""
    return (
        not PLAIN
        and tokens.is_cuda
        and precision(tokens) in HALF_TYPES
        and batch.lengths[-1] <= LONGEST
        and supports(layers)
    )


def supports(layers: Sequence[Layer]) -> bool:
    """Whether layers of this kind are written out here, and Triton is installed."""
    return all(_is_supported(layer) for layer in layers) and _has_triton()


def run(
    tokens: Float[Tensor, "tokens dim"], layers: Sequence[Layer], batch: Batch, *, first_only: bool
) -> Float[Tensor, "rows dim"]:
    """The output of the last layer, for every token or (`first_only`) for the first of each sentence."""
    settings = tuple(
        Settings(
            layer.heads,
            layer.dropouts[:3] if layer.training else (0.0, 0.0, 0.0),
            (layer.attention_norm.eps, layer.feed_forward_norm.eps),
        )
        for layer in layers
    )
    spans = Spans(batch.starts, batch.lengths[-1], batch.firsts if first_only else None)
    seed = torch.randint(2**62, (1,), device=tokens.device)
    parameters = [parameter for layer in layers for parameter in _parameters(layer)]
    half = tokens.to(precision(tokens))
    return _Stack.apply(half, tokens.dtype, seed, spans, settings, torch.is_grad_enabled(), *parameters)


def _parameters(layer: Layer) -> Parameters:
    norms = layer.attention_norm, layer.feed_forward_norm
    modules: tuple[Any, ...] = (*layer.projections, layer.output, norms[0], layer.up, layer.down, norms[1])
    return Parameters(*(parameter for module in modules for parameter in (module.weight, module.bias)))


def _is_supported(layer: Layer) -> bool:
    width = layer.output.weight.shape[1]
    size = width // layer.heads
    exact = layer.is_berts and exact_gelu(layer.activation)
    # a module made without bias has None there
    complete = all(parameter is not None for parameter in _parameters(layer))  # pyright: ignore[reportUnnecessaryComparison]
    return exact and complete and size in (16, 32, 64, 128) and width % 16 == 0


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


def _flattened(layers: Sequence[Parameters] | Sequence[Activations]) -> list[Tensor]:
    """The tensors of all layers in one list, as autograd takes them."""
    return [tensor for layer in layers for tensor in layer]


def _by_layer(kind: type[Named], tensors: Sequence[Tensor]) -> list[Named]:
    """The tensors of each layer under their names: what `_flattened` put into one list."""
    size = len(kind._fields)
    return [kind(*tensors[first : first + size]) for first in range(0, len(tensors), size)]


def _half_weights(layers: Sequence[Parameters], dtype: torch.dtype) -> list[HalfWeights]:
    """q, k and v as one matrix, and all weights cast by one call."""
    weights: list[HalfWeights] = []
    targets: list[Tensor] = []
    sources: list[Tensor] = []
    for p in layers:
        width = len(p.query)
        qkv_shapes = (3 * width, p.query.shape[1]), (3 * width,)
        others = (p.output, p.output_bias, p.up, p.up_bias, p.down, p.down_bias)
        half = HalfWeights(
            *(torch.empty(shape, dtype=dtype, device=p.query.device) for shape in qkv_shapes),
            *(torch.empty_like(parameter, dtype=dtype) for parameter in others),
        )
        weights.append(half)
        targets += [*half.qkv.split(width), *half.qkv_bias.split(width)]
        targets += [half.output, half.output_bias, half.up, half.up_bias, half.down, half.down_bias]
        sources += [p.query, p.key, p.value, p.query_bias, p.key_bias, p.value_bias, *others]
    torch._foreach_copy_(targets, sources)  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]
    return weights


def _layers(
    settings: Sequence[Settings],
    weights: Sequence[HalfWeights],
    parameters: Sequence[Parameters],
    spans: Spans,
    seed: Tensor,
) -> list[HalfLayer]:
    """Only the last layer may be computed for first tokens alone; each has three dropouts."""
    last = len(settings) - 1
    return [
        HalfLayer(*parts, spans, spans.firsts if number == last else None, seed, 3 * number)
        for number, parts in enumerate(zip(settings, weights, parameters, strict=True))
    ]


class _Stack(Function):
    @staticmethod
    def forward(
        ctx: Any,
        tokens: Tensor,
        dtype: torch.dtype,
        seed: Tensor,
        spans: Spans,
        settings: tuple[Settings, ...],
        save: bool,
        *parameters: Tensor,
    ) -> Tensor:
        with torch.no_grad(), torch.autocast("cuda", enabled=False):
            named = _by_layer(Parameters, parameters)
            weights = _half_weights(named, tokens.dtype)
            layers = _layers(settings, weights, named, spans, seed)
            saved: list[Activations] = []
            for layer in layers:
                output_type = dtype if layer is layers[-1] else tokens.dtype
                tokens, activations = layer.forward(tokens, save=save, dtype=output_type)
                saved.append(activations)
        if save:
            ctx.spans, ctx.settings, ctx.weights = spans, settings, weights
            ctx.save_for_backward(seed, *parameters, *_flattened(saved))
        return tokens

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        seed, *tensors = ctx.saved_tensors
        count = len(Parameters._fields) * len(ctx.settings)
        parameters, saved = _by_layer(Parameters, tensors[:count]), _by_layer(Activations, tensors[count:])
        dtype = parameters[0].query.dtype
        with torch.no_grad(), torch.autocast("cuda", enabled=False):
            layers = _layers(ctx.settings, ctx.weights, parameters, ctx.spans, seed)
            rows, batch = len(saved[0].tokens), len(ctx.spans.starts) - 1
            dim, inner = len(parameters[0].output), len(parameters[0].up)
            sums = Sums.empty(len(layers), rows, batch, dim, inner, seed.device)
            gradient, addend = gradients[0].contiguous(), None
            matrices: list[MatrixGradients] = []
            for number in reversed(range(len(layers))):
                gradient, addend, of_matrices = layers[number].backward(
                    gradient, addend, saved[number], sums.of(number), dtype
                )
                matrices.insert(0, of_matrices)
            of_parameters = _flattened(sums.gradients(matrices, dtype))
        return (gradient if addend is None else gradient + addend, None, None, None, None, None, *of_parameters)


@dataclass(frozen=True)
class Sums:
    """Partial sums over rows, of all layers: gradients of biases and norms, added up in one call each.

    norms: for each program of the kernel the gradients of weight, bias and of what is added to the residual.
    """

    norms: Float[Tensor, "layers two programs three dim"]
    inner: Float[Tensor, "layers programs inner"]
    qkv: Float[Tensor, "layers batch three_dim"]

    @classmethod
    def empty(cls, layers: int, rows: int, batch: int, dim: int, inner: int, device: torch.device) -> "Sums":
        """Buffers for a number of layers."""
        from simemb.transformer.triton_kernels import GELU_ROWS, NORM_PROGRAMS

        def buffer(*shape: int) -> Tensor:
            return torch.empty(shape, dtype=torch.float32, device=device)

        # zeros: a last layer that computes first tokens only has fewer rows and fills less
        zeros = torch.zeros(layers, -(-rows // GELU_ROWS), inner, device=device)
        return cls(buffer(layers, 2, min(NORM_PROGRAMS, rows), 3, dim), zeros, buffer(layers, batch, 3 * dim))

    def of(self, layer: int) -> LayerSums:
        """The buffers of one layer."""
        output_norm, down_norm = self.norms[layer]
        return LayerSums(output_norm, down_norm, self.inner[layer], self.qkv[layer])

    def gradients(self, matrices: Sequence[MatrixGradients], dtype: torch.dtype) -> list[Parameters]:
        """The gradients of all parameters, layer by layer: those of the matrices, and the totals of these sums."""
        norms, inner, qkv = (part.to(dtype) for part in (self.norms.sum(2), self.inner.sum(1), self.qkv.sum(1)))
        gradients: list[Parameters] = []
        for of, (output, down), up_bias, qkv_bias in zip(matrices, norms, inner, qkv, strict=True):
            query_bias, key_bias, value_bias = qkv_bias.chunk(3)
            vectors = {
                "query_bias": query_bias, "key_bias": key_bias, "value_bias": value_bias, "output_bias": output[2],
                "output_norm": output[0], "output_norm_bias": output[1], "up_bias": up_bias,
                "down_bias": down[2], "down_norm": down[0], "down_norm_bias": down[1],
            }  # fmt: skip
            gradients.append(Parameters(**of._asdict(), **vectors))
        return gradients
