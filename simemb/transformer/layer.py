"""One layer of a BERT-family model on a ragged batch, with the weights of the transformers model.

The layer is written once for the whole post-norm family, with the products and the dropout of
`simemb.transformer.cpu_ops`, and it can compute the first token of each sentence alone.
"""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from simemb.transformer.attention import attend
from simemb.transformer.batch import Batch
from simemb.transformer.cpu_ops import dropout, exact_gelu, factor, linear, linear_gelu


@dataclass(frozen=True)
class Layer:
    """The parts of one transformer layer, named by their role.

    dropouts: probabilities, on the attention weights, after the attention and after the feed-forward.
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
    dropouts: tuple[float, float, float]
    training: bool

    @classmethod
    def bert(cls, layer: Any) -> "Layer":
        """The parts of a layer with BERT's names."""
        attention, after, up, down = layer.attention.self, layer.attention.output, layer.intermediate, layer.output
        return cls(
            query=attention.query,
            key=attention.key,
            value=attention.value,
            output=after.dense,
            output_norm=after.LayerNorm,
            up=up.dense,
            activation=up.intermediate_act_fn,
            down=down.dense,
            down_norm=down.LayerNorm,
            heads=attention.num_attention_heads,
            dropouts=(attention.dropout.p, after.dropout.p, down.dropout.p),
            training=layer.training,
        )

    @classmethod
    def distilbert(cls, layer: Any) -> "Layer":
        """The parts of a DistilBERT layer, which has no dropout between attention and norm."""
        attention, feed_forward = layer.attention, layer.ffn
        return cls(
            query=attention.q_lin,
            key=attention.k_lin,
            value=attention.v_lin,
            output=attention.out_lin,
            output_norm=layer.sa_layer_norm,
            up=feed_forward.lin1,
            activation=feed_forward.activation,
            down=feed_forward.lin2,
            down_norm=layer.output_layer_norm,
            heads=attention.n_heads,
            dropouts=(attention.dropout.p, 0.0, feed_forward.dropout.p),
            training=layer.training,
        )

    @property
    def is_unmodified(self) -> bool:
        """Whether every part computes as torch's own module does. An adapter (LoRA) has a forward of its own."""
        linears = (self.query, self.key, self.value, self.output, self.up, self.down)
        return all(type(module).forward is nn.Linear.forward for module in linears) and all(
            type(norm).forward is nn.LayerNorm.forward for norm in (self.output_norm, self.down_norm)
        )

    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], batch: Batch, *, first_only: bool = False
    ) -> Float[Tensor, "rows dim"]:
        """Post-norm attention and feed-forward, for every token or (`first_only`) for the first of each sentence."""
        attention_dropout, output_dropout, down_dropout = self.dropouts
        inputs = factor(tokens)
        asking, rows = (part.index_select(0, batch.firsts) if first_only else part for part in (inputs, tokens))
        attended = attend(
            self._heads(linear(asking, self.query)),
            self._heads(linear(inputs, self.key)),
            self._heads(linear(inputs, self.value)),
            runs=batch.runs,
            dropout=attention_dropout if self.training else 0.0,
            first_only=first_only,
        )
        rows = self.output_norm(self._add(attended.flatten(1), self.output, rows, output_dropout))
        inner = linear_gelu(rows, self.up) if exact_gelu(self.activation) else self.activation(linear(rows, self.up))
        return self.down_norm(self._add(inner, self.down, rows, down_dropout))

    def _heads(self, rows: Tensor) -> Float[Tensor, "rows heads dim"]:
        return rows.unflatten(1, (self.heads, -1))

    def _add(self, rows: Tensor, layer: nn.Linear, residual: Tensor, probability: float) -> Tensor:
        """residual + dropout(layer(rows))."""
        if self.training and probability:
            return residual + dropout(linear(rows, layer), probability, training=True)
        return linear(rows, layer, residual)
