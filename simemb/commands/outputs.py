"""Files that the verbs write: refused before the work if they cannot be written."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from simemb import files
from simemb.commands.parsing import UsageError
from simemb.errors import DataError

PACKAGES = ("matplotlib", "jinja2")
"""What reports and figures need beyond the requirements of simemb: `simemb[plot]`."""


def check_output(path: Path | None) -> None:
    """Refuse an output that cannot be written, before the work that it is for. Raises `DataError`."""
    try:
        if path is not None:
            files.probe(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error


def write_output(path: Path, text: str) -> None:
    """Write a text file in one step. Raises `DataError` if that fails."""
    try:
        files.write_text(path, text)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror}") from error


def check_report(verb: str, models: Sequence[str], output: Path, *, overwrite: bool) -> None:
    """Refuse at once what would fail after minutes of work: no model, a missing package, an output in the way."""
    if not models:
        raise UsageError(f"missing: RUN, at least one; `simemb {verb} --help` tells more")
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise DataError(f"simemb {verb} needs {' and '.join(missing)}: pip install 'simemb[plot]'")
    if output.is_dir():
        raise DataError(f"{output}: is a directory; --output names a file")
    if output.exists() and not overwrite:
        raise DataError(f"{output} exists: --overwrite replaces it")
