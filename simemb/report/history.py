"""What a run logged while it trained: the lines of metrics.jsonl as series of numbers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simemb.training.batches import PARTS
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
        return Series(*self._points("step", name))

    @property
    def seen(self) -> dict[str, str]:
        """How much of each of several data was seen until the last line that says so, by its name there."""
        last = next((line for line in reversed(self.lines) if f"{PARTS}.0.batches" in line), {})
        return {name: f"{value:,.6g}" for name, value in last.items() if name.startswith(PARTS)}

    @property
    def way(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Uniformity and alignment of the evaluations that have both, in order."""
        uniformity, alignment = self._points("dev_uniformity", "alignment")
        return uniformity, alignment

    @property
    def dev(self) -> str:
        """What the score on the dev suite is called, say `stsb_dev spearman`; empty without one."""
        return " ".join(self.score.rsplit("_", 1)) if self.score else ""

    @property
    def vectors(self) -> int | None:
        """How many vectors alignment and uniformity were measured on."""
        points = self.series("geometry_vectors")
        return int(points.values[-1]) if points else None

    def kept(self, series: Series) -> int | None:
        """The place in a series of the evaluation whose encoder was kept; None if the series is not of evaluations.

        The encoder before the first step is scored too, and never kept. Of equal scores the first was kept.
        """
        places = np.flatnonzero(series.steps == self._kept_step)
        return int(places[0]) if len(places) else None

    @property
    def _kept_step(self) -> float | None:
        if self.score is None:
            return None
        steps, values = self.series(self.score)
        trained = np.flatnonzero(steps > 0)
        if not len(trained):
            return None
        return float(steps[trained[-1] if self.keep == "last" else trained[np.argmax(values[trained])]])

    def _points(self, *names: str) -> NDArray[np.float64]:
        """Numbers of the lines that have them all [names, points]."""
        points = [
            [line[name] for name in names] for line in self.lines if all(line.get(name) is not None for name in names)
        ]
        return np.array(points, np.float64).reshape(-1, len(names)).T

    def _score(self, metric: str) -> str | None:
        """The name of the dev score: that of the metric, or the first that an evaluation logged."""
        logged = [
            name
            for line in self.lines
            if "loss" not in line
            for name in line
            if name not in ("step", *_GEOMETRY) and not name.startswith(PARTS)
        ]
        return next((name for name in logged if name.endswith(f"_{metric}")), logged[0] if logged else None)
