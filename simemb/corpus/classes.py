"""Texts with a class label: which column holds it, and the classes as numbers.

A class label is a word or a whole number that sorts single texts into kinds, such as topics or intents. Labels of pairs
are in `simemb.corpus.labels`.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simemb.corpus.columns import listed, typed_columns
from simemb.corpus.labels import LABEL_NAMES, shown
from simemb.corpus.rows import Rows
from simemb.errors import DataError

FRACTION = re.compile(r"[+-]?\d*\.\d*[1-9]\d*")
"""A number that is not whole."""


def with_classes(rows: Rows, named: Sequence[str] | None) -> Rows:
    """The first text column of the rows, with the column of class labels in `score`.

    named: the columns that the user named, the texts and the labels. By default the label is the column that is called
    so (label, class, category, target ...), or the second value of the tuples of a list.

    Raises:
        DataError: there is no such column, or more than one, or it belongs to pairs.
    """
    column = _named(rows) if named is not None else _found(rows)
    made = rows.narrowed(1)
    made.ignored = tuple(name for name in (*made.ignored, *filter(None, [rows.score])) if name != column)
    made.score = column
    return made


def _named(rows: Rows) -> str:
    candidates = rows.columns[1:] or tuple(filter(None, [rows.score]))
    if len(candidates) != 1:
        raise _refusal(rows, "name the column of texts and that of their class labels")
    return candidates[0]


def _found(rows: Rows) -> str:
    of_list = rows.every_column == rows.columns and rows.name == "the list" and len(rows.columns) == 2
    if of_list and rows.score is None:
        return rows.columns[1]
    if len(rows.columns) > 1:
        raise _refusal(rows, "its texts are pairs, and class labels are of single texts")
    candidates = [name for name in rows.ignored if name.strip().lower() in LABEL_NAMES]
    if rows.score is not None:
        return rows.score
    if len(candidates) != 1:
        why = f"{listed(candidates)} could each be it" if candidates else "no column is called so"
        raise _refusal(rows, f"a class label is needed for every text, and {why}")
    return candidates[0]


def _refusal(rows: Rows, why: str) -> DataError:
    typed = typed_columns(("TEXT", "LABEL"))
    return DataError(f"{rows.name}: {why} (it has: {listed(rows.every_column)}); {typed} chooses")


def class_numbers(rows: Rows) -> NDArray[np.int64]:
    """A number for the class of each row: the place of its label among all labels, sorted.

    Raises:
        DataError: a row has no label, all have the same, no two have the same, or they are numbers that are not whole.
    """
    labels = [label for _, label in rows.labeled()]
    counts = Counter(labels)
    place = f"{rows.name}: column {rows.score}"
    if fraction := next((label for label in counts if FRACTION.fullmatch(label)), None):
        raise DataError(f"{place} holds {fraction}: scores, of which cosent and cosine learn, and no class labels")
    if len(counts) < 2:
        raise DataError(f"{place}: all {len(labels)} labels are {labels[0]!r}, and two classes are needed")
    if max(counts.values()) < 2:
        raise DataError(f"{place} ({shown(counts)}): no two texts have the same label, so there is nothing to learn")
    numbers = {label: number for number, label in enumerate(sorted(counts))}
    return np.array([numbers[label] for label in labels], np.int64)
