"""Documents keep their place, their id and their title."""

import json
import logging
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest

from simemb.corpus.documents import Document, open_documents
from simemb.corpus.rows import open_rows
from simemb.errors import DataError


def write(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf-8")
    return path


def jsonl(folder: Path, *records: dict[str, Any]) -> Path:
    return write(folder / "corpus.jsonl", "".join(json.dumps(record) + "\n" for record in records))


def texts(path: Path, **columns: str) -> list[str]:
    return list(open_documents(path, **columns).texts())


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.txt", "one\n\n \nfour\n"), ("a.tsv", "text\none\n\n \nfour\n"), ("a.csv", "text\none\n\n \nfour\n")],
)
def test_a_blank_line_is_a_document_and_a_notice_names_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, content: str
):
    documents = open_documents(write(tmp_path / name, content))
    assert [text.strip() for text in documents.texts()] == ["one", "", "", "four"]
    header = not name.endswith("txt")
    assert f"2 texts are blank and have the vector of an empty text: lines {2 + header}, {3 + header}" in caplog.text
    caplog.clear()
    assert len(list(documents)) == 4
    assert not caplog.text, "said once"


def test_blank_lines_at_the_end_are_no_documents_and_are_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    assert texts(write(tmp_path / "a.txt", "one\ntwo\n")) == ["one", "two"]
    assert not caplog.text
    assert texts(write(tmp_path / "a.txt", "one\ntwo\n\n\n")) == ["one", "two"]
    assert "blank lines at the end are left out: 2" in caplog.text


def test_rows_leave_blank_lines_out_and_say_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    rows = open_rows(write(tmp_path / "a.tsv", "text\tpositive\na\tb\n\nc\t\n\n"))
    assert list(rows.texts()) == [("a", "b"), ("c", "")]
    assert "2 blank lines are left out: lines 3, 5" in caplog.text
    assert "1 record has an empty cell: line 4" in caplog.text
    caplog.clear()
    list(rows.texts())
    assert not caplog.text


def test_ids_and_titles_are_read_as_in_beir(tmp_path: Path):
    records = [
        {"_id": 701, "title": "Cats", "text": " a cat sleeps ", "url": "x"},
        {"_id": "b", "title": "", "text": "a dog"},
        {"_id": "c", "text": "rain"},
        {"_id": "d", "title": None, "text": ""},
    ]
    documents = open_documents(jsonl(tmp_path, *records))
    assert list(documents) == [
        Document(1, "701", "Cats  a cat sleeps"),
        Document(2, "b", "a dog"),
        Document(3, "c", "rain"),
        Document(4, "d", ""),
    ]
    assert (documents.id, documents.title, documents.unused) == ("_id", "title", ("url",))
    words, ids = documents.streams()
    assert next(zip(ids or [], words, strict=True)) == ("701", "Cats  a cat sleeps")


def test_columns_may_be_named_or_left_out(tmp_path: Path):
    path = write(tmp_path / "a.csv", "ID,name,title,text\n1,x,T,one\n2,y,U,two\n")
    assert [(document.id, document.text) for document in open_documents(path)] == [("1", "T one"), ("2", "U two")]
    assert texts(path, column="text") == ["one", "two"]
    assert texts(path, titles="none") == ["one", "two"]
    assert texts(path, column="title") == ["T", "U"]
    named = open_documents(path, ids="NAME", titles="id")
    assert [(document.id, document.text) for document in named] == [("x", "1 one"), ("y", "2 two")]
    assert open_documents(path, ids="none").id is None
    with pytest.raises(DataError, match="unknown column 'nme': did you mean 'name'"):
        open_documents(path, ids="nme")


def test_ids_of_parquet_may_be_whole_numbers(tmp_path: Path):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pa.table({"id": [1.0, 2.0], "text": ["one", "two"]}), path)
    assert [document.id for document in open_documents(path)] == ["1", "2"]


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (
            [{"_id": "a", "text": "x"}, {"_id": "b", "text": "y"}, {"_id": "a", "text": "z"}],
            "line 3: the id 'a' occurs",
        ),
        ([{"_id": "a", "text": "x"}, {"text": "y"}], "line 2, column '_id': nothing where an id is needed"),
        ([{"_id": "", "text": "x"}], "line 1, column '_id': nothing where an id is needed"),
        ([{"_id": None, "text": "x"}], "line 1, column '_id': null where an id is needed"),
        ([{"_id": "a", "text": "x", "title": "t"}, {"_id": "b", "title": 5, "text": "y"}], "'title': the number 5"),
        ([{"_id": "a", "text": "x"}, {"_id": "b"}], "line 2, column 'text': nothing where text is needed"),
    ],
)
def test_what_has_no_id_or_no_text_is_named_by_line(tmp_path: Path, records: list[dict[str, Any]], message: str):
    with pytest.raises(DataError, match=message):
        texts(jsonl(tmp_path, *records))


def test_a_blank_line_among_records_with_ids_is_refused(tmp_path: Path):
    path = write(tmp_path / "a.jsonl", '{"_id": "a", "text": "x"}\n\n{"_id": "b", "text": "y"}\n')
    with pytest.raises(DataError, match="line 2 is blank, and every record needs its '_id'"):
        texts(path)


def test_notices_are_warnings(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        texts(write(tmp_path / "a.txt", "one\n\ntwo\n"))
    assert "1 text is blank and has the vector of an empty text: line 2" in caplog.text


def test_an_id_with_half_a_surrogate_pair_is_refused(tmp_path: Path):
    path = jsonl(tmp_path, {"id": "d1", "text": "a"}, {"id": "d\ud83d", "text": "b"})
    message = r"corpus\.jsonl, line 2, column 'id': a lone surrogate in 'd\\ud83d'; --ids .* names another column"
    with pytest.raises(DataError, match=message):
        texts(path)


def test_a_record_of_several_texts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": "a", "text": "A man."}\n{"id": "b", "text": ["B man.", "C man."]}\n')
    with pytest.raises(DataError, match=r"a record may hold several texts \(text\), and one is needed: --column"):
        open_documents(path)


def test_the_advice_names_one_column(tmp_path: Path):
    path = write(tmp_path / "a.csv", "left,right,label\na cat,a dog,1\n")
    with pytest.raises(DataError, match="choose one: --column left") as caught:
        open_documents(path)
    assert "--columns" not in str(caught.value)
    with pytest.raises(DataError, match="choose one: column='left'"):
        open_documents({"left": ["a cat"], "right": ["a dog"]})
    with pytest.raises(DataError, match="column label holds scores or labels by its name, not texts"):
        open_documents(path, column="label")


def test_lists_that_are_not_read_may_be_empty(tmp_path: Path):
    path = jsonl(tmp_path, {"query": "a", "pos": ["b"], "neg": []}, {"query": "c", "pos": ["d"], "neg": ["e"]})
    assert texts(path) == ["a", "c"]
