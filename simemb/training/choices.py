"""What may be chosen of a run by a word: the number that chooses a checkpoint, the precision, the trackers."""

import logging
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Literal

from simemb import devices
from simemb.devices import AUTO
from simemb.errors import TrainingError, unknown
from simemb.transformer import cpu_bf16

log = logging.getLogger("simemb")

Metric = Literal["spearman", "pearson"]
MixedPrecision = Literal["no", "bf16", "fp16"]

METRICS = ("spearman", "pearson")
PRECISIONS = ("no", "bf16", "fp16")
TRACKERS = ("tensorboard", "wandb", "trackio", "mlflow")


def check_choices(metric: str, precision: str, trackers: Sequence[str], device: str = AUTO) -> None:
    """Raise `TrainingError` for a word that names none of them, or one that cannot be had here."""
    for kind, value, allowed in (("metric", metric, METRICS), ("precision", precision, PRECISIONS)):
        if value not in allowed:
            raise TrainingError(unknown(kind, value, allowed))
    if precision == "fp16" and not (place := devices.find(device)).startswith(devices.CUDA):
        raise TrainingError(f"--precision fp16 needs a GPU of CUDA, and the run is on {place} (allowed: no, bf16)")
    if precision == "bf16" and devices.find(device) == devices.CPU and (lacking := cpu_bf16.missing_instructions()):
        log.warning("--precision bf16 will take longer than no: %s", lacking)
    for tracker in trackers:
        if tracker not in TRACKERS:
            raise TrainingError(unknown("tracker", tracker, TRACKERS))
        if find_spec(tracker) is None:
            raise TrainingError(f"--trackers {tracker}: {tracker} is not installed; pip install {tracker}")
