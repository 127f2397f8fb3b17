"""Every recipe there is: its numbers, and a short run of it from start to saved model. A new file is found."""

import ast
import json
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partialmethod
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, safe_open

import simemb.method.method
from simemb import (
    EMA,
    MLP,
    NCE,
    Adversarial,
    FalseNegatives,
    FeatureCutoff,
    Frozen,
    InfoNCE,
    MaskedLM,
    Matryoshka,
    Projector,
    Queue,
    Repeat,
    SoftmaxNLI,
    Twin,
    View,
    evaluate,
)
from simemb.cli import main
from simemb.cookbook import RECIPES, names
from simemb.corpus.rows import open_rows
from simemb.encoder.encoder import Encoder
from simemb.method.recipe import Recipe, find
from simemb.method.targets import seen
from simemb.training.dataset import Material, Reading
from simemb.training.fit import Result, fit
from simemb.training.loader import Loader
from simemb.training.trainer import Trainer

NAMES = names(RECIPES)
TEXTS = ["the red dog eats a ball", "a cat", "the old singer paints a boat", "", "the child finds a red apple"]
STEPS = 4

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
    material = Material(Reading(Rows(range(rows))))
    assert Loader(material, recipe, recipe.views, seen(recipe.views), seed=1).steps == steps


# ---- every recipe, for real ----------------------------------------------------------------------

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


def smaller(noun: Any) -> Any:
    """The same noun where it is large, with less to compute."""
    match noun:
        case MLP():
            prototypes = noun.prototypes and 6
            return replace(noun, hidden=noun.hidden and 24, width=noun.width and 16, prototypes=prototypes)
        case Projector():
            return replace(noun, width=noun.width and 16)
        case Queue():
            return replace(noun, size=20)
        case NCE():
            return replace(noun, draws=16)
        case InfoNCE(false_negatives=FalseNegatives()):  # of the tiny model all cosines are high
            return replace(noun, false_negatives=replace(noun.false_negatives, threshold=0.999))
        case Matryoshka():
            return replace(noun, dims=(4, 8, 32))
        case _:
            return noun


def quick(recipe: Recipe, base: Path, **numbers: Any) -> Recipe:
    """A recipe for a few steps of the tiny model, which is teacher and guide too."""
    parts = {name: smaller(getattr(recipe, name)) for name in ("objective", "head", "predictor", "memory")}
    target = replace(recipe.target, model=str(base)) if isinstance(recipe.target, Frozen) else recipe.target
    small = {
        "batch_size": 8,
        "max_steps": STEPS,
        "learning_rate": 1e-3,
        "eval_every": 2,
        "guide": recipe.guide and str(base),
    }
    return replace(recipe, **parts, target=target, **small | numbers)


@dataclass
class Trained:
    """A run, and what was seen on the way.

    half: the run directory as it was after half of the steps. before, after: everything that the method holds, first
    and last. stirred: what had a gradient that is not 0 at some step. strayed: what of a slow copy was not where its
    momentum leads. tails: what was kept of a head, by step.
    """

    recipe: Recipe
    directory: Path
    half: Path
    data: Path
    result: Result = field(init=False)
    trainer: Trainer = field(init=False)
    before: dict[str, torch.Tensor] = field(default_factory=dict)
    after: dict[str, torch.Tensor] = field(default_factory=dict)
    stirred: set[str] = field(default_factory=set)
    strayed: list[str] = field(default_factory=list)
    tails: dict[int, dict[str, torch.Tensor]] = field(default_factory=dict)

    def step(self, trainer: Trainer, real: Callable[..., None], line: Any) -> None:
        """One step, observed."""
        method = trainer.method
        self.before = self.before or copied(method)
        real(trainer, line)
        self.trainer, self.after = trainer, copied(method)
        self.tails[trainer.progress.step] = copied(method.encoder.tail)

    def update(self, trainer: Trainer, real: Callable[..., None], rate: float) -> None:
        """Note which gradients there are before they are used, and whether the slow copy follows as it should."""
        method, target = trainer.method, self.recipe.target
        learning = method.named_parameters()
        self.stirred |= {name for name, p in learning if p.grad is not None and p.grad.any()}
        slow = copied(method.second) if isinstance(target, EMA) else {}
        real(trainer, rate)
        state = method.state_dict()
        for name, tensor in slow.items():
            now, online = state[f"second.{name}"].double(), state[name].double()
            momentum = target.at(method.progress) if tensor.is_floating_point() else 0.0
            if not torch.allclose(now, momentum * tensor + (1 - momentum) * online, atol=1e-6, rtol=1e-5):
                self.strayed.append(name)

    def evaluate(self, trainer: Trainer, real: Callable[..., None], line: Any) -> None:
        """Keep the run as it lies on the disk half-way, as if it had been stopped there."""
        real(trainer, line)
        if trainer.progress.step == STEPS // 2:
            shutil.copytree(self.directory, self.half)


