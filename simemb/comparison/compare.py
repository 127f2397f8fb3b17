"""Encoders compared on the same data: differences with intervals, tests, and a verdict in words.

The statistics are those of `simemb.comparison.significance`, the words those of `simemb.comparison.verdict`.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import combinations
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from simemb.arguments import checked
from simemb.comparison import compatibility, provenance
from simemb.comparison.entrants import Entrant, entrants
from simemb.comparison.pairwise import Entry, PairComparison, Side, compare_pair, entry
from simemb.comparison.significance import LEVEL, Floats, fewest_resamples, mean_over_seeds, resample
from simemb.devices import leading
from simemb.encoder.models import Model
from simemb.encoder.precision import Precision
from simemb.encoder.streaming import Devices, spread
from simemb.errors import DataError
from simemb.evaluation import evaluate
from simemb.evaluation.outcomes import Outcomes
from simemb.evaluation.scores import AVERAGE, Scores
from simemb.evaluation.suite import Suite
from simemb.outputs import write_text


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison, and what it takes to repeat it.

    Attributes:
        measure: The number that was compared.
        entries: The entrants in the order given.
        pairs: Every pair of entrants; pairs with the first entrant come first.
        units: How many units each task has.
        missing: Tasks of the suite whose data are missing.
        left_out: Tasks of the suite that were not asked for.
        unresampled: Tasks without units to resample, which are left out.
        data: Every corpus or file that was read -> its SHA-256.
    """

    suite: str
    measure: str
    entries: tuple[Entry, ...]
    pairs: tuple[PairComparison, ...]
    units: dict[str, int]
    resamples: int
    seed: int
    level: float
    missing: tuple[str, ...]
    unresampled: tuple[str, ...]
    data: dict[str, str]
    versions: dict[str, str]
    date: str
    command: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that were compared."""
        return tuple(self.units)

    def to_json(self) -> dict[str, Any]:
        """The record in plain Python, unrounded; an undefined number is None, as JSON has no nan."""
        content = {"duels" if name == "pairs" else name: value for name, value in asdict(self).items()}
        return json.loads(json.dumps(content), parse_constant=lambda _: None)

    @checked
    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write `to_json` to `path` atomically; `DataError` if it exists (without `overwrite`) or cannot be written."""
        write_text(Path(path), json.dumps(self.to_json(), indent=2, ensure_ascii=False) + "\n", overwrite=overwrite)


@checked
def compare(
    models: Sequence[Model | Sequence[Model]],
    suite: Any = "sts",
    *,
    resamples: int = 2000,
    seed: int = 1,
    pooling: str | Sequence[str] | None = None,
    precision: Precision = "float32",
    device: str | None = None,
    devices: Devices | None = None,
    batch_size: int | None = None,
    progress: bool | None = None,
    cache: bool = True,
) -> Comparison:
    """Compare encoders on a suite.

    Args:
        models: Each a directory, a hub name, an encoder, a directory of seeds, or a list of runs of one recipe with
            different seeds. Such runs are one entrant, with their mean.
        suite: As in `evaluate`.
        resamples: How often the units of every task are resampled.
        seed: Decides the resamples. The result of two entrants does not depend on the entrants after them.
        pooling: For models given by name: one for all, or one for each.
        precision, device: For models given by name, as in `Encoder.load`.
        devices: Those of several processes that encode, as in `Encoder.spread`.
        batch_size: Sentences per batch, as in `evaluate`.
        progress: Whether to draw a bar, as in `evaluate`.
        cache: As in `evaluate`.

    Raises:
        DataError: A suite or data that cannot be used, or scores that cannot be compared.
        ModelError: A model that cannot be loaded.
    """
    poolings = [pooling] if isinstance(pooling, str) else list(pooling or ())
    suite = evaluate.find(suite)
    suite.check_libraries()  # before models are loaded
    participants = entrants(models, poolings, precision, leading(device, devices))
    _check_resamples(resamples, len(suite.tasks), seed)
    scores = {
        entrant.label: [
            _evaluate(entrant, place, suite, devices, batch_size=batch_size, progress=progress, cache=cache)
            for place in range(len(entrant.models))
        ]
        for entrant in participants
    }
    _check_distinct(scores)
    return compare_scores(scores, resamples=resamples, seed=seed)


def _evaluate(entrant: Entrant, place: int, suite: Suite, devices: Devices | None, **options: Any) -> Scores:
    encoder, model = entrant.encoder(place), entrant.models[place]
    with spread(encoder, devices):
        scores = evaluate.evaluate(encoder, suite, **options)
    return provenance.judge(scores, model) if isinstance(model, str) else scores


