"""The parts of transformers' models by their roles: all that our layers need to know of a family.

A family is data: where its embeddings and layers are, and what its attention is told about places. The layers
themselves are computed by `simemb.transformer.forward`, the same for all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from simemb.transformer.cpu_ops import dropout
from simemb.transformer.layer import NOWHERE, Dropouts, Layer, Places, Rotation
from simemb.transformer.onednn_padding import Padding


@dataclass(frozen=True)
class Embeddings:
    """The parts of the embedding layer. projection: to the width of the layers, where that is another."""

    words: nn.Embedding
    positions: nn.Embedding | None
    types: nn.Embedding | None
    norm: nn.LayerNorm
    dropout: float
    training: bool
    projection: nn.Linear | None = None

    def __call__(self, ids: Int[Tensor, "tokens"], positions: Int[Tensor, "tokens"]) -> Float[Tensor, "tokens dim"]:
        """The output of the embedding layer, before the projection; every token is of type 0."""
        tokens = self.words(ids)
        if self.types is not None:
            tokens = tokens + self.types.weight[0]
        if self.positions is not None:
            tokens = tokens + self.positions(positions)
        return dropout(self.norm(tokens), self.dropout, training=self.training)


def _bert_embeddings(backbone: Any) -> Embeddings:
    """Those of BERT; ELECTRA and ALBERT project theirs."""
    parts, encoder = backbone.embeddings, getattr(backbone, "encoder", None)
    return Embeddings(
        words=parts.word_embeddings,
        positions=parts.position_embeddings,
        types=getattr(parts, "token_type_embeddings", None),
        norm=parts.LayerNorm,
        dropout=parts.dropout.p,
        training=parts.training,
        projection=getattr(backbone, "embeddings_project", getattr(encoder, "embedding_hidden_mapping_in", None)),
    )


def _modernbert_embeddings(backbone: Any) -> Embeddings:
    """Positions are told to the attention alone, and there are no types."""
    parts = backbone.embeddings
    return Embeddings(
        words=parts.tok_embeddings,
        positions=None,
        types=None,
        norm=parts.norm,
        dropout=parts.drop.p,
        training=parts.training,
    )


def _nowhere(backbone: Any, positions: Tensor, padding: Padding) -> Mapping[str, Places]:  # noqa: ARG001
    return {"": NOWHERE}


@dataclass(frozen=True)
class Family:
    """How to read a backbone of this family.

    layers: of a backbone, first to last. embeddings: of a backbone. places: what each kind of layer (`Layer.kind`) is
    told about the tokens of a padded batch, from a backbone, the positions before padding, and the padding. final_norm:
    what a backbone applies to the output of its last layer; None: nothing.
    """

    layers: Callable[[Any], list[Layer]]
    embeddings: Callable[[Any], Embeddings] = _bert_embeddings
    places: Callable[[Any, Int[Tensor, "tokens"], Padding], Mapping[str, Places]] = _nowhere
    final_norm: Callable[[Any], nn.Module] | None = None


def _bert_layer(layer: Any) -> Layer:
    attention, after, up, down = layer.attention.self, layer.attention.output, layer.intermediate, layer.output
    return Layer(
        projections=(attention.query, attention.key, attention.value),
        output=after.dense,
        attention_norm=after.LayerNorm,
        up=up.dense,
        activation=up.intermediate_act_fn,
        down=down.dense,
        feed_forward_norm=down.LayerNorm,
        heads=attention.num_attention_heads,
        dropouts=Dropouts(attention.dropout.p, after.dropout.p, down.dropout.p),
        training=layer.training,
    )


def _distilbert_layer(layer: Any) -> Layer:
    """DistilBERT has no dropout between attention and norm."""
    attention, feed_forward = layer.attention, layer.ffn
    return Layer(
        projections=(attention.q_lin, attention.k_lin, attention.v_lin),
        output=attention.out_lin,
        attention_norm=layer.sa_layer_norm,
        up=feed_forward.lin1,
        activation=feed_forward.activation,
        down=feed_forward.lin2,
        feed_forward_norm=layer.output_layer_norm,
        heads=attention.n_heads,
        dropouts=Dropouts(attention.dropout.p, 0.0, feed_forward.dropout.p),
        training=layer.training,
    )


def _albert_layers(backbone: Any) -> list[Layer]:
    """Groups of layers, each group several times in a row; what transformers calls a layer is one pass of a group."""
    passes, groups = backbone.config.num_hidden_layers, backbone.encoder.albert_layer_groups
    # rounded as transformers rounds: in whole numbers another group comes out now and then
    taken = (groups[int(number / (passes / len(groups)))] for number in range(passes))
    return [_albert_layer(layer) for group in taken for layer in group.albert_layers]


def _albert_layer(layer: Any) -> Layer:
    """ALBERT has no dropout after the feed-forward."""
    attention = layer.attention
    return Layer(
        projections=(attention.query, attention.key, attention.value),
        output=attention.dense,
        attention_norm=attention.LayerNorm,
        up=layer.ffn,
        activation=layer.activation,
        down=layer.ffn_output,
        feed_forward_norm=layer.full_layer_layer_norm,
        heads=attention.num_attention_heads,
        dropouts=Dropouts(attention.attention_dropout.p, attention.output_dropout.p, 0.0),
        training=layer.training,
    )


def _mpnet_layer(layer: Any) -> Layer:
    attention, up, down = layer.attention, layer.intermediate, layer.output
    parts = attention.attn
    return Layer(
        projections=(parts.q, parts.k, parts.v),
        output=parts.o,
        attention_norm=attention.LayerNorm,
        up=up.dense,
        activation=up.intermediate_act_fn,
        down=down.dense,
        feed_forward_norm=down.LayerNorm,
        heads=parts.num_attention_heads,
        dropouts=Dropouts(parts.dropout.p, attention.dropout.p, down.dropout.p),
        training=layer.training,
        kind="relative",
    )


def _mpnet_places(backbone: Any, positions: Tensor, padding: Padding) -> Mapping[str, Places]:
    """MPNet's bias depends on the distance between two places, and all layers share it."""
    shape = positions.new_empty(1, padding.batch.lengths[-1])  # all that is read of a batch
    return {"relative": Places(bias=backbone.encoder.compute_position_bias(shape)[0])}


