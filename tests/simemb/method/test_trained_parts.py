"""What learns: adapters, frozen parts, a learning rate for each part; and what is refused."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from families import make_encoder

from simemb.errors import RecipeError, TrainingError
from simemb.method.method import Method
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.method.trained_parts import LoRA, check_left, prepare
from simemb.training.optimizer import adamw, set_rate

SIMCSE = find("simcse")
CPU = torch.device("cpu")


def method(recipe: Recipe = SIMCSE, family: str = "bert") -> Method:
    encoder = make_encoder(family)
    prepare(encoder, recipe.lora, recipe.freeze, 1)
    return Method(recipe, encoder, columns=1, seed=1)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"freeze": ("embedings",)}, "unknown part to --freeze 'embedings': did you mean 'embeddings'"),
        ({"freeze": ("layers:0",)}, "unknown part to --freeze 'layers:0'"),
        ({"learning_rates": ("haed=1e-3",)}, "unknown part of --learning-rates 'haed': did you mean 'head'"),
        ({"learning_rates": ("head",)}, "give PART=RATE"),
        ({"learning_rates": ("head=0",)}, "must be above 0"),
        ({"freeze": ("embeddings",), "lora": LoRA(2)}, "with adapters all else is frozen already"),
    ],
)
def test_a_recipe_with_parts_that_make_no_sense_is_refused(fields, words):
    with pytest.raises(RecipeError, match=words):
        replace(SIMCSE, **fields)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"rank": 0}, "--lora.rank must be at least 1, not 0"),
        ({"rank": 2, "alpha": 0.0}, "--lora.alpha must be above 0"),
        ({"rank": 2, "dropout": 1.0}, "--lora.dropout must be in"),
        ({"keep": True}, "there are no adapters to keep"),
    ],
)
def test_adapters_that_make_no_sense_are_refused(fields, words):
    with pytest.raises(RecipeError, match=words):
        LoRA(**fields)


def test_what_is_frozen_has_neither_gradient_nor_optimizer_state():
    ours = method(replace(SIMCSE, freeze=("embeddings", "layers:2")))
    frozen = {name for name, weight in ours.named_parameters() if not weight.requires_grad}
    every = dict(ours.named_parameters())
    expected = {name for name in every if "embeddings." in name or ".layer.0." in name or ".layer.1." in name}
    assert frozen == expected
    assert frozen
    optimizer = adamw(ours, SIMCSE, CPU)
    held = {id(weight) for group in optimizer.param_groups for weight in group["params"]}
    assert held == {id(weight) for name, weight in every.items() if name not in frozen}


def test_no_gradient_is_computed_below_the_lowest_layer_that_learns():
    from simemb.transformer.batch import Batch

    ours = method(replace(SIMCSE, freeze=("embeddings", "layers:2")))
    states = []
    with ours.encoder.intercept(lambda tokens, _: (states.append(tokens), tokens)[1]):
        ours.encoder(Batch.collate([[2, 5, 6, 3]])).sum().backward()
    assert not states[0].requires_grad


def test_each_part_has_its_learning_rate_in_proportion():
    recipe = replace(SIMCSE, learning_rate=1e-3, learning_rates=("head=1e-2", "embeddings=1e-4"))
    ours = method(recipe)
    optimizer = adamw(ours, recipe, CPU)
    set_rate(optimizer, 5e-4)
    rate = {id(weight): group["lr"] for group in optimizer.param_groups for weight in group["params"]}
    for name, weight in ours.named_parameters():
        expected = 5e-5 if "embeddings." in name else 5e-4 if "backbone" in name else 5e-3
        assert rate[id(weight)] == pytest.approx(expected), name


@pytest.mark.parametrize(
    ("family", "part", "words"),
    [("bert", "layers:4", "has 3 layers"), ("albert", "layers:1", "cannot be told apart")],
)
def test_layers_that_a_model_does_not_have_are_refused(family, part, words):
    with pytest.raises(RecipeError, match=words):
        prepare(make_encoder(family), LoRA(), (part,), 1)


def test_a_run_without_anything_to_train_is_refused():
    recipe = replace(SIMCSE, freeze=("embeddings", "layers:3"), head=None)
    with pytest.raises(TrainingError, match="--freeze leaves nothing to train"):
        check_left(method(recipe))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"freeze": ("embeddings",), "learning_rates": ("embeddings=1e-3",)},
            r"embeddings: .*\(what learns: layers, head\)",
        ),
        (
            {"lora": LoRA(2), "learning_rates": ("embeddings=1e-3",)},
            "--learning-rates embeddings: nothing of this part learns",
        ),
        (
            {"head": None, "learning_rates": ("layers=1e-3", "head=1e-3")},
            r"head: .*\(what learns: embeddings, layers\)",
        ),
    ],
)
def test_a_rate_for_a_part_of_which_nothing_learns_is_refused(fields: dict[str, Any], words: str):
    recipe = replace(SIMCSE, **fields)
    with pytest.raises(TrainingError, match=words):
        check_left(method(recipe), recipe.learning_rates)


def test_dropout_of_the_backbone_is_not_that_of_adapters():
    encoder = make_encoder(num_hidden_layers=1)
    prepare(encoder, LoRA(rank=2, dropout=0.25), (), seed=1)
    encoder.set_dropout(0.0)
    dropouts = {name: module.p for name, module in encoder.named_modules() if isinstance(module, torch.nn.Dropout)}
    assert {p for name, p in dropouts.items() if "lora_dropout" in name} == {0.25}
    assert {p for name, p in dropouts.items() if "lora_dropout" not in name} == {0.0}
