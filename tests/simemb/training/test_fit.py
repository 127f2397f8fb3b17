"""`fit` as a whole: what it returns, keeps, refuses and leaves behind."""

import importlib.util
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from families import make_odd
from safetensors.torch import load_file

from simemb import ranks
from simemb.encoder.encoder import Encoder
from simemb.errors import ArgumentError, DataError, RecipeError, SimembError, TrainingError
from simemb.evaluation.evaluate import evaluate
from simemb.evaluation.evaluate import find as find_suite
from simemb.method.auxiliaries import MaskedLM, SoftmaxNLI
from simemb.method.heads import Projector
from simemb.method.method import Method
from simemb.method.objectives import FalseNegatives, InfoNCE, Regression
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.method.targets import Frozen, Twin
from simemb.method.views import View
from simemb.training.choices import check_choices
from simemb.training.fit import fit
from simemb.training.materials import sample_for
from simemb.transformer import cpu_bf16

GUIDED = InfoNCE(false_negatives=FalseNegatives(0.9, guided=True))
SMALL = {"batch_size": 16, "learning_rate": 1e-3, "eval_every": 2}
VERBS, THINGS = ("sees", "eats", "plays", "likes"), ("guitar", "apple", "ball", "house", "boat")
TEXTS = ["the red dog eats a ball", "a cat", "the old singer paints a boat"]


def recipe(name: str = "simcse", **fields: Any) -> Recipe:
    return replace(find(name), **{**SMALL, **fields})


@pytest.fixture
def train(tiny_base: Path, sentences_file: Path, dev_file: Path, tmp_path: Path) -> Callable[..., Any]:
    """`fit` on the tiny model, to `run` in the test's folder."""

    def run(ours: Any = None, model: Any = None, data: Any = None, **options: Any) -> Any:
        options = {"output": tmp_path / "run", "dev": dev_file, **options}
        return fit(ours or recipe(), model or tiny_base, data or sentences_file, **options)

    return run


def metrics(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]


def tensors(directory: Path) -> dict[str, torch.Tensor]:
    return load_file(directory / "best" / "model.safetensors")


# ---- what a run gives ----------------------------------------------------------------------------


def test_the_result_is_the_best_checkpoint_on_the_disk(train: Callable[..., Any], dev_file: Path, tmp_path: Path):
    result = train()
    assert {path.name for path in (tmp_path / "run").iterdir()} >= {"recipe.json", "metrics.jsonl", "best", "last"}
    np.testing.assert_array_equal(result.encoder.encode(TEXTS), Encoder.load(tmp_path / "run").encode(TEXTS))
    assert not result.encoder.training
    scores = evaluate(Encoder.load(tmp_path / "run"), dev_file)
    assert result.after.average.all.spearman == scores.average.all.spearman
    assert result.steps == 6
    assert result.seconds > 0
    assert result.sentences_per_second == pytest.approx(2 * 90 / result.seconds)


@pytest.mark.parametrize("metric", ["spearman", "pearson"])
def test_the_best_checkpoint_is_the_one_with_the_best_score(metric: str, train: Callable[..., Any], tmp_path: Path):
    result = train(recipe(eval_every=1, learning_rate=5e-3), metric=metric)
    scores = {r["step"]: r[f"dev_{metric}"] for r in metrics(tmp_path / "run") if f"dev_{metric}" in r and r["step"]}
    assert list(scores) == [1, 2, 3, 4, 5, 6]
    assert result.best_step == max(scores, key=scores.__getitem__)
    assert getattr(result.after.average.all, metric) == pytest.approx(max(scores.values()), abs=1e-9)


def test_fields_of_the_recipe_are_arguments_too(train: Callable[..., Any], tmp_path: Path):
    train(recipe(), batch_size=4, max_steps=2, objective=InfoNCE(0.1))
    told = Recipe.from_json(json.loads((tmp_path / "run" / "recipe.json").read_text())["recipe"])
    assert told == recipe(batch_size=4, max_steps=2, objective=InfoNCE(0.1))
    train(resume=True, batch_size=4, max_steps=2, objective=InfoNCE(0.1))
    with pytest.raises(ArgumentError, match=r"^unknown argument of fit\(\) 'batchsize': did you mean 'batch_size'\?"):
        train(batchsize=4)
    with pytest.raises(RecipeError, match="--batch-size must be at least 1"):
        train(batch_size=0)


