"""What the cell of a record means: a text, a score or a label, or what is wrong with it."""

import math
import re
from collections.abc import Sequence
from decimal import Decimal

from simemb.corpus.table import MISSING, kind_of
from simemb.errors import DataError


def text_of(value: object, place: str) -> str:
    """The cell as text. Raises `DataError` if it is not text, or not text that has an encoding; `place` says where."""
    if not isinstance(value, str):
        raise DataError(f"{place}: {kind_of(value):.60} where text is needed")
    if not value.isascii() and _has_surrogate(value):
        raise DataError(f"{place}: a lone surrogate in {value!r:.60}")
    return value


def score_of(value: object, place: str) -> float:
    """The cell as a finite number. Raises `DataError` for others; one with a decimal comma is told apart."""
    if value is None or value is MISSING or value == "":
        raise DataError(f"{place}: {'nothing' if value == '' else kind_of(value)} where a score is needed")
    try:
        score = float(value) if isinstance(value, str | int | float | Decimal) else math.nan
    except (ValueError, OverflowError):  # the latter for an integer of hundreds of digits
        score = math.nan
    if isinstance(value, bool) or not math.isfinite(score):
        comma = isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d*,\d+\s*", value)
        point = f"; a decimal point is needed: {value.strip().replace(',', '.')}" if comma else ""  # type: ignore[union-attr]
        raise DataError(f"{place}: {_shown(value)} is not a finite number{point}")
    return score


def _shown(value: object) -> str:
    """A cell for a message, cut where it is long."""
    try:
        text = repr(str(value))
    except ValueError:  # Python writes no integers of thousands of digits
        return "an integer of thousands of digits"
    return text if len(text) <= 60 else f"{text[:50]}... ({len(text) - 2} characters)"


def label_of(value: object, place: str, names: Sequence[str] = ()) -> str:
    """The cell as a label: a word, or a whole number however it is written. Raises `DataError` for others.

    names: what whole numbers from 0 stand for, if the data say it; -1 is then no label, "-".
    """
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
        value = int(value)
    label = str(value).strip() if isinstance(value, str | int) else ""
    label = re.sub(r"(?<=^[0-9])\.0+$|(?<=^[+-][0-9])\.0+$", "", label)
    if names and label.removeprefix("-").isdigit() and int(label) < len(names):
        return names[int(label)] if int(label) >= 0 else "-"
    if not label:
        kind = "nothing" if isinstance(value, str) else kind_of(value)
        raise DataError(f"{place}: {kind:.60} where a label is needed")
    return label


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
