"""Which columns of a table are the anchor, the positive, the negative and the score.

One rule for every format: columns the user names, else columns with a recognized name, else the only column of text.
What is not certain is refused, with an example of each column and the options to type.
"""

import logging
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from simemb.corpus import column_values as cells
from simemb.corpus.column_values import Samples
from simemb.corpus.delimited import DelimitedFile
from simemb.corpus.formats import TextFile
from simemb.corpus.in_memory import DatasetTable, ListTable
from simemb.corpus.joined import JoinedTable
from simemb.corpus.table import Table
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
_NUMBER = r"[_-]?\d+"


def typed_columns(columns: Sequence[str], more: str = "", *, in_memory: bool = False) -> str:
    """What to type to choose columns, at the command line and in Python. more: what stands before the latter."""
    python = f"columns=[{', '.join(map(repr, columns))}]"
    return f"{python}{more}" if in_memory else f"--columns {shlex.join(columns)}{more} (in Python {python})"


class ChoiceError(UnclearError):
    """Data whose columns the user must choose.

    proposed: what to type after --columns; words in capitals stand for what is not known. in_memory: whether the data
    are Python's, so that there is no option to type. more: another way out.
    """

    def __init__(self, problem: str, proposed: Sequence[str], *, in_memory: bool, more: str = "") -> None:
        self.problem, self.proposed, self.in_memory, self.more = problem, tuple(proposed), in_memory, more
        super().__init__(f"{problem}{self._advice()}")

    def _advice(self) -> str:
        if not self.proposed:
            return self.more
        return f"; choose in this order: {typed_columns(self.proposed, self.more, in_memory=self.in_memory)}"


def for_one(error: UnclearError) -> UnclearError:
    """The same error for who reads a single column, at the command line with --column."""
    if not isinstance(error, ChoiceError) or not error.proposed:
        return UnclearError(str(error).replace("--columns", "--column"))
    first = error.proposed[0]
    typed = f"column={first!r}" if error.in_memory else f"--column {shlex.quote(first)}"
    return UnclearError(f"{error.problem}; choose one: {typed}{error.more}")


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
    numbered = any(_has_name(column, role, ()) for role in SEVERAL)
    return column.lower() in names or numbered or bool(column and IDENTIFIER.fullmatch(column.lower()))


def choose(name: str, table: Table, columns: Sequence[str] | None, score: str | None) -> Choice:
    """Apply the rule of `rows.open_rows` to the columns of a table called `name`.

    Raises:
        DataError: a named column does not exist, a role has two candidates or none, or nothing is certain.
    """
    twice = {column for column, count in Counter(table.columns).items() if count > 1}
    if twice:
        raise DataError(f"{name}: column {min(twice)!r} occurs twice ({listed(table.columns)})")
    several = _several(name, table)
    looked_at = not isinstance(table, TextFile | ListTable | JoinedTable)  # the parts of the last have been
    values = cells.samples(table, table.text_columns) if looked_at else {}
    if columns is not None:
        text, score = _named(name, table, columns, score, several)
        text, score = _without_labels(text, score, values)
    else:
        score = _find(name, table, score) if score else _one(name, "score", table.columns, SCORES)
        text = _recognized(name, table, several, values) or _only_text(name, table, score, values)
        _refuse_numbers(name, table, text, values)
    _refuse_printed_lists(name, table, text, values)
    several = {column: members for column, members in several.items() if column in text}
    used = {*text, score, *(member for members in several.values() for member in members)}
    return Choice(text, score, tuple(column for column in table.columns if column not in used), several)


def _several(name: str, table: Table) -> dict[str, tuple[str, ...]]:
    """The text columns of which a row may have more than one: lists, and numbered names by what precedes the number."""
    found: dict[str, tuple[str, ...]] = {column: (column,) for column in table.list_columns}
    for role, stems in SEVERAL.items():
        pattern = re.compile(rf"({'|'.join(stems)})({_NUMBER})?")
        members = [column for column in table.text_columns if pattern.fullmatch(column.lower())]
        # A single number names a single column, and one name without a number is an ordinary column.
        if len(members) > 1:
            names = {re.sub(f"{_NUMBER}$", "", member) for member in members}
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
    if named_scores and not text:
        raise DataError(
            f"{name}: column {listed(named_scores)} holds scores or labels by its name, not texts: name a column of "
            "texts, or rename this one if it holds them"
        )
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


def _without_labels(text: tuple[str, ...], score: str | None, values: Samples) -> tuple[tuple[str, ...], str | None]:
    """The columns that the user named; a last one that holds words of inference alone is the label, not a text.

    So is a third one of numbers, unless it is called as texts are.
    """
    *others, last = text
    found = values.get(last, ())
    is_score = len(others) > 1 and cells.holds_numbers(found) and not is_recognized(last)
    is_label = is_score or (bool(others) and cells.holds_inference(found))
    return (tuple(others), last) if is_label else (text, score)


