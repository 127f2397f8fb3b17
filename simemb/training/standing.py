"""How far the run in a directory has come, read without its model."""

from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from simemb import json_files
from simemb.errors import TrainingError
from simemb.training import checkpoint
from simemb.training.checkpoint import Progress


@dataclass(frozen=True)
class _Recipe:
    patience: int | None = None


@dataclass(frozen=True)
class _Record:
    """What is read of recipe.json. steps: those of the whole run; 0 in the records of earlier releases."""

    recipe: _Recipe
    steps: int = 0


def check_finished(run: Path) -> None:
    """Raise `TrainingError` for a run that has steps left, or is damaged."""
    path, state = run / "recipe.json", run / "last" / "state.safetensors"
    record = json_files.read_json(path, lambda reason: TrainingError(f"{path}: cannot be read ({reason})"), _Record)
    progress = checkpoint.progress_of(state) if state.exists() else Progress()
    if progress.step < record.steps and not progress.exhausted(record.recipe.patience):
        raise TrainingError(
            f"{run}: the run is at step {progress.step} of {record.steps}: `simemb train --resume {quote(str(run))}` "
            f"goes on; {run / 'best'} names what it has kept so far"
        )
