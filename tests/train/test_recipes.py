"""Every recipe there is: its numbers, and a short run of it from start to saved model. A new file is found."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from simemb import InfoNCE, MaskedLM, Projector, View
from simemb.directory import load
from simemb.loader import Loader
from simemb.method import Method
from simemb.recipe import Recipe, find
from simemb.registry import RECIPES, names
from simemb.rows import open_rows
from simemb.tokens import token_table
from simemb.training import fit

NAMES = names(RECIPES)
TEXTS = ["the red dog eats a ball", "a cat", "the old singer paints a boat", "", "the child finds a red apple"]


def quick(recipe: Recipe) -> Recipe:
    return replace(recipe, batch_size=8, max_steps=3, learning_rate=1e-3, eval_every=2)


@pytest.fixture
def train(
    tiny_base: Path, sentences_file: Path, triplets_file: Path, dev_file: Path, tmp_path: Path
) -> Callable[..., Any]:
    """Three steps of a recipe."""

    def run(recipe: str | Recipe, **options: Any) -> Any:
        found = find(recipe) if isinstance(recipe, str) else recipe
        data = sentences_file if found.columns == 1 else triplets_file
        return fit(quick(found), tiny_base, data, **{"output": tmp_path / "run", "dev": dev_file, **options})

    return run


# ---- the numbers of princeton-nlp/SimCSE ---------------------------------------------------------


def test_the_numbers_that_all_three_share():
    for name in ("simcse", "simcse_sup", "simcse_mlm"):
        recipe = find(name)
        assert (recipe.max_length, recipe.pooling, recipe.dropout) == (32, "cls", None)
        assert recipe.objective == InfoNCE(temperature=0.05, hard_negative_weight=0.0)
        assert (recipe.warmup, recipe.schedule, recipe.weight_decay) == (0.0, "linear", 0.0)
        assert (recipe.betas, recipe.epsilon, recipe.max_grad_norm) == ((0.9, 0.999), 1e-8, 1.0)
        assert (recipe.eval_every, recipe.accumulate, recipe.patience, recipe.max_steps) == (125, 1, None, None)


def test_simcse_has_the_numbers_of_run_unsup():
    recipe = find("simcse")
    assert (recipe.batch_size, recipe.learning_rate, recipe.epochs) == (64, 3e-5, 1)
    assert recipe.views == (View(column=0, target=False), View(column=0, online=False))
    assert recipe.head == Projector(activation="tanh", keep=False)
    assert recipe.auxiliaries == ()


def test_simcse_sup_has_the_numbers_of_run_sup():
    recipe = find("simcse_sup")
    assert (recipe.batch_size, recipe.learning_rate, recipe.epochs) == (512, 5e-5, 3)
    assert [(view.column, view.negative) for view in recipe.views] == [(0, False), (1, False), (2, True)]
    assert recipe.head == Projector(activation="tanh", keep=True)


def test_simcse_mlm_is_simcse_with_a_tenth_of_masked_language_modelling():
    recipe = find("simcse_mlm")
    assert recipe.auxiliaries == (MaskedLM(weight=0.1, probability=0.15),)
    assert replace(recipe, auxiliaries=()) == find("simcse")


class Rows(list[int]):
    """A table of which only the size matters."""

    def ids(self, column: int, rows: Sequence[int]) -> list[Any]:
        return [np.full(2, column, np.int32) for _ in rows]


@pytest.mark.parametrize(("rows", "name", "steps"), [(1_000_000, "simcse", 15_625), (275_601, "simcse_sup", 1_617)])
def test_the_steps_are_those_of_the_paper_with_the_last_partial_batch(rows: int, name: str, steps: int):
    recipe = find(name)
    assert Loader(Rows(range(rows)), recipe, recipe.views, seed=1, rank=0, world=1).steps == steps


# ---- every recipe, for real ----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_move_and_stay_finite(name: str, tiny_base: Path, sentences_file: Path, triplets_file: Path):
    recipe = quick(find(name))
    rows = open_rows(sentences_file if recipe.columns == 1 else triplets_file)
    encoder = load(tiny_base, pooling="cls")
    method = Method(recipe, encoder, columns=len(rows.columns), seed=1).train()
    table = token_table(rows, encoder.tokenizer, max_length=32)
    loader = Loader(table, recipe, method.views, seed=1, rank=0, world=1)
    before = {name: parameter.detach().clone() for name, parameter in method.named_parameters()}
    optimizer = torch.optim.AdamW(method.parameters(), lr=1e-3)
    for step in range(3):
        for batch in loader.step(step):
            loss, watched = method(batch)
            loss.backward()
        assert torch.isfinite(loss)
        assert all(torch.isfinite(value) for value in watched.values())
        optimizer.step()
        optimizer.zero_grad()
    unmoved = [name for name, parameter in method.named_parameters() if torch.equal(parameter, before[name])]
    assert not unmoved
    assert all(torch.isfinite(parameter).all() for parameter in method.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_what_is_saved_loads_in_sentence_transformers_with_the_same_vectors(
    name: str, train: Callable[..., Any], tmp_path: Path
):
    from sentence_transformers import SentenceTransformer

    vectors = train(name).encoder.encode(TEXTS)
    theirs = SentenceTransformer(str(tmp_path / "run" / "best"), device="cpu")
    np.testing.assert_allclose(theirs.encode(TEXTS, show_progress_bar=False), vectors, atol=1e-5)
    np.testing.assert_array_equal(load(tmp_path / "run").encode(TEXTS), vectors)


@pytest.mark.parametrize("name", NAMES)
def test_a_train_only_head_is_dropped_and_a_kept_one_is_saved_as_the_same_weights(
    name: str, train: Callable[..., Any], tmp_path: Path
):
    recipe = find(name)
    train(name, dev="none")  # best/ is the last step, as last/ is
    folders = [path for path in (tmp_path / "run" / "best").iterdir() if path.name.endswith("_Dense")]
    state = load_file(tmp_path / "run" / "last" / "state.safetensors")
    heads = {key: tensor for key, tensor in state.items() if "tail" in key or key.startswith("method.head")}
    if recipe.head is None:
        assert not folders
    elif not recipe.head.keep:
        assert not folders
        assert {key.split(".")[1] for key in heads} == {"head"}
    else:
        (folder,) = folders
        saved = load_file(folder / "model.safetensors")
        assert saved.keys() == {"linear.weight", "linear.bias"}
        assert all(torch.equal(tensor, state[f"method.encoder.tail.0.{key}"]) for key, tensor in saved.items())


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_the_training_stays_on_the_encoder(name: str, train: Callable[..., Any]):
    encoder = train(name).encoder
    hooks = [
        hook
        for module in encoder.modules()
        for kind in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
        for hook in getattr(module, kind).values()
    ]
    assert not hooks
    assert not any(module.training for module in encoder.modules())
    assert encoder._transforms == []


@pytest.mark.parametrize("name", NAMES)
def test_the_dev_score_of_the_best_checkpoint_can_be_had_again(
    name: str, train: Callable[..., Any], dev_file: Path, tmp_path: Path
):
    from simemb import evaluate

    result = train(name)
    assert evaluate(load(tmp_path / "run"), dev_file).average == result.after.average


def test_pairs_train_simcse_sup_without_hard_negatives(
    tiny_base: Path, triplets_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("".join(line.rpartition("\t")[0] + "\n" for line in triplets_file.read_text().splitlines()))
    with caplog.at_level("INFO", "simemb"):
        result = fit(quick(find("simcse_sup")), tiny_base, pairs, output=tmp_path / "run", dev="none")
    assert result.steps == 3
    assert "has no column of negatives, so there are no hard negatives" in caplog.text


def test_a_recipe_in_a_file_of_ones_own_trains_saves_and_resumes(
    tiny_base: Path, sentences_file: Path, dev_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from simemb.cli import main

    mine = tmp_path / "mine.py"
    mine.write_text(
        "from dataclasses import replace\n\n"
        "from simemb import InfoNCE\n"
        "from simemb.train.simcse import recipe as simcse\n\n"
        "recipe = replace(simcse, head=None, objective=InfoNCE(0.1), pooling='mean')\n"
    )
    monkeypatch.chdir(tmp_path)
    words = ["train", "./mine.py", "--model", str(tiny_base), "--data", str(sentences_file), "--dev", str(dev_file)]
    words += ["--output", "run", "--batch-size", "8", "--max-steps", "4", "--eval-every", "2"]
    assert main(words) == 0
    state = (tmp_path / "run" / "last" / "state.safetensors").read_bytes()
    assert load(tmp_path / "run").pooling == "mean"
    assert main([*words, "--resume"]) == 0
    assert (tmp_path / "run" / "last" / "state.safetensors").read_bytes() == state
