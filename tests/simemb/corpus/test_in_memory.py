"""Data in memory, as people hold them: all that `Encoder.encode` takes, and rows with or without names of columns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simemb.corpus.in_memory import gathered
from simemb.corpus.rows import open_rows
from simemb.errors import ArgumentError, DataError

TEXTS = ["a man", "a dog", "a cat"]
OTHERS = ["the man", "the dog", "the cat"]
COLUMNS = {"anchor": TEXTS, "positive": OTHERS}
PAIRS = list(zip(TEXTS, OTHERS, strict=True))


def pandas() -> Any:
    return pytest.importorskip("pandas")


def arrow() -> Any:
    return pytest.importorskip("pyarrow")


def datasets() -> Any:
    return pytest.importorskip("datasets")


SENTENCES: dict[str, Callable[[], Any]] = {
    "list": lambda: TEXTS,
    "tuple": lambda: tuple(TEXTS),
    "generator": lambda: (text for text in TEXTS),
    "array": lambda: np.array(TEXTS),
    "series": lambda: pandas().Series(TEXTS, index=[7, 8, 9]),
    "column of a frame": lambda: pandas().DataFrame(COLUMNS)["anchor"],
    "arrow column": lambda: arrow().table(COLUMNS)["anchor"],
    "datasets column": lambda: datasets().Dataset.from_dict(COLUMNS)["anchor"],
    "frame of one column": lambda: pandas().DataFrame({"text": TEXTS}),
    "dicts": lambda: [{"text": text} for text in TEXTS],
}
ROWS: dict[str, Callable[[], Any]] = {
    "tuples": lambda: PAIRS,
    "lists": lambda: [list(pair) for pair in PAIRS],
    "zip": lambda: zip(TEXTS, OTHERS, strict=True),
    "array": lambda: np.array(PAIRS),
    "frame": lambda: pandas().DataFrame(COLUMNS, index=[7, 8, 9]),
    "arrow table": lambda: arrow().table(COLUMNS),
    "arrow batch": lambda: arrow().RecordBatch.from_pydict(COLUMNS),
    "dataset": lambda: datasets().Dataset.from_dict(COLUMNS),
    "dict of lists": lambda: COLUMNS,
    "dicts": lambda: [{"anchor": anchor, "positive": positive} for anchor, positive in PAIRS],
}


@pytest.mark.parametrize("name", SENTENCES)
def test_what_holds_texts_is_a_column_of_sentences(name: str) -> None:
    rows = open_rows(SENTENCES[name]())
    assert list(rows.texts()) == list(rows.texts()) == [(text,) for text in TEXTS]


@pytest.mark.parametrize("name", ROWS)
def test_what_holds_rows_has_columns_in_their_roles(name: str) -> None:
    rows = open_rows(ROWS[name]())
    assert rows.columns == ("anchor", "positive")
    assert list(rows.texts()) == list(rows.texts()) == PAIRS
    assert rows.digest() == open_rows(ROWS[name]()).digest()


def test_columns_are_chosen_by_name() -> None:
    frame = pandas().DataFrame({"id": [1, 2, 3], **COLUMNS})
    assert list(open_rows(frame, columns=["positive", "anchor"]).texts()) == [pair[::-1] for pair in PAIRS]


@pytest.mark.parametrize("kind", [float, int, np.float64, np.float32, np.int64])
def test_a_score_may_be_a_number_of_any_library(kind: Any) -> None:
    rows = open_rows([(*pair, kind(2)) for pair in PAIRS])
    assert list(rows.scored()) == [(*pair, 2.0) for pair in PAIRS]


def test_the_fields_of_dicts_are_the_union_and_a_missing_one_is_named() -> None:
    rows = open_rows([{"text": "a man"}, {"text": "a dog", "source": "web"}, {"source": "web"}], columns=["text"])
    with pytest.raises(DataError, match="row 3, column 'text': null where text is needed"):
        list(rows.texts())
    assert rows.ignored == ("source",)


@pytest.mark.parametrize(
    ("make", "line"),
    [
        (lambda: {"a man"}, "data is a set, which has no order"),
        (lambda: {"q": "a man"}, "data is a dict, whose keys would be read: pass list"),
        (lambda: b"a man", "data is bytes"),
        (lambda: np.array("a man"), "data is an array without a dimension"),
        (lambda: np.array([[["a"]]]), "data is an array of 3 dimensions: texts have 1, rows of texts have 2"),
        (
            lambda: datasets().DatasetDict(train=datasets().Dataset.from_dict(COLUMNS)),
            r"has splits \(train\): pass one",
        ),
        (lambda: datasets().Dataset.from_dict(COLUMNS).to_iterable_dataset(), "data is a streamed dataset"),
    ],
)
def test_what_is_no_data_is_refused(make: Callable[[], Any], line: str) -> None:
    with pytest.raises(ArgumentError, match=line):
        gathered(make())


def test_columns_that_are_no_columns_are_refused() -> None:
    with pytest.raises(DataError, match="data: the columns of a DataFrame cannot be read: "):
        gathered(pandas().DataFrame({"text": ["a", 7, ("b",)]}))
    with pytest.raises(DataError, match="data: the columns of a dict cannot be read: "):
        gathered({"anchor": ["a", "b"], "positive": ["c"]})


def test_the_names_of_files_are_no_texts(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a man\n")
    with pytest.raises(ArgumentError, match=r"data holds the names of files: pass them as paths, \[pathlib\.Path\('"):
        open_rows([str(tmp_path / "a.txt")])
    assert list(open_rows([str(tmp_path / "a.txt"), "a man"]).texts())[1] == ("a man",)


def test_a_text_longer_than_the_name_of_a_file_can_be_is_a_text():
    assert list(open_rows(["a long text " * 1000]).texts()) == [("a long text " * 1000,)]
