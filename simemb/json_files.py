"""JSON files: read with bounds and in a declared shape, whatever is in them.

What another program wrote is parsed by `parse_json`; files of ours, which hold less, by the others.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from simemb.errors import SimembError
from simemb.files import refuse_special
from simemb.libraries import reason
from simemb.records import shaped

DEEPEST = 100
"""The most levels of lists and objects in JSON of ours."""
_DIGITS = 20
UNLIMITED = str(int(1e30))
"""How transformers writes that a tokenizer has no longest text."""


def read_json(path: Path, refusal: Callable[[str], SimembError], shape: Any = Any) -> Any:
    """The content of a JSON file in its shape (see `simemb.records`), by default as it is.

    Raises `refusal(reason)` if the file cannot be read, is not JSON, or does not have the shape.
    """
    try:
        return shaped(load_json(path), shape)
    except (OSError, ValueError) as error:
        raise refusal(reason(error)) from error


def read_object(path: Path, refusal: Callable[[str], SimembError], shape: Any) -> dict[str, Any]:
    """The content of a JSON file as it is, if it has the shape; raises as `read_json`."""
    content = read_json(path, refusal, dict[str, Any])
    try:
        shaped(content, shape)
    except ValueError as error:
        raise refusal(str(error)) from error
    return content


def load_json(path: Path) -> Any:
    """The content of a JSON file. Raises `ValueError` for what is not JSON or could not be written again, `OSError`."""
    refuse_special(path)
    return parse_record(path.read_text(encoding="utf-8"))


def parse_record(text: str) -> Any:
    """The value of a JSON text of ours. Raises `ValueError` for what is not JSON or what no writer of ours writes.

    That is: lists and objects in more than `DEEPEST` levels, whole numbers of more than 64 bits, halves of surrogate
    pairs. So whoever reads it can go through it level by level, compute with it and write it again.
    """
    try:
        content = _BOUNDED.decode(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    level, depth = [content], 0
    while level := [item for value in level for item in _items(value)]:
        depth += 1
        if depth > DEEPEST:
            raise ValueError(f"it is nested in more than {DEEPEST} levels")
    if "\\ud" in text.lower():
        try:
            json.dumps(content, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("it holds half of a surrogate pair") from None
    return content


def _items(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _whole(digits: str) -> int:
    if digits == UNLIMITED:
        return int(digits)
    if len(digits) > _DIGITS or not -(2**63) <= int(digits) < 2**64:
        raise ValueError(f"it holds a whole number of {len(digits)} digits, more than 64 bits")
    return int(digits)


def parse_json(text: str, *, distinct_keys: bool = False) -> Any:
    """The value of a JSON text. Raises `ValueError` alone, also for what is nested too deeply for Python.

    distinct_keys: of a key that comes twice in an object Python keeps the last value; here it is an error.
    """
    try:
        return _DISTINCT.decode(text) if distinct_keys else json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} comes twice in one object")
    return content


# One for all lines: `json.loads` makes a decoder for each text, which takes as long as to read a short one.
_DISTINCT = json.JSONDecoder(object_pairs_hook=_distinct)
_BOUNDED = json.JSONDecoder(parse_int=_whole)