def test_the_metrics_hold_the_base_every_evaluation_and_what_is_watched(train: Callable[..., Any], tmp_path: Path):
    result = train()
    records = metrics(tmp_path / "run")
    assert records[0]["step"] == 0
    assert records[0]["dev_spearman"] == result.before.average.all.spearman
    assert [r["step"] for r in records if "dev_spearman" in r] == [0, 2, 4, 6]
    first = next(r for r in records if "loss" in r)
    assert {"loss", "contrast", "accuracy", "positive", "negative", "uniformity", "learning_rate"} <= set(first)
    assert first["learning_rate"] == pytest.approx(1e-3)
    assert {"alignment", "dev_uniformity"} <= set(records[0])


def test_the_recipe_json_reproduces_the_run(train: Callable[..., Any], tmp_path: Path):
    from simemb.cli import main

    train(recipe("simcse", dropout=0.2), seed=5)
    words = ["train", str(tmp_path / "run" / "recipe.json"), "--output", str(tmp_path / "again")]
    assert main(words) == 0
    one, again = tensors(tmp_path / "run"), tensors(tmp_path / "again")
    assert all(torch.equal(tensor, again[name]) for name, tensor in one.items())


def test_the_same_seed_gives_the_same_bits_and_another_seed_other_weights(train: Callable[..., Any], tmp_path: Path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        torch.manual_seed(hash(name))  # what the caller did before does not matter
        train(output=tmp_path / name, seed=seed)
    one, again, other = (tensors(tmp_path / name) for name in "abc")
    assert all(torch.equal(tensor, again[name]) for name, tensor in one.items())
    assert not all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@pytest.mark.parametrize("name", ["simcse", "simcse_sup", "simcse_mlm"])
def test_the_callers_random_state_is_left_as_it_was(
    name: str, train: Callable[..., Any], triplets_file: Path, tmp_path: Path
):
    torch.manual_seed(123)
    before = torch.get_rng_state()
    train(recipe(name), data=triplets_file)
    train(recipe(name), model=tmp_path / "run", data=triplets_file, output=tmp_path / "further")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["cmc", "distil", "denoise"])
def test_another_encoder_beside_the_first_leaves_the_callers_random_state_alone_too(
    name: str, train: Callable[..., Any], triplets_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))  # teacher and guide have seen nothing yet
    other = str(tmp_path / "other")
    train(recipe("simcse_sup", max_steps=1), data=triplets_file, output=other)  # to load its kept head draws weights
    changes = {"cmc": {"target": Twin(other)}, "distil": {"target": Frozen(other)}, "denoise": {"guide": other}}
    torch.manual_seed(123)
    before = torch.get_rng_state()
    train(recipe(name, max_steps=1, **changes[name]))
    assert torch.equal(torch.get_rng_state(), before)


def test_an_encoder_is_trained_in_place(train: Callable[..., Any], tiny_base: Path):
    encoder = Encoder.load(tiny_base, pooling="mean")
    before = encoder.encode(TEXTS)
    result = train(model=encoder)
    assert result.encoder is encoder
    assert encoder.pooling == "mean"
    assert not np.array_equal(encoder.encode(TEXTS), before)


@pytest.mark.parametrize(("asked", "expected"), [(None, "cls"), ("mean", "mean"), ("max", "max")])
def test_a_bare_checkpoint_gets_the_pooling_of_the_recipe_unless_asked(
    asked: str | None, expected: str, train: Callable[..., Any], tmp_path: Path
):
    train(pooling=asked)
    assert Encoder.load(tmp_path / "run").pooling == expected


def test_training_texts_are_cut_and_dev_texts_are_not(train: Callable[..., Any], dev_file: Path, tiny_base: Path):
    result = train(recipe(max_length=4))
    assert result.before.average.all.spearman == pytest.approx(
        evaluate(Encoder.load(tiny_base, pooling="cls"), dev_file).average.all.spearman
    )
    assert result.encoder.max_length == 48


