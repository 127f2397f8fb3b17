"""The record of a run, recipe.json: whether a file is one, and what differs between two."""

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from simemb import json_files
from simemb.errors import DataError


@dataclass(frozen=True)
class RunRecord:
    """What a run and its continuation have in common; versions and machine may differ."""

    recipe: Mapping[str, Any]
    run: Mapping[str, Any]
    data: Mapping[str, Any]


@dataclass(frozen=True)
class _Run:
    model: str
    fingerprint: str
    data: str | tuple[str, ...]
    columns: tuple[str, ...]
    seed: int
    metric: str = "spearman"
    warning: str = ""
    labels: str = ""
    delimiter: str = ""
    header: bool = True


@dataclass(frozen=True)
class _View:
    column: int


@dataclass(frozen=True)
class _Lesson:
    views: tuple[_View, ...] = ()


@dataclass(frozen=True)
class _Recipe:
    views: tuple[_View, ...]
    keep: str = "best"
    lessons: tuple[_Lesson, ...] = ()


@dataclass(frozen=True)
class _Part:
    columns: tuple[str, ...]
    digest: str
    rows: int
    labels: str = ""


@dataclass(frozen=True)
class _Data:
    digest: str
    rows: int
    parts: tuple[_Part, ...] = ()


@dataclass(frozen=True)
class _Dev:
    suites: tuple[str, ...] = ()


@dataclass(frozen=True)
class RecordShape:
    """What recipe.json must say, as far as anything reads it that does not train (see `simemb.records`)."""

    recipe: _Recipe
    run: _Run
    data: _Data
    dev: _Dev = field(default_factory=_Dev)


SECTIONS = tuple(section.name for section in fields(RunRecord))

DIGESTS = ("digest", "fingerprint", "teacher", "twin", "guide", "reranker", "generator")
"""Differences that say less to a person than any other, so they are named last."""

MOVABLE = {
    ("run", "model"): ("run.fingerprint",),
    ("run", "data"): ("data.digest",),
    ("run", "dev"): ("dev.digest",),
    ("recipe", "target.model"): ("data.teacher", "data.twin"),
    ("recipe", "guide"): ("data.guide",),
    ("recipe", "reranker"): ("data.reranker",),
    ("recipe", "auxiliaries.0.generator"): ("data.generator",),
}
"""Names and paths, with the digests of what they name: the same bytes may lie elsewhere."""


def is_record(path: Path) -> bool:
    """Whether a file is the recipe.json of a run."""
    with suppress(DataError):
        json_files.read_json(path, DataError, RunRecord)
        return True
    return False


def read(path: Path) -> dict[str, Any]:
    """The content of the recipe.json of a run. Raises `DataError` for what is none."""

    def refusal(reason: str) -> DataError:
        return DataError(f"{path} is damaged ({reason}): it does not say what was trained, and how")

    return json_files.read_object(path, refusal, RecordShape)


def difference(now: Mapping[str, Any], then: Mapping[str, Any]) -> str | None:
    """The first difference that forbids to resume a run, in words; None if there is none."""
    leaves_now, leaves_then = _leaves(now), _leaves(then)
    same = {name for name, leaf in leaves_now.items() if leaves_then.get(name) == leaf}
    moved = tuple(f"{section}.{name}" for (section, name), proofs in MOVABLE.items() if same.intersection(proofs))
    same |= {name for name in leaves_now.keys() & leaves_then.keys() if re.sub(r"\.\d+$", "", name) in moved}
    for section in SECTIONS:
        names = {name for name in leaves_now.keys() | leaves_then.keys() if name.startswith(f"{section}.")} - same
        if names:
            name = min(sorted(names), key=lambda name: name.partition(".")[2] in DIGESTS)
            changed = f"is now {leaves_now.get(name)} and was {leaves_then.get(name)}"
            return _in_words(name, now["run"]) or f"{section}: {name.removeprefix(f'{section}.')} {changed}"
    return None


def _in_words(name: str, run: Mapping[str, Any]) -> str | None:
    """What another digest of the texts or of the weights means; one of other data has another number of rows."""
    if name == "data.digest":
        names = ", ".join(run["data"]) if isinstance(run["data"], list) else run["data"]
        return f"data: {names} has as many rows as it had, with other texts in them"
    return f"model: {run['model']} has other weights than it had" if name == "run.fingerprint" else None


def _leaves(content: Any, path: str = "") -> dict[str, str]:
    """Every value of nested JSON by its path."""
    if isinstance(content, Mapping):
        inner = [_leaves(value, f"{path}.{name}".lstrip(".")) for name, value in content.items()]
    elif isinstance(content, list):
        inner = [_leaves(value, f"{path}.{place}") for place, value in enumerate(content)]
    else:
        return {path: json.dumps(content)}
    return {name: value for leaves in inner for name, value in leaves.items()}
