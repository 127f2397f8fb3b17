"""What a run logged while it trained: the lines of metrics.jsonl as series of numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simemb.training.run_directory import RunDirectory

_GEOMETRY = ("alignment", "dev_uniformity", "geometry_vectors")


class Series(NamedTuple):
    """A number over the steps. steps, values: [points]."""

    steps: NDArray[np.float64]
    values: NDArray[np.float64]

    def __bool__(self) -> bool:
        return len(self.steps) > 0


class History:
    """The lines of a run's metrics.jsonl, each with a "step".

    metric: the correlation that chose the checkpoint. keep: `best` or `last`, as the recipe says.
    """

    def __init__(self, lines: Sequence[dict[str, Any]], *, metric: str = "spearman", keep: str = "best"):
        self.lines = lines
        self.keep = keep
        self.score = self._score(metric)

    @classmethod
    def of(cls, directory: Path, recipe: dict[str, Any] | None) -> "History | None":
        """That of a run directory; None where nothing was logged."""
        lines = list(RunDirectory(directory).logged())
        if not lines:
            return None
        settings = (recipe or {}).get("run", {})
        keep = (recipe or {}).get("recipe", {}).get("keep", "best")
        return cls(lines, metric=settings.get("metric", "spearman"), keep=keep)

    def series(self, name: str) -> Series:
        """A number by its name in metrics.jsonl, at the steps where it is there."""
        points = [(line["step"], line[name]) for line in self.lines if line.get(name) is not None]
        return Series(*np.array(points, np.float64).reshape(-1, 2).T)

    @property
    def dev(self) -> str:
        """What the score on the dev suite is called, say `stsb_dev spearman`; empty without one."""
        return " ".join(self.score.rsplit("_", 1)) if self.score else ""

    @property
    def vectors(self) -> int | None:
        """How many vectors alignment and uniformity were measured on."""
        points = self.series("geometry_vectors")
        return int(points.values[-1]) if points else None

    @property
    def kept(self) -> int | None:
        """The place of the evaluation whose encoder was kept, in the series of the dev score.

        The encoder before the first step is scored too, and never kept. Of equal scores the first was kept.
        """
        if self.score is None:
            return None
        steps, values = self.series(self.score)
        trained = np.flatnonzero(steps > 0)
        if not len(trained):
            return None
        return int(trained[-1] if self.keep == "last" else trained[np.argmax(values[trained])])

    def _score(self, metric: str) -> str | None:
        """The name of the dev score: that of the metric, or the first that an evaluation logged."""
        logged = [
            name for line in self.lines if "loss" not in line for name in line if name not in ("step", *_GEOMETRY)
        ]
        return next((name for name in logged if name.endswith(f"_{metric}")), logged[0] if logged else None)
