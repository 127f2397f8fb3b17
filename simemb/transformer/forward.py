"""The layers of BERT-family models as one pass over a ragged batch, on the weights of the transformers model.

transformers computes every layer for every token, with operators chosen to suit every model. Here a layer is
written once for the post-norm family, so that the CPU gets oneDNN's fused products and fast dropout (`simemb.transformer.cpu_ops`)
and the last layer is computed only where the pooling looks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from simemb.transformer import cuda_stack
from simemb.transformer.attention import attend
from simemb.transformer.batch import Batch
from simemb.transformer.cpu_ops import by_onednn, dropout, exact_gelu, linear, linear_gelu
from simemb.transformer.onednn_padding import Filling

Transform = Callable[[Float[Tensor, "tokens dim"], Batch], Float[Tensor, "tokens dim"]]

BERT_LAYOUT = frozenset({"bert", "roberta", "xlm-roberta", "camembert", "electra", "ernie"})
"""Model types whose layers bear BERT's names; DistilBERT's are the same under other names."""


AnyLayer = Callable[..., Float[Tensor, "rows dim"]]
"""A `Layer` or one in int8 (`simemb.transformer.int8_layers`): called with tokens, their batch and `first_only`."""


@dataclass(frozen=True)
class Layer:
    """The parts of one transformer layer, by what they do.

    drops: probabilities of dropout, on the attention weights, after the attention and after the feed-forward.
    """

    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    output: nn.Linear
    output_norm: nn.LayerNorm
    up: nn.Linear
    activation: Any
    down: nn.Linear
    down_norm: nn.LayerNorm
    heads: int
    drops: tuple[float, float, float]
    training: bool

    @classmethod
    def bert(cls, layer: Any) -> "Layer":
        """From a layer of BERT's layout."""
        mixing, after, up, down = layer.attention.self, layer.attention.output, layer.intermediate, layer.output
        return cls(
            query=mixing.query,
            key=mixing.key,
            value=mixing.value,
            output=after.dense,
            output_norm=after.LayerNorm,
            up=up.dense,
            activation=up.intermediate_act_fn,
            down=down.dense,
            down_norm=down.LayerNorm,
            heads=mixing.num_attention_heads,
            drops=(mixing.dropout.p, after.dropout.p, down.dropout.p),
            training=layer.training,
        )

    @classmethod
    def distilbert(cls, layer: Any) -> "Layer":
        """From a layer of DistilBERT, which has no dropout between its attention and the norm."""
        mixing, feed_forward = layer.attention, layer.ffn
        return cls(
            query=mixing.q_lin,
            key=mixing.k_lin,
            value=mixing.v_lin,
            output=mixing.out_lin,
            output_norm=layer.sa_layer_norm,
            up=feed_forward.lin1,
            activation=feed_forward.activation,
            down=feed_forward.lin2,
            down_norm=layer.output_layer_norm,
            heads=mixing.n_heads,
            drops=(mixing.dropout.p, 0.0, feed_forward.dropout.p),
            training=layer.training,
        )

    @property
    def plain(self) -> bool:
        """Whether these compute as torch's own modules do: an adapter (LoRA) has work to do in its own forward."""
        linears = (self.query, self.key, self.value, self.output, self.up, self.down)
        return all(type(module).forward is nn.Linear.forward for module in linears) and all(
            type(norm).forward is nn.LayerNorm.forward for norm in (self.output_norm, self.down_norm)
        )

    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], batch: Batch, *, first_only: bool = False
    ) -> Float[Tensor, "rows dim"]:
        """Post-norm attention and feed-forward: of every token, or of the first of each sentence only."""
        attention_drop, output_drop, down_drop = self.drops
        rows = tokens.index_select(0, batch.firsts) if first_only else tokens
        mixed = attend(
            *(
                self._heads(linear(x, part))
                for x, part in ((rows, self.query), (tokens, self.key), (tokens, self.value))
            ),
            runs=batch.runs,
            dropout=attention_drop if self.training else 0.0,
            first_only=first_only,
        )
        rows = self.output_norm(self._add(mixed.flatten(1), self.output, rows, output_drop))
        wide = linear_gelu(rows, self.up) if exact_gelu(self.activation) else self.activation(linear(rows, self.up))
        return self.down_norm(self._add(wide, self.down, rows, down_drop))

    def _heads(self, rows: Tensor) -> Float[Tensor, "rows heads dim"]:
        return rows.unflatten(1, (self.heads, -1))

    def _add(self, rows: Tensor, layer: nn.Linear, residual: Tensor, probability: float) -> Tensor:
        """residual + dropout(layer(rows))."""
        if self.training and probability:
            return residual + dropout(linear(rows, layer), probability, training=True)
        return linear(rows, layer, residual)


