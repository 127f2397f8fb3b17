"""Heads: fresh, reproducible layers with the initial weights of BERT."""

import pytest
import torch

from simemb.heads import Projector


def test_the_head_is_tanh_of_a_linear_layer():
    head = Projector().build(6, torch.Generator().manual_seed(1))
    vectors = torch.randn(4, 6)
    torch.testing.assert_close(head(vectors), torch.tanh(vectors @ head.linear.weight.T + head.linear.bias))
    assert head.linear.weight.shape == (6, 6)


def test_weights_are_drawn_with_the_deviation_of_bert_and_biases_are_zero():
    head = Projector().build(400, torch.Generator().manual_seed(1))
    assert head.linear.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert head.linear.weight.mean().item() == pytest.approx(0, abs=2e-4)
    assert not head.linear.bias.any()


def test_the_generator_alone_decides_the_weights():
    first, again, other = (Projector().build(8, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.linear.weight, again.linear.weight)
    assert not torch.equal(first.linear.weight, other.linear.weight)


@pytest.mark.parametrize(("activation", "expected"), [("relu", [0.0, 2.0]), ("none", [-1.0, 2.0])])
def test_width_and_activation_are_as_asked(activation: str, expected: list[float]):
    head = Projector(width=2, activation=activation).build(2, torch.Generator())
    with torch.no_grad():
        head.linear.weight.copy_(torch.eye(2))
    assert head(torch.tensor([[-1.0, 2.0]])).tolist() == [expected]
    assert Projector(width=3).build(2, torch.Generator())(torch.ones(1, 2)).shape == (1, 3)
