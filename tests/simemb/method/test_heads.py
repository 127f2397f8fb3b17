"""Heads: fresh, reproducible layers, and which of them stay with the encoder."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from simemb.encoder.modules import Dense
from simemb.errors import RecipeError
from simemb.method.heads import MLP, Layers, Projector


def build(head: Projector | MLP, dim: int = 6, *, seed: int = 1, default: int | None = None) -> Layers:
    return head.build(dim, torch.Generator().manual_seed(seed), default=default)


def linears(layers: Layers) -> list[nn.Linear]:
    """Kept ones first."""
    return [module for part in (*layers.kept, layers.dropped) for module in part.modules() if type(module) is nn.Linear]


def kinds(module: nn.Module) -> list[type[nn.Module]]:
    return [type(layer) for layer in module]


def weights(layers: Layers) -> list[Tensor]:
    return [value for part in (*layers.kept, layers.dropped) for value in part.state_dict().values()]


# ---- one layer -------------------------------------------------------------------------------------------


def test_the_projector_is_tanh_of_a_linear_layer():
    layers = build(Projector())
    vectors, (linear,) = torch.randn(4, 6), linears(layers)
    torch.testing.assert_close(layers.dropped(vectors), torch.tanh(vectors @ linear.weight.T + linear.bias))
    assert linear.weight.shape == (6, 6)
    assert (layers.kept, layers.width) == ((), 6)


def test_its_weights_are_drawn_with_the_deviation_of_bert_and_biases_are_zero():
    (linear,) = linears(build(Projector(), 400))
    assert linear.weight.std().item() == pytest.approx(0.02, rel=0.02)
    assert linear.weight.mean().item() == pytest.approx(0, abs=2e-4)
    assert not linear.bias.any()
    (wider,) = linears(build(Projector(deviation=0.5), 400))
    assert wider.weight.std().item() == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize(("activation", "expected"), [("relu", [0.0, 2.0]), ("none", [-1.0, 2.0])])
def test_width_and_activation_are_as_asked(activation: str, expected: list[float]):
    layers = build(Projector(width=2, activation=activation), 2)
    with torch.no_grad():
        linears(layers)[0].weight.copy_(torch.eye(2))
    assert layers.dropped(torch.tensor([[-1.0, 2.0]])).tolist() == [expected]


def test_a_kept_projector_leaves_nothing_to_drop():
    layers = build(Projector(width=3, keep=True))
    (kept,) = layers.kept
    assert isinstance(kept, Dense)
    assert isinstance(kept.activation, nn.Tanh)
    assert layers.width == 3
    vectors = torch.randn(2, 3)
    assert layers.dropped(vectors) is vectors


# ---- several layers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_an_mlp_has_an_activation_after_every_layer_but_the_last(depth: int, activation: str):
    layers = build(MLP(layers=depth, hidden=5, width=3, activation=activation))
    linear_layers, vectors = linears(layers), torch.randn(4, 6)
    assert [(linear.in_features, linear.out_features) for linear in linear_layers] == list(
        pairwise([6, *[5] * (depth - 1), 3])
    )
    expected = vectors
    for place, linear in enumerate(linear_layers):
        expected = expected @ linear.weight.T + linear.bias
        if place < depth - 1:
            expected = getattr(torch.nn.functional, activation)(expected)
    torch.testing.assert_close(layers.dropped(vectors), expected)
    assert layers.width == 3


def test_hidden_layers_and_output_are_as_wide_as_the_input_by_default():
    assert [tuple(linear.weight.shape) for linear in linears(build(MLP(layers=3)))] == [(6, 6)] * 3
    assert [tuple(linear.weight.shape) for linear in linears(build(MLP(hidden=9)))] == [(9, 6), (6, 9)]


@pytest.mark.parametrize("head", [Projector(), MLP()])
def test_a_width_that_the_recipe_leaves_open_is_the_one_that_is_asked_for(head: Projector | MLP):
    assert build(head, default=4).width == 4
    assert linears(build(head, default=4))[-1].out_features == 4


@pytest.mark.parametrize("head", [Projector(width=3), MLP(width=3)])
def test_a_width_in_the_recipe_goes_before_the_one_that_is_asked_for(head: Projector | MLP):
    assert build(head, default=4).width == 3


def test_batch_norm_stands_between_a_hidden_layer_and_its_activation_and_not_after_the_last():
    layers = build(MLP(layers=3, norm="batch"))
    hidden = [nn.Linear, nn.BatchNorm1d, nn.ReLU]
    assert kinds(layers.dropped) == [*hidden, *hidden, nn.Linear]
    assert all(module.affine for module in layers.dropped if isinstance(module, nn.BatchNorm1d))


def test_a_final_norm_standardizes_the_batch_without_scale_and_shift():
    layers = build(MLP(layers=2, norm="batch", final_norm=True, bias=False))
    assert kinds(layers.dropped) == [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Linear, nn.BatchNorm1d]
    assert not layers.dropped[-1].affine
    output = layers.dropped(torch.randn(50, 6))
    torch.testing.assert_close(output.mean(0), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(output.var(0, correction=0), torch.ones(6), atol=1e-2, rtol=0)


def test_a_final_norm_needs_no_norm_before_it():
    assert kinds(build(MLP(final_norm=True)).dropped) == [nn.Linear, nn.ReLU, nn.Linear, nn.BatchNorm1d]


@pytest.mark.parametrize("keep", [0, 2])
def test_without_bias_means_the_last_layer_alone(keep: int):
    first, last = linears(build(MLP(layers=2, bias=False, keep=keep)))
    assert first.bias is not None
    assert last.bias is None


def test_its_weights_start_as_those_of_torchs_linear_layer():
    for linear in linears(build(MLP(layers=2, hidden=300), 100)):
        bound = linear.in_features**-0.5
        assert linear.weight.abs().max() <= bound
        assert linear.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)  # of a uniform one
        assert 0 < linear.bias.abs().max() <= bound


def test_prototypes_give_cosines_with_as_many_directions():
    layers = build(MLP(layers=1, width=4, prototypes=9))
    vectors = torch.randn(5, 6)
    (linear,) = linears(layers)
    directions = layers.dropped[-1].weight
    torch.testing.assert_close(directions.norm(dim=1), torch.ones(9))
    projected = vectors @ linear.weight.T + linear.bias
    expected = nn.CosineSimilarity(dim=-1)(projected[:, None], directions[None])
    torch.testing.assert_close(layers.dropped(vectors), expected)
    assert layers.width == 9
    with torch.no_grad():  # however long training makes them, they count as directions
        directions.mul_(torch.arange(1.0, 10)[:, None])
    torch.testing.assert_close(layers.dropped(vectors), expected)


def test_prototypes_learn():
    layers = build(MLP(layers=1, width=4, prototypes=9))
    layers.dropped(torch.randn(5, 6))[:, 0].sum().backward()
    gradient = layers.dropped[-1].weight.grad
    assert gradient[0].any()
    assert not gradient[1:].any()


@pytest.mark.parametrize("keep", [0, 1, 2, 3])
def test_the_first_layers_are_kept_and_the_whole_stays_the_same_function(keep: int):
    whole, parts = build(MLP(layers=3, hidden=5, width=4)), build(MLP(layers=3, hidden=5, width=4, keep=keep))
    assert len(parts.kept) == keep
    assert all(isinstance(layer, Dense) for layer in parts.kept)
    vectors = torch.randn(7, 6)
    expected, output = whole.dropped(vectors), vectors
    for layer in (*parts.kept, parts.dropped):
        output = layer(output)
    torch.testing.assert_close(output, expected)
    assert parts.width == 4


# ---- weights, and what is refused ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head", [Projector(), Projector(keep=True), MLP(layers=3, norm="batch"), MLP(prototypes=5), MLP(keep=1)]
)
def test_the_generator_alone_decides_the_weights(head: Projector | MLP):
    torch.manual_seed(0)
    first = weights(build(head, 8))
    torch.manual_seed(1)
    again, other = weights(build(head, 8)), weights(build(head, 8, seed=2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"layers": 0}, "an MLP of 0 layers"),
        ({"layers": 2, "keep": 3}, "an MLP of 2 layers cannot keep 3"),
        ({"keep": -1}, "cannot keep -1"),
        ({"keep": 1, "norm": "batch"}, "layers with batch norm cannot be kept"),
        ({"keep": 1, "final_norm": True}, "layers with batch norm cannot be kept"),
        ({"width": 0}, "width must be at least 1, not 0"),
        ({"hidden": -2}, "hidden must be at least 1, not -2"),
        ({"prototypes": 0}, "prototypes must be at least 1, not 0"),
    ],
)
def test_an_mlp_that_cannot_be_is_refused(fields: dict[str, int], reason: str):
    with pytest.raises(RecipeError, match=reason):
        MLP(**fields)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"width": 0}, "width must be at least 1, not 0"), ({"deviation": -0.1}, "deviation must be at least 0")],
)
def test_a_projector_that_cannot_be_is_refused(fields: dict[str, float], reason: str):
    with pytest.raises(RecipeError, match=reason):
        Projector(**fields)
