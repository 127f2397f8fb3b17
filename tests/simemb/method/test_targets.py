"""Targets: the slow copy by its closed form, and which network sees which view."""

from copy import deepcopy
from math import cos, pi
from pathlib import Path
from typing import Any

import pytest
import torch
from families import SENTENCES, make_encoder
from torch import Tensor, nn

from simemb.encoder.encoder import Encoder
from simemb.errors import RecipeError
from simemb.method.embedding_augmentations import TokenCutoff
from simemb.method.heads import MLP
from simemb.method.memory import Queue
from simemb.method.method import Method
from simemb.method.objectives import InfoNCE, Regression
from simemb.method.recipe import Recipe
from simemb.method.targets import (
    EMA,
    Branch,
    Frozen,
    Seen,
    StopGradient,
    Twin,
    seen,
)
from simemb.method.token_augmentations import Crop
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


# ---- the slow copy ---------------------------------------------------------------------------------------


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
        assert torch.equal(method.head(method.encoder(batch)), expected)
        assert torch.equal(method.second.head(method.second.encoder(batch)), expected)


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


def test_momentum_rises_along_half_a_cosine():
    rising = EMA(momentum=0.99, final=1.0)
    assert rising.at(0) == pytest.approx(0.99, abs=1e-12)
    assert rising.at(0.5) == pytest.approx(0.995, abs=1e-12)
    assert rising.at(1) == pytest.approx(1.0, abs=1e-12)
    for progress in (0.1, 0.37, 0.8):  # BYOL, appendix C.2
        assert rising.at(progress) == pytest.approx(1 - 0.01 * (cos(pi * progress) + 1) / 2, abs=1e-12)
    assert EMA(momentum=0.9, final=0.5).at(0.5) == pytest.approx(0.7)


@pytest.mark.parametrize("progress", [0, 0.5, 1])
def test_without_a_final_value_momentum_stays(progress: float):
    assert EMA(momentum=0.995).at(progress) == pytest.approx(0.995, abs=1e-15)


@pytest.mark.parametrize("fields", [{"momentum": -0.1}, {"momentum": 1.1}, {"final": 2.0}, {"momentum": float("nan")}])
def test_a_momentum_outside_of_0_to_1_is_refused(fields: dict[str, float]):
    with pytest.raises(RecipeError, match=rf"target\.{next(iter(fields))} must be in \[0, 1\]"):
        EMA(**fields)


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


# ---- which network sees which view -----------------------------------------------------------------------

TRIPLET = (View(0, target=False), View(1, online=False), View(2, online=False, negative=True))
BESIDE = (View(target=False), View(online=False), View(1, online=False, target=False))


def itself(*places: int) -> dict[int, int]:
    return {place: place for place in places}


@pytest.mark.parametrize("target", [None, StopGradient()])
@pytest.mark.parametrize("views", [ONE_WAY, TWO, TRIPLET, BESIDE])
def test_without_a_second_network_the_encoder_sees_every_view(target: StopGradient | None, views: tuple[View, ...]):
    every = tuple(range(len(views)))
    assert seen(views, target) == Seen(every, (), itself(*every))


@pytest.mark.parametrize("target", [EMA(), Twin(), EMA(head=False)])
@pytest.mark.parametrize(
    ("views", "online", "second"),
    [
        (ONE_WAY, (0,), (1,)),
        (TWO, (0, 1), (0, 1)),
        (TRIPLET, (0,), (1, 2)),
        (BESIDE, (0, 2), (1,)),
        ((View(), View(), View(target=False)), (0, 1, 2), (0, 1)),
    ],
)
def test_with_a_second_network_each_sees_what_its_branch_compares(
    target: Any, views: tuple[View, ...], online: tuple[int, ...], second: tuple[int, ...]
):
    assert seen(views, target) == Seen(online, second, itself(*online))


@pytest.mark.parametrize("target", [EMA(), Twin()])
def test_a_view_that_enters_the_queue_is_seen_by_the_second_network_too(target: Any):
    assert seen(ONE_WAY, target, Queue(view=0)) == Seen((0,), (0, 1), itself(0))
    assert seen(ONE_WAY, target, Queue()) == Seen((0,), (1,), itself(0))


def test_a_slow_copy_without_keys_sees_only_what_enters_the_queue():
    assert seen(ONE_WAY, EMA(keys=False), Queue(view=0)) == Seen((0, 1), (0,), itself(0, 1))
    assert seen(TRIPLET, EMA(keys=False), Queue(view=1)) == Seen((0, 1, 2), (1,), itself(0, 1, 2))


@pytest.mark.parametrize(("views", "online"), [(ONE_WAY, (0,)), (TRIPLET, (0,)), (BESIDE, (0, 2))])
def test_keys_of_a_frozen_teacher_are_encoded_by_nobody(views: tuple[View, ...], online: tuple[int, ...]):
    assert seen(views, Frozen()) == Seen(online, (), itself(*online))


def test_with_fixed_dropout_one_view_stands_for_all_that_are_read_alike():
    assert seen(ONE_WAY, fixed_dropout=True) == Seen((0,), (), {0: 0, 1: 0})
    assert seen(TWO, StopGradient(), fixed_dropout=True) == Seen((0,), (), {0: 0, 1: 0})
    views = (View(0), View(1), View(0, online=False), View(0, offset=1), View(1, target=False))
    assert seen(views, fixed_dropout=True) == Seen((0, 1, 3), (), {0: 0, 1: 1, 2: 0, 3: 3, 4: 1})


@pytest.mark.parametrize("augmentation", [Crop(), TokenCutoff()])
def test_augmented_views_are_never_read_alike(augmentation: Any):
    small = View(target=False, augment=(augmentation,))  # the very same object twice, as in a multi-crop recipe
    assert seen((View(), small, small), fixed_dropout=True) == Seen((0, 1, 2), (), itself(0, 1, 2))


def test_the_same_view_twice_is_read_alike():
    plain = View()
    assert seen((plain, plain), fixed_dropout=True) == Seen((0,), (), {0: 0, 1: 0})
