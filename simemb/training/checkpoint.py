"""The state of a run in one file: everything that exact resume needs.

A single safetensors file holds weights, buffers and the optimizer's moments, with the counters in its
header. The file is replaced in one rename, so a crash at any moment leaves the previous state intact. Random
numbers are not part of it: those of a step follow from the seed and the step (`simemb.training.random_seeds.seed_of`).
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from simemb import files, json_files, libraries
from simemb.errors import TrainingError
from simemb.records import shaped

MOMENTS = ("exp_avg", "exp_avg_sq")
"""What AdamW keeps of each weight, beside its step."""


@dataclass
class Progress:
    """How far a run has come.

    step: optimizer steps done. best: the best score so far. best_step: the step of the checkpoint that is
    kept. waiting: evaluations since the best. seconds: time spent in training steps. sentences: number that went
    through the network. scaler: the fp16 loss scale, if any.
    """

    step: int = 0
    best: float | None = None
    best_step: int = 0
    waiting: int = 0
    seconds: float = 0.0
    sentences: int = 0
    scaler: dict[str, float] | None = None

    def exhausted(self, patience: int | None) -> bool:
        """Whether `patience` evaluations in a row brought nothing better; never without a limit."""
        return patience is not None and self.waiting >= patience

    def standing(self, steps: int, patience: int | None) -> str:
        """A line about a run of so many steps that goes on."""
        if self.step >= steps or self.exhausted(patience):
            return f"the run is at its end (step {self.step} of {steps}): nothing is left to train"
        return f"going on after step {self.step} of {steps}"

    def advance(self, sentences: int, seconds: float) -> None:
        """Count one more step."""
        self.step += 1
        self.sentences += sentences
        self.seconds += seconds


def save(path: Path, method: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress) -> None:
    """Write the state of a run, replacing an older one in one rename."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {f"method.{name}": tensor for name, tensor in _distinct(method).items()}
    for number, moments in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": tensor for name, tensor in moments.items()}
    contiguous = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    try:
        with files.new_file(path) as partial:
            save_file(contiguous, partial, metadata={"progress": json.dumps(asdict(progress))})
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TrainingError(f"{path}: the checkpoint cannot be written: {reason}") from error


def load(path: Path, method: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """Restore the state. Raises `TrainingError` if the file is damaged or of another model."""
    from safetensors import safe_open

    damaged = partial(_damaged, path)
    progress = progress_of(path)
    with libraries.reading(damaged), safe_open(path, framework="pt") as file:  # type: ignore[no-untyped-call]
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    _fill(method, tensors, path)
    state = optimizer.state_dict()
    with libraries.reading(damaged):
        state["state"] = _moments(tensors)
    _check(state["state"], optimizer, damaged)
    optimizer.load_state_dict(state)
    return progress


def progress_of(path: Path) -> Progress:
    """How far the run has come, by the header of its checkpoint. Raises `TrainingError` if that is damaged."""
    from safetensors import safe_open

    damaged = partial(_damaged, path)
    with libraries.reading(damaged):
        files.refuse_special(path)
    with libraries.reading(damaged), safe_open(path, framework="pt") as file:  # type: ignore[no-untyped-call]
        content = json_files.parse_record(file.metadata()["progress"])
        progress = shaped(content, Progress)
    if content.keys() != asdict(progress).keys():
        raise damaged("it does not say how far the run has come")
    if min(progress.step, progress.best_step, progress.waiting, progress.sentences, progress.seconds) < 0:
        raise damaged("it counts less than nothing")
    return progress


def _damaged(path: Path, reason: str) -> TrainingError:
    return TrainingError(f"{path}: the checkpoint is damaged ({reason}); start again with --overwrite")


def _distinct(method: nn.Module) -> dict[str, Tensor]:
    """Every weight and buffer once: tied ones are in the state dict under several names."""
    seen: set[int] = set()
    state: dict[str, Tensor] = {}
    for name, tensor in method.state_dict().items():
        if tensor.data_ptr() not in seen or not tensor.numel():
            seen.add(tensor.data_ptr())
            state[name] = tensor
    return state


def _fill(method: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    for name, own in _distinct(method).items():
        saved = tensors.get(f"method.{name}")
        if saved is None or saved.shape != own.shape:
            problem = "missing" if saved is None else f"of shape {list(saved.shape)}, not {list(own.shape)}"
            raise TrainingError(f"{path}: is of another model: {name} is {problem}")
        with torch.no_grad():
            own.copy_(saved)


def _check(
    moments: dict[int, dict[str, Tensor]], optimizer: torch.optim.Optimizer, damaged: Callable[[str], TrainingError]
) -> None:
    """Raise what `damaged` gives for moments that are not those of the optimizer's weights."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for number, moment in moments.items():
        size = tuple(weights[number].shape) if 0 <= number < len(weights) else None
        if {name: tuple(tensor.shape) for name, tensor in moment.items()} != {
            "step": (),
            **dict.fromkeys(MOMENTS, size),
        }:
            raise damaged(f"the moments of weight {number} are not those of such a weight")


def _moments(tensors: dict[str, Tensor]) -> dict[int, dict[str, Any]]:
    moments: dict[int, dict[str, Any]] = {}
    for name, tensor in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimizer":
            number, _, moment = rest.partition(".")
            moments.setdefault(int(number), {})[moment] = tensor
    return moments
