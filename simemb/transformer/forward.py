"""The layers of BERT-family models as one pass over a ragged batch, on the weights of the transformers model.

transformers computes every layer for every token, with operators chosen to suit every model. Here the layers are
`simemb.transformer.layer.Layer`s, computed one after the other or, in half precision on CUDA, by
`simemb.transformer.cuda_stack`; the last layer is computed only for the tokens that the pooling reads.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float, Int
from torch import Tensor, nn

from simemb.transformer import cuda_stack
from simemb.transformer.batch import Batch
from simemb.transformer.cpu_ops import by_onednn
from simemb.transformer.families import FAMILIES
from simemb.transformer.layer import Layer, Places
from simemb.transformer.onednn_padding import Padding

Transform = Callable[[Float[Tensor, "tokens dim"], Batch], Float[Tensor, "tokens dim"]]
"""Replaces the output of the embedding layer, given that output and its batch."""


@runtime_checkable
class AnyLayer(Protocol):
    """A `Layer` or an `Int8Layer` (`simemb.transformer.int8_layers`), which are called alike."""

    @property
    def kind(self) -> str:
        """Which of a family's places it is told."""
        ...

    def __call__(self, tokens: Tensor, batch: Batch, places: Places, *, first_only: bool) -> Tensor:
        """The rows of the next layer."""
        ...


def layers_of(backbone: Any, *, training: bool | None = None) -> list[Layer] | None:
    """The layers of a model, or None where transformers has to compute it.

    training: whether they drop out; None: as the mode of the model says. None for other families, and where a hook, or
    an adapter that is more than a change of weights (LoRA with dropout), depends on the model's own forward pass.
    """
    config = backbone.config
    if getattr(config, "is_decoder", False) or getattr(config, "use_task_id", False):
        return None
    if any(_hooked(module) for module in backbone.modules()):
        return None
    family = FAMILIES.get(config.model_type)
    if family is None:
        return None
    layers = [layer.adapted for layer in family.layers(backbone)]
    if not all(layer.is_unmodified for layer in layers):
        return None
    return layers if training is None else [replace(layer, training=training) for layer in layers]


def _hooked(module: nn.Module) -> bool:
    """Whether a module has hooks besides those by which transformers itself captures hidden states."""
    before, after = module._forward_pre_hooks, module._forward_hooks  # pyright: ignore[reportPrivateUsage]
    hooks = (*before.values(), *after.values())
    return any(not str(getattr(hook, "__module__", "")).startswith("transformers.") for hook in hooks)


def hidden_states(
    backbone: Any,
    layers: Sequence[AnyLayer],
    batch: Batch,
    positions: Int[Tensor, "tokens"],
    transforms: list[Transform],
    *,
    every_layer: bool,
    first_only: bool,
    training: bool | None = None,
) -> tuple[Float[Tensor, "rows dim"], ...]:
    """The states that the pooling needs.

    transforms: are applied to the output of the embedding layer, in order. every_layer: the output of the embedding
    layer and of every layer, otherwise of the last layer alone. first_only: the last layer's output holds the first
    token of each sentence only. training: as for `layers_of`.
    """
    family = FAMILIES[backbone.config.model_type]
    embeddings = family.embeddings(backbone)
    embeddings = embeddings if training is None else replace(embeddings, training=training)
    tokens = embeddings(batch.ids, positions)
    for transform in transforms:
        tokens = transform(tokens, batch)
    if embeddings.projection is not None:
        tokens = embeddings.projection(tokens)
    float_layers = [layer for layer in layers if isinstance(layer, Layer)]
    if len(float_layers) == len(layers) and cuda_stack.can_run(tokens, float_layers, batch):
        return _by_cuda_stack(tokens, float_layers, batch, every_layer=every_layer, first_only=first_only)
    padding = Padding(batch, enabled=by_onednn(tokens))
    places = family.places(backbone, positions, padding)
    states = _layer_by_layer(tokens, layers, padding, places, every_layer=every_layer, first_only=first_only)
    return states if family.final_norm is None else (*states[:-1], family.final_norm(backbone)(states[-1]))


def _layer_by_layer(
    tokens: Float[Tensor, "tokens dim"],
    layers: Sequence[AnyLayer],
    padding: Padding,
    places: Mapping[str, Places],
    *,
    every_layer: bool,
    first_only: bool,
) -> tuple[Float[Tensor, "rows dim"], ...]:
    """Layer after layer; where oneDNN computes, on a batch padded to a round number of tokens."""
    rows, states = padding.insert(tokens), [tokens]
    for layer in layers:
        only = first_only and layer is layers[-1]
        rows = layer(rows, padding.batch, places[layer.kind], first_only=only)
        if every_layer or layer is layers[-1]:
            states.append(padding.remove(rows, first_only=only))
    return tuple(states) if every_layer else (states[-1],)


def _by_cuda_stack(
    tokens: Float[Tensor, "tokens dim"], layers: list[Layer], batch: Batch, *, every_layer: bool, first_only: bool
) -> tuple[Float[Tensor, "rows dim"], ...]:
    """Layers fused into one autograd function, or one function per layer where every state is needed."""
    if not every_layer:
        return (cuda_stack.run(tokens, layers, batch, first_only=first_only),)
    states = [tokens]
    for layer in layers:
        states.append(cuda_stack.run(states[-1], [layer], batch, first_only=first_only and layer is layers[-1]))
    return tuple(states)
