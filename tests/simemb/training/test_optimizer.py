"""AdamW: where epsilon stands, and what decays."""

from dataclasses import replace

import pytest
import torch
from families import make_encoder

from simemb.method.course import Course
from simemb.method.method import Method
from simemb.method.recipe_files import find
from simemb.training.optimizer import adamw


def test_epsilon_is_added_after_the_bias_of_the_moments_is_corrected():
    """Kingma & Ba, 2015, algorithm 1, number by number; with transformers 4.2.1 it would weigh 1 / sqrt(1 - b2^t)."""
    recipe = replace(find("simcse"), epsilon=0.05, learning_rate=0.1)
    method = Method(recipe, make_encoder(num_hidden_layers=1), columns=1, seed=1)
    optimizer = adamw(method, recipe, torch.device("cpu"))
    weight = method.head.linear.bias
    value, first, second = weight[0].item(), 0.0, 0.0
    for step, gradient in enumerate((0.3, -0.02, 0.1), start=1):
        weight.grad = torch.full_like(weight, gradient)
        optimizer.step()
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        corrected = first / (1 - 0.9**step), second / (1 - 0.999**step)
        value -= 0.1 * corrected[0] / (corrected[1] ** 0.5 + 0.05)
        assert weight[0].item() == pytest.approx(value, abs=1e-6)


def test_matrices_decay_and_biases_norms_and_temperatures_do_not():
    recipe = replace(find("two_tower"), weight_decay=0.5, learning_rate=0.1)
    method = Method(recipe, make_encoder(num_hidden_layers=1), columns=2, seed=1)
    optimizer = adamw(method, recipe, torch.device("cpu"))
    before = {name: parameter.detach().clone() for name, parameter in method.named_parameters()}
    for parameter in method.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for name, parameter in method.named_parameters():
        factor = 0.95 if parameter.ndim > 1 else 1.0
        torch.testing.assert_close(parameter.detach(), factor * before[name])


def test_parts_have_their_rates_with_several_sources_as_with_one():
    recipe = replace(find("simcse"), learning_rates=("embeddings=1e-5", "head=1e-3"))
    one = Method(recipe, make_encoder(num_hidden_layers=1), columns=1, seed=1)
    two = Course([recipe] * 2, make_encoder(num_hidden_layers=1), columns=[1, 1], examples=[9, 9], seed=1)

    def sizes(method: torch.nn.Module) -> list[tuple[float, int]]:
        groups = adamw(method, recipe, torch.device("cpu")).param_groups
        return [(group.get("factor", 1.0), sum(weight.numel() for weight in group["params"])) for group in groups]

    assert sizes(two) == sizes(one)
