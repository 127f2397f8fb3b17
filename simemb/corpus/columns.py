"""Which columns of a table are the anchor, the positive, the negative and the score.

One rule for every format: columns the user names, else columns with a recognized name, else the only column of text.
What is not certain is refused, with an example of each column and the options to type.
"""

import logging
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from simemb.corpus.delimited import DelimitedFile, is_sentence
from simemb.corpus.table import MISSING, Table
from simemb.errors import DataError, UnclearError, unknown

logger = logging.getLogger("simemb")

ROLES: dict[str, tuple[str, ...]] = {
    "anchor": (
        *("sentence", "text", "anchor", "premise", "query", "question"),
        *("sentence1", "sentence_1", "sentence_a", "sent0", "s1", "text1", "text_a", "question1"),
    ),
    "positive": (
        *("positive", "pos", "hypothesis", "entailment", "answer", "positives"),
        *("sentence2", "sentence_2", "sentence_b", "sent1", "s2", "text2", "text_b", "question2"),
    ),
    "negative": (
        *("negative", "neg", "hard_negative", "hard_neg", "contradiction", "negatives"),
        *("sent2", "sentence3", "s3"),
    ),
}
SCORES = ("score", "similarity", "similarity_score", "relatedness_score", "label", "gold_label", "is_duplicate")
SEVERAL = {"positive": ("positive", "pos"), "negative": ("negative", "neg", "hard_negative", "hard_neg")}
"""Names that may be numbered, one column for each of several texts: negative_1, negative_2 ..."""
IDENTIFIER = re.compile(r"|unnamed: ?\d+|index|idx|no|nr|.*_id|(pair|caption|doc|prompt|question|row|gu|uu|u|q)?id\d?")
"""Names of columns that number the rows, pandas' own ("" and "Unnamed: 0") among them: never texts."""
LOOKED_AT = 100
"""Rows at the head of a table whose values show whether a column without a recognized name holds text."""


@dataclass(frozen=True)
class Choice:
    """The text columns in role order, the score column, and the columns that are left over.

    several: by name of a text column, the columns that hold its texts, where a row may have more than one: columns
    with numbered names, or a column of lists.
    """

    text: tuple[str, ...]
    score: str | None
    ignored: tuple[str, ...]
    several: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def is_recognized(column: str) -> bool:
    """Whether this is the usual name of a text, a score or a number of the rows."""
    names = (*SCORES, *(name for role in ROLES.values() for name in role))
    return column.lower() in names or bool(column and IDENTIFIER.fullmatch(column.lower()))


def choose(name: str, table: Table, columns: Sequence[str] | None, score: str | None) -> Choice:
    """Apply the rule of `rows.open_rows` to the columns of a table called `name`.

    Raises:
        DataError: a named column does not exist, a role has two candidates or none, or nothing is certain.
    """
    twice = {column for column in table.columns if table.columns.count(column) > 1}
    if twice:
        raise DataError(f"{name}: column {min(twice)!r} occurs twice ({listed(table.columns)})")
    several = _several(name, table)
    if columns is not None:
        text, score = _named(name, table, columns, score, several)
    else:
        score = _find(name, table, score) if score else _one(name, "score", table.columns, SCORES)
        text = _recognized(name, table, several) or _only_text(name, table, score)
    several = {column: members for column, members in several.items() if column in text}
    used = {*text, score, *(member for members in several.values() for member in members)}
    return Choice(text, score, tuple(column for column in table.columns if column not in used), several)


def _several(name: str, table: Table) -> dict[str, tuple[str, ...]]:
    """The text columns of which a row may have more than one: lists, and numbered names by what precedes the number."""
    found: dict[str, tuple[str, ...]] = {column: (column,) for column in table.list_columns}
    for role, stems in SEVERAL.items():
        pattern = re.compile(rf"({'|'.join(stems)})(_?\d+)?")
        members = [column for column in table.text_columns if pattern.fullmatch(column.lower())]
        # A single number names a single column, and one name without a number is an ordinary column.
        if len(members) > 1:
            names = {re.sub(r"_?\d+$", "", member) for member in members}
            if len(names) > 1:
                raise DataError(f"{name}: {listed(members)} could each be the {role}: choose with --columns")
            found[names.pop()] = tuple(members)
    return found


