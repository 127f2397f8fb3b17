"""The run directory: the files of a run, and the rules for a directory that exists already.

`recipe.json` (everything that defines the run), `metrics.jsonl` (one line a logged step or evaluation),
`best/` (a sentence-transformers directory; `twin/` beside it where a
second encoder learns too), `last/` (what exact resume needs) and a model card.
"""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from platform import machine, python_version
from shlex import quote
from typing import Any

from simemb import extras, files, json_files, ranks
from simemb.errors import TrainingError
from simemb.training import metrics_file, run_files, seeds
from simemb.training.run_record import difference, is_record

VERSIONED = ("simemb", "torch", "transformers", "tokenizers", "accelerate", "numpy", "sentence-transformers")

Identity = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Settings:
    """What defines a run besides its recipe.

    data: their names, read one after the other. labels: the column that sorted pairs into positives and negatives.
    delimiter, header: how their files are written, if that was said. prompts: what is put before queries and documents,
    if anything.
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
    prompts: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON for recipe.json: one of the data is a string, and how they are read is left out if it is usual."""
        data = self.data[0] if len(self.data) == 1 else list(self.data)
        usual = {"labels": "", "delimiter": "", "header": True, "prompts": {}}
        content = {**asdict(self), "data": data, "columns": list(self.columns)}
        return {name: value for name, value in content.items() if name not in usual or value != usual[name]}