def test_a_language_model_keeps_its_head_and_hands_it_on(
    train: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    from transformers import AutoModelForMaskedLM

    train(recipe("mlm"), dev="none")
    model, report = AutoModelForMaskedLM.from_pretrained(tmp_path / "run" / "best", output_loading_info=True)
    assert not report["missing_keys"]
    state = load_file(tmp_path / "run" / "last" / "state.safetensors")
    learnt = {
        key: state[f"method.auxiliaries.0.head.model.{key}"] for key in ("cls.predictions.transform.dense.weight",)
    }
    assert all(torch.equal(model.state_dict()[key], tensor) for key, tensor in learnt.items())
    with caplog.at_level(logging.WARNING, "simemb"):
        train(recipe("simcse_mlm"), model=tmp_path / "run", output=tmp_path / "further", dev="none")
    assert "fresh" not in caplog.text


@pytest.mark.parametrize("tied", [True, False])
def test_the_output_matrix_is_saved_as_it_was_learnt_and_learns_on_from_there(
    tied: bool, train: Callable[..., Any], tmp_path: Path
):
    from transformers import AutoModelForMaskedLM

    train(recipe("mlm", auxiliaries=(MaskedLM(weight=1.0, tied=tied),)), dev="none")
    model, report = AutoModelForMaskedLM.from_pretrained(tmp_path / "run" / "best", output_loading_info=True)
    assert not report["missing_keys"]
    words, output = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    assert torch.equal(words, output) is tied
    state = load_file(tmp_path / "run" / "last" / "state.safetensors")
    assert torch.equal(words, state["method.encoder.backbone.embeddings.word_embeddings.weight"])
    learnt = "method.auxiliaries.0.head.model.cls.predictions.decoder.weight"
    assert (learnt in state) is not tied
    assert tied or torch.equal(output, state[learnt])
    further = recipe("mlm", auxiliaries=(MaskedLM(weight=1.0, tied=True),), max_steps=1)
    train(further, model=tmp_path / "run", output=tmp_path / "further", dev="none")
    model = AutoModelForMaskedLM.from_pretrained(tmp_path / "further" / "best")
    assert torch.equal(model.get_input_embeddings().weight, model.get_output_embeddings().weight)


def test_a_twin_is_saved_beside_the_best_encoder_at_the_same_step(
    train: Callable[..., Any], tiny_base: Path, tmp_path: Path
):
    ours = recipe("cmc", target=Twin(str(tiny_base)), learning_rate=5e-3, eval_every=1)
    result = train(ours)
    first, second = (Encoder.load(tmp_path / "run" / name) for name in ("best", "twin"))
    assert second.pooling == first.pooling == "cls"
    assert not np.allclose(first.encode(TEXTS), second.encode(TEXTS), atol=1e-3)
    assert not np.allclose(second.encode(TEXTS), Encoder.load(tiny_base, pooling="cls").encode(TEXTS), atol=1e-3)
    for name in ("best", "twin"):
        assert f"step {result.best_step}" in (tmp_path / "run" / name / "README.md").read_text()


def test_nested_sizes_are_recorded_with_the_encoder(train: Callable[..., Any], triplets_file: Path, tmp_path: Path):
    ours = recipe("matryoshka")
    train(replace(ours, objective=replace(ours.objective, dims=(8, 32))), data=triplets_file)
    assert Encoder.load(tmp_path / "run").sizes == (8, 32)


def test_labeled_pairs_train_a_classifier_beside_the_contrast(train: Callable[..., Any], tmp_path: Path):
    data = tmp_path / "nli.tsv"
    rows = [f"the cat {verb} a {thing}\ta cat {verb}\t{len(verb + thing) % 3}" for verb in VERBS for thing in THINGS]
    data.write_text("premise\thypothesis\tlabel\n" + "\n".join(rows) + "\n")
    views = (View(target=False), View(online=False), View(1, online=False, target=False))
    ours = recipe(views=views, auxiliaries=(SoftmaxNLI(),), max_steps=2)
    assert train(ours, data=data, dev="none").steps == 2
    data.write_text(data.read_text().replace("\t0\n", "\t7\n"))
    with pytest.raises(DataError, match=r"column label holds 7: allowed are 0 to 2, or entailment"):
        train(ours, data=data, dev="none", overwrite=True)


@pytest.mark.parametrize(
    ("name", "corpus"),
    [
        ("simcse", "sample"),
        ("simcse_sup", "sample_triplets"),
        ("cpc", "sample_stories"),
        ("cosent", "sample_pairs"),
        ("supcon", "sample_classes"),
    ],
)
def test_every_kind_of_recipe_has_a_bundled_corpus_to_be_tried_on(name: str, corpus: str):
    assert sample_for(find(name)) == corpus


# ---- dev suites ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ours", [Recipe((View(),), auxiliaries=(MaskedLM(),)), Recipe((View(), View()), Regression())])
def test_what_needs_no_other_sentences_learns_from_a_single_one(ours: Recipe, train: Callable[..., Any]):
    data = ["the red dog eats a ball and the cat sees a red house"]
    assert train(replace(ours, epochs=3), data=data, dev="none").steps == 3


def test_without_a_dev_suite_the_last_checkpoint_is_kept(train: Callable[..., Any], tmp_path: Path):
    result = train(dev="none")
    assert (result.before, result.after, result.best_step) == (None, None, 6)
    last = load_file(tmp_path / "run" / "last" / "state.safetensors")
    best = tensors(tmp_path / "run")
    name = "encoder.layer.1.output.dense.weight"
    assert torch.equal(best[name], last[f"method.encoder.backbone.{name}"])
    assert "none" in (tmp_path / "run" / "recipe.json").read_text()


def test_a_recipe_may_keep_the_last_checkpoint_whatever_its_score(train: Callable[..., Any]):
    result = train(recipe(keep="last", learning_rate=5e-3, eval_every=1))
    assert result.best_step == result.steps == 6


def test_where_stsb_is_not_at_hand_the_run_goes_on_without_and_says_so(
    train: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("SIMEMB_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("SIMEMB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with caplog.at_level(logging.WARNING, "simemb"):
        result = train(dev=None)
    assert result.after is None
    assert "no evaluation while training, the last checkpoint is kept" in caplog.text


def test_stsb_dev_is_the_default(train: Callable[..., Any], shared_data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SIMEMB_DATA", str(shared_data))
    result = train(recipe(eval_every=99), dev=None)
    assert result.after.suite == "stsb_dev"
    assert result.after.tasks["stsb_dev" if "stsb_dev" in result.after.tasks else "stsb"].pairs == 1500


def test_a_run_on_the_sample_is_scored_on_pairs_by_people_too(
    train: Callable[..., Any], shared_data: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SIMEMB_DATA", str(shared_data))
    result = train(recipe(max_steps=2), data="sample", dev=None)
    assert (result.before.suite, result.after.suite) == ("sample_dev", "sample_dev")
    assert (result.control_before.suite, result.control_after.suite) == ("stsb_dev", "stsb_dev")
    assert result.control_before.points != result.control_after.points
    assert result.control_after.points == evaluate(result.encoder, "stsb_dev").points


@pytest.mark.parametrize("data", ["sample", None])
def test_without_such_pairs_at_hand_nothing_is_downloaded_for_them(
    data: str | None, train: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("SIMEMB_DATA", raising=False)
    monkeypatch.setattr("simemb.corpus.sources._from_hub", lambda *_: pytest.fail("went to the hub"))
    dev = {"dev": None} if data else {}
    result = train(recipe(max_steps=2), data=data, **dev)
    assert result.control_before is result.control_after is None


def test_a_suite_object_is_a_dev_suite_and_is_recorded_by_name(
    train: Callable[..., Any], dev_file: Path, tmp_path: Path
):
    suite = find_suite(dev_file)
    assert train(dev=suite).after.suite == "dev"
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["run"]["dev"] == "dev"


def test_a_dev_file_without_positives_of_four_still_chooses(train: Callable[..., Any], tmp_path: Path):
    dev = tmp_path / "unit.tsv"
    rows = [f"{score}\t{first}\t{second}" for score, first, second in ((0.1, "a cat", "the dog"), (0.9, "a", "the"))]
    dev.write_text("score\tsentence1\tsentence2\n" + "\n".join([*rows, "0.5\tthe red cat\tthe cat"]) + "\n")
    assert train(dev=dev).best_step > 0


def test_patience_stops_a_run_that_gets_no_better(train: Callable[..., Any], tmp_path: Path):
    result = train(recipe(epochs=50, patience=2, learning_rate=1e-9, eval_every=1, max_steps=40))
    assert result.steps < 40
    assert result.steps == result.best_step + 2


# ---- what goes wrong -----------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_checkpoint(
    train: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real = Method.forward
    state = tmp_path / "run" / "last" / "state.safetensors"
    kept: dict[str, bytes] = {}
    calls = 0

    def forward(self: Method, batch: Any) -> Any:
        nonlocal calls
        calls += 1
        loss, signals = real(self, batch)
        if calls == 6:
            kept["state"] = state.read_bytes()
        return (loss * float("nan") if calls == 6 else loss), signals

    monkeypatch.setattr(Method, "forward", forward)
    with pytest.raises(TrainingError, match="the loss is nan at step 6"):
        train()
    assert state.read_bytes() == kept["state"]
    assert (tmp_path / "run" / "best" / "model.safetensors").exists()
    monkeypatch.undo()
    assert train(resume=True).steps == 6


def test_a_learning_rate_that_blows_up_is_told_in_one_line(train: Callable[..., Any]):
    with pytest.raises(SimembError, match=r"finite|loss is nan") as caught:
        train(recipe(learning_rate=1e30, epochs=3))
    assert "\n" not in str(caught.value)


def test_a_dead_encoder_collapses_for_real(
    train: Callable[..., Any], tiny_base: Path, caplog: pytest.LogCaptureFixture
):
    encoder = Encoder.load(tiny_base, pooling="cls")
    with torch.no_grad():
        for name, weight in encoder.backbone.named_parameters():
            if "LayerNorm.weight" in name:
                weight.zero_()  # every hidden state is the bias of its norm, whatever the sentence
    with caplog.at_level(logging.INFO, "simemb"):
        train(recipe(learning_rate=1e-12, epochs=4), model=encoder, dev="none")
    assert "step 20: the embeddings have collapsed, different sentences have cosine 1.0000" in caplog.text


def test_an_output_directory_with_a_run_asks_for_resume_or_overwrite(train: Callable[..., Any], tmp_path: Path):
    train()
    before = tensors(tmp_path / "run")
    with pytest.raises(TrainingError, match=r"--resume .*goes on with it, --overwrite .*replaces it"):
        train(seed=2)
    assert all(torch.equal(tensor, before[name]) for name, tensor in tensors(tmp_path / "run").items())
    train(seed=2, overwrite=True)
    assert not all(torch.equal(tensor, before[name]) for name, tensor in tensors(tmp_path / "run").items())


def test_overwrite_with_a_mistake_loses_nothing(train: Callable[..., Any], tmp_path: Path):
    train()
    for mistake in ({"data": tmp_path / "no.txt"}, {"dev": tmp_path / "no.tsv"}, {"model": tmp_path / "no"}):
        with pytest.raises(SimembError):
            train(overwrite=True, **mistake)
    assert (tmp_path / "run" / "last" / "state.safetensors").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ours": recipe(learning_rate=1e-4)}, "another recipe: learning_rate"),
        ({"seed": 2}, "another run: seed"),
        ({"metric": "pearson"}, "another run: metric"),
        ({"dev": "none"}, "another run: dev"),
    ],
)
def test_resume_with_another_option_names_it(change: dict[str, Any], words: str, train: Callable[..., Any]):
    train()
    with pytest.raises(TrainingError, match=words):
        train(resume=True, **change)


def test_resume_with_other_data_of_the_same_name_is_refused(train: Callable[..., Any], tmp_path: Path):
    data = tmp_path / "mine.txt"
    data.write_text("the dog\nthe cat\na bird\n")
    train(data=data)
    data.write_text("the dog\nthe cat\na horse\n")
    with pytest.raises(TrainingError, match=r"another data: .*mine\.txt has as many rows as it had, with other texts"):
        train(data=data, resume=True)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"ours": "simsce"}, RecipeError, "did you mean 'simcse'"),
        ({"trackers": ["tensorbord"]}, TrainingError, "unknown tracker 'tensorbord': did you mean 'tensorboard'"),
        ({"seed": -1}, TrainingError, "seed"),
        ({"data": ["only one"]}, DataError, "at least 2"),
        ({"ours": recipe(max_length=2)}, RecipeError, r"--max-length 2 .*allowed: 3 to 48"),
        ({"ours": recipe("simcse_sup")}, DataError, "needs 2 text columns and it has 1"),
        ({"dev": "stsb_deb"}, DataError, "did you mean 'stsb_dev'"),
        ({"ours": recipe("cosent"), "data": [("a cat", "the cat")] * 9}, DataError, "CoSENT needs a score"),
        ({"ours": recipe("cpc"), "data": ["a cat", "the cat"]}, DataError, "holds 1 example"),
        ({"ours": recipe("byol"), "data": ["a cat"]}, DataError, "holds 1 example"),
        (
            {"ours": recipe(predictor=Projector(width=7))},
            RecipeError,
            "queries have 7 dimensions and keys 32: give the predictor a width of 32",
        ),
        ({"ours": recipe(guide="no/model", objective=GUIDED)}, SimembError, "no/model"),
        ({"ours": recipe("cmc", target=Twin("no/model"))}, SimembError, "no/model"),
        ({"ours": recipe("distil", target=Frozen("no/model"))}, SimembError, "no/model"),
    ],
)
def test_what_does_not_fit_together_is_refused_before_anything_is_written(
    options: dict[str, Any], error: type[Exception], words: str, train: Callable[..., Any], tmp_path: Path
):
    with pytest.raises(error, match=words):
        train(**options)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("metric", "precision", "words"),
    [
        ("spearmen", "no", r"unknown metric 'spearmen': did you mean 'spearman'\?"),
        ("spearman", "fp8", r"unknown precision 'fp8'"),
    ],
)
def test_a_choice_that_does_not_exist_names_the_nearest(metric: str, precision: str, words: str):
    with pytest.raises(TrainingError, match=words):
        check_choices(metric, precision, ())


