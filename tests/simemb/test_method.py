"""A method: recipe x encoder -> loss, with all views in one pass."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from simemb.auxiliary import MaskedLM
from simemb.batch import Batch
from simemb.directory import load
from simemb.encoder import Encoder
from simemb.heads import Projector
from simemb.method import Method
from simemb.modules import Dense
from simemb.objectives import InfoNCE
from simemb.recipe import Recipe
from simemb.views import View

ONE_WAY = (View(target=False), View(online=False))
TRIPLETS = (View(column=0, target=False), View(column=1, online=False), View(2, online=False, negative=True))
COLUMNS = (
    ["the dog eats a ball", "a cat", "the old man plays a guitar"],
    ["a dog eats the ball", "the small cat", "a man plays a guitar"],
    ["the bird sells a house", "a red boat", "the woman eats a guitar"],
)


@pytest.fixture
def encoder(tiny_base: Path) -> Encoder:
    return load(tiny_base, pooling="cls")


def method(encoder: Encoder, views: Any = ONE_WAY, *, columns: int = 1, seed: int = 1, **fields: Any) -> Method:
    fields = {"objective": InfoNCE(), "dropout": 0.0, **fields}
    return Method(Recipe(views=views, **fields), encoder, columns=columns, seed=seed)


def batch_of(encoder: Encoder, *columns: list[str]) -> Batch:
    return Batch.collate(encoder.tokenize([text for column in columns for text in column])[0])


def gradients(module: torch.nn.Module) -> dict[str, Tensor]:
    return {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("weight", [0.0, 0.8])
def test_one_pass_over_all_views_equals_separate_passes_without_dropout(encoder: Encoder, weight: float):
    objective = InfoNCE(hard_negative_weight=weight)
    ours = method(encoder, TRIPLETS, columns=3, objective=objective, head=Projector()).train()
    ours(batch_of(encoder, *COLUMNS))[0].backward()
    loss = ours(batch_of(encoder, *COLUMNS))[0]
    found = gradients(ours)
    ours.zero_grad()
    query, key, hard = (ours.head(encoder(batch_of(encoder, column))) for column in COLUMNS)
    expected = objective(query, key, (hard,))
    expected.backward()
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-5)
    for name, gradient in gradients(ours).items():
        torch.testing.assert_close(found[name], gradient, atol=1e-5, rtol=1e-4)


def test_the_negative_view_is_left_out_where_the_data_has_only_pairs(encoder: Encoder):
    ours = method(encoder, TRIPLETS, columns=2)
    assert ours.views == TRIPLETS[:2]
    loss = ours(batch_of(encoder, *COLUMNS[:2]))[0]
    query, key = (encoder(batch_of(encoder, column)) for column in COLUMNS[:2])
    torch.testing.assert_close(loss, InfoNCE()(query, key), atol=1e-5, rtol=1e-5)


def test_symmetric_views_average_both_directions(encoder: Encoder):
    views = (View(column=0), View(column=1))
    loss = method(encoder, views, columns=2)(batch_of(encoder, *COLUMNS[:2]))[0]
    query, key = (encoder(batch_of(encoder, column)) for column in COLUMNS[:2])
    both = (InfoNCE()(query, key) + InfoNCE()(key, query)) / 2
    torch.testing.assert_close(loss, both, atol=1e-5, rtol=1e-5)


def test_dropout_makes_the_two_views_of_a_sentence_differ(encoder: Encoder):
    noisy = method(encoder, dropout=None).train()
    _, watched = noisy(batch_of(encoder, COLUMNS[0], COLUMNS[0]))
    assert watched["positive"] < 0.9999
    quiet = method(encoder, dropout=0.0).train()
    _, watched = quiet(batch_of(encoder, COLUMNS[0], COLUMNS[0]))
    assert watched["positive"].item() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("keep", [False, True])
def test_a_kept_head_is_part_of_the_encoder_and_a_dropped_one_is_not(encoder: Encoder, keep: bool):
    plain = encoder.encode(["the dog"])
    ours = method(encoder, head=Projector(keep=keep))
    assert [type(module) for module in encoder.tail] == [Dense] * keep
    assert isinstance(ours.head, torch.nn.Identity if keep else Dense)
    assert bool((encoder.encode(["the dog"]) == plain).all()) is not keep
    ours(batch_of(encoder, COLUMNS[0], COLUMNS[0]))[0].backward()
    head = encoder.tail[0] if keep else ours.head
    assert head.linear.weight.grad.abs().sum() > 0


def test_the_head_follows_the_seed_and_not_the_callers_generator(encoder: Encoder):
    torch.manual_seed(0)
    first = method(encoder, head=Projector(), seed=3).head.linear.weight
    torch.manual_seed(1)
    again = method(encoder, head=Projector(), seed=3).head.linear.weight
    other = method(encoder, head=Projector(), seed=4).head.linear.weight
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_loss_is_the_contrast_plus_a_tenth_of_the_language_modelling(encoder: Encoder):
    ours = method(encoder, auxiliaries=(MaskedLM(),)).train()
    texts = COLUMNS[0] * 4
    loss, watched = ours(batch_of(encoder, texts, texts))
    assert watched["auxiliary_0"] > 0.5
    torch.testing.assert_close(loss, watched["contrast"] + 0.1 * watched["auxiliary_0"])
    plain = replace(ours.recipe, auxiliaries=())
    contrast = Method(plain, encoder, columns=1, seed=1)(batch_of(encoder, texts, texts))[0]
    torch.testing.assert_close(watched["contrast"], contrast.detach())


def test_what_is_watched_carries_no_gradient(encoder: Encoder):
    _, watched = method(encoder)(batch_of(encoder, COLUMNS[0], COLUMNS[1]))
    assert set(watched) == {"contrast", "accuracy", "positive", "negative", "uniformity"}
    assert not any(value.requires_grad for value in watched.values())
