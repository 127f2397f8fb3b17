"""A method: recipe x encoder -> loss, against steps that are written out by hand."""

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from families import make_encoder
from feeding import batch_of, examples_of, gradients
from torch import Tensor, nn

import simemb
from simemb.cookbook import RECIPES, names
from simemb.encoder.encoder import Encoder
from simemb.encoder.modules import Dense
from simemb.errors import RecipeError
from simemb.method.auxiliaries import MaskedLM, SoftmaxNLI
from simemb.method.embedding_augmentations import Adversarial
from simemb.method.heads import MLP, Projector
from simemb.method.memory import Bank, Queue
from simemb.method.method import Method
from simemb.method.objectives import (
    NCE,
    CosineRegression,
    InfoNCE,
    Pair,
    Regression,
    SimilarityKL,
    SquaredError,
)
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.method.targets import EMA, Frozen, StopGradient, Twin
from simemb.method.token_augmentations import Crop, Repeat, Vocabulary
from simemb.method.views import View
from simemb.training.dataset import TokenizedTexts, TrainingData
from simemb.training.loader import Loader
from simemb.transformer.batch import Batch

ONE_WAY = (View(target=False), View(online=False))
PAIRED = (View(0, target=False), View(1, online=False))
BOTH_WAYS = (View(0), View(1))
TRIPLETS = (*PAIRED, View(2, online=False, negative=True))
COLUMNS = (
    ["the dog runs fast", "a man", "we saw the sky"],
    ["a dog runs", "the red man", "we saw a sky"],
    ["the guitar plays", "a red sky", "the man saw a guitar"],
)
DOCUMENTS = [f"{who} {does} {what}" for who in ("a man", "the dog", "we") for does in ("saw", "plays") for what in
             ("the guitar", "a red sky", "fast", "the man")]  # fmt: skip


@pytest.fixture
def encoder() -> Encoder:
    return make_encoder(num_hidden_layers=1, pooling="cls")


def method(encoder: Encoder, views: Any = ONE_WAY, *, columns: int = 1, seed: int = 1, **fields: Any) -> Method:
    """Without dropout, unless asked for, and ready to train."""
    examples = fields.pop("examples", 0)
    parts = {name: fields.pop(name) for name in ("twin", "teacher_width") if name in fields}
    recipe = Recipe(views=views, **{"objective": InfoNCE(), "dropout": 0.0, **fields})
    return Method(recipe, encoder, columns=columns, seed=seed, examples=examples, **parts).train()


def encoded(encoder: Encoder, column: Sequence[str]) -> Tensor:
    return encoder(batch_of(encoder, column))


def unit(vectors: Tensor) -> Tensor:
    return vectors / vectors.norm(dim=1, keepdim=True)


def told_apart(queries: Tensor, keys: Tensor, others: Tensor, temperature: float) -> Tensor:
    """The mean over i of -log of exp(q_i k_i / t) among that and exp(q_i c / t) for all others c, loop by loop."""
    losses = []
    for query, key in zip(unit(queries), unit(keys), strict=True):
        own = (query @ key / temperature).exp()
        rest = sum(((query @ other / temperature).exp() for other in unit(others)), torch.zeros(()))
        losses.append(-(own / (own + rest)).log())
    return torch.stack(losses).mean()


def in_batch(queries: Tensor, keys: Tensor, extra: Tensor, temperature: float) -> Tensor:
    """The same where the keys of all other examples, and `extra`, are the others."""
    places = torch.arange(len(keys))
    return torch.stack(
        [
            told_apart(queries[i : i + 1], keys[i : i + 1], torch.cat([keys[places != i], extra]), temperature)
            for i in range(len(queries))
        ]
    ).mean()


def predicted(queries: Tensor, keys: Tensor) -> Tensor:
    return (2 - 2 * (unit(queries) * unit(keys)).sum(dim=1)).mean()


