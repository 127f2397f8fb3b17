"""One transformer layer on a ragged batch, with the weights of the transformers model.

The layer is written once for all families (`simemb.transformer.families` reads its parts from their models), with the
products and the dropout of `simemb.transformer.cpu_ops`, and it can compute the first token of each sentence alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from jaxtyping import Float
from torch import Tensor, nn

from simemb.transformer.attention import attend
from simemb.transformer.batch import Batch
from simemb.transformer.cpu_ops import Matrix, dropout, exact_gelu, linear, linear_gelu


class Dropouts(NamedTuple):
    """Probabilities of a layer: on the attention weights, after the attention, and after the feed-forward."""

    attention: float
    output: float
    down: float


class Places(NamedTuple):
    """What the attention of a pass is told about the places of tokens, besides what their embeddings say.

    bias: added to the scores of a query's place (row) and a key's place (column) in their sentence.
    """

    bias: Float[Tensor, "heads longest longest"] | None = None


NOWHERE = Places()
"""The attention of BERT and its kin knows no places."""


@dataclass(frozen=True)
class Layer:
    """The parts of one transformer layer, named by their role.

    projections: to queries, keys and values. kind: which of a family's `Places` its attention is told;
    none where it is empty.
    """

    projections: tuple[nn.Linear, nn.Linear, nn.Linear]
    output: nn.Linear
    attention_norm: nn.LayerNorm
    up: nn.Linear
    activation: Any
    down: nn.Linear
    feed_forward_norm: nn.LayerNorm
    heads: int
    dropouts: Dropouts
    training: bool
    kind: str = ""

    @property
    def is_unmodified(self) -> bool:
        """Whether every part computes as torch's own module does. An adapter (LoRA) has a forward of its own."""
        linears: Sequence[nn.Module] = (*self.projections, self.output, self.up, self.down)
        return all(type(module).forward is nn.Linear.forward for module in linears) and all(
            type(norm).forward is nn.LayerNorm.forward for norm in (self.attention_norm, self.feed_forward_norm)
        )

    @property
    def is_berts(self) -> bool:
        """Whether the layer computes what BERT's does, whatever it calls its parts."""
        return not self.kind

    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], batch: Batch, places: Places = NOWHERE, *, first_only: bool = False
    ) -> Float[Tensor, "rows dim"]:
        """Attention and feed-forward, for every token or (`first_only`) for the first of each sentence."""
        rows = tokens.index_select(0, batch.firsts) if first_only else tokens
        attended = self._attend(rows, tokens, batch, places, first_only=first_only)
        rows = self.attention_norm(self._add(attended, self.output, rows, self.dropouts.output))
        return self.feed_forward_norm(self._add(self._inner(rows), self.down, rows, self.dropouts.down))

    def _attend(
        self, rows: Tensor, tokens: Tensor, batch: Batch, places: Places, *, first_only: bool
    ) -> Float[Tensor, "rows dim"]:
        query, key, value = self.projections
        return attend(
            self._heads(linear(rows, query)),
            self._heads(linear(tokens, key)),
            self._heads(linear(tokens, value)),
            runs=batch.runs,
            bias=places.bias,
            dropout=self.dropouts.attention if self.training else 0.0,
            first_only=first_only,
        ).flatten(1)

    def _inner(self, rows: Tensor) -> Float[Tensor, "rows inner"]:
        if exact_gelu(self.activation):
            return linear_gelu(rows, self.up)
        return self.activation(linear(rows, self.up))

    def _heads(self, rows: Tensor) -> Float[Tensor, "rows heads dim"]:
        return rows.unflatten(1, (self.heads, -1))

    def _add(self, rows: Tensor, layer: Matrix, residual: Tensor, probability: float) -> Tensor:
        """residual + dropout(layer(rows))."""
        if self.training and probability:
            return residual + dropout(linear(rows, layer), probability, training=True)
        return linear(rows, layer, residual)
