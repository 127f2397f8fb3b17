"""Texts as people hold them: what is read, and the one line about what is not."""

import io
from collections import UserDict, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simemb.errors import ArgumentError, DataError
from simemb.texts import Texts

WORDS = ["a man", "a dog", "a cat"]


def pandas_series() -> Any:
    return pytest.importorskip("pandas").Series(WORDS, index=["columns", "column_names", "read"])


def pandas_category() -> Any:
    return pytest.importorskip("pandas").Series(WORDS, dtype="category")


def pandas_index() -> Any:
    return pytest.importorskip("pandas").Index(WORDS)


def arrow_array() -> Any:
    return pytest.importorskip("pyarrow").array(WORDS)


def arrow_column() -> Any:
    return pytest.importorskip("pyarrow").table({"text": WORDS})["text"]


def dataset_column() -> Any:
    return pytest.importorskip("datasets").Dataset.from_dict({"text": WORDS, "id": [1, 2, 3]})["text"]


def split_column() -> Any:
    datasets = pytest.importorskip("datasets")
    return datasets.DatasetDict(train=datasets.Dataset.from_dict({"text": WORDS}))["train"]["text"]


GOOD: dict[str, Callable[[], Any]] = {
    "list": lambda: list(WORDS),
    "tuple": lambda: tuple(WORDS),
    "generator": lambda: (word for word in WORDS),
    "iterator": lambda: iter(WORDS),
    "map": lambda: map(str, WORDS),
    "deque": lambda: deque(WORDS),
    "values of a dict": lambda: dict(enumerate(WORDS)).values(),
    "keys of a dict": lambda: dict.fromkeys(WORDS).keys(),
    "array": lambda: np.array(WORDS),
    "array of objects": lambda: np.array(WORDS, dtype=object),
    "column of an array": lambda: np.array([WORDS, WORDS]).T[:, 1],
    "strings of numpy": lambda: list(np.array(WORDS)),
    "array of StringDType": lambda: np.array(WORDS, dtype=np.dtypes.StringDType()),
    "pandas series": pandas_series,
    "pandas category": pandas_category,
    "pandas index": pandas_index,
    "arrow array": arrow_array,
    "arrow column": arrow_column,
    "datasets column": dataset_column,
    "datasets column of a split": split_column,
}


@pytest.mark.parametrize("name", GOOD)
def test_texts_in_an_order_are_read(name: str) -> None:
    texts = Texts(GOOD[name]())
    counted = name not in ("generator", "iterator", "map")
    assert texts.total == (len(WORDS) if counted else None)
    assert [(type(text), text) for text in texts] == [(str, word) for word in WORDS]


def frame() -> Any:
    return pytest.importorskip("pandas").DataFrame({"id": [1, 2], "text": ["a", "b"]})


def wide_frame() -> Any:
    return pytest.importorskip("pandas").DataFrame({number: ["a"] for number in range(12)})


def arrow_table() -> Any:
    return pytest.importorskip("pyarrow").table({"id": [1], "text": ["a"]})


def dataset() -> Any:
    return pytest.importorskip("datasets").Dataset.from_dict({"id": [1], "text": ["a"]})