def layers_of(backbone: Any) -> list[Layer] | None:
    """The layers of a model that this module knows how to compute, or None: then transformers computes it.

    None too where somebody hangs on the model's own forward pass by a hook or an adapter.
    """
    config = backbone.config
    if getattr(config, "is_decoder", False) or getattr(config, "use_task_id", False):
        return None
    if any(_hooked(module) for module in backbone.modules()):
        return None
    if config.model_type in BERT_LAYOUT:
        found = [Layer.bert(layer) for layer in backbone.encoder.layer]
    elif config.model_type == "distilbert":
        found = [Layer.distilbert(layer) for layer in backbone.transformer.layer]
    else:
        return None
    return found if all(layer.plain for layer in found) else None


def _hooked(module: nn.Module) -> bool:
    """Whether somebody listens to a module: somebody else than transformers, which so captures hidden states."""
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
) -> tuple[Float[Tensor, "rows dim"], ...]:
    """The embedding layer's output and every layer's, or the last alone; `first_only`: its first tokens alone."""
    tokens = _embed(backbone.embeddings, batch.ids, positions)
    for transform in transforms:
        tokens = transform(tokens, batch)
    if hasattr(backbone, "embeddings_project"):
        tokens = backbone.embeddings_project(tokens)
    ours = [layer for layer in layers if isinstance(layer, Layer)]
    if len(ours) == len(layers) and cuda_stack.suits(tokens, ours, batch):
        return _fused(tokens, ours, batch, every_layer=every_layer, first_only=first_only)
    return _one_by_one(tokens, layers, batch, every_layer=every_layer, first_only=first_only)


def _one_by_one(
    tokens: Float[Tensor, "tokens dim"],
    layers: Sequence[AnyLayer],
    batch: Batch,
    *,
    every_layer: bool,
    first_only: bool,
) -> tuple[Float[Tensor, "rows dim"], ...]:
    """Layer after layer; on a CPU over a round number of tokens."""
    filling = Filling(batch, able=by_onednn(tokens))
    rows, states = filling.put(tokens), [tokens]
    for layer in layers:
        only = first_only and layer is layers[-1]
        rows = layer(rows, filling.batch, first_only=only)
        if every_layer or layer is layers[-1]:
            states.append(filling.take(rows, first_only=only))
    return tuple(states) if every_layer else (states[-1],)


def _fused(
    tokens: Float[Tensor, "tokens dim"], layers: list[Layer], batch: Batch, *, every_layer: bool, first_only: bool
) -> tuple[Float[Tensor, "rows dim"], ...]:
    """The same in half precision on CUDA."""
    if not every_layer:
        return (cuda_stack.run(tokens, layers, batch, first_only=first_only),)
    states = [tokens]
    for layer in layers:
        states.append(cuda_stack.run(states[-1], [layer], batch, first_only=first_only and layer is layers[-1]))
    return tuple(states)


def _embed(embeddings: Any, ids: Tensor, positions: Tensor) -> Float[Tensor, "tokens dim"]:
    tokens = embeddings.word_embeddings(ids)
    if hasattr(embeddings, "token_type_embeddings"):
        tokens = tokens + embeddings.token_type_embeddings.weight[0]
    tokens = tokens + embeddings.position_embeddings(positions)
    return dropout(embeddings.LayerNorm(tokens), embeddings.dropout.p, training=embeddings.training)
