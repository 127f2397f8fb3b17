"""Products in bfloat16 against float32, and layers under autocast against transformers in float32."""

import copy

import pytest
import torch
from families import make_encoder
from torch import nn
from torch.nn import functional

from simemb.transformer import cpu_bf16, cpu_ops
from simemb.transformer.batch import Batch
from simemb.transformer.cpu_ops import factor, linear, linear_gelu

pytestmark = pytest.mark.skipif(cpu_bf16.missing() is not None, reason=str(cpu_bf16.missing()))

NEAR = 0.02
"""Of the largest value: bfloat16 has eight binary digits."""


def near(ours: torch.Tensor, exact: torch.Tensor) -> bool:
    return bool((ours.float() - exact).abs().max() <= NEAR * exact.abs().max())


def layer(*, bias: bool = True) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(48, 64, bias=bias)


def rows() -> torch.Tensor:
    return torch.randn(33, 48, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("learning", [True, False])
def test_a_product_is_near_that_in_float32(bias, learning):
    weights = layer(bias=bias)
    with torch.set_grad_enabled(learning), torch.autocast("cpu", torch.bfloat16):
        ours = linear(rows(), weights)
        assert ours.dtype == torch.bfloat16
        assert ours.requires_grad == learning
        assert near(linear_gelu(rows(), weights), functional.gelu(weights(rows()).float()))
    assert near(ours, weights(rows()))


def test_a_residual_keeps_its_precision():
    weights, residual = layer(), torch.full((33, 64), 1000.001)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        summed = linear(rows(), weights, residual)
    assert summed.dtype == torch.float32
    torch.testing.assert_close(summed - residual, weights(rows()).detach(), atol=0.02, rtol=0.02)


@pytest.mark.parametrize("bias", [True, False])
def test_gradients_are_near_those_in_float32_and_have_the_types_of_what_they_belong_to(bias):
    found = []
    for half in (True, False):
        weights, x = layer(bias=bias), rows().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            out = linear(x, weights) if half else weights(x)
        (out.float() ** 2).sum().backward()
        found.append([x.grad, weights.weight.grad, *([weights.bias.grad] if bias else [])])
    for ours, exact in zip(*found, strict=True):
        assert ours.dtype == torch.float32
        assert near(ours, exact)


def test_shared_rows_are_cast_once():
    with torch.autocast("cpu", torch.bfloat16):
        cast = factor(rows())
        assert cast.dtype == torch.bfloat16
        assert factor(cast) is cast
        assert torch.equal(linear(cast, layer()), linear(rows(), layer()))
    assert factor(found := rows()) is found


def test_changed_weights_are_packed_anew():
    weights = layer()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        before = linear(rows(), weights)
        weights.weight.mul_(2)
        assert near(linear(rows(), weights), weights(rows()).float())
        weights.weight.data = torch.zeros(64, 48)
        assert near(linear(rows(), weights), weights.bias.expand(33, -1))
    assert not torch.equal(before, linear(rows(), layer()))


def test_weights_that_are_gone_leave_nothing():
    weights = layer()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        linear(rows(), weights)
    count = len(cpu_bf16._kept)
    del weights
    assert len(cpu_bf16._kept) == count - 1


def test_without_packing_or_products_the_plain_way_answers(monkeypatch):
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        monkeypatch.setattr(cpu_bf16, "_reordered", lambda weight: weight)
        assert near(linear(rows(), layer()), layer()(rows()).float())
        monkeypatch.setattr(cpu_bf16, "missing", lambda: "no such operator")
        assert torch.equal(linear(rows(), layer()), layer()(rows()))
        assert not cpu_ops.in_bf16(rows())


@pytest.mark.parametrize("family", ["bert", "roberta", "distilbert"])
@pytest.mark.parametrize("pooling", ["cls", "mean", "first_last"])
def test_sentences_are_near_those_in_float32(family, pooling):
    encoder = make_encoder(family, pooling=pooling).eval()
    batch = Batch.collate([[5, 6, 7, 8], [5], [9, 8, 7, 6, 5, 4] * 4, [5, 9]])
    with torch.inference_mode():
        exact = encoder(batch)
        with torch.autocast("cpu", torch.bfloat16):
            half = encoder(batch)
    assert torch.cosine_similarity(half.float(), exact).min() > 0.999


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_training_gives_nearly_the_gradients_of_float32_with_the_same_masks(dropout):
    exact = make_encoder("bert", pooling="mean").train()
    exact.set_dropout(dropout)
    half = copy.deepcopy(exact)
    batch = Batch.collate([[5, 6, 7, 8], [5], [9, 8, 7, 6, 5, 4] * 4, [5, 9]])
    target = torch.randn(4, exact.dim, generator=torch.Generator().manual_seed(2))
    for encoder, enabled in ((exact, False), (half, True)):
        torch.manual_seed(3)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            vectors = encoder(batch)
        (vectors.float() * target).sum().backward()
    theirs = dict(exact.named_parameters())
    for name, parameter in half.named_parameters():
        if parameter.grad is not None and theirs[name].grad.norm() > 1e-6:
            assert parameter.grad.dtype == torch.float32
            assert torch.cosine_similarity(parameter.grad.view(1, -1), theirs[name].grad.view(1, -1)) > 0.99, name
