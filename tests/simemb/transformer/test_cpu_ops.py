"""The CPU kernels equal PyTorch's own operators in value and gradient, and dropout is what it says it is."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional

from simemb.transformer import cpu_ops
from simemb.transformer.cpu_ops import dropout, keep_mask, linear, linear_gelu


def layer(*, bias: bool = True) -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(24, 40, bias=bias)


def rows(count: int = 17) -> torch.Tensor:
    return torch.randn(count, 24, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("with_residual", [True, False])
@pytest.mark.parametrize("learning", [True, False])
def test_a_product_equals_that_of_torch(bias, with_residual, learning):
    weights, residual = layer(bias=bias), torch.randn(17, 40) if with_residual else None
    with torch.set_grad_enabled(learning):
        ours = linear(rows(), weights, residual)
        theirs = weights(rows()) if residual is None else weights(rows()) + residual
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    assert ours.requires_grad == learning


@pytest.mark.parametrize("bias", [True, False])
def test_the_gradients_of_a_product_equal_those_of_torch(bias):
    found = []
    for product in (linear, lambda x, weights: weights(x)):
        weights, x = layer(bias=bias), rows().requires_grad_()
        (product(x, weights) ** 3).sum().backward()
        found.append([x.grad, weights.weight.grad, *([weights.bias.grad] if bias else [])])
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


def test_the_gradient_of_a_product_may_be_a_view():
    """The sum's gradient is one number expanded, without memory of its own."""
    weights, x = layer(), rows().requires_grad_()
    linear(x, weights).sum().backward()
    torch.testing.assert_close(x.grad, weights.weight.sum(0).expand(17, -1), atol=1e-5, rtol=1e-5)


def test_what_does_not_learn_gets_no_gradient():
    weights = layer().requires_grad_(False)
    x = rows().requires_grad_()
    linear(x, weights).sum().backward()
    assert x.grad is not None
    assert weights.weight.grad is None


@pytest.mark.parametrize("learning", [True, False])
def test_a_product_with_gelu_equals_the_two_of_torch(learning):
    with torch.set_grad_enabled(learning):
        torch.testing.assert_close(linear_gelu(rows(), layer()), functional.gelu(layer()(rows())), atol=1e-5, rtol=1e-5)


def test_without_the_private_operator_products_are_torch_s_own(monkeypatch):
    expected = layer()(rows())
    with monkeypatch.context() as patch:
        patch.setattr(cpu_ops, "_has_products", lambda: False)
        assert torch.equal(linear(rows(), layer()), expected)
        assert not cpu_ops.by_onednn(rows())


def test_the_operator_is_asked_for_itself(monkeypatch):
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    assert not cpu_ops.by_onednn(rows())


def test_in_double_precision_a_product_is_torch_s_own():
    weights = layer().double()
    assert torch.equal(linear(rows().double(), weights), weights(rows().double()))


# ---- dropout -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("probability", [0.05, 0.1, 0.5, 0.9])
def test_dropout_zeroes_its_share_and_scales_the_rest(probability):
    torch.manual_seed(3)
    values = dropout(torch.ones(1000, 301), probability, training=True)
    share = (values == 0).float().mean()
    assert abs(share - probability) < 4 * (probability * (1 - probability) / values.numel()) ** 0.5
    alive = values[values != 0]
    torch.testing.assert_close(alive, torch.full_like(alive, 1 / (1 - probability)), rtol=1e-3, atol=0)


@pytest.mark.parametrize("probability", [0.0, 1e-6, 0.1, 1 / 3, 0.99999])
def test_the_scale_makes_up_for_the_probability_that_is_really_used(probability):
    _, scale = keep_mask(torch.Size([8]), probability)
    used = 1 - 1 / scale
    assert abs(used - probability) <= 1 / 65536
    assert used * 65536 == pytest.approx(round(used * 65536), abs=1e-6)


def test_a_seed_decides_the_mask_and_every_call_draws_another():
    torch.manual_seed(5)
    first, second = (keep_mask(torch.Size([7, 9, 11]), 0.5)[0] for _ in range(2))
    torch.manual_seed(5)
    again = keep_mask(torch.Size([7, 9, 11]), 0.5)[0]
    assert torch.equal(first, again)
    assert not torch.equal(first, second)


def test_neighboring_values_are_dropped_independently():
    torch.manual_seed(6)
    mask = keep_mask(torch.Size([400_000]), 0.1)[0].float()
    for distance in (1, 2, 3, 4, 8, 384):
        correlation = torch.corrcoef(torch.stack([mask[:-distance], mask[distance:]]))[0, 1]
        assert abs(correlation) < 4 / 400_000**0.5


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 30])
def test_a_mask_has_any_number_of_values(count):
    assert keep_mask(torch.Size([count]), 0.5)[0].shape == (count,)


def test_the_gradient_goes_where_the_values_went():
    torch.manual_seed(7)
    values = torch.randn(50, 20, requires_grad=True)
    out = dropout(values, 0.3, training=True)
    out.backward(torch.full_like(out, 2.0))
    alive = out != 0
    torch.testing.assert_close(values.grad, 2 * alive / 0.7, rtol=1e-4, atol=1e-6)


def test_without_training_or_probability_nothing_is_dropped():
    values = rows()
    assert dropout(values, 0.5, training=False) is values
    assert dropout(values, 0.0, training=True) is values


def test_a_dropout_of_one_leaves_nothing():
    assert not dropout(rows(), 1.0, training=True).any()


def test_the_off_switch_leaves_everything_to_torch_and_transformers():
    program = (
        "import torch; from simemb import Encoder; from simemb.transformer import cpu_ops\n"
        "torch.manual_seed(1); a = cpu_ops.dropout(torch.ones(9, 9), .5, training=True)\n"
        "torch.manual_seed(1); b = torch.nn.functional.dropout(torch.ones(9, 9), .5)\n"
        "print(torch.equal(a, b), Encoder.load('mini').fast)"
    )
    environment = {**os.environ, "SIMEMB_PLAIN": "1"}
    answer = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["True", "False"]