def copied(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


@pytest.fixture(scope="module")
def data_for(sentences_file: Path, triplets_file: Path, dev_file: Path) -> Callable[[Recipe], Path]:
    """A file that suits a recipe; any sentences are a running text."""

    def choose(recipe: Recipe) -> Path:
        if recipe.objective is not None and recipe.objective.scored:
            return dev_file
        return sentences_file if recipe.columns == 1 else triplets_file

    return choose


def observed(trainer: Trainer, observe: Callable[..., None], real: Callable[..., None], argument: Any) -> None:
    observe(trainer, real, argument)


@pytest.fixture(scope="module")
def trained(
    tiny_base: Path, data_for: Callable[[Recipe], Path], dev_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Trained]:
    """Trains each recipe once, for all tests of this file."""
    runs: dict[str, Trained] = {}

    def train(name: str) -> Trained:
        if name not in runs:
            recipe = quick(COMBINATIONS.get(name) or find(name), tiny_base)
            folder = tmp_path_factory.mktemp("recipes")
            run = Trained(recipe, folder / "whole", folder / "half", data_for(recipe))
            with pytest.MonkeyPatch.context() as patch:
                for name_of, observe in (("_step", run.step), ("_update", run.update), ("_evaluate", run.evaluate)):
                    patch.setattr(Trainer, name_of, partialmethod(observed, observe, getattr(Trainer, name_of)))
                run.result = fit(recipe, tiny_base, run.data, output=run.directory, dev=dev_file)
            runs[name] = run
        return runs[name]

    return train


@pytest.mark.parametrize("name", ALL)
def test_losses_and_signals_are_finite(name: str, trained: Callable[[str], Trained]):
    run = trained(name)
    assert run.result.steps == STEPS
    records = [json.loads(line) for line in (run.directory / "metrics.jsonl").read_text().splitlines()]
    (first,) = [record for record in records if "loss" in record]
    expected = {"loss", "learning_rate", "sentences_per_second"}
    if run.recipe.objective is not None:
        expected |= {"contrast", "accuracy", "positive", "negative", "collapse", "uniformity"}
    expected |= {f"auxiliary_{number}" for number in range(len(run.recipe.auxiliaries))}
    assert first.keys() == {"step", *expected}
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
def test_what_learns_has_a_gradient_and_moves(name: str, trained: Callable[[str], Trained]):
    run = trained(name)
    learning = {name for name, parameter in run.trainer.method.named_parameters() if parameter.requires_grad}
    moved = {name for name in run.after if not torch.equal(run.after[name], run.before[name])}
    rounding = cancelled(run.trainer.method)
    assert learning - run.stirred - rounding == set()
    assert learning - moved - rounding == set()
    kept = {name for name in learning - rounding if name.startswith("encoder.")}
    assert len(kept) > 30


@pytest.mark.parametrize("name", ALL)
def test_what_does_not_learn_moves_only_as_it_should(name: str, trained: Callable[[str], Trained], tiny_base: Path):
    run = trained(name)
    method, target = run.trainer.method, run.recipe.target
    assert method.second is None or isinstance(target, EMA | Twin)
    assert (method.second is not None) == isinstance(target, EMA | Twin)
    assert run.strayed == []
    if isinstance(target, EMA):
        assert not any(name.startswith("second.") for name in run.stirred)
        assert not any(parameter.requires_grad for parameter in method.second.parameters())
        assert any(not torch.equal(run.after[name], run.before[name]) for name in run.after if "second." in name)
    for known in (run.trainer.loader.material.taught, run.trainer.loader.material.guided):
        for column, vectors in known.items():
            texts = [row[column] for row in open_rows(run.data).texts()]
            # other batches, so other sums: components of up to 3 differ in float32's last digits
            np.testing.assert_allclose(vectors, Encoder.load(tiny_base).encode(texts), atol=1e-5)
    assert bool(run.trainer.loader.material.taught) == isinstance(target, Frozen)
    assert bool(run.trainer.loader.material.guided) == (run.recipe.guide is not None)


@pytest.mark.parametrize("name", ALL)
def test_a_memory_holds_what_the_steps_brought(name: str, trained: Callable[[str], Trained]):
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
    name: str, trained: Callable[[str], Trained]
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
    name: str, trained: Callable[[str], Trained]
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
def test_nothing_of_the_training_stays_on_the_encoder(name: str, trained: Callable[[str], Trained]):
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
    name: str, trained: Callable[[str], Trained], dev_file: Path
):
    run = trained(name)
    assert evaluate(Encoder.load(run.directory), dev_file).average == run.result.after.average


# ---- stop and go on ------------------------------------------------------------------------------


