"""The run directory: the files of a run, and the rules for a directory that exists already.

`recipe.json` (everything that defines the run), `metrics.jsonl` (one line a logged step or evaluation),
`best/` (a sentence-transformers directory; `twin/` beside it where a
second encoder learns too), `last/` (what exact resume needs) and a model card.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from math import isfinite
from pathlib import Path
from platform import machine, python_version
from typing import Any

from simemb import files
from simemb.errors import TrainingError

VERSIONED = ("simemb", "torch", "transformers", "tokenizers", "accelerate", "numpy", "sentence-transformers")

DIGESTS = ("digest", "fingerprint")
"""Differences that say less to a person than any other, so they are named last."""


@dataclass(frozen=True)
class Settings:
    """What defines a run besides its recipe.

    data: their names, read one after the other. labels: the column that sorted pairs into positives and negatives.
    delimiter, header: how their files are written, if that was said.
    """

    model: str
    fingerprint: str
    pooling: str
    data: tuple[str, ...]
    columns: tuple[str, ...]
    dev: str
    metric: str
    seed: int
    precision: str
    warning: str = ""
    labels: str = ""
    delimiter: str = ""
    header: bool = True

    def to_json(self) -> dict[str, Any]:
        """Plain JSON for recipe.json: one of the data is a string, and how they are read is left out if it is usual."""
        data = self.data[0] if len(self.data) == 1 else list(self.data)
        usual = {"labels": "", "delimiter": "", "header": True}
        content = {**asdict(self), "data": data, "columns": list(self.columns)}
        return {name: value for name, value in content.items() if name not in usual or value != usual[name]}


class RunDirectory:
    """The files of a run. Nothing is written before `claim`."""

    def __init__(self, directory: str | Path):
        self.path = Path(directory)
        self.recipe = self.path / "recipe.json"
        self.metrics = self.path / "metrics.jsonl"
        self.best = self.path / "best"
        self.twin = self.path / "twin"
        self.checkpoint = self.path / "last" / "state.safetensors"

    def refuse(self, *, resume: bool, overwrite: bool) -> None:
        """Raise `TrainingError` unless the run may start here."""
        if resume and overwrite:
            raise TrainingError("--resume goes on with a run and --overwrite throws it away: choose one")
        if self.path.is_file() or any(parent.is_file() for parent in self.path.parents):
            raise TrainingError(f"{self.path}: cannot be a run directory, a file is in the way")
        taken = self.path.is_dir() and any(self.path.iterdir())
        if resume and not self.checkpoint.exists():
            missing = self.checkpoint.relative_to(self.path)
            advice = "--overwrite starts it again" if self.recipe.exists() else "start it without --resume"
            raise TrainingError(f"{self.path}: nothing to resume, there is no {missing}; {advice}")
        if taken and not resume and not self.recipe.exists():
            raise TrainingError(
                f"{self.path} is not a run directory (no recipe.json), so --overwrite leaves it alone; give "
                "another --output"
            )
        if taken and not resume and not overwrite:
            raise TrainingError(
                f"{self.path} exists and is not empty: --resume goes on with it, --overwrite replaces it"
            )

    def claim(self, record: Mapping[str, Any], *, resume: bool) -> None:
        """Start a run here and write recipe.json; with `resume` remove what a crash left."""
        if resume:
            for folder in (self.best, self.twin):
                files.recover(folder)
            for folder in (self.path, self.checkpoint.parent):
                files.sweep(folder)
            return
        try:
            if self.path.exists():
                shutil.rmtree(self.path)
            self.path.mkdir(parents=True)
            files.write_text(self.recipe, json.dumps(record, indent=2, ensure_ascii=False) + "\n")
            self.metrics.touch()
        except OSError as error:
            raise TrainingError(f"{self.path}: cannot be written: {error.strerror}") from error

    def compare(self, record: dict[str, Any]) -> None:
        """Raise `TrainingError` if the run here was started with other settings than those of `record`."""
        saved = files.read_json(
            self.recipe,
            lambda error: TrainingError(f"{self.recipe}: cannot be read ({error}); start again with --overwrite"),
        )
        if not isinstance(saved, dict):
            raise TrainingError(f"{self.recipe}: is not a run's recipe.json; start again with --overwrite")
        for section in ("recipe", "run", "data"):
            now, then = _leaves(record[section]), _leaves(saved.get(section, {}))
            differing = [name for name in sorted(now | then) if now.get(name) != then.get(name)]
            if differing:
                name = min(differing, key=lambda name: name in DIGESTS)
                raise TrainingError(
                    f"{self.path}: cannot resume with another {section}: {name} is now {now.get(name)} and was "
                    f"{then.get(name)}; leave the options as they were, or start a new run"
                )

    def log(self, record: dict[str, Any]) -> None:
        """Append one line to metrics.jsonl."""
        try:
            with self.metrics.open("a", encoding="utf-8") as file:
                file.write(_line(record))
        except OSError as error:
            raise TrainingError(f"{self.metrics}: cannot be written: {error.strerror}") from error

    def logged(self) -> Iterator[dict[str, Any]]:
        """The lines of metrics.jsonl, without a last line that a crash cut short."""
        for line in self.metrics.read_text(encoding="utf-8").splitlines() if self.metrics.exists() else ():
            try:
                yield json.loads(line)
            except ValueError:
                return

    def forget_after(self, step: int) -> None:
        """Drop the lines of steps after the checkpoint: they will be written again."""
        kept = [record for record in self.logged() if record["step"] <= step]
        files.write_text(self.metrics, "".join(map(_line, kept)))


def _line(record: dict[str, Any]) -> str:
    """A line of metrics.jsonl; a number that is not finite (a batch of one has no negatives) is null."""
    finite = {
        name: None if isinstance(value, float) and not isfinite(value) else value for name, value in record.items()
    }
    return json.dumps(finite) + "\n"


def environment() -> dict[str, Any]:
    """Versions, machine and command of this process, for the record."""
    return {
        "versions": {name: version(name) for name in VERSIONED} | {"python": python_version()},
        "machine": f"{machine()}, {os.cpu_count()} cores",
        "git": _git_hash(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def _git_hash() -> str | None:
    """The commit of the folder that the user works in, if it is a git checkout."""
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _leaves(content: Any, path: str = "") -> dict[str, str]:
    """Every value of nested JSON by its path."""
    if isinstance(content, dict):
        inner = [_leaves(value, f"{path}.{name}".lstrip(".")) for name, value in content.items()]
    elif isinstance(content, list):
        inner = [_leaves(value, f"{path}.{place}") for place, value in enumerate(content)]
    else:
        return {path: json.dumps(content)}
    return {name: value for leaves in inner for name, value in leaves.items()}
