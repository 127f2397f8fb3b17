"""How an encoder was trained, as far as its run directory tells, and what that means for its scores.

A record of scores carries both (`Scores.trained`, `Scores.overlap`), so that a number can be traced to its training.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simemb import json_files
from simemb.comparison.contamination import Overlap
from simemb.comparison.training_texts import check
from simemb.encoder.names import as_typed, is_bundled
from simemb.errors import DataError
from simemb.training import run_record

if TYPE_CHECKING:
    from simemb.evaluation.scores import Scores

log = logging.getLogger("simemb")

ENCODERS = ("best", "twin")
"""The directories of a run that hold an encoder."""
DISTILLED = "distilled.json"
"""What `simemb distil --static` leaves in a static model: "base", the encoder that it was made of."""
WHITENING = "whitening.json"
"""What `simemb whiten` leaves beside an encoder: "whitening", "base" with how it was trained, "data", and where."""
GENERATIONS = 20
"""The most generations of runs that are followed back."""


def trained(model: str | Path) -> dict[str, Any] | None:
    """How the encoder of a run directory, or of its best/ or twin/, was trained, or how an encoder was whitened.

    Returns: plain JSON from the run's recipe.json, None for any other model. "recipe", "seed", "precision", "dev" and
    "metric" (what chose the checkpoint); "base": "model" and "fingerprint" of what training began with and, if that is
    a run too, how it was "trained"; "data": "name", "columns", the columns "read" by the recipe, "digest", "rows" and
    "warning" (say, that it holds the texts of a test set), and of several data that the run kept apart the same of
    "each"; "versions", "git" and "command". Of a whitened encoder likewise what its whitening.json says: "whitening"
    stands for the recipe, and "data" are the texts that it was whitened on. Of a static model: how its teacher was.

    A damaged record is no reason to refuse a score: the result is None, with a warning.
    """
    return _trained(as_typed(model), frozenset())


def lineage(training: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """The result of `trained`, then that of the run it began with, and so on."""
    while training is not None:
        yield training
        training = training["base"].get("trained")


def judge(scores: "Scores", model: str | Path) -> "Scores":
    """The scores of a model, with its training, and with the evaluated texts that it was trained on.

    model: the name under which it was loaded. Scores of a model that is neither a run nor whitened are returned
    unchanged.
    """
    training = trained(model)
    if training is None:
        return scores
    texts = {task: scores.texts.get(task, ()) for task in scores.tasks}
    data = [data for generation in lineage(training) for data in generation["data"].get("each", [generation["data"]])]
    overlap = check(data, texts)
    return replace(scores, trained=training, overlap=overlap.to_json())


def notes(scores: "Scores") -> list[str]:
    """What a reader of the table must know about this model's training, one line each; usually empty."""
    if scores.overlap is None:
        return []
    return [f"{scores.model}: {line}" for line in Overlap.from_json(scores.overlap).warnings()]


def pooling_notes(poolings: Mapping[str, str]) -> list[str]:
    """A line that names the poolings of encoders in one table, if they differ; no line if they agree.

    poolings: by the name of the encoder; empty where the pooling is not known.
    """
    known = {name: pooling for name, pooling in poolings.items() if pooling}
    if len(set(known.values())) < 2:
        return []
    read = ", ".join(f"{name}: {pooling}" for name, pooling in known.items())
    return [f"different poolings ({read}) may explain part of the difference; --pooling sets one for all"]


def _trained(model: str, visited: frozenset[Path]) -> dict[str, Any] | None:
    try:
        path = _record(Path(model)) if model and not is_bundled(model) else None
    except (OSError, ValueError):  # no file can have such a name
        path = None
    if path is None or path.resolve() in visited or len(visited) == GENERATIONS:
        return None
    try:
        if path.name == DISTILLED:  # it has seen what its teacher has
            return _trained(_teacher(path), visited | {path.resolve()})
        training = _whitened(path) if path.name == WHITENING else _from_recipe(run_record.read(path))
    except DataError as error:
        log.warning("%s; so how this encoder was trained is not known", error)
        return None
    if path.name == WHITENING:  # it says itself how its base was trained, since it may have replaced it
        return training
    earlier = _trained(training["base"]["model"], visited | {path.resolve()})
    if earlier is not None:
        training["base"]["trained"] = earlier
    return training


def _record(directory: Path) -> Path | None:
    """The record of a static or a whitened model, else the recipe.json of the run that it is, or belongs to."""
    places = [directory, *([directory.resolve().parent] if directory.resolve().name in ENCODERS else [])]
    records = [directory / name for name in (DISTILLED, WHITENING, f"best/{WHITENING}")]
    records += [place / "recipe.json" for place in places]
    return next((path for path in records if path.is_file()), None)


@dataclass(frozen=True)
class _Data:
    """What a record tells about training data."""

    name: str
    columns: tuple[str, ...]
    read: tuple[str, ...]
    digest: str
    rows: int
    warning: str
    parts: tuple[str, ...] = ()
    labels: str = ""
    delimiter: str | None = None
    header: bool = True


@dataclass(frozen=True)
class _Base:
    model: str
    fingerprint: str
    trained: "_Generation | None" = None


@dataclass(frozen=True)
class _Generation:
    base: _Base
    data: _Data


@dataclass(frozen=True)
class _Distilled:
    base: _Base


def _teacher(path: Path) -> str:
    """The name of the encoder that a static model was made of, from its distilled.json."""
    content = json_files.read_object(path, lambda reason: DataError(f"{path} is damaged ({reason})"), _Distilled)
    return str(content["base"]["model"])


def _whitened(path: Path) -> dict[str, Any]:
    """A whitening.json (see `simemb.commands.whiten`), which is as `trained` returns it."""

    def refusal(reason: str) -> DataError:
        return DataError(f"{path} is damaged ({reason})")

    content = json_files.read_object(path, refusal, _Generation)
    kept = ("whitening", "base", "data", "versions", "git", "command")
    return {name: content[name] for name in kept if name in content}


def _from_recipe(content: dict[str, Any]) -> dict[str, Any]:
    """The parts of a recipe.json that say how an encoder came about (see `simemb.training.fit.fit`)."""
    run, data = content["run"], content["data"]
    parts = [run["data"]] if isinstance(run["data"], str) else list(run["data"])
    whole = _training_data(parts, run | data, content["recipe"]["views"])
    if apart := data.get("parts"):
        lessons = content["recipe"].get("lessons") or [{}] * len(apart)
        views = [lesson.get("views") or content["recipe"]["views"] for lesson in lessons]
        each = zip(parts, apart, views, strict=False)
        whole |= {"each": [_training_data([name], run | part, seen) for name, part, seen in each]}
    return {
        "recipe": content["recipe"],
        **{name: run[name] for name in ("seed", "precision", "dev", "metric") if name in run},
        "base": {"model": run["model"], "fingerprint": run["fingerprint"]},
        "data": whole,
        **{name: content[name] for name in ("versions", "git", "command") if name in content},
    }


def _training_data(names: list[str], record: dict[str, Any], views: list[dict[str, Any]]) -> dict[str, Any]:
    """What is read of some data of a run; its record says how, and of several that are kept apart each has its own."""
    columns = list(record["columns"])
    read = sorted({view["column"] for view in views})
    return {
        "name": " + ".join(names),
        "parts": names,
        "columns": columns,
        "read": [columns[place] for place in read if 0 <= place < len(columns)],
        "digest": record["digest"],
        "rows": record["rows"],
        "warning": record.get("warning", ""),
        **{name: record[name] for name in ("labels", "delimiter", "header") if name in record},
    }
