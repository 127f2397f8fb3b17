"""A layer equals that of transformers in value and in every gradient."""

import pytest
import torch
from families import SENTENCES, make_encoder
from torch import Tensor

from simemb.encoder.encoder import Encoder
from simemb.transformer import layer
from simemb.transformer.batch import Batch
from simemb.transformer.families import FAMILIES

KNOWN = sorted(FAMILIES)


def batch_of(encoder: Encoder) -> Batch:
    return Batch.collate(encoder.tokenize(SENTENCES)[0])


def gradients(encoder: Encoder, vectors: Tensor) -> dict[str, Tensor]:
    """Of every parameter, for a loss in which every number of every vector counts."""
    encoder.zero_grad()
    weights = torch.randn(vectors.shape, generator=torch.Generator().manual_seed(4))
    (vectors * weights).sum().backward()
    return {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("family", KNOWN)
@pytest.mark.parametrize("pooling", ["cls", "mean", "first_last"])
def test_vectors_and_gradients_equal_those_of_transformers(family, pooling):
    encoder = make_encoder(family, pooling=pooling).train()
    encoder.set_dropout(0.0)
    batch = batch_of(encoder)
    assert encoder.fast
    ours = encoder(batch)
    ours_gradients = gradients(encoder, ours)
    encoder.fast = False
    theirs = encoder(batch)
    theirs_gradients = gradients(encoder, theirs)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    assert ours_gradients.keys() == theirs_gradients.keys()
    for name, gradient in ours_gradients.items():
        torch.testing.assert_close(gradient, theirs_gradients[name], atol=2e-5, rtol=1e-3, msg=name)


@pytest.mark.parametrize("activation", ["relu", "gelu_new", "silu"])
def test_other_activations_are_those_of_transformers(activation):
    encoder = make_encoder("bert", hidden_act=activation)
    batch = batch_of(encoder)
    with torch.no_grad():
        ours = encoder(batch)
        encoder.fast = False
        torch.testing.assert_close(ours, encoder(batch), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_the_last_layer_sees_first_tokens_only_where_the_pooling_does(monkeypatch, training):
    rows: list[int] = []
    kernel = layer.linear
    monkeypatch.setattr(layer, "linear", lambda x, *rest: rows.append(len(x)) or kernel(x, *rest))
    encoder = make_encoder("bert", pooling="cls").train(training)
    batch = batch_of(encoder)
    encoder(batch)
    assert rows[-1] == len(batch)
    rows.clear()
    encoder.pooling = "mean"
    encoder(batch)
    assert rows[-1] == len(batch.ids)


def test_dropout_leaves_the_mean_of_many_passes_where_it_was():
    encoder = make_encoder("bert", pooling="cls")
    encoder.set_dropout(0.02)
    batch = batch_of(encoder)
    with torch.no_grad():
        still = encoder(batch)
        encoder.train()
        torch.manual_seed(0)
        passes = torch.stack([encoder(batch) for _ in range(300)])
    assert passes.std(0).min() > 0
    off = (passes.mean(0) - still).norm(dim=1) / still.norm(dim=1)
    assert off.max() < 0.05
