"""What the values at the head of a table show of its columns: text, numbers, labels, or lists written as text."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

from simemb.corpus.delimited import is_number, is_sentence
from simemb.corpus.table import MISSING, Record

LOOKED_AT = 100
"""Rows at the head of a table whose values show what a column holds."""
INFERENCE_WORDS = ("entailment", "neutral", "contradiction", "not_entailment")
BOOLEANS = ("true", "false")
_LIST = re.compile(r"""\s*\[\s*(['"]).*\1\s*,?\s*\]\s*""", re.DOTALL)
"""A list of strings as Python prints it."""


class Records(Protocol):
    """What is asked of a table (`simemb.corpus.table.Table`), or of rows."""

    def records(self, chosen: Sequence[str], /) -> Iterator[Record]:
        """Every record from the first on."""
        ...


Samples = dict[str, list[object]]


def samples(table: Records, columns: Sequence[str], looked_at: int = LOOKED_AT) -> Samples:
    """By column, the values at the head of a table that are not missing."""
    rows = [cells for _, cells in islice(table.records(columns), looked_at) if cells is not None]
    by_column = zip(*rows, strict=True) if rows else ((),) * len(columns)
    return {
        column: [value for value in values if value is not None and value is not MISSING]
        for column, values in zip(columns, by_column, strict=True)
    }


def words(values: Sequence[object]) -> list[str]:
    """The values that are not blank, as a label is compared: in lower case, without white space around."""
    return [word for value in values if (word := str(value).strip().lower())]


def holds_text(values: Sequence[object]) -> bool:
    """Whether most of the texts have letters."""
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    lettered = sum(any(map(str.isalpha, text)) for text in texts)
    return 2 * lettered > len(texts)


def stands_out(column: str, values: Sequence[object]) -> bool:
    """Whether the name of a column is none of its texts: it is one word, and they are longer."""
    texts = [value for value in values if isinstance(value, str)]
    longer = sum(len(text.split()) > 1 or len(text) > 2 * len(column) for text in texts)
    return not is_sentence(column) and 2 * longer > len(texts)


def holds_numbers(values: Sequence[object]) -> bool:
    """Whether the values are numbers or booleans, all of them."""
    found = words(values)
    return bool(found) and all(word in BOOLEANS or is_number(word) for word in found)


def holds_inference(values: Sequence[object]) -> bool:
    """Whether the values are labels of natural language inference in words, all of them."""
    found = set(words(values))
    return bool(found & set(INFERENCE_WORDS)) and found <= {*INFERENCE_WORDS, "-"}


def holds_printed_lists(values: Sequence[object]) -> bool:
    """Whether most of the values are lists of strings as Python prints them, which pandas writes to CSV."""
    texts = [value for value in values if isinstance(value, str) and value.strip()]
    return 2 * sum(_LIST.fullmatch(text) is not None for text in texts) > len(texts)


def seen(values: Samples) -> str:
    """The columns of a table, each with what it looks like."""
    return f"it has: {examples(values)}"


def examples(values: Samples) -> str:
    """The columns, each with an example."""
    return ", ".join(f"{column or repr('')} ({_example(cells)})" for column, cells in values.items())


def _example(values: Sequence[object]) -> str:
    text = repr(next((value for value in values if value != ""), ""))
    return text if len(text) <= 40 else f"{text[:36]}...{text[-1]}"