def test_bfloat16_without_instructions_for_it_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    for lacking in (None, "the processor has none"):
        monkeypatch.setattr(cpu_bf16, "missing_instructions", lambda lacking=lacking: lacking)
        check_choices("spearman", "bf16", (), "cpu")
        assert ("bf16 will take longer than no: the processor has none" in caplog.text) == bool(lacking)


def test_pooling_is_not_for_an_encoder(train: Callable[..., Any], tiny_base: Path):
    with pytest.raises(TrainingError, match="pooling= is for a model given by name"):
        train(model=Encoder.load(tiny_base, pooling="cls"), pooling="mean")


def test_a_foreign_model_cannot_be_trained(train: Callable[..., Any], shared_models: Path):
    with pytest.raises(TrainingError, match="cannot be trained here"):
        train(model=shared_models / "potion-base-4M")


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_tensorboard_gets_the_numbers(train: Callable[..., Any], tmp_path: Path):
    train(trackers=["tensorboard"])
    assert list((tmp_path / "run").rglob("events.out.tfevents*"))


def test_a_tracker_that_is_not_installed_is_told_in_one_line(train: Callable[..., Any], tmp_path: Path):
    if importlib.util.find_spec("wandb") is not None:
        pytest.skip("wandb is installed")
    with pytest.raises(TrainingError, match="wandb"):
        train(trackers=["wandb"])
    assert not (tmp_path / "run").exists()


