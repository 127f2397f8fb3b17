"""One model of a report: a run directory, a model directory or a hub name, with all that is known of it.

Nothing is loaded or computed before somebody asks for it: learning curves need no encoder.
"""

import logging
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simemb.comparison.compatibility import read_record
from simemb.devices import AUTO
from simemb.errors import AbsentError
from simemb.evaluation.evaluate import evaluate
from simemb.evaluation.scores import Scores
from simemb.evaluation.suite import Suite
from simemb.report.figures.style import Look
from simemb.report.history import History
from simemb.training import run_record

log = logging.getLogger("simemb")


class ReportedModel:
    """A model.

    model: as the user named it. label: a short name that no other model of the report has. look: how figures draw it.
    pooling, device: as in `Encoder.load`. base: whether it is there only because another one started from it.
    """

    def __init__(
        self,
        model: str,
        label: str,
        look: Look,
        *,
        pooling: str | None = None,
        device: str = AUTO,
        base: bool = False,
    ):
        self.model = model
        self.label = label
        self.look = look
        self.pooling = pooling
        self.device = device
        self.base = base
        self._scores: dict[str, Scores] = {}

    # ---- what lies in the run directory ----------------------------------------------------------

    @property
    def directory(self) -> Path:
        """Where recipe.json and metrics.jsonl are, if it is a run: the directory, or the one around its best/."""
        path = Path(self.model)
        inside = path.name == "best" and (path.parent / "recipe.json").is_file()
        return path.parent if inside else path

    @cached_property
    def recipe(self) -> dict[str, Any] | None:
        """recipe.json; None for what is no run. `DataError` if it is damaged."""
        path = self.directory / "recipe.json"
        if not path.is_file():
            return None
        return run_record.read(path)

    @cached_property
    def history(self) -> History | None:
        """What it logged while it trained."""
        return History.of(self.directory, self.recipe)

    @cached_property
    def records(self) -> dict[Path, dict[str, Any]]:
        """What `simemb eval` left in the run directory. `DataError` for a file that is no record of scores."""
        return {path: dict(read_record(path)) for path in sorted((self.directory / "scores").glob("*.json"))}

    @cached_property
    def on_record(self) -> dict[str, tuple[Path, dict[str, Any]]]:
        """The records that are of all dimensions of this very encoder, by suite."""
        current = {path: record for path, record in self.records.items() if record["fingerprint"] == self.fingerprint}
        whole = {path: record for path, record in current.items() if not record.get("truncate_dim")}
        return {str(record["suite"]): (path, record) for path, record in whole.items()}

    @cached_property
    def stale(self) -> list[Path]:
        """The records that are of another encoder than the model is now."""
        paths = [path for path, record in self.records.items() if record["fingerprint"] != self.fingerprint]
        for path in paths:
            log.warning("%s is stale: it is of another encoder than %s is now, and is not used", path, self.model)
        return paths

    # ---- what its encoder makes of a suite -------------------------------------------------------

    @cached_property
    def encoder(self) -> Any:
        """The encoder; `ModelError` if there is none."""
        from simemb.encoder.encoder import Encoder

        return Encoder.load(self.model, pooling=self.pooling, device=self.device, precision="float32")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the encoder."""
        return self.encoder.fingerprint()

    def scores(self, suite: Suite) -> Scores:
        """Its scores now, with the outcomes of every unit, and alignment and uniformity where they can be measured."""
        if suite.name not in self._scores:
            log.info("%s: scoring %s", suite.name, self.label)
            self._scores[suite.name] = self._evaluate(suite)
        return self._scores[suite.name]

    def _evaluate(self, suite: Suite) -> Scores:
        from simemb.comparison.provenance import judge

        try:
            scores = evaluate(self.encoder, suite, geometry=True, cache=True)
        except AbsentError:
            # The pairs for alignment and uniformity may be missing where those of the tasks are not.
            scores = evaluate(self.encoder, suite, cache=True)
        return scores if self.base else judge(scores, self.model)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of distinct texts [texts, dim], most of which the cache has from scoring."""
        from simemb.evaluation.text_vectors import TextVectors
        from simemb.evaluation.vector_cache import VectorCache

        return TextVectors(self.encoder, texts, cache=VectorCache(self.fingerprint, self.encoder.dim))[texts]
