"""Rows with several positives or negatives, and several data in one."""

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from simemb.corpus.rows import open_rows
from simemb.errors import DataError

EXPANDED = [("q", "p", "m"), ("q", "p", "n"), ("r", "s", "o"), ("r", "t", "o")]
OBJECTS = [{"query": "q", "pos": ["p"], "neg": ["m", "n"]}, {"query": "r", "pos": ["s", "t"], "neg": ["o"]}]


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_each_text_of_a_list_makes_a_row(tmp_path: Path):
    rows = open_rows(write(tmp_path, "a.jsonl", "\n".join(map(json.dumps, OBJECTS))))
    assert (rows.columns, list(rows.texts())) == (("query", "pos", "neg"), EXPANDED)
    assert list(rows.narrowed(1).texts()) == [("q",), ("r",)]
    assert rows.narrowed(2).ignored == ("neg",)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(OBJECTS), tmp_path / "a.parquet")
    assert list(open_rows(tmp_path / "a.parquet").texts()) == EXPANDED
    assert list(open_rows(tmp_path / "a.parquet", columns=rows.columns).texts()) == EXPANDED


def test_numbered_columns_are_one_role(tmp_path: Path):
    path = write(tmp_path, "a.csv", "anchor,positive,negative_1,negative_2\nq,p,m,n\nr,s,o,\n")
    rows = open_rows(path)
    assert (rows.columns, rows.ignored) == (("anchor", "positive", "negative"), ())
    assert list(rows.texts()) == EXPANDED[:3]
    assert list(open_rows([("q", "p", "m", "n")]).texts()) == EXPANDED[:2]


def test_a_row_without_a_negative_is_named(tmp_path: Path):
    path = write(
        tmp_path, "a.jsonl", '{"query": "q", "pos": ["p"], "neg": ["n"]}\n{"query": "r", "pos": ["p"], "neg": []}'
    )
    with pytest.raises(DataError, match=r"a.jsonl, line 2 has no neg"):
        list(open_rows(path).texts())


@pytest.mark.parametrize(
    "first", ['{"anchor": "a", "positive": "b"}', '{"anchor": "a", "positive": "b", "negative": null}']
)
def test_the_first_object_does_not_speak_for_the_others(tmp_path: Path, first: str):
    rows = open_rows(write(tmp_path, "a.jsonl", first + '\n{"anchor": "a", "positive": "b", "negative": "c"}\n'))
    assert rows.columns == ("anchor", "positive", "negative")
    with pytest.raises(DataError, match=r"line 1, column 'negative': .*1 of 2 records have no negative"):
        list(rows.texts())


def test_several_data_are_read_one_after_the_other(tmp_path: Path):
    first, second = (
        write(tmp_path, "a.csv", "text,x\none,1\ntwo,2\n"),
        write(tmp_path, "b.jsonl", '{"text": "three"}\n5'),
    )
    rows = open_rows([first, write(tmp_path, "c.jsonl", '{"text": "three"}\n')])
    assert list(rows.texts()) == list(rows.texts()) == [("one",), ("two",), ("three",)]
    assert rows.ignored == ("x",)
    assert rows.digest() not in (open_rows(first).digest(), open_rows([tmp_path / "c.jsonl", first]).digest())
    with pytest.raises(DataError, match=r"b.jsonl, line 2 is the number 5"):
        open_rows([first, second])
    with pytest.raises(DataError, match=r"d.jsonl, line 2, column 'text': null"):
        list(open_rows([first, write(tmp_path, "d.jsonl", '{"text": "x"}\n{"text": null}\n')]).texts())
    with pytest.raises(DataError, match=r"the same columns: .*a.csv has text, .*e.txt has sentence"):
        open_rows([first, write(tmp_path, "e.txt", "one\n")])
