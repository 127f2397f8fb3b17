"""Runs of one recipe that differ only in their seed: their directories, and the mean and deviation of their scores."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, variance
from typing import TYPE_CHECKING, Any

from simemb import files, json_files
from simemb.errors import TrainingError
from simemb.evaluation.scores import Scores
from simemb.training.run_record import is_record

if TYPE_CHECKING:
    from simemb.training.result import Result

RECORD = "seeds.json"


@dataclass(frozen=True)
class Run:
    """What is read of a run in seeds.json: the name of its directory."""

    directory: str


@dataclass(frozen=True)
class Runs:
    """What is read of seeds.json."""

    runs: tuple[Run, ...]


GEOMETRY = ("alignment", "uniformity", "effective_rank")


def directory(output: Path, seed: int) -> Path:
    """The run directory of one of several seeds."""
    return output / f"seed-{seed}"


def resuming(output: Path) -> str | None:
    """The command that goes on with the runs of several seeds in a folder, as the first of them was begun by it."""
    records = sorted(path for path in output.glob("seed-*/recipe.json") if is_record(path))
    command = json_files.load_json(records[0]).get("command") if records else None
    if not (isinstance(command, list) and all(isinstance(word, str) for word in command)):
        return None
    return shlex.join([*(word for word in command if word not in ("--overwrite", "--resume")), "--resume"])


def numbers(scores: Scores) -> dict[str, float]:
    """The numbers by which runs are compared: averages over tasks, without variants, and the geometry if measured."""
    geometry = scores.geometry
    averages = {name: value for name, value in scores.averages().items() if "." not in name}
    return averages | ({name: getattr(geometry, name) for name in GEOMETRY} if geometry else {})


def mean(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    """The plain mean of each number."""
    return {name: fmean(run[name] for run in runs) for name in runs[0]}


def deviation(runs: Sequence[dict[str, float]]) -> dict[str, float]:
    """The sample standard deviation (n - 1) of each number, of two runs or more."""
    return {name: spread([run[name] for run in runs]) for name in runs[0]}


def spread(values: Sequence[float]) -> float:
    """The sample standard deviation (n - 1) of two or more numbers; nan if one of them is (`stdev` raises an error)."""
    return sqrt(variance(values))


def save(output: Path, results: Sequence["Result"], seeds: Sequence[int]) -> None:
    """Write seeds.json beside the runs: the numbers of each best checkpoint, their mean and their deviation."""
    scored = [numbers(result.after) for result in results if result.after]
    content: dict[str, Any] = {
        "suite": results[0].after.suite if results[0].after else None,
        "seeds": list(seeds),
        "runs": [
            {"seed": seed, "directory": result.directory.name, "best_step": result.best_step, **run}
            for seed, result, run in zip(seeds, results, scored or [{}] * len(results), strict=True)
        ],
    }
    if scored:
        content["mean"] = mean(scored)
    if len(scored) > 1:
        content["sd"] = deviation(scored)
    # JSON has no nan: an undefined number is null.
    plain = json.loads(json.dumps(content), parse_constant=lambda _: None)
    path = output / RECORD
    try:
        files.write_text(path, json.dumps(plain, indent=2) + "\n")
    except OSError as error:
        raise TrainingError(f"{path}: cannot be written: {error.strerror}") from error
