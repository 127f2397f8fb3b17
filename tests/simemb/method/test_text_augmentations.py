"""Views that change their text: what is tokenized, what counts as equal, and what a run learns from."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from simemb.encoder.encoder import Encoder
from simemb.encoder.tokenizer import tokenize
from simemb.method.method import Method
from simemb.method.objectives import InfoNCE
from simemb.method.recipe import Recipe
from simemb.method.text_augmentations import Negate
from simemb.method.views import View, clean_views
from simemb.training.dataset import load_training_data
from simemb.training.fit import fit
from simemb.training.loader import Loader

NEGATED = View(online=False, negative=True, augment=(Negate(),))
VIEWS = (View(target=False), View(online=False), NEGATED)
TEXTS = [
    "the dog is red",
    "a cat sees the man",
    "the man runs",
    "the dog is not red",
    "we saw the sky",
    "the red dog and the man and the sky and the cat and a guitar is here",
]


def loader_of(base: Path, views: tuple[View, ...], max_length: int = 12) -> tuple[Loader, Encoder]:
    from simemb.corpus.rows import open_rows

    encoder = Encoder.load(base, pooling="cls").complete()
    recipe = Recipe(views=views, objective=InfoNCE(), max_length=max_length, batch_size=len(TEXTS))
    data = load_training_data(recipe, open_rows(TEXTS), encoder, None, progress=False)
    plan = Method(recipe, encoder, columns=1, seed=1).view_plan
    return Loader(data, recipe, views, plan, seed=1), encoder


def test_a_view_reads_the_negated_text_and_the_others_the_text(tiny_base: Path):
    loader, encoder = loader_of(tiny_base, VIEWS)
    (step,) = loader.step(0)
    batch, rows = step.chunks[0].online, step.rows.tolist()
    starts = batch.starts.tolist()
    read = {int(place): batch.ids[a:b].tolist() for place, a, b in zip(batch.order, starts, starts[1:], strict=False)}
    for number, row in enumerate(rows):
        for view, text in enumerate((TEXTS[row], TEXTS[row], Negate()(TEXTS[row]))):
            expected, _ = tokenize([text], encoder.tokenizer, 12)
            assert read[view * len(rows) + number] == expected[0]


def test_a_negation_counts_as_another_text_and_meets_the_sentence_that_says_it(tiny_base: Path):
    loader, _ = loader_of(tiny_base, VIEWS)
    (step,) = loader.step(0)
    rows = step.rows.tolist()
    query, key, negated = (dict(zip(rows, numbers.tolist(), strict=True)) for numbers in step.texts)
    assert query == key
    assert negated[0] == query[3]  # "the dog is red", negated
    assert negated[3] == query[0]
    assert negated[5] == query[5]  # its "not" is behind the twelve tokens
    assert negated[1] != query[1]


def test_a_prompt_stands_before_the_negation_and_is_no_part_of_the_text(tiny_base: Path):
    plain, _ = loader_of(tiny_base, VIEWS)
    prompted, encoder = loader_of(tiny_base, tuple(replace(view, prompt="the sky: ") for view in VIEWS), max_length=20)
    (one,), (other,) = plain.step(0), prompted.step(0)
    short = [number for number, row in enumerate(one.rows.tolist()) if row != 5]
    for before, after in zip(one.texts, other.texts, strict=True):
        assert torch.equal(before[short], after[short])
    expected, _ = tokenize(["the sky: the dog is not red"], encoder.tokenizer, 20)
    batch, starts = other.chunks[0].online, other.chunks[0].online.starts.tolist()
    assert expected[0] in [batch.ids[a:b].tolist() for a, b in pairwise(starts)]


def test_labels_are_not_learnt_from_a_changed_text():
    assert clean_views({0: View(augment=(Negate(),)), 1: View()}) == {(0, 0): 1}


def test_a_run_on_negations_is_the_run_on_a_column_of_them(tiny_base: Path, tmp_path: Path):
    texts = [text for text in TEXTS[:5] for _ in range(4)]
    numbers = {"batch_size": 5, "max_steps": 3, "learning_rate": 1e-3, "max_length": 16}
    ours = Recipe(views=VIEWS, objective=InfoNCE(), **numbers)
    theirs = replace(ours, views=(*VIEWS[:2], View(column=1, online=False, negative=True)))
    fit(ours, tiny_base, texts, output=tmp_path / "view", dev="none")
    pairs = [(text, Negate()(text)) for text in texts]
    fit(theirs, tiny_base, pairs, output=tmp_path / "column", dev="none")
    one, other = (load_file(next((tmp_path / name).rglob("model.safetensors"))) for name in ("view", "column"))
    for name, tensor in one.items():
        np.testing.assert_array_equal(tensor.numpy(), other[name].numpy())
