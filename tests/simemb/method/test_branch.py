"""The second network of a method: the slow copy by its closed form, and a twin."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch
from families import SENTENCES, make_encoder
from torch import Tensor, nn

from simemb.encoder.encoder import Encoder
from simemb.method.branch import Branch
from simemb.method.heads import MLP
from simemb.method.memory import Queue
from simemb.method.method import Method
from simemb.method.objectives import InfoNCE, Regression
from simemb.method.recipe import Recipe
from simemb.method.targets import (
    EMA,
    Twin,
)
from simemb.method.views import View
from simemb.transformer.batch import Batch

TWO = (View(), View())
ONE_WAY = (View(target=False), View(online=False))


def normed_head(encoder: Encoder) -> nn.Module:
    """With weights and statistics of batch norm that are not those of its start."""
    head = MLP(hidden=8, norm="batch", final_norm=True).build(encoder.dim, torch.Generator().manual_seed(1)).dropped
    head.train()(torch.randn(16, encoder.dim) * 3 + 1)
    return head


def both(encoder: nn.Module, head: nn.Module) -> dict[str, Tensor]:
    parts = {"encoder": encoder, "head": head}
    return {f"{part}.{name}": value for part, m in parts.items() for name, value in m.state_dict().items()}


def snapshot(encoder: nn.Module, head: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in both(encoder, head).items()}


@torch.no_grad()
def change(*modules: nn.Module) -> None:
    """New values everywhere: weights, running statistics and counts."""
    for module in modules:
        for value in module.state_dict(keep_vars=True).values():
            if value.is_floating_point():
                value.add_(torch.randn(value.shape))
            else:
                value.add_(3)


def test_a_copy_equals_the_online_model_and_shares_nothing_with_it_but_the_tokenizer():
    encoder = make_encoder()
    head = normed_head(encoder)
    slow = Branch.copy(encoder, head)
    online, copied = both(encoder, head), both(slow.encoder, slow.head)
    assert online.keys() == copied.keys()
    for name, value in online.items():
        assert torch.equal(value, copied[name]), name
        assert value.data_ptr() != copied[name].data_ptr(), name
    assert slow.encoder.tokenizer is encoder.tokenizer


def test_at_step_0_the_slow_copy_of_a_loaded_model_gives_the_vectors_of_the_model(tiny_base: Path):
    encoder = Encoder.load(tiny_base, pooling="cls")
    recipe = Recipe(views=TWO, objective=Regression(), head=MLP(norm="batch"), predictor=MLP(), target=EMA())
    method = Method(recipe, encoder, columns=1, seed=1).eval()
    batch = Batch.collate(encoder.tokenize(["the dog eats a ball", "a cat"])[0])
    with torch.no_grad():
        expected = method.head(Encoder.load(tiny_base, pooling="cls").eval()(batch))
        # The last bits of a matrix product may depend on where its operands lie; other weights differ far more.
        for network, head in ((method.encoder, method.head), (method.second.encoder, method.second.head)):
            torch.testing.assert_close(head(network(batch)), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("momentum", [0.0, 0.9, 0.995, 1.0])
def test_after_k_steps_the_slow_copy_is_the_weighted_sum_of_all_online_models(momentum: float):
    """m_k = momentum^k x_0 + (1 - momentum) sum over s = 1..k of momentum^(k - s) x_s."""
    torch.manual_seed(0)
    encoder = make_encoder().double()
    head = normed_head(make_encoder()).double()
    slow = Branch.copy(encoder, head)
    history, steps = [snapshot(encoder, head)], 7
    for _ in range(steps):
        change(encoder, head)
        history.append(snapshot(encoder, head))
        slow.follow(encoder, head, momentum)
    for name, value in both(slow.encoder, slow.head).items():
        if not value.is_floating_point():
            assert torch.equal(value, history[-1][name]), name  # a count of batches has no fraction
            continue
        expected = momentum**steps * history[0][name]
        for step in range(1, steps + 1):
            expected = expected + (1 - momentum) * momentum ** (steps - step) * history[step][name]
        torch.testing.assert_close(value, expected, atol=1e-10, rtol=0)
    moved = {name for name in history[0] if not torch.equal(history[0][name], history[-1][name])}
    assert {"head.1.running_mean", "head.1.running_var", "head.1.num_batches_tracked"} < moved


def test_the_online_model_is_not_touched_by_its_follower():
    encoder = make_encoder()
    head = normed_head(encoder)
    slow = Branch.copy(encoder, head)
    change(encoder, head)
    before = snapshot(encoder, head)
    slow.follow(encoder, head, 0.5)
    assert all(torch.equal(value, before[name]) for name, value in both(encoder, head).items())


def test_the_method_moves_the_slow_copy_after_the_step_by_the_momentum_of_its_progress():
    recipe = Recipe(views=TWO, objective=Regression(), head=MLP(norm="batch"), target=EMA(momentum=0.8, final=1.0))
    method = Method(recipe, make_encoder(), columns=1, seed=1)
    before = snapshot(method.second.encoder, method.second.head)
    change(method.encoder, method.head)
    now = snapshot(method.encoder, method.head)
    method.progress = 0.5
    method.after_step()
    for name, value in both(method.second.encoder, method.second.head).items():
        expected = 0.9 * before[name] + 0.1 * now[name] if value.is_floating_point() else now[name]
        torch.testing.assert_close(value, expected, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("target", [EMA(), EMA(keys=False, head=False)])
def test_nothing_of_the_slow_copy_requires_gradient(target: EMA):
    recipe = Recipe(
        views=ONE_WAY, objective=InfoNCE(), head=MLP(norm="batch"), target=target, memory=Queue(size=8, view=0)
    )
    method = Method(recipe, make_encoder(), columns=1, seed=1)
    assert not any(parameter.requires_grad for parameter in method.second.parameters())
    assert all(parameter.requires_grad for parameter in method.encoder.parameters())
    assert all(parameter.requires_grad for parameter in method.head.parameters())


def test_a_twin_learns_and_starts_as_a_copy():
    encoder = make_encoder()
    start = deepcopy(encoder.state_dict())
    method = Method(Recipe(views=ONE_WAY, objective=InfoNCE(), target=Twin()), encoder, columns=1, seed=1)
    assert all(parameter.requires_grad for parameter in method.second.parameters())
    assert all(torch.equal(value, start[name]) for name, value in method.second.encoder.state_dict().items())


@pytest.mark.parametrize(("target", "works"), [(EMA(dropout=False), False), (EMA(), True), (Twin(), True)])
def test_a_slow_copy_without_dropout_stays_in_evaluation_mode(target: Any, works: bool):
    recipe = Recipe(views=TWO, objective=Regression(), head=MLP(norm="batch"), target=target)
    method = Method(recipe, make_encoder(), columns=1, seed=1).train()
    assert {module.training for module in method.second.modules()} == {works}
    assert all(module.training for module in method.encoder.modules())
    method.eval()
    assert not any(module.training for module in method.modules())


def test_a_slow_copy_without_dropout_reads_a_sentence_always_alike():
    recipe = Recipe(views=TWO, objective=Regression(), target=EMA(dropout=False))
    method = Method(recipe, make_encoder(), columns=1, seed=1).train()
    batch = Batch.collate(method.encoder.tokenize(list(SENTENCES))[0])
    assert torch.equal(method.second.encoder(batch), method.second.encoder(batch))
    assert not torch.equal(method.encoder(batch), method.encoder(batch))
