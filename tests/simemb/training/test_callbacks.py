"""Callbacks: what they are told, how they stop a run, and what is left of a run in which one fails."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from simemb import Callback
from simemb.encoder.encoder import Encoder
from simemb.errors import ArgumentError, TrainingError
from simemb.method.recipe_files import find
from simemb.training.callbacks import Checkpoint, Evaluation, Step
from simemb.training.fit import fit

RECIPE = replace(find("simcse"), batch_size=16, learning_rate=1e-3, eval_every=2, max_steps=5)


@pytest.fixture
def train(tiny_base: Path, sentences_file: Path, dev_file: Path, tmp_path: Path) -> Callable[..., Any]:
    """Five steps of the tiny model, to `run` in the test's folder."""

    def run(*callbacks: Any, recipe: Any = RECIPE, **options: Any) -> Any:
        options = {"output": tmp_path / "run", "dev": dev_file, **options}
        return fit(recipe, tiny_base, sentences_file, callbacks=callbacks, **options)

    return run


class Listener(Callback):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_step(self, step: Step) -> None:
        self.told.append(step)

    def on_evaluation(self, evaluation: Evaluation) -> None:
        self.told.append(evaluation)

    def on_save(self, checkpoint: Checkpoint) -> None:
        assert Encoder.load(checkpoint.directory).dim == Encoder.load(checkpoint.encoder).dim  # it is on the disk
        self.told.append(checkpoint)


@dataclass
class Stop:
    """A plain object, which stops a run after a step."""

    after: int

    def on_step(self, step: Step) -> bool:
        return step.step == self.after


def state(directory: Path) -> dict[str, torch.Tensor]:
    return load_file(directory / "last" / "state.safetensors")


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    assert all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_they_are_told_of_every_step_evaluation_and_checkpoint_in_order(train: Callable[..., Any], tmp_path: Path):
    listener = Listener()
    result = train(listener)
    kinds = [(type(told).__name__, told.step) for told in listener.told]
    pair = ["Evaluation", "Checkpoint"]
    expected = [("Step", 1), ("Step", 2), *((kind, 2) for kind in pair), ("Step", 3), ("Step", 4)]
    expected += [*((kind, 4) for kind in pair), ("Step", 5), *((kind, 5) for kind in pair)]
    assert kinds == expected
    assert {told.steps for told in listener.told} == {5}
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    first = next(line for line in lines if line["step"] == 1)
    assert listener.told[0].numbers["loss"] == first["loss"]
    assert listener.told[0].learning_rate == first["learning_rate"]
    evaluations = [told for told in listener.told if isinstance(told, Evaluation)]
    logged = [line["dev_spearman"] for line in lines if "dev_spearman" in line]
    assert [told.score for told in evaluations] == logged[1:]
    assert evaluations[-1].best == max(told.score for told in evaluations) == result.after.points
    kept = [told.step for told in listener.told if isinstance(told, Checkpoint) and told.kept]
    assert kept == [told.step for told in evaluations if told.better]
    assert kept[-1] == result.best_step


def test_what_they_are_told_is_frozen_and_nothing_of_theirs_reaches_the_run(train: Callable[..., Any], tmp_path: Path):
    def meddle(step: Step) -> None:
        torch.manual_seed(step.step)
        torch.rand(100)
        with pytest.raises(TypeError):
            step.numbers["loss"] = 0.0  # type: ignore[index]
        with pytest.raises(dataclasses.FrozenInstanceError):
            step.step = 0  # type: ignore[misc]

    train(output=tmp_path / "without")
    train(SimpleNamespace(on_step=meddle))
    assert_same(state(tmp_path / "run"), state(tmp_path / "without"))


@pytest.mark.parametrize("stop", [1, 3])
def test_one_that_returns_true_stops_the_run_which_goes_on_bit_for_bit(
    stop: int, train: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    train(output=tmp_path / "whole")
    caplog.set_level("INFO", "simemb")
    result = train(Callback(), Stop(stop))
    assert (result.steps, result.best_step) == (stop, 1 if stop == 1 else 2)
    assert f"callbacks[1], Stop.on_step: stopped after {stop} of 5 steps; `simemb train" in caplog.text
    train(resume=True)
    assert_same(state(tmp_path / "run"), state(tmp_path / "whole"))
    assert_same(
        load_file(tmp_path / "run/best/model.safetensors"), load_file(tmp_path / "whole/best/model.safetensors")
    )


def test_a_run_that_keeps_its_last_step_keeps_that_at_which_it_was_stopped(train: Callable[..., Any]):
    result = train(Stop(3), dev="none")
    assert (result.steps, result.best_step) == (3, 3)


@pytest.mark.parametrize("method", ["on_step", "on_evaluation", "on_save"])
def test_one_that_fails_ends_the_run_with_what_there_was_saved_and_is_named(
    method: str, train: Callable[..., Any], tmp_path: Path
):
    def fail(told: Any) -> None:
        if told.step >= 2:
            raise ValueError("no more disk")

    later = Listener()
    with pytest.raises(TrainingError) as caught:
        train(SimpleNamespace(**{method: fail}), later)
    expected = f"callbacks[0], SimpleNamespace.{method}: ValueError: no more disk; the run stopped after 2 of 5 steps; "
    assert str(caught.value) == f"{expected}`simemb train --resume {tmp_path / 'run'}` goes on"
    assert isinstance(caught.value.__cause__, ValueError)
    assert method == "on_save" or all(told.step < 2 for told in later.told if isinstance(told, Checkpoint))
    assert Encoder.load(tmp_path / "run").dim == 32
    train(resume=True)
    train(output=tmp_path / "whole")
    assert_same(state(tmp_path / "run"), state(tmp_path / "whole"))


def test_an_answer_that_is_neither_true_nor_nothing_is_refused(train: Callable[..., Any]):
    def answer(_: Checkpoint) -> str:
        return "no"

    with pytest.raises(TrainingError, match=r"on_save: ArgumentError: returned must be True .*, not 'no'"):
        train(SimpleNamespace(on_save=answer))


class Misspelt(Callback):
    def on_evaluate(self, evaluation: Any) -> None: ...


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (print, r"callbacks\[1\] has no method of a callback \(on_step, on_evaluation, on_save\)"),
        (Listener, r"callbacks\[1\] must be an object, not the class Listener: Listener\(\)"),
        (Misspelt(), r"callbacks\[1\]: unknown method of a callback 'on_evaluate': did you mean 'on_evaluation'\?"),
    ],
)
def test_what_is_no_callback_is_refused_before_anything_is_written(
    wrong: Any, line: str, train: Callable[..., Any], tmp_path: Path
):
    with pytest.raises(ArgumentError, match=line):
        train(Callback(), wrong)
    assert not (tmp_path / "run").exists()