def splits() -> Any:
    return pytest.importorskip("datasets").DatasetDict(train=dataset(), test=dataset())


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "string": (lambda: "a man", "texts is one string: pass a list, [texts]"),
    "None": (lambda: None, "texts must be a list of strings, or any other iterable of them, not None"),
    "number": (lambda: 7, "not 7 (int)"),
    "nan": (lambda: float("nan"), "not nan (float)"),
    "path": (lambda: Path("x.txt"), "not the path x.txt"),
    "class": (lambda: list, "not the class list"),
    "function": (lambda: len, "not a builtin_function_or_method"),
    "bytes": (lambda: b"a man", "texts is bytes: decode them"),
    "bytearray": (lambda: bytearray(b"a"), "texts is bytes"),
    "file": (lambda: io.StringIO("a\nb\n"), "texts is an open file: pass its lines without their ends, "),
    "dict": (
        lambda: {"q": "a man", "d": "a dog"},
        "texts is a dict, whose keys would be read: pass list(texts.values())",
    ),
    "dict of lists": (lambda: {"id": [1], "text": ["a"]}, "pass one of its values, texts['id'] or texts['text']"),
    "other mapping": (lambda: UserDict({"q": "a man"}), "texts is a UserDict, whose keys would be read"),
    "set": (lambda: {"a man"}, "texts is a set, which has no order: pass sorted(texts) or a list"),
    "frozenset": (lambda: frozenset({"a man"}), "texts is a frozenset, which has no order"),
    "0-d array": (lambda: np.array("a man"), "texts is an array without a dimension: pass texts.item() or a list"),
    "2-d array": (
        lambda: np.array([["a", "b"]]),
        "texts is an array of shape 1 x 2: pass one column of it, texts[:, 0]",
    ),
    "frame": (frame, "texts is a DataFrame: pass one of its columns, texts['id'] or texts['text']"),
    "wide frame": (wide_frame, "texts[0] or texts[1] or texts[2] or texts[3]"),
    "arrow table": (arrow_table, "texts is a Table: pass one of its columns, texts['id'] or texts['text']"),
    "dataset": (dataset, "texts is a Dataset: pass one of its columns, texts['id'] or texts['text']"),
    "splits": (splits, "pass one of its values, texts['train'] or texts['test']"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_holds_no_texts_in_an_order_is_refused_before_it_is_read(name: str) -> None:
    make, line = REFUSED[name]
    with pytest.raises(ArgumentError) as caught:
        Texts(make())
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, TypeError)


def test_a_long_list_of_columns_is_cut() -> None:
    with pytest.raises(ArgumentError, match=r"texts\[7\] or another of 12$"):
        Texts(wide_frame())


def pandas_missing() -> Any:
    pandas = pytest.importorskip("pandas")
    return pandas.Series(["a", pandas.NA], dtype="string")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (["a", None], "text 2 is None (NoneType), not a string: leave it out, or put a string in its place"),
        (["a", float("nan")], "text 2 is nan (float), not a string: leave it out"),
        (["a", np.float64("nan")], "not a string: leave it out"),
        (["a", 7], "text 2 is 7 (int), not a string"),
        ([np.zeros((2, 2))], "text 1 is array([[0., 0.], [0., 0.]]) (ndarray), not a string"),
        (["a", b"b"], "text 2 is b'b' (bytes), not a string: decode it"),
        (["a", ("b", "c")], "text 2 is ('b', 'c') (tuple), not a string"),
        ([{"text": "a"}], "not a string: take one of its values, row['text']"),
        (np.zeros(3), "text 1 is np.float64(0.0) (float64), not a string"),
        (np.array([b"a"]), "text 1 is np.bytes_(b'a') (bytes_), not a string: decode it"),
        (pandas_missing, "text 2 is <NA> (NAType), not a string: leave it out"),
        (lambda: pytest.importorskip("pyarrow").array(["a", None]), "text 2 is None (NoneType), not a string: leave"),
    ],
)
def test_a_value_that_is_no_text_is_named_by_its_number(given: Any, line: str) -> None:
    texts = iter(Texts(given() if callable(given) else given))
    with pytest.raises(DataError) as caught:
        list(texts)
    assert line in str(caught.value)


def test_other_arguments_are_called_by_their_names() -> None:
    with pytest.raises(ArgumentError, match=r"^queries is one string: pass a list, \[queries\]$"):
        Texts("a", "queries", one="query")
    with pytest.raises(DataError, match=r"^query 1 is 7 "):
        list(Texts([7], "queries", one="query"))


def test_texts_are_read_one_by_one() -> None:
    def endless() -> Iterator[str]:
        while True:
            yield "a"

    assert next(iter(Texts(endless()))) == "a"