def _named(
    name: str, table: Table, columns: Sequence[str], score: str | None, several: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[str, ...], str | None]:
    """The columns that the user named; a score column may be among them."""
    existing = [column if column in several else _find(name, table, column) for column in columns]
    text = tuple(column for column in existing if column.lower() not in SCORES)
    named_scores = [column for column in existing if column not in text]
    if not 1 <= len(text) <= 3 or len(set(existing)) < len(existing) or len(named_scores) > 1:
        named = listed(columns)
        raise DataError(f"columns {named}: give 1 to 3 different text columns, and at most one score column")
    if score:
        return text, _find(name, table, score)
    if named_scores:
        return text, named_scores[0]
    # Scores that were not asked for are none of several columns that could be meant.
    candidates = [column for column in table.columns if column.lower() in SCORES and column not in text]
    return text, candidates[0] if len(candidates) == 1 else None


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
        advice = "keep one, or name it among --columns"
        raise UnclearError(f"{name}: {listed(candidates)} could each be the {role}: {advice}")
    return candidates[0] if candidates else None


def _recognized(name: str, table: Table, several: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The text columns by name; empty if no name is recognized."""
    members = {member for group in several.values() for member in group}
    single = [column for column in table.text_columns if column not in members]
    columns = tuple(dict.fromkeys((*single, *several)))
    filled = [_one(name, role, columns, names) for role, names in ROLES.items()]
    text = tuple(column for column in filled if column is not None)
    if filled[: len(text)] != list(text):
        missing = list(ROLES)[filled.index(None)]
        raise UnclearError(f"{name}: {listed(text)} found, but no {missing} ({_seen(table)}); {_choose(text)}")
    return text


def _only_text(name: str, table: Table, score: str | None) -> tuple[str, ...]:
    """The only column with text in it, where no name is recognized."""
    values = samples(table)
    text = tuple(column for column in table.text_columns if column != score and _holds_text(column, values[column]))
    has_header = isinstance(table, DelimitedFile) and table.header
    if len(text) == 1 and (not has_header or _stands_out(text[0], values[text[0]])):
        logger.warning("%s: no column name is recognized; %r is the only one with text", name, text[0])
        return text
    header = "; --no-header if the first line is data" if has_header else ""
    raise UnclearError(f"{name}: which columns are the texts is not certain ({_seen(table)}); {_choose(text)}{header}")


def samples(table: Table) -> dict[str, list[object]]:
    """By column, the values at the head of a table that are not missing."""
    rows = [cells for _, cells in islice(table.records(table.columns), LOOKED_AT) if cells is not None]
    columns = zip(*rows, strict=True) if rows else ((),) * len(table.columns)
    return {
        column: [value for value in values if value is not None and value is not MISSING]
        for column, values in zip(table.columns, columns, strict=True)
    }


def _holds_text(column: str, values: Sequence[object]) -> bool:
    """Whether a column has letters in most of its values, and a name that does not say it numbers the rows."""
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    lettered = sum(any(map(str.isalpha, text)) for text in texts)
    return not IDENTIFIER.fullmatch(column.lower()) and 2 * lettered > len(texts)


def _stands_out(column: str, values: Sequence[object]) -> bool:
    """Whether the name of a column is none of its texts: it is one word, and they are longer."""
    texts = [value for value in values if isinstance(value, str)]
    longer = sum(len(text.split()) > 1 or len(text) > 2 * len(column) for text in texts)
    return not is_sentence(column) and 2 * longer > len(texts)


def _seen(table: Table) -> str:
    """The columns of a table, each with what it looks like."""
    values, empty = samples(table), "''"
    return "it has: " + ", ".join(f"{column or empty} ({_example(values[column])})" for column in table.columns)


def _example(values: Sequence[object]) -> str:
    text = repr(next((value for value in values if value != ""), ""))
    return text if len(text) <= 40 else f"{text[:36]}...{text[-1]}"


def _choose(columns: Sequence[str] = ()) -> str:
    """What to type, with the columns that come into question."""
    typed = " ".join(map(shlex.quote, columns[:3])) or "ANCHOR POSITIVE"
    return f"choose in this order: --columns {typed}"


def listed(columns: Iterable[str]) -> str:
    """The names for a message; one that is empty is seen."""
    return ", ".join(column or "''" for column in columns) or "none"