def test_bf16_trains_on_a_processor_and_stays_near_float32(tiny_base: Path, sentences_file: Path, tmp_path: Path):
    recipe = replace(find("simcse"), batch_size=8, max_steps=3, dropout=0.0)
    results = [
        fit(recipe, tiny_base, sentences_file, output=tmp_path / name, dev="none", precision=precision)
        for name, precision in (("plain", "no"), ("half", "bf16"), ("again", "no"))
    ]
    plain, half, again = (result.encoder.encode(["a man sees a dog"]) for result in results)
    assert np.array_equal(plain, again)
    assert not np.array_equal(plain, half)
    assert np.allclose(plain, half, atol=0.05)


# ---- models that are not BERT's kin ----------------------------------------------------------------


@pytest.mark.parametrize("family", ["convbert", "fnet", "t5"])
def test_a_model_of_another_family_is_trained_and_its_vectors_do_not_depend_on_neighbors(train, tmp_path, family):
    base = make_odd(family, tmp_path / "base")
    before = Encoder.load(base, pooling="mean").encode(TEXTS)
    encoder = train(recipe(pooling="mean", max_steps=2), base, dev="none").encoder
    after = encoder.encode(TEXTS)
    assert not np.allclose(after, before, atol=1e-4)
    np.testing.assert_allclose(after, np.stack([encoder.encode(text) for text in TEXTS]), atol=1e-5, rtol=0)


