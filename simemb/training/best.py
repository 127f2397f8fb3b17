"""Which evaluation is the best so far; a score that does not exist (nan) never is, nor weights that are not finite."""

from collections.abc import Sequence
from math import inf, isnan
from pathlib import Path

import torch
from torch import nn

from simemb import libraries
from simemb.devices import CPU
from simemb.encoder.encoder import Encoder
from simemb.errors import TrainingError
from simemb.evaluation.scores import Scores
from simemb.training.checkpoint import Progress


def is_better(score: float | None, best: float | None) -> bool:
    """Whether a score is above the best one; None for the score is a run without evaluation, whose last step counts."""
    return score is None or score > (-inf if best is None else best)


def verdict(scores: Sequence[Scores], metric: str, progress: Progress, *, better: bool) -> str:
    """A line about an evaluation: its scores, or that there is none, and which encoder the first of them keeps."""
    chooser, *others = scores
    shown = _shown(chooser.selection_value(metric))
    best = "no score yet" if progress.best is None else f"the best was {progress.best:.2f}"
    place = "the best so far" if better else f"{best}, kept is step {progress.best_step}"
    beside = "".join(f"; {each.suite} {_shown(each.selection_value(metric))}" for each in others)
    return f"step {progress.step}: {chooser.suite} {shown}, {place}{chooser.geometry_note}{beside}"


def _shown(score: float) -> str:
    return "does not exist, all cosines are equal" if isnan(score) else f"{score:.2f}"


def check_finite(encoder: nn.Module, step: int) -> None:
    """Raise `TrainingError` for weights that are not finite: no loss has been computed with those of the last step."""
    if not all(torch.isfinite(weight).all() for weight in encoder.parameters()):
        raise TrainingError(f"the weights are not finite after step {step}; nothing was saved, lower the learning rate")


def restore(encoder: Encoder, directory: Path) -> None:
    """Give an encoder the weights of a checkpoint of its own. Raises `TrainingError` for that of another."""
    saved = Encoder.load(directory, device=CPU)
    damaged = f"{directory}: damaged, it is no longer the encoder of this run"
    if not isinstance(saved, Encoder):
        raise TrainingError(damaged)
    with libraries.reading(lambda reason: TrainingError(f"{damaged}: {reason}")):
        encoder.load_state_dict(saved.state_dict())
