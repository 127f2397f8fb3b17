"""Which columns of a table are the anchor, the positive, the negative and the score.

One rule for every format: columns the user names, else columns with a recognized name, else in order.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from simemb.corpus.formats import Table
from simemb.errors import DataError, unknown

logger = logging.getLogger("simemb")

ROLES: dict[str, tuple[str, ...]] = {
    "anchor": (
        *("sentence", "text", "anchor", "premise", "query", "question"),
        *("sentence1", "sentence_1", "sentence_a", "sent0", "s1", "text1", "question1"),
    ),
    "positive": (
        *("positive", "pos", "hypothesis", "entailment", "answer"),
        *("sentence2", "sentence_2", "sentence_b", "sent1", "s2", "text2", "question2"),
    ),
    "negative": ("negative", "neg", "hard_negative", "hard_neg", "contradiction", "sent2", "sentence3", "s3"),
}
SCORES = ("score", "similarity", "similarity_score", "relatedness_score", "label")


@dataclass(frozen=True)
class Choice:
    """The text columns in role order, the score column, and the columns that are left over."""

    text: tuple[str, ...]
    score: str | None
    ignored: tuple[str, ...]


def choose(name: str, table: Table, columns: Sequence[str] | None, score: str | None) -> Choice:
    """Apply the rule of `rows.open_rows` to the columns of a table called `name`.

    Raises:
        DataError: a named column does not exist, a role has two candidates or none, or nothing fits.
    """
    twice = {column for column in table.columns if table.columns.count(column) > 1}
    if twice:
        raise DataError(f"{name}: column {min(twice)!r} occurs twice ({_listed(table.columns)})")
    if columns is not None:
        text, score = _named(name, table, columns, score)
    else:
        score = _find(name, table, score) if score else _one(name, "score", table.columns, SCORES)
        text = _recognized(name, table) or _in_order(name, table, score)
    ignored = tuple(column for column in table.columns if column not in (*text, score))
    return Choice(text, score, ignored)


def _named(name: str, table: Table, columns: Sequence[str], score: str | None) -> tuple[tuple[str, ...], str | None]:
    """The columns that the user named; a score column may be among them."""
    existing = [_find(name, table, column) for column in columns]
    text = tuple(column for column in existing if column.lower() not in SCORES)
    named_scores = [column for column in existing if column not in text]
    if not 1 <= len(text) <= 3 or len(set(existing)) < len(existing) or len(named_scores) > 1:
        listed = _listed(columns)
        raise DataError(f"columns {listed}: give 1 to 3 different text columns, and at most one score column")
    if score:
        return text, _find(name, table, score)
    return text, named_scores[0] if named_scores else _one(name, "score", table.columns, SCORES)


def _find(name: str, table: Table, requested: str) -> str:
    """The column of this name: as it is written, else in another case."""
    if requested in table.columns:
        return requested
    same = [column for column in table.columns if column.lower() == requested.lower()]
    if len(same) != 1:
        raise DataError(f"{name}: {unknown('column', requested, table.columns)}")
    return same[0]


def _one(name: str, role: str, columns: Iterable[str], recognized: Sequence[str]) -> str | None:
    """The column with a name recognized for a role, if there is one."""
    candidates = [column for column in columns if column.lower() in recognized]
    if len(candidates) > 1:
        raise DataError(f"{name}: {_listed(candidates)} could each be the {role}; choose with columns=")
    return candidates[0] if candidates else None


def _recognized(name: str, table: Table) -> tuple[str, ...]:
    """The text columns by name; empty if no name is recognized."""
    filled = [_one(name, role, table.text_columns, names) for role, names in ROLES.items()]
    text = tuple(column for column in filled if column is not None)
    if filled[: len(text)] != list(text):
        missing = list(ROLES)[filled.index(None)]
        problem = f"{_listed(text)} found, but no {missing} (it has: {_listed(table.columns)})"
        raise DataError(f"{name}: {problem}; choose with columns=")
    return text


def _in_order(name: str, table: Table, score: str | None) -> tuple[str, ...]:
    """One to three text columns in their order, where no name is recognized."""
    text = tuple(column for column in table.text_columns if column != score)
    if not 1 <= len(text) <= 3:
        recognized = ", ".join(names[0] for names in ROLES.values())
        problem = f"{name}: no column is recognized as text (it has: {_listed(table.columns)})"
        raise DataError(f"{problem}; choose with columns=, or name them {recognized}")
    roles = ", ".join(f"{column!r} as {role}" for column, role in zip(text, ROLES, strict=False))
    logger.warning("%s: no column name is recognized; taken in order: %s", name, roles)
    return text


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(columns) or "none"
