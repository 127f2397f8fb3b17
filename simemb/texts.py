"""Texts as people hold them: lists, generators, columns of tables and arrays, or one line that says what to pass.

What has other things in it than texts in an order (a data frame, a dict, a set, a file) is refused, since to iterate
over it would give the names of its columns, its keys, or lines with their ends.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from simemb.arguments import excerpt, shown
from simemb.errors import ArgumentError, DataError

SHOWN = 8
"""Columns and keys that a message lists."""


class Texts(Iterable[str]):
    """The texts of an argument, each checked as it is read.

    Attributes:
        total: How many there are, or None if that is not known before they are read.
    """

    def __init__(self, given: Any, name: str = "texts", *, one: str = "text"):
        """name: of the argument. one: what messages call a single text.

        Raises:
            ArgumentError: `given` does not hold texts in an order; says what to pass.
        """
        check_values(given, name)
        if getattr(given, "ndim", 1) > 1:
            shape = " x ".join(map(str, given.shape))
            raise ArgumentError(f"{name} is an array of shape {shape}: pass one column of it, {name}[:, 0]")
        self._given = given
        self._one = one
        self.total: int | None = len(given) if hasattr(given, "__len__") else None

    def __iter__(self) -> Iterator[str]:
        """Raises `DataError` for the first value that is not a string, with its number from 1."""
        for number, value in enumerate(values(self._given), start=1):
            if not isinstance(value, str):
                raise DataError(f"{self._one} {number} {_fault(value)}")
            yield str(value)


def check_values(given: Any, name: str, allowed: str = "a list of strings, or any other iterable of them") -> None:
    """Raise `ArgumentError` unless `given` holds values in an order. allowed: for a message about what holds none."""
    complaint = _complaint(given, name)
    if complaint:
        raise ArgumentError(f"{name} is {complaint}")
    if isinstance(given, type) or not hasattr(given, "__iter__"):
        raise ArgumentError(f"{name} must be {allowed}, not {shown(given)}")


def values(given: Iterable[Any]) -> Iterator[Any]:
    """The values as Python has them; `pyarrow` wraps each in a scalar."""
    return (value.as_py() for value in given) if hasattr(given, "to_pylist") else iter(given)


def _complaint(given: Any, name: str) -> str:
    """What is wrong with a thing that can be iterated over but should not be, and what to pass; else empty."""
    columns = column_names(given)
    if hasattr(given, "groups") and hasattr(given, "get_group"):  # of pandas
        return f"{shown(given)}, groups of rows: pass a column of the table itself"
    if isinstance(given, str):
        return f"one string: pass a list, [{name}]"
    if isinstance(given, bytes | bytearray | memoryview):
        return "bytes: decode them, and pass a list"
    if isinstance(given, Mapping):
        return _of_mapping(given, name)
    if isinstance(given, set | frozenset):
        return f"{shown(given)}, which has no order: pass sorted({name}) or a list"
    if columns is not None:
        return f"{shown(given)}: pass one of its columns, {_choice(columns, name)}"
    if hasattr(given, "read") and hasattr(given, "readline"):
        return f"an open file: pass its lines without their ends, {name}.read().splitlines()"
    if getattr(given, "ndim", None) == 0:
        return f"an array without a dimension: pass {name}.item() or a list"
    return ""


def column_names(given: Any) -> list[str] | None:
    """The names of the columns of a table (pandas, pyarrow, datasets), quoted; None for anything else."""
    if getattr(given, "ndim", 2) == 1 or not hasattr(given, "__getitem__"):  # a label of a series may be "columns"
        return None
    for attribute in ("column_names", "columns"):
        names = getattr(given, attribute, None)
        if names is not None and hasattr(names, "__iter__"):
            return [repr(name) for name in names]
    return None


def _of_mapping(given: Mapping[Any, Any], name: str) -> str:
    if all(isinstance(value, str) for value in given.values()):
        return f"{shown(given)}, whose keys would be read: pass list({name}.values())"
    return f"{shown(given)}, whose keys would be read: pass one of its values, {_choice(map(repr, given), name)}"


def _choice(keys: Iterable[str], name: str) -> str:
    """How each column or value is written, the first few."""
    listed = [f"{name}[{key}]" for key in keys]
    return " or ".join(listed[:SHOWN]) + (f" or another of {len(listed)}" if len(listed) > SHOWN else "")


def whole(text: str) -> str:
    """The text with U+FFFD in place of each half of a surrogate pair, which no file and no tokenizer can hold.

    >>> whole("a \\ud83d man") == "a \\ufffd man"
    True
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _fault(value: object) -> str:
    """What is wrong with a value that should be a text."""
    kind = type(value).__name__
    missing = value is None or kind in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    way_out = ": leave it out, or put a string in its place" if missing else ""
    if isinstance(value, bytes | bytearray):
        way_out = ": decode it"
    if isinstance(value, Mapping):
        way_out = f": take one of its values, {_choice(map(repr, value), 'row')}"
    if isinstance(getattr(value, "texts", None), list):  # InputExample of sentence-transformers
        way_out = ": take one of its texts, row.texts[0]"
    return f"is {excerpt(value)} ({kind}), not a string{way_out}"
