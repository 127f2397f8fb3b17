"""One transformer layer on a ragged batch, with the weights of the transformers model.

The layer is written once for all families (`simemb.transformer.families` reads its parts from their models), with the
products and the dropout of `simemb.transformer.cpu_ops`, and it can compute the first token of each sentence alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from simemb.transformer.attention import attend
from simemb.transformer.batch import Batch
from simemb.transformer.cpu_ops import dropout, exact_gelu, factor, linear, linear_gelu, linear_times
from simemb.transformer.matrix import LinearPart, Matrix, adapted, split


class Dropouts(NamedTuple):
    """Probabilities: on the attention weights, after the attention, after the feed-forward, and within that."""

    attention: float
    output: float
    down: float
    inner: float = 0.0


class Rotation(NamedTuple):
    """Angles of the pairs of channels (i, i + dim / 2) of a head: (x, y) becomes (x cos - y sin, y cos + x sin).

    sines: those of the first half of the channels are negative.
    """

    cosines: Float[Tensor, "tokens dim"]
    sines: Float[Tensor, "tokens dim"]

    def at(self, tokens: Int[Tensor, "rows"]) -> "Rotation":
        """The angles of some tokens."""
        return Rotation(self.cosines.index_select(0, tokens), self.sines.index_select(0, tokens))

    def __call__(self, rows: Float[Tensor, "rows heads dim"]) -> Float[Tensor, "rows heads dim"]:
        """The rows turned, in float32 whatever their type, as transformers turns them."""
        wide = rows.float()
        swapped = wide.roll(wide.shape[-1] // 2, -1)
        return torch.addcmul(wide * self.cosines[:, None], swapped, self.sines[:, None]).to(rows.dtype)


class Places(NamedTuple):
    """What the attention of a pass is told about the places of tokens, besides what their embeddings say.

    bias: added to the scores of a query's place (row) and a key's place (column) in their sentence. rotation: by which
    queries and keys are turned, each token by its own.
    """

    bias: Float[Tensor, "heads longest longest"] | None = None
    rotation: Rotation | None = None


NOWHERE = Places()
"""The attention of BERT and its kin knows no places."""


@dataclass(frozen=True)
class Layer:
    """The parts of one transformer layer, named by their role.

    projections: to queries, keys and values, or to all three end to end. attention_norm: a LayerNorm, or an Identity
    where there is none. norm_first: whether a norm comes before what it is named after, otherwise after the sum with
    the residual. gated: whether the outputs of `up` are those that are activated and, after them, as many factors for
    them. window: tokens see those at a distance below it; None: all. kind: which of a family's `Places` the attention
    is told; none where it is empty.
    """

    projections: tuple[Matrix, ...]
    output: Matrix
    attention_norm: Any
    up: Matrix
    activation: Any
    down: Matrix
    feed_forward_norm: nn.LayerNorm
    heads: int
    dropouts: Dropouts
    training: bool
    norm_first: bool = False
    gated: bool = False
    window: int | None = None
    kind: str = ""

    @property
    def is_unmodified(self) -> bool:
        """Whether every part computes as torch's own module does; other parts have a forward of their own."""
        linears: Sequence[Any] = (*self.projections, self.output, self.up, self.down)
        norms: Sequence[nn.Module] = (self.attention_norm, self.feed_forward_norm)
        return all(isinstance(part, LinearPart) or type(part).forward is nn.Linear.forward for part in linears) and all(
            type(norm).forward in (nn.LayerNorm.forward, nn.Identity.forward) for norm in norms
        )

    @property
    def adapted(self) -> "Layer":
        """The same layer with adapters (LoRA) in its weights, where they are no more than that."""
        plain = (*self.projections, self.output, self.up, self.down)
        parts = [adapted(part) for part in plain]
        if all(part is one for part, one in zip(parts, plain, strict=True)):
            return self
        *projections, output, up, down = parts
        return replace(self, projections=tuple(projections), output=output, up=up, down=down)

    @property
    def is_berts(self) -> bool:
        """Whether the layer computes what BERT's does, whatever it calls its parts."""
        return not (self.kind or self.norm_first or self.gated or self.window)

    def __call__(
        self, tokens: Float[Tensor, "tokens dim"], batch: Batch, places: Places = NOWHERE, *, first_only: bool = False
    ) -> Float[Tensor, "rows dim"]:
        """Attention and feed-forward, for every token or (`first_only`) for the first of each sentence."""
        return self.feed_forward(self.attention(tokens, batch, places, first_only=first_only))

    def attention(
        self,
        tokens: Float[Tensor, "tokens dim"],
        batch: Batch,
        places: Places = NOWHERE,
        *,
        first_only: bool = False,
        causal: bool = False,
    ) -> Float[Tensor, "rows dim"]:
        """The first half of the layer. causal: a token sees itself and those before it, as in a decoder."""
        rows = tokens.index_select(0, batch.firsts) if first_only else tokens
        if self.norm_first:
            normed = self.attention_norm(tokens)
            queries = self.attention_norm(rows) if first_only else normed
            attended = self._attend(queries, normed, batch, places, first_only=first_only, causal=causal)
            return self._add(attended, self.output, rows, self.dropouts.output)
        attended = self._attend(rows, tokens, batch, places, first_only=first_only, causal=causal)
        return self.attention_norm(self._add(attended, self.output, rows, self.dropouts.output))

    def feed_forward(self, rows: Float[Tensor, "rows dim"]) -> Float[Tensor, "rows dim"]:
        """The second half of the layer, token by token."""
        if self.norm_first:
            return self._add(self._inner(self.feed_forward_norm(rows)), self.down, rows, self.dropouts.down)
        return self.feed_forward_norm(self._add(self._inner(rows), self.down, rows, self.dropouts.down))

    def _attend(
        self, rows: Tensor, tokens: Tensor, batch: Batch, places: Places, *, first_only: bool, causal: bool
    ) -> Float[Tensor, "rows dim"]:
        to_query, to_key, to_value = self.projections if len(self.projections) == 3 else split(self.projections[0], 3)
        tokens = factor(tokens)
        rows = factor(rows) if first_only else tokens
        query, key = self._heads(linear(rows, to_query)), self._heads(linear(tokens, to_key))
        if places.rotation is not None:
            query = (places.rotation.at(batch.firsts) if first_only else places.rotation)(query)
            key = places.rotation(key)
        return attend(
            query,
            key,
            self._heads(linear(tokens, to_value)),
            runs=batch.runs,
            bias=places.bias,
            causal=causal,
            dropout=self.dropouts.attention if self.training else 0.0,
            sliding_window=self.window,
            first_only=first_only,
        ).flatten(1)

    def _inner(self, rows: Tensor) -> Float[Tensor, "rows inner"]:
        if not self.gated:
            return self._activated(rows, self.up)
        up, gate = split(self.up, 2)
        inner = linear_times(rows, gate, self._activated(rows, up))
        return dropout(inner, self.dropouts.inner, training=self.training)

    def _activated(self, rows: Tensor, up: Matrix) -> Float[Tensor, "rows inner"]:
        return linear_gelu(rows, up) if exact_gelu(self.activation) else self.activation(linear(rows, up))

    def _heads(self, rows: Tensor) -> Float[Tensor, "rows heads dim"]:
        return rows.unflatten(1, (self.heads, -1))

    def _add(self, rows: Tensor, layer: Matrix, residual: Tensor, probability: float) -> Tensor:
        """residual + dropout(layer(rows))."""
        if self.training and probability:
            return residual + dropout(linear(rows, layer), probability, training=True)
        return linear(rows, layer, residual)
