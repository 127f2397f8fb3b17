"""metrics.jsonl, what a run logs: a line for each logged step and each evaluation, numbers by name."""

import json
import logging
from collections.abc import Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from simemb import files, json_files
from simemb.errors import DataError
from simemb.libraries import reason

log = logging.getLogger("simemb")


def line(record: Mapping[str, Any]) -> str:
    """A line of the file; a number that is not finite (a batch of one has no negatives) is null."""
    finite = {
        name: None if isinstance(value, float) and not isfinite(value) else value for name, value in record.items()
    }
    return json.dumps(finite) + "\n"


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file, if there is one: numbers by name, of which "step" is one.

    A last line that a crash cut short is left out; so is any other that cannot be read, with a notice.

    Raises `DataError` for a file that cannot be read at all.
    """
    try:
        files.refuse_special(path)
        if path.is_symlink() and not path.exists():  # what is written there would appear elsewhere
            raise DataError(f"{path}: cannot be read: it is a link to nowhere")
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else []
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {reason(error)}") from error
    for number, text in enumerate(lines, 1):
        record = _numbers(text)
        if record is not None:
            yield record
        elif text.strip() and number < len(lines):
            log.warning("%s, line %d cannot be read and is left out", path, number)


def _numbers(text: str) -> dict[str, Any] | None:
    """The numbers of a line; None if it is none of ours."""
    try:
        record = json_files.parse_record(text)
    except ValueError:
        return None
    if not isinstance(record, dict) or type(record.get("step")) is not int:
        return None
    return record if all(value is None or type(value) in (int, float) for value in record.values()) else None
