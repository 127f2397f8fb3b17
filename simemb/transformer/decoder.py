"""A decoder that writes a sentence token by token and sees nothing of it but its vector.

Its layers are those of BERT's kin on a ragged batch, as `simemb.transformer.forward` computes them, with two changes:
a token sees those before it only, and after the attention comes a cross-attention to the vector.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from simemb.transformer.batch import Batch
from simemb.transformer.cpu_ops import by_onednn, dropout
from simemb.transformer.families import BERTS_KIN, FAMILIES
from simemb.transformer.layer import Layer
from simemb.transformer.onednn_padding import Padding


def layers_to_decode(backbone: Any) -> list[Layer]:
    """The layers of a model that can be those of a decoder: an empty list where they cannot."""
    family = FAMILIES.get(backbone.config.model_type)
    layers = family.layers(backbone) if family and family.final_norm is None else []
    return layers if all(layer.is_berts and layer.adapted.is_unmodified for layer in layers) else []


KIN = tuple(sorted(BERTS_KIN))
"""The families whose layers can be those of a decoder."""


class CrossAttention(nn.Module):
    """Cross-attention to a single vector s: W_o (W_v s).

    Its softmax is over one key and so 1, whatever the query: there are no queries and keys to learn (TSDAE, Wang et
    al., 2021, https://arxiv.org/abs/2104.06979, section 3).
    """

    def __init__(self, dim: int, config: Any, width: int):
        super().__init__()
        self.value, self.output = nn.Linear(dim, width), nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=float(getattr(config, "layer_norm_eps", 1e-12)))
        for linear in (self.value, self.output):
            nn.init.normal_(linear.weight, std=float(getattr(config, "initializer_range", 0.02)))
            nn.init.zeros_(linear.bias)

    def forward(self, vectors: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch width"]:
        """What each sentence's vector adds to all of its tokens."""
        return self.output(self.value(vectors))


class Decoder(nn.Module):
    """The embedding layer of a model and its first layers, causal, with fresh cross-attention in each.

    backbone: of one of the families `KIN`. dim: width of the vectors. layers: how many, by default all of the model.
    tied: whether the layers are the model's own, of which the decoder then keeps nothing; otherwise they start as
    copies. The embedding layer is the model's own in any case.
    """

    def __init__(self, backbone: Any, dim: int, *, layers: int | None = None, tied: bool = True):
        super().__init__()
        found = layers_to_decode(backbone)[:layers]
        self.cross = nn.ModuleList(
            CrossAttention(dim, backbone.config, layer.attention_norm.normalized_shape[0]) for layer in found
        )
        self.copies: list[Layer] = [] if tied else deepcopy(found)
        self.own = nn.ModuleList(nn.ModuleList(_modules(layer)) for layer in self.copies)

    def forward(
        self, backbone: Any, batch: Batch, places: Int[Tensor, "tokens"], vectors: Float[Tensor, "batch dim"]
    ) -> Float[Tensor, "tokens width"]:
        """The state of every token, of which the next one is predicted.

        batch: the sentences. places: the positions of their tokens, counted as the family counts. vectors: one for
        each sentence, in the caller's order.
        """
        embeddings = FAMILIES[backbone.config.model_type].embeddings(backbone)
        tokens = embeddings(batch.ids, places)
        if embeddings.projection is not None:
            tokens = embeddings.projection(tokens)
        padding, sentences = Padding(batch, enabled=by_onednn(tokens)), batch.segments
        rows = padding.insert(tokens)
        for layer, cross in zip(self._layers(backbone), self.cross, strict=True):
            rows = layer.attention(rows, padding.batch, causal=True)
            told = dropout(cross(vectors).index_select(0, sentences), layer.dropouts.output, training=layer.training)
            rows = layer.feed_forward(cross.norm(rows + padding.insert(told)))  # type: ignore[operator]
        return padding.remove(rows, first_only=False)

    def _layers(self, backbone: Any) -> Sequence[Layer]:
        """The model's layers as they are now, or the decoder's own with the same dropout."""
        layers = layers_to_decode(backbone)[: len(self.cross)]
        if self.copies:
            pairs = zip(self.copies, layers, strict=True)
            layers = [replace(own, dropouts=layer.dropouts, training=self.training) for own, layer in pairs]
        return [layer.adapted for layer in layers]


def _modules(layer: Layer) -> list[Any]:
    """The parts of a layer that hold weights."""
    return [*layer.projections, layer.output, layer.attention_norm, layer.up, layer.down, layer.feed_forward_norm]
