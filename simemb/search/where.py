"""The expressions of `where`: which texts of an index may be found, by their metadata, ids and texts.

    lang = 'de' and (year >= 2020 or not source in ('web', 'mail'))

    expression: comparisons joined by and, or, not and parentheses; `and` binds tighter than `or`
    comparison: column = value, also != < <= > >=; column in (value, ...), column not in (value, ...)
    column:     a name, between backquotes if it is more than letters, digits and underscores
    value:      'text' or "text" (a doubled quote stands for one), a number, true, false

A missing value satisfies no comparison. A column of texts is compared with a number by the numbers that it spells, and
a column of numbers with a text by its digits. Nothing is run but what stands here.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute
from jaxtyping import Bool

from simemb.errors import SearchError, unknown

pc: Any = pyarrow.compute  # whose functions are made when it is imported
DEEPEST = 50
"""The most levels of parentheses and `not`."""
OPERATORS = {
    "=": pc.equal,
    "==": pc.equal,
    "!=": pc.not_equal,
    "<>": pc.not_equal,
    "<=": pc.less_equal,
    ">=": pc.greater_equal,
    "<": pc.less,
    ">": pc.greater,
}
_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\")|(?P<column>`[^`]+`)|(?P<mark><>|[<>!=]=|[<>=(),])"
    r"|(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]))|(?P<word>[^\W\d]\w*))"
)
_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
WORDS = ("and", "or", "not", "in")

Value = str | int | float | bool
Condition = Callable[[Any], Any]
"""Gives a truth value for each row of a table, or null."""


class _Token(NamedTuple):
    kind: str
    value: str
    place: int


@dataclass(frozen=True)
class Where:
    """An expression that was read: `Where.read("lang = 'de'")`.

    Attributes:
        expression: As it was written.
        columns: The columns that it names.
    """

    expression: str
    columns: tuple[str, ...]
    _condition: Condition

    @classmethod
    def read(cls, expression: str) -> "Where":
        """Read an expression. Raises `SearchError`, which says at which character it is none, and why."""
        reader = _Reader(expression)
        condition = reader.either(0)
        if reader.next.kind != "end":
            reader.refuse(f"{reader.next.value!r} where and, or or the end was expected")
        return cls(expression, tuple(reader.columns), condition)

    def check(self, known: Iterable[str]) -> None:
        """Raise `SearchError` if a column is not among those of the index."""
        known = list(known)
        for column in self.columns:
            if column not in known:
                raise SearchError(f"where {self.expression!r}: {unknown('column', column, known)}")

    def mask(self, table: Any) -> Bool[np.ndarray, " row"]:
        """Which rows satisfy it; a column that this table does not have is missing in all of them."""
        if not table.num_rows:
            return np.zeros(0, bool)
        return pc.fill_null(self._condition(table), False).to_numpy().astype(bool)


class _Reader:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, expression: str) -> None:
        self.expression, self.columns = expression, dict[str, None]()
        self._place = 0
        self.next = self._token()

    def refuse(self, reason: str, place: int | None = None) -> NoReturn:
        """Raise the error of this expression."""
        at = (self.next.place if place is None else place) + 1
        raise SearchError(f"where {self.expression!r}, character {at}: {reason}")

    def either(self, depth: int) -> Condition:
        """Conditions joined by `or`."""
        return self._chain("or", pc.or_kleene, lambda: self._both(depth))

    def _both(self, depth: int) -> Condition:
        return self._chain("and", pc.and_kleene, lambda: self._negated(depth))

    def _chain(self, word: str, join: Callable[..., Any], read: Callable[[], Condition]) -> Condition:
        members = [read()]
        while self._is(word):
            self._take()
            members.append(read())
        return members[0] if len(members) == 1 else lambda table: reduce(join, (member(table) for member in members))

    def _negated(self, depth: int) -> Condition:
        if depth > DEEPEST:
            self.refuse(f"more than {DEEPEST} levels")
        if self._is("not"):
            self._take()
            inner = self._negated(depth + 1)
            return lambda table: pc.invert(inner(table))
        if self._is("("):
            opened = self._take().place
            inner = self.either(depth + 1)
            if not self._is(")"):
                self.refuse(f"the parenthesis of character {opened + 1} is not closed")
            self._take()
            return inner
        return self._comparison()

    def _comparison(self) -> Condition:
        column = self._column()
        if self.next.value in OPERATORS and self.next.kind == "mark":
            operator = OPERATORS[self._take().value]
            value = self._value()
            return lambda table: operator(_as(table, column, value), _scalar(value))
        refused = self._is("not")
        if refused:
            self._take()
        if not self._is("in"):
            self.refuse(f"a comparison ({' '.join(OPERATORS)}, in, not in) was expected after {column}")
        self._take()
        values = self._values()

        def condition(table: Any) -> Any:
            return reduce(pc.or_kleene, (pc.equal(_as(table, column, value), _scalar(value)) for value in values))

        return (lambda table: pc.invert(condition(table))) if refused else condition

    def _values(self) -> Sequence[Value]:
        """Values in parentheses."""
        if not self._is("("):
            self.refuse("in needs values in parentheses: in ('de', 'fr')")
        values: list[Value] = []
        while not values or self._is(","):
            self._take()
            values.append(self._value())
        if not self._is(")"):
            self.refuse("a comma or ) was expected")
        self._take()
        return values

    def _column(self) -> str:
        if self.next.kind == "text":
            self.refuse(
                "a comparison begins with a column: lang = 'de' (a name of other letters is `between backquotes`)"
            )
        if self.next.kind not in ("word", "column") or self.next.value.lower() in WORDS:
            self.refuse("a column was expected")
        token = self._take()
        name = token.value.strip("`") if token.kind == "column" else token.value
        self.columns[name] = None
        return name

    def _value(self) -> Value:
        token = self.next
        if token.kind == "text":
            self._take()
            quote = token.value[0]
            return token.value[1:-1].replace(2 * quote, quote)
        if token.kind == "number":
            self._take()
            return int(token.value) if re.fullmatch(r"[-+]?\d{1,18}", token.value) else float(token.value)
        if token.kind == "word" and token.value.lower() in ("true", "false"):
            self._take()
            return token.value.lower() == "true"
        bare = token.kind == "word" and token.value.lower() not in WORDS
        example = f"'{token.value}' (a text stands in quotes)" if bare else "'text'"
        return self.refuse(f"a value was expected: {example}, a number, true or false")

    def _is(self, value: str) -> bool:
        return self.next.kind in ("word", "mark") and self.next.value.lower() == value

    def _take(self) -> _Token:
        token, self.next = self.next, self._token()
        return token

    def _token(self) -> _Token:
        rest = self.expression[self._place :]
        if not rest.strip():
            return _Token("end", "the end", len(self.expression.rstrip()))
        found = _TOKEN.match(rest)
        if found is None or found.lastgroup is None:
            place = self._place + len(rest) - len(rest.lstrip())
            mark = self.expression[place]
            self.refuse("the quote is not closed" if mark in "'\"`" else f"{mark!r} has no meaning here", place)
        start = self._place + found.start(found.lastgroup)
        self._place += found.end()
        return _Token(found.lastgroup, found[found.lastgroup], start)


def _scalar(value: Value) -> Any:
    return pa.scalar(value, pa.large_string()) if isinstance(value, str) else pa.scalar(value)


def _as(table: Any, name: str, value: Value) -> Any:
    """A column in the type of a value that it is compared with; null where it has no such value."""
    if name not in table.schema.names:
        return pa.chunked_array([pa.nulls(table.num_rows, _scalar(value).type)])
    column = table[name]
    if isinstance(value, str):
        return column if pa.types.is_large_string(column.type) else column.cast(pa.large_string())
    if isinstance(value, bool):
        if pa.types.is_boolean(column.type):
            return column
        truths = pc.is_in(column.cast(pa.large_string()), pa.array(["true", "false"], pa.large_string()))
        return pc.if_else(truths, pc.equal(column.cast(pa.large_string()), "true"), pa.scalar(None, pa.bool_()))
    if pa.types.is_boolean(column.type):
        return pa.chunked_array([pa.nulls(table.num_rows, pa.float64())])
    if pa.types.is_large_string(column.type):
        numbers = pc.if_else(pc.match_substring_regex(column, _NUMBER), column, pa.scalar(None, pa.large_string()))
        return pc.utf8_trim_whitespace(numbers).cast(pa.float64())
    return column
