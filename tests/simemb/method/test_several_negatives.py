"""Steps with any number of negatives a row, against steps written out by hand, and beside sentence-transformers."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from families import make_encoder
from feeding import batch_of, gradients
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from simemb.corpus.rows import open_rows
from simemb.encoder.encoder import Encoder
from simemb.errors import DataError, RecipeError
from simemb.method import gradient_cache
from simemb.method.auxiliaries import SoftmaxNLI
from simemb.method.embedding_augmentations import FeatureCutoff
from simemb.method.heads import MLP
from simemb.method.memory import Queue
from simemb.method.method import Method
from simemb.method.objectives import FalseNegatives, InfoNCE, Matryoshka
from simemb.method.recipe import Recipe
from simemb.method.step_input import StepInput
from simemb.method.targets import EMA, Frozen
from simemb.method.views import View
from simemb.training.dataset import load_training_data
from simemb.training.examples import open_examples
from simemb.training.loader import Loader

TRIPLETS = (View(0, target=False), View(1, online=False), View(2, online=False, negative=True))
OBJECTS = [
    {"anchor": "the dog runs fast", "positive": "a dog runs", "negative": ["the guitar plays", "a man"]},
    {"anchor": "a man", "positive": "the red man", "negative": []},
    {"anchor": "we saw the sky", "positive": "we saw a sky", "negative": ["the man saw a guitar", "fast", "a red dog"]},
    {"anchor": "a guitar", "positive": "the guitar", "negative": ["the sky"]},
]


@pytest.fixture
def encoder() -> Encoder:
    return make_encoder(num_hidden_layers=1, pooling="cls")


def step_of(encoder: Encoder, objects: Sequence[Any] = OBJECTS, **fields: Any) -> tuple[Method, StepInput]:
    """A method, and the step that takes all rows."""
    parts = {"views": TRIPLETS, "objective": InfoNCE(), "dropout": 0.0, "batch_size": len(objects), **fields}
    recipe = Recipe(**parts)
    rows, _ = open_examples(recipe, open_rows(list(objects)), None, delimiter=None, header=True)
    data = load_training_data(recipe, rows, encoder, None, progress=False)
    torch.manual_seed(0)
    columns = len(rows.columns) + len(rows.listed)
    method = Method(recipe, encoder, columns=columns, seed=1, teacher_width=data.teacher_width).train()
    return method, Loader(data, recipe, method.views, method.view_plan, seed=1).step(0)[0]


def ordered(examples: StepInput) -> list[Any]:
    return [OBJECTS[row] for row in examples.rows.tolist()]


def by_hand(encoder: Encoder, objects: Sequence[Any], weight: float = 0.0, t: float = 0.05) -> Tensor:
    """Query by query: its key among all keys and all negatives, of which its own weigh exp(weight)."""
    losses = []
    keys = [encoded(encoder, row["positive"]) for row in objects]
    negatives = [(owner, encoded(encoder, text)) for owner, row in enumerate(objects) for text in row["negative"]]
    for i, row in enumerate(objects):
        query = encoded(encoder, row["anchor"])
        logits = [query @ key / t for key in keys]
        logits += [query @ negative / t + (weight if owner == i else 0.0) for owner, negative in negatives]
        losses.append(torch.stack(logits).logsumexp(0) - logits[i])
    return torch.stack(losses).mean()


def encoded(encoder: Encoder, text: str) -> Tensor:
    return normalize(encoder(batch_of(encoder, [text]))[0], dim=0)


def assert_same(method: Method, loss: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(loss, expected, atol=1e-5, rtol=1e-5)
    found = []
    for value in (loss, expected):
        method.zero_grad()
        value.backward()
        found.append(gradients(method))
    assert found[0].keys() == found[1].keys() != set()
    for name, gradient in found[1].items():
        torch.testing.assert_close(found[0][name], gradient, atol=3e-5, rtol=1e-3)


@pytest.mark.parametrize("weight", [0.0, 0.8])
def test_every_query_meets_the_negatives_of_all_rows(encoder: Encoder, weight: float):
    method, examples = step_of(encoder, objective=InfoNCE(hard_negative_weight=weight, mask_duplicates=False))
    assert_same(method, method(examples)[0], by_hand(encoder, ordered(examples), weight))
    assert examples.sentences == 4 + 4 + 6


def test_one_negative_a_row_is_the_same_bit_by_bit_as_lists_and_as_a_column(encoder: Encoder):
    column = [{**row, "negative": f"a sky {number}"} for number, row in enumerate(OBJECTS)]
    lists = [{**row, "negative": [row["negative"]]} for row in column]
    found = []
    for objects in (column, lists):
        method, examples = step_of(encoder, objects, objective=InfoNCE(hard_negative_weight=0.5))
        assert bool(examples.owners) == (objects is lists)
        method.zero_grad()
        loss, _ = method(examples)
        loss.backward()
        found.append({"loss": loss.detach(), **gradients(method)})
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


NOUNS: dict[str, dict[str, Any]] = {
    "plain": {},
    "queue and slow copy": {"memory": Queue(size=20), "target": EMA()},
    "false negatives": {"objective": InfoNCE(false_negatives=FalseNegatives(0.9), within_view=True)},
    "matryoshka": {"objective": Matryoshka(InfoNCE(hard_negative_weight=0.5), (4, 8))},
    "labels": {
        "views": (View(0), View(0), View(1, online=False, target=False), View(2, online=False, target=False)),
        "auxiliaries": (SoftmaxNLI(),),
    },
}


@pytest.mark.parametrize("name", NOUNS)
def test_chunks_give_the_gradient_of_the_whole(encoder: Encoder, name: str):
    found = []
    for chunk in (None, 1, 3):
        method, examples = step_of(encoder, chunk=chunk, **NOUNS[name])
        method.zero_grad()
        if chunk is None:
            loss, _ = method(examples)
            loss.backward()
        else:
            loss, _ = gradient_cache.backward(method, examples, torch.Tensor.backward, nullcontext)
        found.append({"loss": loss.detach(), **gradients(method)})
    for other in found[1:]:
        for key, tensor in found[0].items():
            torch.testing.assert_close(other[key], tensor, atol=2e-5, rtol=1e-3)


def test_a_classifier_sees_each_contradiction_with_its_own_premise(encoder: Encoder):
    method, examples = step_of(encoder, **NOUNS["labels"])
    linear = method.auxiliaries[0].classifier
    rows = ordered(examples)
    pairs = [(row["anchor"], row["positive"], 0) for row in rows]
    pairs += [(row["anchor"], text, 2) for row in rows for text in row["negative"]]
    sides = [[encoder(batch_of(encoder, [text]))[0] for text in texts] for texts in list(zip(*pairs, strict=True))[:2]]
    logits = [linear(torch.cat([u, v, (u - v).abs()])) for u, v in zip(*sides, strict=True)]
    expected = cross_entropy(torch.stack(logits), torch.tensor([label for *_, label in pairs]))
    _, signals = method(examples)
    torch.testing.assert_close(signals["auxiliary_0"], expected.detach(), atol=1e-5, rtol=1e-5)


def test_a_guide_and_a_teacher_know_every_negative(encoder: Encoder):
    rule = InfoNCE(false_negatives=FalseNegatives(margin=0.0, guided=True))
    _, guided = step_of(encoder, objective=rule, guide="mini")
    _, taught = step_of(encoder, target=Frozen("mini"), head=None, predictor=MLP(width=256, layers=1))
    guide = Encoder.load("mini")
    for vectors, examples in ((guided.guide_vectors[2], guided), (taught.teacher_vectors[2], taught)):
        texts = [text for row in ordered(examples) for text in row["negative"]]
        torch.testing.assert_close(vectors, torch.from_numpy(guide.encode(texts)), atol=1e-5, rtol=1e-4)


def test_an_augmented_view_of_negatives_leaves_the_others_alone(encoder: Encoder):
    views = (*TRIPLETS[:2], replace(TRIPLETS[2], augment=(FeatureCutoff(0.5),)))
    method, examples = step_of(encoder, views=views)
    _, plain = step_of(encoder)
    torch.manual_seed(1)
    cut = method.encode(examples.chunks[0], examples).online
    whole = step_of(encoder)[0].encode(plain.chunks[0], plain).online
    assert [torch.allclose(cut[view], whole[view], atol=1e-6) for view in range(3)] == [True, True, False]


def test_batch_norm_needs_a_negative_in_every_row(encoder: Encoder):
    with pytest.raises(DataError, match="batch norm needs a text of negative in every row"):
        step_of(encoder, head=MLP(norm="batch"))


def test_a_number_of_negatives_is_for_recipes_with_a_view_of_them():
    with pytest.raises(RecipeError, match="--negatives: the recipe has no view of negatives"):
        Recipe(views=TRIPLETS[:2], objective=InfoNCE(), negatives=3)
    with pytest.raises(RecipeError, match="--negatives must be at least 1, not 0"):
        Recipe(views=TRIPLETS, objective=InfoNCE(), negatives=0)


@pytest.mark.parametrize("count", [1, 3])
def test_a_step_is_that_of_sentence_transformers(tmp_path: Path, encoder: Encoder, count: int):
    """MultipleNegativesRankingLoss on anchor, positive and `count` negatives."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss

    words = ("dog", "man", "sky", "guitar", "fast", "red")
    objects = [
        {
            "anchor": row["anchor"],
            "positive": row["positive"],
            **{f"negative_{n}": f"the {words[place]} saw {words[n]}" for n in range(1, count + 1)},
        }
        for place, row in enumerate(OBJECTS)
    ]
    encoder.save(tmp_path / "model")
    theirs = SentenceTransformer(str(tmp_path / "model"), device="cpu")
    method, examples = step_of(encoder, objects, objective=InfoNCE(mask_duplicates=False))
    columns = list(zip(*([*objects[row].values()] for row in examples.rows.tolist()), strict=True))
    loss = MultipleNegativesRankingLoss(theirs.eval(), scale=20.0)
    expected = loss([theirs.preprocess(list(column)) for column in columns], torch.zeros(0))
    ours, _ = method(examples)
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=1e-4)
    ours.backward()
    expected.backward()
    others = dict(theirs.named_parameters())
    mine = {name: p.grad for name, p in encoder.backbone.named_parameters() if p.grad is not None}
    assert len(mine) > 10
    for name, gradient in mine.items():
        (other,) = [p for full, p in others.items() if full.endswith(f"model.{name}")]
        torch.testing.assert_close(gradient, other.grad, atol=2e-5, rtol=1e-3)