def _refuse_numbers(name: str, table: Table, text: Sequence[str], values: Samples) -> None:
    """A usual name of a text over numbers or booleans: the name says one thing and the cells another."""
    if isinstance(table, TextFile | ListTable):
        return
    if wrong := next((column for column in text if cells.holds_numbers(values.get(column, ()))), None):
        problem = f"{name}: column {wrong} has the name of a text and holds numbers or booleans alone ({_seen(table)})"
        raise _refusal(problem, table, text, ", if they are meant")


def _refuse_printed_lists(name: str, table: Table, text: Sequence[str], values: Samples) -> None:
    """Lists of texts that became text, as pandas writes them to CSV: nothing in them is read as it was meant."""
    if isinstance(table, TextFile | ListTable):
        return
    for column in text:
        if cells.holds_printed_lists(values.get(column, ())):
            shown = cells.seen({column: values[column]})
            raise DataError(
                f"{name}: column {column} holds lists of texts that are written as text ({shown}); write the table as "
                ".jsonl or .parquet, which keep lists"
            )


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
    candidates = [column for column in columns if _has_name(column, role, recognized)]
    if len(candidates) > 1:
        advice = "keep one, or name it among --columns"
        raise UnclearError(f"{name}: {listed(candidates)} could each be the {role}: {advice}")
    return candidates[0] if candidates else None


def _has_name(column: str, role: str, recognized: Sequence[str]) -> bool:
    """Whether a column is called as one of a role is, also with a number after a name that may have one."""
    stem = re.sub(f"{_NUMBER}$", "", column.lower())
    return column.lower() in recognized or stem in SEVERAL.get(role, ())


def _recognized(name: str, table: Table, several: Mapping[str, tuple[str, ...]], values: Samples) -> tuple[str, ...]:
    """The text columns by name; empty if no name is recognized."""
    members = {member for group in several.values() for member in group}
    single = [column for column in table.text_columns if column not in members]
    columns = tuple(dict.fromkeys((*single, *several)))
    filled = [_one(name, role, columns, names) for role, names in ROLES.items()]
    text = tuple(column for column in filled if column is not None)
    if filled[: len(text)] != list(text):
        missing = list(ROLES)[filled.index(None)]
        others = iter([column for column in _texts(table, values) if column not in text and not is_recognized(column)])
        proposed = [column or next(others, role.upper()) for role, column in zip(ROLES, filled, strict=True)]
        # An unknown column is no negative only because it is left over.
        proposed = proposed if filled[2] else proposed[:2]
        raise _refusal(f"{name}: {listed(text)} found, but no {missing} ({_seen(table)})", table, proposed)
    return text


def _only_text(name: str, table: Table, score: str | None, values: Samples) -> tuple[str, ...]:
    """The only column with text in it, where no name is recognized."""
    text = tuple(column for column in _texts(table, values) if column != score)
    has_header = isinstance(table, DelimitedFile) and table.header and not table.heads_numbers()
    if len(text) == 1 and (not has_header or cells.stands_out(text[0], values[text[0]])):
        logger.warning("%s: no column name is recognized; %r is the only one with text", name, text[0])
        return text
    header = "; --no-header if the first line is data" if has_header else ""
    if not text:
        raise _refusal(
            f"{name}: which columns are the texts is not certain {_without_text(table, score)}", table, (), header
        )
    raise _refusal(f"{name}: which columns are the texts is not certain ({_seen(table)})", table, text[:3], header)


def _texts(table: Table, values: Samples) -> list[str]:
    """The columns with letters in most of their values, and a name that does not say that they number the rows."""
    return [
        column
        for column in table.text_columns
        if not IDENTIFIER.fullmatch(column.lower()) and cells.holds_text(values.get(column, ()))
    ]


def _without_text(table: Table, score: str | None) -> str:
    """Why each of the columns holds no texts."""
    values = cells.samples(table, table.columns)

    def reason(column: str) -> str:
        if column == score:
            return "scores or labels by its name"
        if cells.holds_numbers(values[column]):
            return "numbers"
        if IDENTIFIER.fullmatch(column.lower()):
            return "ids by its name"
        return "no letters" if column in table.text_columns else "no strings"

    reasons = [f"{column or repr('')} holds {reason(column)}" for column in table.columns]
    return f"({cells.seen(values)}): {', '.join(reasons)}"


def _seen(table: Table) -> str:
    return cells.seen(cells.samples(table, table.columns))


def _refusal(problem: str, table: Table, proposed: Sequence[str], more: str = "") -> ChoiceError:
    return ChoiceError(problem, proposed, in_memory=isinstance(table, DatasetTable | ListTable), more=more)


def listed(columns: Iterable[str]) -> str:
    """The names for a message; one that is empty is seen."""
    return ", ".join(column or "''" for column in columns) or "none"
