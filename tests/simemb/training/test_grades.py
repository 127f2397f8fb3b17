"""A reranker's scores of the candidates of every row: computed once, or those in the data."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from crossing import make_cross_encoder

from simemb.cli import main
from simemb.corpus.rows import Rows, open_rows
from simemb.encoder.encoder import Encoder
from simemb.encoder.reranker import CrossEncoder, load_reranker
from simemb.errors import DataError, RecipeError
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.training.dataset import TrainingData, load_training_data
from simemb.training.examples import open_examples
from simemb.training.fit import fit

OBJECTS = [
    {"query": "the red dog", "pos": ["a dog", "the dog eats"], "neg": ["a cat"]},
    {"query": "a man", "pos": ["the old man"], "neg": []},
    {"query": "the singer", "pos": ["a singer"], "neg": ["a boat", "the house", "a drum"]},
]
TRIPLETS = [("the red dog", "a dog", "a cat"), ("a man", "the old man", "a boat")]
TEXTS = [(row["query"], positive) for row in OBJECTS for positive in row["pos"]]
NEGATIVES = [(row["query"], negative) for row in OBJECTS for negative in row["neg"]]


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory, tiny_tokenizer: Any) -> Path:
    return make_cross_encoder(tmp_path_factory.mktemp("models") / "cross", tiny_tokenizer)


def recipe(name: str = "margin_mse", **fields: Any) -> Recipe:
    return replace(find(name), max_length=32, **fields)


def loaded(data: Any, base: Path, ours: Recipe) -> TrainingData:
    rows: Rows
    rows, _ = open_examples(ours, open_rows(data), None, delimiter=None, header=True)
    return load_training_data(ours, rows, Encoder.load(base), None, progress=False)


def test_every_text_has_its_score_with_its_own_anchor(tiny_base: Path, reranker: Path):
    data = loaded(OBJECTS, tiny_base, recipe(reranker=str(reranker)))
    judge = load_reranker(reranker)
    np.testing.assert_allclose(data.grades[1], judge.scores(TEXTS), atol=1e-5)
    np.testing.assert_allclose(data.grades[2], judge.scores(NEGATIVES), atol=1e-5)
    assert data.fingerprints == {"reranker": judge.fingerprint()}


def test_triplets_have_a_negative_each(tiny_base: Path, reranker: Path):
    data = loaded(TRIPLETS, tiny_base, recipe(reranker=str(reranker)))
    judge = load_reranker(reranker)
    np.testing.assert_allclose(data.grades[2], judge.scores([(a, n) for a, _, n in TRIPLETS]), atol=1e-5)


def test_scores_are_computed_once(tiny_base: Path, reranker: Path, monkeypatch: pytest.MonkeyPatch):
    ours = recipe(reranker=str(reranker))
    first = loaded(OBJECTS[1:], tiny_base, ours).grades
    with monkeypatch.context() as patch:
        patch.setattr(CrossEncoder, "scores", lambda *_: pytest.fail("computed again"))
        again = loaded(OBJECTS[1:], tiny_base, ours).grades
        with pytest.raises(BaseException, match="computed again"):
            loaded(OBJECTS[:2], tiny_base, ours)
    assert all(np.array_equal(first[column], again[column]) for column in (1, 2))


def test_scores_in_the_data_are_taken_first(tiny_base: Path, caplog: pytest.LogCaptureFixture):
    objects = [{**row, "scores": list(range(len(row["pos"]) + len(row["neg"])))} for row in OBJECTS]
    with caplog.at_level(logging.WARNING, "simemb"):
        data = loaded(objects, tiny_base, recipe())
    assert (data.grades[1].tolist(), data.grades[2].tolist()) == ([0, 1, 0, 0], [2, 1, 2, 3])
    assert data.fingerprints == {}
    assert "scores are those of column scores; no reranker is asked" in caplog.text
    assert "not used" not in caplog.text


@pytest.mark.parametrize("cross", [True, False])
def test_a_notice_says_whose_scores_are_learnt(
    cross: bool, tiny_base: Path, reranker: Path, caplog: pytest.LogCaptureFixture
):
    model = str(reranker if cross else tiny_base)
    with caplog.at_level(logging.INFO, "simemb"):
        loaded(TRIPLETS, tiny_base, recipe(reranker=model))
    what = "scores of this cross-encoder" if cross else "cosines of this encoder"
    assert f"has no scores, so {what} are learnt: {model}" in caplog.text
    assert ("--reranker MODEL names a cross-encoder" in caplog.text) is not cross


@pytest.mark.parametrize(
    ("data", "fields", "message"),
    [
        (
            TRIPLETS,
            {"reranker": None},
            "MarginMSE needs scores of a reranker: a column scores, pos_scores and neg",
        ),
        ([row[:2] for row in TRIPLETS], {}, r"MarginMSE needs a column of negatives .*simemb mine finds some"),
    ],
)
def test_data_that_lack_something_are_refused(data: Any, fields: Any, message: str, tiny_base: Path):
    with pytest.raises(DataError, match=message):
        loaded(data, tiny_base, recipe(**fields))


def test_parts_that_do_not_go_together_are_refused():
    with pytest.raises(RecipeError, match="--reranker scores candidates, which InfoNCE does not ask for"):
        replace(find("simcse_sup"), reranker="mini")
    with pytest.raises(RecipeError, match="MarginMSE compares a row's own candidates: give the recipe a view"):
        recipe(views=find("margin_mse").views[:2])


@pytest.mark.parametrize("name", ["margin_mse", "distil_reranker"])
def test_a_run_learns_the_order_of_the_scores(name: str, tiny_base: Path, tmp_path: Path):
    """After some steps on few rows the vectors order the candidates as the scores do, which was not so before."""
    objects = [{**row, "scores": [1.0, *(5.0 + n for n, _ in enumerate(row["neg"]))]} for row in OBJECTS if row["neg"]]
    objects = [{**row, "pos": row["pos"][:1]} for row in objects]
    ours = recipe(name, learning_rate=3e-3, max_steps=40, epochs=40, dropout=0.0, eval_every=40)
    encoder = fit(ours, tiny_base, objects, output=tmp_path / "run", dev="none", progress=False).encoder
    for row in objects:
        query, *texts = encoder.encode([row["query"], *row["pos"], *row["neg"]], normalize=name != "margin_mse")
        assert np.argsort(np.stack(texts) @ query).tolist() == list(range(len(texts)))


def test_the_command_line_names_a_reranker(tiny_base: Path, reranker: Path, triplets_file: Path, tmp_path: Path):
    words = ["train", "margin_mse", "--model", str(tiny_base), "--data", str(triplets_file), "--dev", "none"]
    words += ["--reranker", str(reranker), "--max-length", "32", "--max-steps", "2", "--output", str(tmp_path / "run")]
    assert main(words) == 0
    assert str(reranker) in (tmp_path / "run" / "recipe.json").read_text()
    assert main([*words[:-1], str(tmp_path / "other"), "--reranker", str(tmp_path / "none")]) == 2