class RunDirectory:
    """The files of a run, written under the lock of the directory (`writing`). Nothing is written before `claim`.

    A run that replaces another is staged: until `publish`, after its first checkpoint, its files are in a temporary
    folder beside the old run. `path` is the directory as the user named it.
    """

    def __init__(self, directory: str | Path):
        self.path = Path(directory)
        self._block: ExitStack | None = None
        self._target = self.path
        self._staging: Path | None = None
        self._found: Identity = ()

    @property
    def recipe(self) -> Path:
        """What defines the run."""
        return self._place / "recipe.json"

    @property
    def metrics(self) -> Path:
        """The log."""
        return self._place / "metrics.jsonl"

    @property
    def best(self) -> Path:
        """The encoder that the run gives."""
        return self._place / "best"

    @property
    def twin(self) -> Path:
        """The second encoder, if the recipe trains one."""
        return self._place / "twin"

    @property
    def checkpoint(self) -> Path:
        """What exact resume needs."""
        return self._place / "last" / "state.safetensors"

    @property
    def resuming(self) -> str:
        """The command that goes on with the run."""
        return f"simemb train --resume {quote(str(self.path))}"

    @property
    def staged(self) -> bool:
        """Whether the run is still beside the one that it will replace."""
        return self._staging is not None

    @property
    def _place(self) -> Path:
        return self._staging or self.path

    @contextmanager
    def writing(self) -> Generator[None, None, None]:
        """Hold the lock of the directory, in the process that writes; may be nested.

        Raises `BusyError` if another process holds it. On exit a run that is still staged is removed.
        """
        if self._block is not None or not ranks.is_main():
            yield
            return
        self._refuse_file()
        with ExitStack() as self._block:
            try:
                self._target = self._block.enter_context(files.writing(self.path))
            except OSError as error:
                raise TrainingError(f"{self.path}: cannot be written: {error.strerror}") from error
            self._block.callback(self._leave)
            if is_record(self.recipe):
                self._tidy()
            yield

    def _tidy(self) -> None:
        """Put right what killed writers left inside the run."""
        for path in (self.recipe, self.metrics, self.best, self.twin, self.checkpoint):
            files.tidy(path)

    def _leave(self) -> None:
        self._block = self._staging = None

    def refuse(self, *, resume: bool, overwrite: bool) -> None:
        """Raise `TrainingError` unless the run may start here."""
        if resume and overwrite:
            raise TrainingError("--resume goes on with a run and --overwrite throws it away: choose one")
        self._refuse_file()
        if resume:
            self._refuse_other()
        elif _content(self.path):
            self._refuse_foreign()
            if not overwrite:
                advice = "--resume (in Python resume=True) goes on with it, --overwrite (overwrite=True) replaces it"
                raise TrainingError(f"{self.path} exists and is not empty: {advice}")
        self._found = self._identity()

    def _refuse_file(self) -> None:
        if is_record(self.path):
            raise TrainingError(f"{self.path} is the record of a run: name its folder, {self.path.parent}")
        if self.path.is_file() or any(parent.is_file() for parent in self.path.parents):
            raise TrainingError(f"{self.path}: cannot be a run directory, a file is in the way")

    def _refuse_other(self) -> None:
        """Raise `TrainingError` unless a run is here; it may have been stopped before its first checkpoint."""
        if not self.recipe.exists():
            if command := seeds.resuming(self.path):
                raise TrainingError(f"{self.path} holds the runs of several seeds; `{command}` goes on with them")
            what = "a folder, but no run" if _content(self.path) else "no run"
            run = self.path.parent
            inside = (run / "recipe.json").is_file()
            advice = f"name {run}" if inside else "name the folder that holds its recipe.json"
            advice += ", or start one without --resume"
            raise TrainingError(f"{self.path}: nothing to resume, there is {what}; {advice}")
        if not is_record(self.recipe):
            raise TrainingError(f"{self.recipe}: is damaged or not of a run; give a new run another --output")

    def _refuse_foreign(self) -> None:
        """Raise `TrainingError` unless everything here is of a run: only that may be replaced."""
        leaves = "so --overwrite leaves it alone; give another --output"
        recipe = self.path / "recipe.json"
        if not recipe.exists():
            raise TrainingError(f"{self.path} is not a run directory (no recipe.json), {leaves}")
        if not is_record(recipe):
            raise TrainingError(f"{self.path} is not a run directory (its recipe.json is not of a run), {leaves}")
        if foreign := run_files.foreign(self.path):
            raise TrainingError(f"{self.path} holds {foreign!r}, which is no part of a run, {leaves} or move it")

    def _identity(self) -> Identity:
        """What tells the run that is here from any other, and from itself after another step."""
        states = [self.path / "recipe.json", self.path / "last" / "state.safetensors"]
        found = [path.stat() for path in states if path.exists()]
        return tuple((state.st_ino, state.st_mtime_ns) for state in found)

    def _confirm(self) -> None:
        """Ask again before something is removed: is here what `refuse` found?"""
        if self._identity() != self._found:
            raise TrainingError(f"{self.path}: another wrote there meanwhile; nothing was replaced")
        self._refuse_foreign()

    def claim(self, record: Mapping[str, Any], *, resume: bool) -> None:
        """Start a run and write recipe.json, or go on with the one that is here; for the holder of the lock.

        A run without a checkpoint goes on from its first step, which follows from its record alone.
        """
        if resume and self.checkpoint.exists():
            return
        try:
            if not resume:
                self._begin(record)
            self.metrics.write_text("")
        except OSError as error:
            raise TrainingError(f"{self.path}: cannot be written: {error.strerror}") from error

    def _begin(self, record: Mapping[str, Any]) -> None:
        if _content(self._target):
            assert self._block is not None
            self._confirm()
            self._staging = self._block.enter_context(files.scratch(self._target))
        else:
            self._target.mkdir(parents=True, exist_ok=True)
            self._tidy()
        files.write_text(self.recipe, json.dumps(record, indent=2, ensure_ascii=False) + "\n")

    def publish(self) -> None:
        """Put a staged run, which has a checkpoint now, in the place of the old one."""
        if self._staging is None:
            return
        self._confirm()
        try:
            files.replace_directory(self._target, self._staging)
        except OSError as error:
            raise TrainingError(f"{self.path}: cannot be replaced: {error.strerror}") from error
        self._staging = None

    def compare(self, record: dict[str, Any]) -> None:
        """Raise `TrainingError` if the run here was started with other settings than those of `record`.

        What only moved is not another: a path whose content has the same digest.
        """
        saved = json_files.read_json(
            self.recipe,
            lambda reason: TrainingError(f"{self.recipe}: cannot be read ({reason}); give a new run another --output"),
            Mapping[str, Any],
        )
        found = difference(record, saved)
        if found is not None:
            raise TrainingError(
                f"{self.path}: cannot resume with another {found}; leave the options as they were, or start a new run"
            )

    def log(self, record: dict[str, Any]) -> None:
        """Append one line to metrics.jsonl."""
        try:
            with self.metrics.open("a", encoding="utf-8") as file:
                file.write(metrics_file.line(record))
        except OSError as error:
            raise TrainingError(f"{self.metrics}: cannot be written: {error.strerror}") from error

    def logged(self) -> Iterator[dict[str, Any]]:
        """The lines of metrics.jsonl (see `simemb.training.metrics_file.read`)."""
        return metrics_file.read(self.metrics)

    def forget_after(self, step: int) -> None:
        """Drop the lines of steps after the checkpoint: they will be written again."""
        kept = [record for record in self.logged() if record["step"] <= step]
        try:
            files.write_text(self.metrics, "".join(map(metrics_file.line, kept)))
        except OSError as error:
            raise TrainingError(f"{self.metrics}: cannot be written: {error.strerror}") from error


def _content(directory: Path) -> list[Path]:
    """What is in a directory, without what a killed writer left; nothing if there is no directory."""
    inside = directory.iterdir() if directory.is_dir() else ()
    return sorted(path for path in inside if not files.is_temporary(path))


def environment() -> dict[str, Any]:
    """Versions, machine and command of this process, for the record."""
    return {
        "versions": extras.versions(VERSIONED) | {"python": python_version()},
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