def _modernbert_layer(layer: Any) -> Layer:
    """The norm before the first attention is an identity; a dropout of 0 may be one, too."""
    attention, feed_forward = layer.attn, layer.mlp
    return Layer(
        projections=(attention.Wqkv,),
        output=attention.Wo,
        attention_norm=layer.attn_norm,
        up=feed_forward.Wi,
        activation=feed_forward.act,
        down=feed_forward.Wo,
        feed_forward_norm=layer.mlp_norm,
        heads=attention.config.num_attention_heads,
        dropouts=Dropouts(
            attention.attention_dropout, getattr(attention.out_drop, "p", 0.0), 0.0, inner=feed_forward.drop.p
        ),
        training=layer.training,
        norm_first=True,
        gated=True,
        window=attention.sliding_window,
        kind=layer.attention_type,
    )


def _modernbert_places(backbone: Any, positions: Tensor, padding: Padding) -> Mapping[str, Places]:
    """Layers that see a window turn by other angles than layers that see all tokens."""
    words, places = backbone.embeddings.tok_embeddings.weight, padding.insert(positions)[None]
    told: dict[str, Places] = {}
    for kind in set(backbone.config.layer_types):
        cosines, sines = (angles[0] for angles in backbone.rotary_emb(words, places, kind))
        first, second = sines.chunk(2, -1)
        told[kind] = Places(rotation=Rotation(cosines, torch.cat([-first, second], -1)))
    return told


_BERT = Family(lambda backbone: [_bert_layer(layer) for layer in backbone.encoder.layer])

FAMILIES: Mapping[str, Family] = {
    "bert": _BERT,
    "roberta": _BERT,
    "xlm-roberta": _BERT,
    "camembert": _BERT,
    "electra": _BERT,
    "ernie": _BERT,
    "distilbert": Family(lambda backbone: [_distilbert_layer(layer) for layer in backbone.transformer.layer]),
    "albert": Family(_albert_layers),
    "modernbert": Family(
        lambda backbone: [_modernbert_layer(layer) for layer in backbone.layers],
        embeddings=_modernbert_embeddings,
        places=_modernbert_places,
        final_norm=lambda backbone: backbone.final_norm,
    ),
    "mpnet": Family(lambda backbone: [_mpnet_layer(layer) for layer in backbone.encoder.layer], places=_mpnet_places),
}
"""The families that our layers compute, by model type."""

BERTS_KIN = frozenset(name for name, family in FAMILIES.items() if family.places is _nowhere)
"""The families whose layers compute what BERT's do."""
