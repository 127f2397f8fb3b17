"""Every recipe in a short run, from its start to a saved model and on after a stop; a new file is found."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partialmethod
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from recipe_runs import STEPS, RecordedRun, assert_same_run, quick
from safetensors.torch import load_file

from simemb import (
    EMA,
    Adversarial,
    FeatureCutoff,
    Frozen,
    InfoNCE,
    MaskedLM,
    Projector,
    Queue,
    Repeat,
    SoftmaxNLI,
    Twin,
    View,
    evaluate,
)
from simemb.cookbook import RECIPES, names
from simemb.corpus.rows import open_rows
from simemb.encoder.encoder import Encoder
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.training.fit import fit
from simemb.training.trainer import Trainer

NAMES = names(RECIPES)
TEXTS = ["the red dog eats a ball", "a cat", "the old singer paints a boat", "", "the child finds a red apple"]

triplets, moco = find("simcse_sup"), find("moco_v1")
COMBINATIONS = {
    "five parts of five papers": replace(
        triplets,
        views=(
            triplets.views[0],
            replace(triplets.views[1], augment=(Repeat(unit="word"), FeatureCutoff())),
            triplets.views[2],
        ),
        objective=InfoNCE(hard_negative_weight=0.5),
        memory=Queue(size=20),
        auxiliaries=(MaskedLM(),),
    ),
    "a queue in chunks": replace(moco, chunk=3),
    "a bank in chunks": replace(find("instdisc"), chunk=5),
    "several auxiliaries in chunks": replace(
        triplets, auxiliaries=(MaskedLM(0.1), SoftmaxNLI(0.5, 2), MaskedLM(0.2, 0.4)), chunk=5
    ),
    "an attack": replace(find("consert"), views=(View(augment=(FeatureCutoff(), Adversarial())), View())),
    "two towers in chunks": replace(find("two_tower"), target=Twin(), chunk=3),
    "accumulated": replace(find("esimcse"), accumulate=2),
    "one mask": replace(find("simcse"), fixed_dropout=True),
}
ALL = [*NAMES, *COMBINATIONS]


@pytest.fixture(scope="module")
def data_for(
    sentences_file: Path, triplets_file: Path, dev_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Recipe], Path]:
    """A file that suits a recipe; any sentences will do as running text, and their last words as classes."""
    classes = tmp_path_factory.mktemp("texts") / "classes.tsv"
    texts = sentences_file.read_text(encoding="utf-8").splitlines()
    classes.write_text("text\tlabel\n" + "".join(f"{text}\t{text.split()[-1]}\n" for text in texts))

    def choose(recipe: Recipe) -> Path:
        if recipe.classed:
            return classes
        if recipe.objective is not None and recipe.objective.scored:
            return dev_file
        return sentences_file if recipe.columns == 1 else triplets_file

    return choose


def observed(trainer: Trainer, observe: Callable[..., None], real: Callable[..., None], argument: Any) -> None:
    observe(trainer, real, argument)


@pytest.fixture(scope="module")
def trained(
    tiny_base: Path, data_for: Callable[[Recipe], Path], dev_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], RecordedRun]:
    """Trains each recipe once for all tests of this file."""
    runs: dict[str, RecordedRun] = {}

    def train(name: str) -> RecordedRun:
        if name not in runs:
            recipe = quick(COMBINATIONS.get(name) or find(name), tiny_base)
            folder = tmp_path_factory.mktemp("recipes")
            run = RecordedRun(recipe, folder / "whole", folder / "half", data_for(recipe))
            with pytest.MonkeyPatch.context() as patch:
                for name_of, observe in (("_step", run.step), ("_update", run.update), ("_evaluate", run.evaluate)):
                    patch.setattr(Trainer, name_of, partialmethod(observed, observe, getattr(Trainer, name_of)))
                run.result = fit(recipe, tiny_base, run.data, output=run.directory, dev=dev_file)
            runs[name] = run
        return runs[name]

    return train


@pytest.mark.parametrize("name", ALL)
def test_losses_and_signals_are_finite(name: str, trained: Callable[[str], RecordedRun]):
    run = trained(name)
    assert run.result.steps == STEPS
    records = [json.loads(line) for line in (run.directory / "metrics.jsonl").read_text().splitlines()]
    (first,) = [record for record in records if "loss" in record]
    expected = {"loss", "learning_rate", "sentences_per_second"}
    if run.recipe.objective is not None:
        expected |= {"contrast", "accuracy", "positive", "negative", "collapse", "uniformity"}
    expected |= {f"auxiliary_{number}" for number in range(len(run.recipe.auxiliaries))}
    assert first.keys() == {"step", *expected}
    if len(run.recipe.views) == 1 and run.recipe.classed:  # there is no key to find
        assert (first.pop("accuracy"), first.pop("positive")) == (None, None)
    assert all(np.isfinite(number) for number in first.values())  # a number that is not finite is written as null
    assert all(tensor.isfinite().all() for tensor in run.after.values() if tensor.is_floating_point())


def cancelled(method: torch.nn.Module) -> set[str]:
    """The biases that have no gradient in exact arithmetic: whether they move is left to rounding.

    A key's bias adds the same to all scores of a softmax, and batch norm subtracts what is added to every row: the
    bias of the linear layer before it, and through the first layer of a head that of the encoder's last LayerNorm.
    """
    biases = {name for name, _ in method.named_parameters() if name.endswith("attention.self.key.bias")}
    leaves = [(name, module) for name, module in method.named_modules() if not any(module.children())]
    for (name, _), (after, module) in pairwise(leaves):
        if isinstance(module, torch.nn.BatchNorm1d):
            biases.add(f"{name}.bias")
            if after == "head.1":
                biases.add("encoder.backbone.encoder.layer.1.output.LayerNorm.bias")
    return biases


@pytest.mark.parametrize("name", ALL)
def test_what_learns_has_a_gradient_and_moves(name: str, trained: Callable[[str], RecordedRun]):
    run = trained(name)
    learning = {name for name, parameter in run.trainer.method.named_parameters() if parameter.requires_grad}
    moved = {name for name in run.after if not torch.equal(run.after[name], run.before[name])}
    rounding = cancelled(run.trainer.method)
    assert learning - run.with_gradient - rounding == set()
    assert learning - moved - rounding == set()
    kept = {name for name in learning - rounding if name.startswith("encoder.")}
    assert len(kept) > 30


@pytest.mark.parametrize("name", ALL)
def test_what_does_not_learn_moves_only_as_it_should(name: str, trained: Callable[[str], RecordedRun], tiny_base: Path):
    run = trained(name)
    method, target = run.trainer.method, run.recipe.target
    assert method.second is None or isinstance(target, EMA | Twin)
    assert (method.second is not None) == isinstance(target, EMA | Twin)
    assert run.misplaced == []
    if isinstance(target, EMA):
        assert not any(name.startswith("second.") for name in run.with_gradient)
        assert not any(parameter.requires_grad for parameter in method.second.parameters())
        assert any(not torch.equal(run.after[name], run.before[name]) for name in run.after if "second." in name)
    for vectors_by_column in (run.trainer.loader.data.teacher_vectors, run.trainer.loader.data.guide_vectors):
        for column, vectors in vectors_by_column.items():
            texts = [row[column] for row in open_rows(run.data).texts()]
            # other batches, so other sums: components of up to 3 differ in float32's last digits
            np.testing.assert_allclose(vectors, Encoder.load(tiny_base).encode(texts), atol=1e-5)
    assert bool(run.trainer.loader.data.teacher_vectors) == isinstance(target, Frozen)
    assert bool(run.trainer.loader.data.guide_vectors) == (run.recipe.guide is not None)


@pytest.mark.parametrize("name", ALL)
def test_a_memory_holds_what_the_steps_brought(name: str, trained: Callable[[str], RecordedRun]):
    run = trained(name)
    if "memory.count" in run.after:
        assert int(run.after["memory.count"]) - int(run.before["memory.count"]) >= 8 * STEPS
        assert not torch.equal(run.after["memory.keys"], run.before["memory.keys"])
    elif "memory.rows" in run.after:
        moved = (run.after["memory.rows"] != run.before["memory.rows"]).any(dim=1)
        drawn = {
            row for step in range(STEPS) for examples in run.trainer.loader.step(step) for row in examples.rows.tolist()
        }
        assert set(moved.nonzero().flatten().tolist()) == drawn
    else:
        assert run.recipe.memory is None


@pytest.mark.parametrize("name", ALL)
def test_what_is_saved_loads_in_sentence_transformers_with_the_same_vectors(
    name: str, trained: Callable[[str], RecordedRun]
):
    from sentence_transformers import SentenceTransformer

    run = trained(name)
    vectors = run.result.encoder.encode(TEXTS)
    theirs = SentenceTransformer(str(run.directory / "best"), device="cpu")
    np.testing.assert_allclose(theirs.encode(TEXTS, show_progress_bar=False), vectors, atol=1e-5)
    np.testing.assert_array_equal(Encoder.load(run.directory).encode(TEXTS), vectors)
    twin = run.directory / "twin"
    assert twin.exists() == isinstance(run.recipe.target, Twin)
    if twin.exists():
        theirs = SentenceTransformer(str(twin), device="cpu").encode(TEXTS, show_progress_bar=False)
        np.testing.assert_allclose(theirs, Encoder.load(twin).encode(TEXTS), atol=1e-5)
        assert not np.allclose(theirs, vectors, atol=1e-4)


@pytest.mark.parametrize("name", ALL)
def test_a_train_only_head_is_dropped_and_what_is_kept_is_saved_as_the_same_weights(
    name: str, trained: Callable[[str], RecordedRun]
):
    run = trained(name)
    kept = int(getattr(run.recipe.head, "keep", 0))
    folders = sorted(path for path in (run.directory / "best").iterdir() if path.name.endswith("_Dense"))
    assert len(folders) == kept
    tail = run.tails[run.result.best_step]
    assert tail.keys() == {f"{place}.linear.{part}" for place in range(kept) for part in ("weight", "bias")}
    for place, folder in enumerate(folders):
        saved = load_file(folder / "model.safetensors")
        assert saved.keys() == {"linear.weight", "linear.bias"}
        assert all(torch.equal(tensor, tail[f"{place}.{key}"]) for key, tensor in saved.items())
    layers = {None: 0, Projector: 1}.get(type(run.recipe.head) if run.recipe.head else None)
    layers = run.recipe.head.layers if layers is None else layers
    dropped = [key for key, weight in run.after.items() if key.startswith("head.") and weight.ndim == 2]
    assert len(dropped) == layers - kept + bool(getattr(run.recipe.head, "prototypes", None))


@pytest.mark.parametrize("name", ALL)
def test_nothing_of_the_training_stays_on_the_encoder(name: str, trained: Callable[[str], RecordedRun]):
    run = trained(name)
    encoder = run.result.encoder
    second = run.trainer.method.second
    for module in [*encoder.modules(), *(second.encoder.modules() if second else [])]:
        for kind in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"):
            assert not getattr(module, kind)
    assert not any(module.training for module in encoder.modules())
    assert encoder._transforms == []


@pytest.mark.parametrize("name", ALL)
def test_the_dev_score_of_the_best_checkpoint_can_be_had_again(
    name: str, trained: Callable[[str], RecordedRun], dev_file: Path
):
    run = trained(name)
    assert evaluate(Encoder.load(run.directory), dev_file).average == run.result.after.average


@pytest.mark.parametrize("name", ALL)
def test_a_run_that_was_stopped_half_way_goes_on_bit_for_bit(
    name: str, trained: Callable[[str], RecordedRun], tiny_base: Path, dev_file: Path
):
    run = trained(name)
    result = fit(run.recipe, tiny_base, run.data, output=run.half, dev=dev_file, resume=True)
    assert result.steps == STEPS
    assert_same_run(run.directory, run.half)


def test_the_state_of_a_run_holds_all_that_is_remembered(trained: Callable[[str], RecordedRun]):
    """The parts that a resumed run needs, by name, so that a part that is no longer saved is noticed."""
    for name, parts in {
        "esimcse": ("memory.keys", "memory.texts", "memory.count", "second.encoder.backbone.embeddings"),
        "instdisc": ("memory.rows", "objective.log_normalizer"),
        "dino": ("objective.center", "second.head"),
        "byol": ("predictor.", "second.head.1.running_mean", "head.1.num_batches_tracked"),
        "two_tower": ("objective.log_scale",),
        "cmc": ("second.encoder", "second.head"),
        "simcse_mlm": ("auxiliaries.0",),
        "consert_joint": ("auxiliaries.0.classifier",),
    }.items():
        held = load_file(trained(name).directory / "last" / "state.safetensors").keys()
        for part in parts:
            assert any(key.startswith(f"method.{part}") for key in held), (name, part)
