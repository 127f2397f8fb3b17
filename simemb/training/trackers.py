"""Trackers beside metrics.jsonl: tensorboard, wandb, trackio and mlflow, through accelerate."""

import re
from collections.abc import Mapping
from math import isnan
from typing import Any

from simemb import ranks
from simemb.errors import TrainingError
from simemb.training.plan import Plan


class Trackers:
    """The trackers of a run; they begin when it is in its place, with what was logged until then.

    As a context they are closed at its end, also where the run fails: mlflow has but one open run in a process.
    """

    def __init__(self, plan: Plan, accelerator: Any):
        self.plan, self.accelerator = plan, accelerator
        self.names = plan.trackers if ranks.is_main() else ()
        self.waiting: list[dict[str, Any]] | None = []

    def __enter__(self) -> "Trackers":
        return self

    def __exit__(self, *_: object) -> None:
        if self.names:
            self.accelerator.end_training()

    def begin(self) -> None:
        """Start them, unless they are started or the run is not yet in its place.

        Raises `TrainingError` where one of them cannot begin: its server does not answer, its folder is not writable.
        """
        if not self.names or self.waiting is None or self.plan.directory.staged:
            return
        about = {"mlflow": {"run_name": self.plan.directory.path.name}} if "mlflow" in self.names else {}
        config = {"recipe": repr(self.plan.recipe)}
        try:
            self.accelerator.init_trackers("simemb", config=config, init_kwargs=about)
        except Exception as error:  # whatever their libraries raise
            raise TrainingError(f"--trackers {' '.join(self.names)}: cannot begin: {error}") from error
        records, self.waiting = self.waiting, None
        for record in records:
            self.log(record)

    def log(self, record: dict[str, Any]) -> None:
        """Report one line of metrics.jsonl."""
        if not self.names:
            return
        if self.waiting is not None:
            self.waiting.append(record)
            return
        exist = {name: value for name, value in record.items() if not (value is None or isnan(value))}
        numbers = {name: value for name, value in exist.items() if name != "step"}
        for tracker in self.accelerator.trackers:
            tracker.log(renamed(numbers) if tracker.name == "mlflow" else numbers, step=record["step"])


def renamed(numbers: Mapping[str, float]) -> dict[str, float]:
    """The numbers under names that mlflow accepts: letters, digits, and `_-. :/`.

    >>> renamed({"scifact_ndcg@10": 70.5, "mteb:STS_main_score": 80.0})
    {'scifact_ndcg_at_10': 70.5, 'mteb:STS_main_score': 80.0}
    """
    return {re.sub(r"[^\w\-. :/]", "_", name.replace("@", "_at_")): value for name, value in numbers.items()}
