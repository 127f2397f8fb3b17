"""What the tests of the recipes share: short runs of a tiny model that note what happens, and their comparison."""

import json
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, safe_open

from simemb import (
    EMA,
    MLP,
    NCE,
    FalseNegatives,
    Frozen,
    InfoNCE,
    Matryoshka,
    Projector,
    Queue,
)
from simemb.method.recipe import Recipe
from simemb.training.result import Result
from simemb.training.trainer import Trainer

STEPS = 4


def shrink(noun: Any) -> Any:
    """A noun with fewer dimensions or rows, where it has many."""
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
        case InfoNCE(false_negatives=FalseNegatives(margin=None)):  # of the tiny model all cosines are high
            return replace(noun, false_negatives=replace(noun.false_negatives, threshold=0.999))
        case Matryoshka():
            return replace(noun, dims=(4, 8, 32))
        case _:
            return noun


def quick(recipe: Recipe, base: Path, **numbers: Any) -> Recipe:
    """A recipe for a few steps of the tiny model, which is also the teacher and the guide."""
    parts = {name: shrink(getattr(recipe, name)) for name in ("objective", "head", "predictor", "memory")}
    target = replace(recipe.target, model=str(base)) if isinstance(recipe.target, Frozen) else recipe.target
    small = {
        "batch_size": 8,
        "max_steps": STEPS,
        "learning_rate": 1e-3,
        "eval_every": 2,
        "guide": recipe.guide and str(base),
        "reranker": recipe.reranker and str(base),
    }
    return replace(recipe, **parts, target=target, **small | numbers)


@dataclass
class RecordedRun:
    """A run, and what it was observed to do.

    half: the run directory as it was after half of the steps. before, after: the state of the method before the first
    step and after the last. with_gradient: the parameters whose gradient was not 0 at some step. misplaced: the
    tensors of a slow copy that were not where its momentum leads. tails: the kept layers of a head, by step.
    """

    recipe: Recipe
    directory: Path
    half: Path
    data: Path
    result: Result = field(init=False)
    trainer: Trainer = field(init=False)
    before: dict[str, torch.Tensor] = field(default_factory=dict)
    after: dict[str, torch.Tensor] = field(default_factory=dict)
    with_gradient: set[str] = field(default_factory=set)
    misplaced: list[str] = field(default_factory=list)
    tails: dict[int, dict[str, torch.Tensor]] = field(default_factory=dict)

    def step(self, trainer: Trainer, real: Callable[..., None], line: Any) -> None:
        """One step, observed."""
        method = trainer.method
        self.before = self.before or snapshot(method)
        real(trainer, line)
        self.trainer, self.after = trainer, snapshot(method)
        self.tails[trainer.progress.step] = snapshot(method.encoder.tail)

    def update(self, trainer: Trainer, real: Callable[..., None], rate: float) -> None:
        """Note which parameters have a gradient before the update, and whether the slow copy follows its momentum."""
        method, target = trainer.method, self.recipe.target
        learning = method.named_parameters()
        self.with_gradient |= {name for name, p in learning if p.grad is not None and p.grad.any()}
        slow = snapshot(method.second) if isinstance(target, EMA) else {}
        real(trainer, rate)
        state = method.state_dict()
        for name, tensor in slow.items():
            now, online = state[f"second.{name}"].double(), state[name].double()
            momentum = target.at(method.progress) if tensor.is_floating_point() else 0.0
            if not torch.allclose(now, momentum * tensor + (1 - momentum) * online, atol=1e-6, rtol=1e-5):
                self.misplaced.append(name)

    def evaluate(self, trainer: Trainer, real: Callable[..., None], line: Any) -> None:
        """Copy the run directory half-way, as if the run had been stopped there."""
        real(trainer, line)
        if trainer.progress.step == STEPS // 2:
            shutil.copytree(self.directory, self.half)


def snapshot(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def stop_after(steps: int, patch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C after this many steps."""
    real = Trainer._step

    def step(self: Trainer, line: Any) -> None:
        real(self, line)
        if self.progress.step == steps:
            signal.raise_signal(signal.SIGINT)

    patch.setattr(Trainer, "_step", step)


def assert_same_run(one: Path, other: Path) -> None:
    """Both runs have the same state to the last bit, the same encoders and the same numbers; times may differ."""
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
