"""Trackers beside metrics.jsonl: tensorboard, wandb, trackio, through accelerate."""

from math import isnan
from typing import Any

from simemb import ranks
from simemb.training.plan import Plan


class Trackers:
    """The trackers of a run; they begin when it is in its place, with what was logged until then."""

    def __init__(self, plan: Plan, accelerator: Any):
        self.plan, self.accelerator = plan, accelerator
        self.names = plan.trackers if ranks.is_main() else ()
        self.waiting: list[dict[str, Any]] | None = []

    def begin(self) -> None:
        """Start them, unless they are started or the run is not yet in its place."""
        if not self.names or self.waiting is None or self.plan.directory.staged:
            return
        self.accelerator.init_trackers("simemb", config={"recipe": repr(self.plan.recipe)})
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
        self.accelerator.log(numbers, step=record["step"])

    def end(self) -> None:
        """Close them."""
        if self.names:
            self.accelerator.end_training()
