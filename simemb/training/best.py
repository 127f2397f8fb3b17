"""Which evaluation is the best so far; a score that does not exist (nan) never is, nor weights that are not finite."""

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


def verdict(scores: Scores, metric: str, progress: Progress, *, better: bool) -> str:
    """A line about an evaluation: its score, or that there is none, and which encoder is kept."""
    score = scores.selection_value(metric)
    shown = "does not exist, all cosines are equal" if isnan(score) else f"{score:.2f}"
    best = "no score yet" if progress.best is None else f"the best was {progress.best:.2f}"
    place = "the best so far" if better else f"{best}, kept is step {progress.best_step}"
    return f"step {progress.step}: {scores.suite} {shown}, {place}{scores.geometry_note}"


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