def test_a_recipe_that_changes_embeddings_is_refused_for_a_model_computed_apart(train, tmp_path):
    with pytest.raises(SimembError, match="its embedding layer cannot be augmented"):
        train(recipe("consert"), make_odd("fnet", tmp_path / "base"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("prompts", "default", "advice"),
    [
        ({"sts": "the red "}, "sts", "; --prompts text=sts puts them there"),
        ({"query": "a ", "passage": "the "}, None, "; --prompts query=query document=passage puts them there"),
        ({"clustering": "a "}, None, ""),
    ],
)
def test_that_the_prompts_of_a_model_are_not_read_in_training_is_said(
    prompts, default, advice, train, tiny_base, tmp_path, caplog
):
    encoder = Encoder.load(tiny_base, pooling="mean").set_prompts(prompts, default=default)
    train(recipe(max_steps=1), encoder.save(tmp_path / "base"), dev="none")
    said = f"has prompts ({', '.join(prompts)}), and training reads texts as they are{advice}"
    assert [record.getMessage().endswith(said) for record in caplog.records].count(True) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda encoder: encoder.requires_grad_(False), "no weight may be trained"),
        (lambda encoder: encoder.half(), r"has weights in torch\.float16"),
    ],
)
def test_weights_that_cannot_be_trained_are_refused_before_anything_is_written(
    change: Callable[[Any], Any], words: str, tmp_path: Path, tiny_base: Path
):
    encoder = change(Encoder.load(tiny_base))
    with pytest.raises(TrainingError, match=words):
        fit("simcse", encoder, ["a", "b", "c"], output=tmp_path / "run", dev="none")
    assert not (tmp_path / "run").exists()


def test_weights_loaded_under_inference_mode_are_refused(tmp_path: Path, tiny_base: Path):
    with torch.inference_mode():
        encoder = Encoder.load(tiny_base)
    with pytest.raises(TrainingError, match="inference_mode"):
        fit("simcse", encoder, ["a", "b", "c"], output=tmp_path / "run", dev="none")


def test_a_last_step_that_breaks_the_weights_saves_nothing(tmp_path: Path, tiny_base: Path):
    broken = replace(find("simcse"), learning_rate=1e38, batch_size=2, max_steps=1)
    with pytest.raises(TrainingError, match="not finite after step 1"):
        fit(broken, tiny_base, ["a man", "b dog"], output=tmp_path / "run", dev="none")
    assert not (tmp_path / "run" / "best").exists()


@pytest.mark.parametrize("data", ["-", Path("-"), [Path("-"), Path("more.txt")]])
def test_several_processes_cannot_share_standard_input(data: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(ranks, "several", lambda: True)
    with pytest.raises(DataError, match="standard input is read once, and several processes train: name a file"):
        fit("simcse", data=data, output=tmp_path / "run")
    assert not (tmp_path / "run").exists()