def compare_scores(scores: Mapping[str, Sequence[Scores]], *, resamples: int = 2000, seed: int = 1) -> Comparison:
    """The comparison of entrants by their scores: label -> those of each run, with their outcomes.

    Raises:
        DataError: Too few resamples to show anything, scores that are not of the same suite, tasks and data, or no
            task whose units can be resampled.
    """
    tasks = _tasks(scores)
    _check_resamples(resamples, len(tasks), seed)
    drawn = _draw([[run.outcomes for run in runs] for runs in scores.values()], tasks, resamples, seed)
    sides = [
        Side(entry(label, scores[label], tasks), scores[label], own) for label, own in zip(scores, drawn, strict=True)
    ]
    first = next(iter(scores.values()))[0]
    return Comparison(
        suite=first.suite,
        measure=_measure(first, tasks),
        entries=tuple(side.entry for side in sides),
        pairs=tuple(compare_pair(*pair) for pair in combinations(sides, 2)),
        units={task: len(first.outcomes[task]) for task in tasks},
        resamples=resamples,
        seed=seed,
        level=LEVEL,
        missing=first.missing,
        unresampled=tuple(task for task in first.tasks if task not in tasks),
        data=first.data,
        versions=first.versions,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        command=(Path(sys.argv[0]).name, *sys.argv[1:]),
        left_out=first.left_out,
    )


def _check_distinct(scores: Mapping[str, Sequence[Scores]]) -> None:
    """Refuse to compare an encoder with itself under two names: there is no difference to find."""
    known: dict[frozenset[str], str] = {}
    for label, runs in scores.items():
        same = known.setdefault(frozenset(run.fingerprint for run in runs), label)
        if same != label:
            raise DataError(
                f"{same} and {label} are one encoder (the same weights and settings): leave one of them out"
            )


def _tasks(scores: Mapping[str, Sequence[Scores]]) -> list[str]:
    """The tasks that have units. Raises `DataError` if the scores are not comparable or no task has units."""
    every = [run for runs in scores.values() for run in runs]
    for run in every[1:]:
        reason = compatibility.difference(every[0].to_json(), run.to_json())
        if reason:
            raise DataError(f"{every[0].model} and {run.model} cannot be compared: {reason}")
    tasks = [task for task in every[0].tasks if all(task in run.outcomes for run in every)]
    if not tasks:
        raise DataError(
            f"suite {every[0].suite}: its tasks have no units that could be drawn anew, so nothing is compared"
        )
    return tasks


def _check_resamples(resamples: int, tasks: int, seed: int) -> None:
    if seed < 0:
        raise DataError(f"seed must be 0 or more, not {seed}")
    fewest = fewest_resamples(tasks)
    if resamples < fewest:
        raise DataError(
            f"{resamples} resamples cannot show a difference at {LEVEL:.0%} on one of {tasks} tasks (allowed: at least "
            f"{fewest})"
        )


def _measure(scores: Scores, tasks: Sequence[str]) -> str:
    """The number that was compared: the suite's headline, unless the units give another number."""
    if all(scores.is_statistic_of_outcomes(task) or isnan(scores.outcomes[task].statistic()) for task in tasks):
        return scores.headline
    return "spearman" if any(scores.outcomes[task].gold is not None for task in tasks) else "mean"


def _draw(
    groups: Sequence[Sequence[Mapping[str, Outcomes]]], tasks: Sequence[str], resamples: int, seed: int
) -> list[dict[str, Floats]]:
    """For each entrant its score on every resample [resamples], by task and under `AVERAGE`."""
    runs = [run for group in groups for run in group]
    for_units, for_seeds = np.random.default_rng(seed).spawn(2)
    generators = for_units.spawn(len(tasks))
    scores = [
        resample([run[task] for run in runs], resamples, own) for task, own in zip(tasks, generators, strict=True)
    ]
    ends = np.cumsum([len(group) for group in groups])
    scores_by_entrant: list[dict[str, Floats]] = []
    parts = np.split(np.stack(scores), ends[:-1], axis=1)
    for part, own in zip(parts, for_seeds.spawn(len(groups)), strict=True):
        means = mean_over_seeds(part, own)
        scores_by_entrant.append({**dict(zip(tasks, means, strict=True)), AVERAGE: means.mean(axis=0)})
    return scores_by_entrant