def stop_after(steps: int, patch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C once so many steps are done."""
    real = Trainer._step

    def step(self: Trainer, line: Any) -> None:
        real(self, line)
        if self.progress.step == steps:
            signal.raise_signal(signal.SIGINT)

    patch.setattr(Trainer, "_step", step)


def assert_same_run(one: Path, other: Path) -> None:
    """The same state to the last bit, the same encoders and the same numbers; times may differ."""
    states = [load_file(run / "last" / "state.safetensors") for run in (one, other)]
    assert states[0].keys() == states[1].keys()
    assert [name for name, tensor in states[0].items() if not torch.equal(tensor, states[1][name])] == []
    assert progress(one) == progress(other)
    weights = sorted(path.relative_to(one) for path in one.rglob("*.safetensors"))
    assert weights == sorted(path.relative_to(other) for path in other.rglob("*.safetensors"))
    assert all((one / path).read_bytes() == (other / path).read_bytes() for path in weights if path.parts[0] != "last")
    assert metrics(one) == metrics(other)


def progress(run: Path) -> dict[str, Any]:
    with safe_open(run / "last" / "state.safetensors", framework="pt") as file:
        return json.loads(file.metadata()["progress"]) | {"seconds": None}


def metrics(run: Path) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in record.items() if "per_second" not in name} for record in records]


@pytest.mark.parametrize("name", ALL)
def test_a_run_that_was_stopped_half_way_goes_on_bit_for_bit(
    name: str, trained: Callable[[str], Trained], tiny_base: Path, dev_file: Path
):
    run = trained(name)
    result = fit(run.recipe, tiny_base, run.data, output=run.half, dev=dev_file, resume=True)
    assert result.steps == STEPS
    assert_same_run(run.directory, run.half)


def test_the_state_of_a_run_holds_all_that_is_remembered(trained: Callable[[str], Trained]):
    """What a resumed run would miss: named, so that a part that is not saved cannot go unnoticed."""
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


# ---- data and files of one's own -----------------------------------------------------------------


def test_pairs_train_simcse_sup_without_hard_negatives(
    tiny_base: Path, triplets_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("".join(line.rpartition("\t")[0] + "\n" for line in triplets_file.read_text().splitlines()))
    with caplog.at_level("INFO", "simemb"):
        result = fit(quick(find("simcse_sup"), tiny_base), tiny_base, pairs, output=tmp_path / "run", dev="none")
    assert result.steps == STEPS
    assert "has no column of negatives, so there are no hard negatives" in caplog.text


MINE = '''
"""A loss of my own: stay near the mean of all that was seen, and near the other view."""

from dataclasses import dataclass, replace

import torch

from simemb import Auxiliary, Objective, TokenAugmentation, View
from simemb.method.token_augmentations import Sentence
from simemb.train.simcse import recipe as simcse


@dataclass(frozen=True)
class Anchored(Objective):
    """|q - k|^p + pull |q - mean|^2."""

    power: float = 2.0
    """p"""
    pull: float = 0.1
    """How strongly the mean attracts."""

    def build(self, width):
        return AnchoredLoss(self, width)


class AnchoredLoss(torch.nn.Module):
    def __init__(self, spec, width):
        super().__init__()
        self.spec = spec
        self.scale = torch.nn.Parameter(torch.ones(()))
        self.register_buffer("mean", torch.zeros(width))
        self.seen = None

    def forward(self, pair):
        self.seen = pair.queries.detach().mean(0)
        away = (pair.query - self.scale * pair.key[pair.own]).abs().pow(self.spec.power).mean()
        return away + self.spec.pull * (pair.query - self.mean).square().mean()

    def after_step(self):
        self.mean.lerp_(self.seen, 0.5)


@dataclass(frozen=True)
class Reverse(TokenAugmentation):
    """The tokens in the other direction."""

    def __call__(self, sentence, vocabulary, dice):
        return Sentence(sentence.ids[::-1].copy(), sentence.positions)


views = (View(target=False), View(online=False, augment=(Reverse(),)))
recipe = replace(simcse, views=views, head=None, objective=Anchored(pull=0.2), pooling="mean")
'''


def test_a_recipe_with_nouns_of_ones_own_in_one_file_trains_saves_and_resumes(
    tiny_base: Path, sentences_file: Path, dev_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    words = ["train", "./mine.py", "--model", str(tiny_base), "--data", str(sentences_file), "--dev", str(dev_file)]
    words += ["--batch-size", "8", "--max-steps", "4", "--eval-every", "2", "--objective.power", "3"]
    assert main([*words, "--output", "whole"]) == 0
    recipe = json.loads(Path("whole/recipe.json").read_text())["recipe"]
    assert recipe["objective"] == {"kind": "Anchored", "weight": 1.0, "power": 3.0, "pull": 0.2}
    assert recipe["views"][1]["augment"] == [{"kind": "Reverse", "frozen": False}]
    state = load_file("whole/last/state.safetensors")
    assert state["method.objective.mean"].any()
    assert state["method.objective.scale"] != 1
    assert Encoder.load("whole").pooling == "mean"
    with monkeypatch.context() as patch:
        stop_after(2, patch)
        assert main([*words, "--output", "stopped"]) == 130
    assert main([*words, "--output", "stopped", "--resume"]) == 0
    assert_same_run(Path("whole"), Path("stopped"))
    assert main(["train", "whole/recipe.json", "--output", "again"]) == 0  # the file was read in this process
    assert_same_run(Path("whole"), Path("again"))


def test_the_method_names_no_recipe():
    """The one engine branches on kinds of nouns, never on the name of a method."""
    tree = ast.parse(Path(simemb.method.method.__file__).read_text(encoding="utf-8"))
    documents = {
        ast.get_docstring(node, clean=False)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))
    }
    words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    words |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert "recipe" in words
    assert not (words | (strings - documents)) & set(NAMES)