def disturb(module: nn.Module) -> None:
    """Take a slow copy away from its start, so that the two networks cannot be mistaken for each other."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(5)))


def assert_same_step(ours: Method, loss: Tensor, expected: Tensor) -> None:
    """The same value, and the same gradient in every parameter."""
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-5)
    loss.backward()
    actual_gradients = gradients(ours)
    ours.zero_grad()
    expected.backward()
    expected_gradients = gradients(ours)
    assert actual_gradients.keys() == expected_gradients.keys()
    assert actual_gradients
    for name, gradient in expected_gradients.items():
        torch.testing.assert_close(actual_gradients[name], gradient, atol=2e-5, rtol=1e-3)


# ---- views, one encoder ----------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [0.0, 0.8])
def test_one_pass_over_all_views_equals_separate_passes_without_dropout(encoder: Encoder, weight: float):
    objective = InfoNCE(hard_negative_weight=weight)
    ours = method(encoder, TRIPLETS, columns=3, objective=objective, head=Projector())
    query, key, hard = (ours.head(encoded(encoder, column)) for column in COLUMNS)
    assert_same_step(ours, ours(examples_of(ours, *COLUMNS))[0], objective(Pair(query, key, hard)))


def test_the_negative_view_is_left_out_where_the_data_has_only_pairs(encoder: Encoder):
    ours = method(encoder, TRIPLETS, columns=2)
    assert ours.views == TRIPLETS[:2]
    query, key = (encoded(encoder, column) for column in COLUMNS[:2])
    assert_same_step(ours, ours(examples_of(ours, *COLUMNS[:2]))[0], in_batch(query, key, key[:0], 0.05))


def test_symmetric_views_average_both_directions(encoder: Encoder):
    ours = method(encoder, BOTH_WAYS, columns=2)
    query, key = (encoded(encoder, column) for column in COLUMNS[:2])
    both = (in_batch(query, key, key[:0], 0.05) + in_batch(key, query, key[:0], 0.05)) / 2
    assert_same_step(ours, ours(examples_of(ours, *COLUMNS[:2]))[0], both)


def test_small_views_only_ask_and_the_loss_is_the_mean_over_all_pairs(encoder: Encoder):
    """Two full views and two that are queries alone, as in multi-crop: six pairs."""
    views = (View(0), View(1), View(2, target=False), View(0, target=False))
    ours = method(encoder, views, columns=3, objective=Regression())
    z = [encoded(encoder, COLUMNS[view.column]) for view in views]
    pairs = [(0, 1), (1, 0), (2, 0), (2, 1), (3, 0), (3, 1)]
    expected = torch.stack([predicted(z[i], z[j]) for i, j in pairs]).mean()
    assert_same_step(ours, ours(examples_of(ours, *COLUMNS))[0], expected)


def test_augmented_views_meet_in_the_loss_as_they_were_read(encoder: Encoder):
    crop = View(target=False, augment=(Crop(shortest=0.4, longest=0.6),))
    views = (View(), View(), crop, crop)
    recipe = Recipe(views=views, objective=Regression(), batch_size=4, dropout=0.0)
    ours = Method(recipe, encoder, columns=1, seed=1).train()
    (examples,) = loader(ours, DOCUMENTS[:4]).step(0)
    z = [encoder(part) for part in sentences(examples.chunks[0].online, 4)]
    assert not torch.equal(z[2], z[3])
    expected = torch.stack([predicted(z[i], z[j]) for i in range(4) for j in range(2) if i != j]).mean()
    assert_same_step(ours, ours(examples)[0], expected)


def test_dropout_makes_the_two_views_of_a_sentence_differ(encoder: Encoder):
    noisy = method(encoder, dropout=0.1)
    assert noisy(examples_of(noisy, COLUMNS[0]))[1]["positive"] < 0.9999
    quiet = method(encoder, dropout=0.0)
    assert quiet(examples_of(quiet, COLUMNS[0]))[1]["positive"].item() == pytest.approx(1, abs=1e-5)


def test_with_a_fixed_dropout_mask_both_views_have_the_same_vector_and_its_gradient(encoder: Encoder):
    ours = method(encoder, dropout=0.3, fixed_dropout=True, head=Projector())
    examples = examples_of(ours, COLUMNS[0])
    assert len(examples.chunks[0].online) == 3  # each sentence goes through the encoder once
    torch.manual_seed(4)
    loss, signals = ours(examples)
    assert signals["positive"].item() == pytest.approx(1, abs=1e-6)
    torch.manual_seed(4)
    z = ours.head(encoded(encoder, COLUMNS[0]))
    assert_same_step(ours, loss, in_batch(z, z, z[:0], 0.05))


def test_duplicates_in_the_batch_are_no_negatives_of_each_other(encoder: Encoder):
    left, right = ["a dog", "a dog", "the man", "we"], ["fast", "dog", "the man runs", "sky"]
    ours = method(encoder, PAIRED, columns=2, objective=InfoNCE(temperature=0.5))
    loss = ours(examples_of(ours, left, right))[0]
    query, key = encoded(encoder, left), encoded(encoder, right)
    negatives = {0: [2, 3], 1: [2, 3], 2: [0, 1, 3], 3: [0, 1, 2]}
    rows = [told_apart(query[i : i + 1], key[i : i + 1], key[js], 0.5) for i, js in negatives.items()]
    # queries 0 and 1 have one text; whether the key of the one is a negative of the other is what is asked
    both = [told_apart(query[i : i + 1], key[i : i + 1], key[[1 - i, *negatives[i]]], 0.5) for i in (0, 1)]
    assert not torch.allclose(rows[0], both[0])
    same = method(encoder, PAIRED, columns=2, objective=InfoNCE(temperature=0.5, mask_duplicates=False))
    plain = same(examples_of(same, left, right))[0]
    torch.testing.assert_close(plain, torch.stack([*both, *rows[2:]]).mean(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(loss, torch.stack(rows).mean(), atol=1e-5, rtol=1e-5)


def test_scores_of_the_data_reach_the_objective(encoder: Encoder):
    ours = method(encoder, PAIRED, columns=2, objective=CosineRegression(low=0.0, high=5.0))
    scores = torch.tensor([5.0, 0.0, 2.0])
    u, v = (unit(encoded(encoder, column)) for column in COLUMNS[:2])
    expected = ((u * v).sum(dim=1) - scores / 5).square().mean()
    assert_same_step(ours, ours(examples_of(ours, *COLUMNS[:2], scores=scores))[0], expected)


# ---- heads -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [False, True])
def test_a_kept_head_is_part_of_the_encoder_and_a_dropped_one_is_not(encoder: Encoder, keep: bool):
    plain = encoder.encode(["the dog"])
    ours = method(encoder, head=Projector(keep=keep))
    assert [type(module) for module in encoder.tail] == [Dense] * keep
    assert isinstance(ours.head, nn.Identity if keep else Dense)
    assert bool((encoder.encode(["the dog"]) == plain).all()) is not keep
    ours(examples_of(ours, COLUMNS[0]))[0].backward()
    head = encoder.tail[0] if keep else ours.head
    assert head.linear.weight.grad.abs().sum() > 0


def test_of_an_mlp_the_first_layers_are_kept_and_the_rest_dropped(encoder: Encoder):
    ours = method(encoder, PAIRED, columns=2, head=MLP(layers=3, hidden=10, width=6, keep=1))
    assert encoder.dim == 10
    assert [module.out_features for module in ours.head if isinstance(module, nn.Linear)] == [10, 6]
    query, key = (ours.head(encoded(encoder, column)) for column in COLUMNS[:2])
    assert_same_step(ours, ours(examples_of(ours, *COLUMNS[:2]))[0], in_batch(query, key, key[:0], 0.05))


def test_the_head_follows_the_seed_and_not_the_callers_generator(encoder: Encoder):
    torch.manual_seed(0)
    first = method(encoder, head=Projector(), seed=3).head.linear.weight
    torch.manual_seed(1)
    again = method(encoder, head=Projector(), seed=3).head.linear.weight
    other = method(encoder, head=Projector(), seed=4).head.linear.weight
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


# ---- targets ---------------------------------------------------------------------------------------------


def test_with_a_slow_copy_and_predictor_each_view_predicts_the_slow_vector_of_the_other(encoder: Encoder):
    """BYOL and MoCo v3: symmetric, the predictor on the side of the queries only, no gradient through the keys."""
    parts = {"head": MLP(hidden=12, width=8, norm="batch"), "predictor": MLP(hidden=12, norm="batch"), "target": EMA()}
    ours = method(encoder, BOTH_WAYS, columns=2, objective=Regression(), **parts)
    disturb(ours.second)
    loss = ours(examples_of(ours, *COLUMNS[:2]))[0]
    p = [ours.predictor(ours.head(encoded(encoder, column))) for column in COLUMNS[:2]]
    k = [ours.second.head(encoded(ours.second.encoder, column)) for column in COLUMNS[:2]]
    assert_same_step(ours, loss, (predicted(p[0], k[1]) + predicted(p[1], k[0])) / 2)
    assert not gradients(ours.second)
    assert gradients(ours.predictor)


def test_with_a_stopped_gradient_the_keys_are_constants(encoder: Encoder):
    """SimSiam: the same network on both sides, the predictor and the gradient on one."""
    parts = {"head": MLP(hidden=12, norm="batch", final_norm=True), "predictor": MLP(hidden=6, norm="batch")}
    ours = method(encoder, BOTH_WAYS, columns=2, objective=Regression(), target=StopGradient(), **parts)
    loss = ours(examples_of(ours, *COLUMNS[:2]))[0]
    z = [ours.head(encoded(encoder, column)) for column in COLUMNS[:2]]
    p = [ours.predictor(vectors) for vectors in z]
    assert_same_step(ours, loss, (predicted(p[0], z[1].detach()) + predicted(p[1], z[0].detach())) / 2)


def test_a_twin_learns_as_the_encoder_does(encoder: Encoder):
    ours = method(encoder, PAIRED, columns=2, objective=InfoNCE(temperature=0.3), head=Projector(), target=Twin())
    disturb(ours.second)
    loss = ours(examples_of(ours, *COLUMNS[:2]))[0]
    query = ours.head(encoded(encoder, COLUMNS[0]))
    key = ours.second.head(encoded(ours.second.encoder, COLUMNS[1]))
    assert_same_step(ours, loss, in_batch(query, key, key[:0], 0.3))
    for part in (ours.encoder, ours.head, ours.second.encoder, ours.second.head):
        assert gradients(part)


@pytest.mark.parametrize("head", [None, MLP()])
def test_a_twin_may_be_of_another_width(encoder: Encoder, head: Any):
    twin = make_encoder(num_hidden_layers=1, hidden_size=24, seed=3)
    fields = {"objective": SquaredError(), "predictor": MLP(layers=1), "head": head, "target": Twin("another")}
    ours = method(encoder, PAIRED, columns=2, twin=twin, **fields)
    loss = ours(examples_of(ours, *COLUMNS[:2]))[0]
    query = ours.predictor(ours.head(encoded(encoder, COLUMNS[0])))
    key = ours.second.head(encoded(twin, COLUMNS[1]))
    assert query.shape == key.shape == (3, 24)
    assert_same_step(ours, loss, (query - key).square().mean())


def test_a_twin_of_another_width_fills_a_queue_of_its_width(encoder: Encoder):
    twin = make_encoder(num_hidden_layers=1, hidden_size=24, seed=3)
    parts = {"predictor": Projector(activation="none"), "target": Twin("another"), "memory": Queue(size=5)}
    ours = method(encoder, PAIRED, columns=2, twin=twin, **parts)
    ours(examples_of(ours, *COLUMNS[:2]))
    torch.testing.assert_close(ours.memory.read()[0], encoded(twin, COLUMNS[1]), atol=1e-5, rtol=1e-5)


def test_widths_that_do_not_fit_are_refused_before_the_first_step(encoder: Encoder):
    twin = make_encoder(num_hidden_layers=1, hidden_size=24, seed=3)
    with pytest.raises(RecipeError, match="queries have 32 dimensions and keys 24: give the predictor a width of 24"):
        method(encoder, PAIRED, columns=2, twin=twin, target=Twin("another"))


def test_the_keys_of_a_frozen_teacher_are_its_vectors(encoder: Encoder):
    teacher_vectors = torch.randn(3, 11, generator=torch.Generator().manual_seed(2))
    fields = {"objective": SquaredError(), "predictor": Projector(activation="none"), "target": Frozen("teacher")}
    ours = method(encoder, teacher_width=11, **fields)
    assert ours.second is None
    examples = examples_of(ours, COLUMNS[0], teacher_vectors={1: teacher_vectors})
    assert len(examples.chunks[0].online) == 3  # the view of the teacher is encoded by nobody
    query = ours.predictor(encoded(encoder, COLUMNS[0]))
    assert_same_step(ours, ours(examples)[0], (query - teacher_vectors).square().mean())


def test_a_teacher_of_another_width_may_be_compared_by_its_similarities(encoder: Encoder):
    teacher_vectors = torch.randn(3, 11, generator=torch.Generator().manual_seed(2))
    ours = method(encoder, objective=SimilarityKL(temperature=0.5), target=Frozen("teacher"), teacher_width=11)
    student, teacher = ((unit(z) @ unit(z).T / 0.5) for z in (encoded(encoder, COLUMNS[0]), teacher_vectors))
    rows = []
    for i in range(3):
        others = [j for j in range(3) if j != i]
        p, r = teacher[i, others].softmax(0), student[i, others].softmax(0)
        rows.append((p * (p / r).log()).sum())
    loss = ours(examples_of(ours, COLUMNS[0], teacher_vectors={1: teacher_vectors}))[0]
    assert_same_step(ours, loss, torch.stack(rows).mean())


def test_hard_negatives_come_from_the_slow_copy(encoder: Encoder):
    ours = method(encoder, TRIPLETS, columns=3, objective=InfoNCE(temperature=0.5), target=EMA())
    disturb(ours.second)
    query = encoded(encoder, COLUMNS[0])
    key, hard = (encoded(ours.second.encoder, column).detach() for column in COLUMNS[1:])
    assert_same_step(ours, ours(examples_of(ours, *COLUMNS))[0], in_batch(query, key, hard, 0.5))


# ---- memory ----------------------------------------------------------------------------------------------


class Table:
    """One column of texts as token ids."""

    def __init__(self, encoder: Encoder, texts: Sequence[str]):
        self.rows = [np.array(ids, np.int32) for ids in encoder.tokenize(list(texts))[0]]

    def __len__(self) -> int:
        return len(self.rows)

    def ids(self, column: int, rows: Sequence[int]) -> list[Any]:
        assert column == 0
        return [self.rows[row] for row in rows]


def loader(ours: Method, texts: Sequence[str]) -> Loader:
    reading = TokenizedTexts(Table(ours.encoder, texts), Vocabulary.of(ours.encoder.tokenizer, ours.encoder.max_length))
    return Loader(TrainingData(reading), ours.recipe, ours.views, ours.view_plan, seed=1)


def sentences(batch: Batch, examples: int) -> list[Batch]:
    """The batch view by view."""
    rows: dict[int, list[int]] = {}
    for row, ids in zip(batch.order.tolist(), batch.ids.split(list(batch.lengths)), strict=True):
        rows[row] = ids.tolist()
    return [Batch.collate([rows[first + i] for i in range(examples)]) for first in range(0, len(batch), examples)]


def test_esimcse_steps_in_the_order_of_its_code_written_out_by_hand(encoder: Encoder):
    """Encode, move the slow copy, the loss with the old queue, then the new keys, then the optimizer.

    That is the order of a step in esimcse/trainers.py of caskcsg/sentemb. Keys: the slow copy of the original
    sentence, without dropout, through the head as it is. Our slow copy moves after the optimizer; that is the same,
    since it starts equal.
    """
    original = find("esimcse")
    recipe = replace(
        original,
        target=replace(original.target, momentum=0.9),
        memory=replace(original.memory, size=10),
        batch_size=4,
        dropout=0.2,
        max_steps=5,
    )
    ours = Method(recipe, encoder, columns=1, seed=1).train()
    online, head = deepcopy(encoder).train(), deepcopy(ours.head)
    slow, queue, lengths = deepcopy(encoder).eval(), torch.zeros(0, encoder.dim), []
    feed = loader(ours, DOCUMENTS)
    for step in range(5):
        (examples,) = feed.step(step)
        lengths.append(len(ours.memory.read()[0]))
        torch.manual_seed(step)
        loss = ours(examples)[0]
        descend(loss, ours)
        ours.after_step()

        torch.manual_seed(step)
        query, key = (head(vectors) for vectors in online(examples.chunks[0].online).chunk(2))
        with torch.no_grad():
            for moving, parameter in zip(slow.parameters(), online.parameters(), strict=True):
                moving.copy_(0.9 * moving + 0.1 * parameter)
        expected = in_batch(query, key, queue, 0.05)
        originals = [feed.data.online.table.rows[row] for row in examples.rows.tolist()]
        with torch.no_grad():
            new = torch.cat([head(slow(Batch.collate([ids]))) for ids in originals])
        queue = torch.cat([queue, new])[-10:]
        descend(expected, online, head)

        torch.testing.assert_close(loss, expected, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(ours.memory.read()[0], queue, atol=1e-4, rtol=1e-3)
    assert lengths == [0, 4, 8, 10, 10]  # 64, 128, 160, 160 at the batch and queue of the paper
    assert any(isinstance(item, Repeat) for item in recipe.views[1].augment)
    for ours_now, by_hand in ((encoder, online), (ours.head, head)):
        for name, value in by_hand.state_dict().items():
            torch.testing.assert_close(ours_now.state_dict()[name], value, atol=1e-4, rtol=1e-3)


def descend(loss: Tensor, *modules: nn.Module) -> None:
    """One step of plain gradient descent."""
    loss.backward()
    with torch.no_grad():
        for parameter in (parameter for module in modules for parameter in module.parameters()):
            if parameter.grad is not None:
                parameter -= 0.01 * parameter.grad
                parameter.grad = None


@pytest.mark.parametrize("name", ["moco_v1", "moco_v2"])
def test_moco_tells_its_key_from_the_queue_alone(encoder: Encoder, name: str):
    original = find(name)
    recipe = replace(original, memory=replace(original.memory, size=8), dropout=0.0)
    ours = Method(recipe, encoder, columns=1, seed=1).train()
    disturb(ours.second)
    held = ours.memory.read()[0]
    assert len(held) == 8  # it starts full
    loss = ours(examples_of(ours, COLUMNS[0]))[0]
    query = ours.head(encoded(encoder, COLUMNS[0]))
    key = ours.second.head(encoded(ours.second.encoder, COLUMNS[0])).detach()
    expected = recipe.objective.weight * told_apart(query, key, held, recipe.objective.temperature)
    torch.testing.assert_close(ours.memory.read()[0][:5], held[3:])
    torch.testing.assert_close(ours.memory.read()[0][5:], key, atol=1e-5, rtol=1e-4)
    assert_same_step(ours, loss, expected)


def test_of_several_views_the_keys_enter_one_view_after_the_other_and_negatives_never(encoder: Encoder):
    views = (*BOTH_WAYS, View(2, online=False, negative=True))
    ours = method(encoder, views, columns=3, memory=Queue(size=20))
    examples = examples_of(ours, *COLUMNS)
    ours(examples)
    keys, texts = ours.memory.read()
    expected = torch.cat([encoded(encoder, column) for column in COLUMNS[:2]])
    torch.testing.assert_close(keys, expected, atol=1e-5, rtol=1e-4)
    assert texts.tolist() == torch.cat(examples.texts[:2]).tolist()


def test_the_queue_takes_only_the_view_that_it_names(encoder: Encoder):
    ours = method(encoder, BOTH_WAYS, columns=2, memory=Queue(size=20, view=1))
    ours(examples_of(ours, *COLUMNS[:2]))
    torch.testing.assert_close(ours.memory.read()[0], encoded(encoder, COLUMNS[1]), atol=1e-5, rtol=1e-4)


def test_a_text_of_the_batch_that_is_still_in_the_queue_is_no_negative_of_itself(encoder: Encoder):
    ours = method(encoder, PAIRED, columns=2, objective=InfoNCE(temperature=0.5), memory=Queue(size=20))
    first, second = ours(examples_of(ours, *COLUMNS[:2]))[0], ours(examples_of(ours, *COLUMNS[:2]))[0]
    query, key = (encoded(encoder, column) for column in COLUMNS[:2])
    torch.testing.assert_close(first, in_batch(query, key, key[:0], 0.5), atol=1e-5, rtol=1e-4)
    twice = [told_apart(query[i : i + 1], key[i : i + 1], key[[j for j in range(3) if j != i] * 2], 0.5)
             for i in range(3)]  # fmt: skip
    torch.testing.assert_close(second, torch.stack(twice).mean(), atol=1e-5, rtol=1e-4)


def test_while_evaluating_nothing_is_remembered(encoder: Encoder):
    ours = method(encoder, memory=Queue(size=20)).eval()
    ours(examples_of(ours, COLUMNS[0]))
    assert len(ours.memory.read()[0]) == 0


def test_a_bank_gives_the_own_rows_and_moves_them_after_the_loss(encoder: Encoder, monkeypatch: pytest.MonkeyPatch):
    fields = {"head": Projector(width=6), "objective": NCE(draws=4), "memory": Bank(momentum=0.5)}
    ours = method(encoder, (View(target=False),), examples=9, **fields)
    before, pairs = ours.memory.rows.clone(), []
    compute = ours.objective.forward

    def noted(pair: Pair) -> Tensor:
        pairs.append(replace(pair, memory=pair.memory.clone()))
        return compute(pair)

    monkeypatch.setattr(ours.objective, "forward", noted)
    ours(examples_of(ours, COLUMNS[0], rows=[7, 0, 4]))[0].backward()
    (pair,) = pairs
    query = ours.head(encoded(encoder, COLUMNS[0]))
    torch.testing.assert_close(pair.query, query, atol=1e-5, rtol=1e-4)
    assert torch.equal(pair.key, before[[7, 0, 4]])
    assert torch.equal(pair.memory, before)
    assert pair.rows.tolist() == [7, 0, 4]
    expected = before.clone()
    expected[[7, 0, 4]] = unit(0.5 * before[[7, 0, 4]] + 0.5 * unit(query.detach()))
    torch.testing.assert_close(ours.memory.rows, expected, atol=1e-5, rtol=1e-4)
    assert gradients(encoder)


# ---- further losses --------------------------------------------------------------------------------------


def test_the_loss_is_the_contrast_plus_a_tenth_of_the_language_modelling(encoder: Encoder):
    ours = method(encoder, auxiliaries=(MaskedLM(),))
    texts = DOCUMENTS[:12]
    loss, signals = ours(examples_of(ours, texts))
    assert signals["auxiliary_0"] > 0.5
    torch.testing.assert_close(loss, signals["contrast"] + 0.1 * signals["auxiliary_0"])
    plain = method(encoder)
    torch.testing.assert_close(signals["contrast"], plain(examples_of(plain, texts))[0].detach(), atol=1e-5, rtol=1e-5)


def test_the_weight_of_the_objective_is_its_own(encoder: Encoder):
    one = method(encoder, BOTH_WAYS, columns=2, auxiliaries=(SoftmaxNLI(weight=0.5),))
    three = method(encoder, BOTH_WAYS, columns=2, objective=InfoNCE(weight=3.0), auxiliaries=(SoftmaxNLI(weight=0.5),))
    for ours, weight in ((one, 1.0), (three, 3.0)):
        loss, signals = ours(examples_of(ours, *COLUMNS[:2], scores=torch.tensor([0.0, 1, 2])))
        torch.testing.assert_close(loss.detach(), weight * signals["contrast"] + 0.5 * signals["auxiliary_0"])
    assert signals["auxiliary_0"] > 0


@pytest.mark.parametrize("target", [None, StopGradient(), EMA(), Twin()])
def test_a_view_that_neither_branch_sees_is_there_for_the_auxiliaries_only(encoder: Encoder, target: Any):
    beside = (*ONE_WAY, View(1, online=False, target=False))
    ours = method(encoder, beside, columns=2, target=target, auxiliaries=(SoftmaxNLI(),), memory=Queue(size=20))
    labels = torch.tensor([2.0, 0.0, 1.0])
    loss, signals = ours(examples_of(ours, *COLUMNS[:2], scores=labels))
    plain = method(encoder, target=target)
    torch.testing.assert_close(signals["contrast"], plain(examples_of(plain, COLUMNS[0]))[0].detach())
    assert len(ours.memory.read()[0]) == 3
    u, v = (encoded(encoder, column) for column in COLUMNS[:2])
    logits = ours.auxiliaries[0].classifier(torch.cat([u, v, (u - v).abs()], dim=1))
    expected = nn.functional.cross_entropy(logits, labels.long())
    torch.testing.assert_close(signals["auxiliary_0"], expected.detach(), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(loss.detach(), signals["contrast"] + signals["auxiliary_0"])


def test_auxiliaries_meet_the_vectors_of_the_encoder_with_its_kept_head(encoder: Encoder):
    ours = method(encoder, BOTH_WAYS, columns=2, head=Projector(width=8, keep=True), auxiliaries=(SoftmaxNLI(),))
    labels = torch.tensor([2.0, 0.0, 1.0])
    signals = ours(examples_of(ours, *COLUMNS[:2], scores=labels))[1]
    u, v = (encoded(encoder, column) for column in COLUMNS[:2])
    assert u.shape == (3, 8)
    logits = ours.auxiliaries[0].classifier(torch.cat([u, v, (u - v).abs()], dim=1))
    expected = nn.functional.cross_entropy(logits, labels.long())
    torch.testing.assert_close(signals["auxiliary_0"], expected.detach(), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("labels", [None, torch.tensor([2.0, 0.0, 1.0])])
def test_joint_consert_attacks_its_views_and_classifies_clean_ones(encoder: Encoder, first: int, labels: Any):
    """`first`: where the attacked view of a sentence stands."""
    joint = find("consert_joint")
    attacked = [tuple(View(column, group=column, augment=augment) for augment in
                      sorted([(), (Adversarial(1.0),)], key=len, reverse=first == 0)) for column in (0, 1)]  # fmt: skip
    columns = COLUMNS if labels is None else COLUMNS[:2]

    def step(views: Any) -> tuple[Any, Tensor]:
        recipe = replace(joint, views=(*views, joint.views[4]), dropout=0.0)
        ours = Method(recipe, deepcopy(encoder), columns=len(columns), seed=1).train()
        examples = examples_of(ours, *columns, scores=labels)
        return ours.encode(examples.chunks[0], examples).online, ours(examples)[1]["auxiliary_0"]

    vectors, loss = step([view for views in attacked for view in views])
    clean, clean_loss = step([replace(view, augment=()) for views in attacked for view in views])
    torch.testing.assert_close(loss, clean_loss, atol=1e-6, rtol=1e-6)
    for place in range(4):
        distance = (vectors[place] - clean[place]).norm(dim=1)
        assert (distance > 0.05).all() if place % 2 == first else (distance < 1e-5).all()


def test_what_is_watched_carries_no_gradient(encoder: Encoder):
    ours = method(encoder)
    _, signals = ours(examples_of(ours, COLUMNS[0]))
    assert set(signals) == {"contrast", "accuracy", "positive", "negative", "uniformity", "collapse"}
    assert not any(value.requires_grad for value in signals.values())


# ---- what cannot be, and is said before the first step ---------------------------------------------------

ADVERSARIAL = (View(0, target=False), View(1, online=False, augment=(Adversarial(),)))
BETWEEN = (PAIRED[0], TRIPLETS[2], PAIRED[1])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"views": ADVERSARIAL, "target": EMA()}, "no slow copy or twin can see it"),
        ({"views": ADVERSARIAL, "target": Twin()}, "no slow copy or twin can see it"),
        ({"views": BETWEEN, "memory": Queue(view=2)}, "--memory.view 2: negatives, which not all data has"),
        ({"views": TRIPLETS, "memory": Queue(view=2)}, "--memory.view 2: negatives, which not all data has"),
        ({"views": PAIRED, "memory": Queue(view=2)}, "--memory.view 2: the recipe has views 0 to 1"),
        ({"views": PAIRED, "memory": Queue(view=0), "target": Frozen()}, "--memory.view 0: a frozen teacher sees no"),
        ({"views": PAIRED, "objective": None, "auxiliaries": (MaskedLM(),), "target": EMA()}, "leave the target out"),
        ({"views": PAIRED, "objective": None, "auxiliaries": (MaskedLM(),), "memory": Queue()}, "leave the memory out"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(fields: dict[str, Any], reason: str):
    with pytest.raises(RecipeError, match=reason):
        Recipe(**{"objective": InfoNCE(), **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"views": (View(augment=(Adversarial(),)), View()), "target": StopGradient()},
        {"views": ADVERSARIAL, "target": EMA(keys=False), "memory": Queue(view=0)},
        {"views": BETWEEN, "memory": Queue()},
        {"views": TRIPLETS, "memory": Queue(view=1), "target": Frozen()},
    ],
)
def test_parts_that_go_together_are_not(fields: dict[str, Any]):
    Recipe(**{"objective": InfoNCE(), **fields})


# ---- one engine for all ----------------------------------------------------------------------------------

ENGINE = (
    *("method.method", "method.view_pairs", "method.gradient_cache", "method.step_input", "training.loader"),
    *("method.view_hooks", "method.field_checks"),
)


@pytest.mark.parametrize("module", ENGINE)
def test_the_engine_names_no_recipe(module: str):
    source = (Path(simemb.__file__).parent / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", source))
    assert len(names(RECIPES)) > 20
    assert not words & set(names(RECIPES))


@pytest.mark.parametrize("target", [EMA(), Twin()])
def test_labels_are_learnt_from_views_that_the_encoder_sees(encoder: Encoder, target: Any):
    views = (View(target=False), View(column=1, online=False), View(column=1, target=False))
    ours = method(encoder, views, columns=2, target=target, auxiliaries=(SoftmaxNLI(),)).train()
    assert ours.auxiliaries[0].places == [0, 2]
    blind = (View(target=False), View(column=1, online=False))
    with pytest.raises(RecipeError, match="the encoder must see a view of each"):
        method(encoder, blind, columns=2, target=target, auxiliaries=(SoftmaxNLI(),))
