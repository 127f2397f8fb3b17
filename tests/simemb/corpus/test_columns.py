"""Which columns of a file are the texts, which one is the score, and which are left over."""

import logging
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from simemb.corpus.rows import open_rows
from simemb.errors import DataError


def write(folder: Path, name: str, content: str) -> str:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return str(path)


def parquet(folder: Path, columns: dict[str, object], name: str = "a.parquet") -> str:
    path = folder / name
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return str(path)


@pytest.mark.parametrize(
    ("header", "columns", "score", "ignored"),
    [
        ("anchor positive negative source", ("anchor", "positive", "negative"), None, ("source",)),
        ("hard_neg sent1 sent0", ("sent0", "sent1", "hard_neg"), None, ()),
        ("sent0 sent1 sent2", ("sent0", "sent1", "sent2"), None, ()),
        ("Premise HYPOTHESIS Label", ("Premise", "HYPOTHESIS"), "Label", ()),
        ("pair_ID sentence_A sentence_B relatedness_score", ("sentence_A", "sentence_B"), "relatedness_score",
         ("pair_ID",)),
        ("score sentence1 sentence2", ("sentence1", "sentence2"), "score", ()),
        ("source text", ("text",), None, ("source",)),
        ("question answer", ("question", "answer"), None, ()),
    ],
)  # fmt: skip
def test_recognized_names_fill_the_roles(tmp_path: Path, header, columns, score, ignored):
    row = "\t".join("1" for _ in header.split())
    rows = open_rows(write(tmp_path, "a.tsv", header.replace(" ", "\t") + f"\n{row}\n"))
    assert (rows.columns, rows.score, rows.ignored) == (columns, score, ignored)


def test_unrecognized_names_are_taken_in_order_with_a_notice(tmp_path: Path, caplog):
    with caplog.at_level(logging.WARNING, "simemb"):
        rows = open_rows(write(tmp_path, "a.csv", "left,score,right\na,1,b\n"))
    assert (rows.columns, rows.score) == (("left", "right"), "score")
    assert "'left' as anchor, 'right' as positive" in caplog.text


def test_named_columns_win_in_any_case_and_may_hold_the_score(tmp_path: Path):
    path = write(tmp_path, "a.csv", "Score,b,A,gold\n1,x,y,2\n")
    assert list(open_rows(path, columns=["a", "B"]).scored()) == [("y", "x", 1.0)]
    assert list(open_rows(path, columns=["b", "A", "score"]).scored()) == [("x", "y", 1.0)]
    assert list(open_rows(path, columns=["b", "A"], score="gold").scored()) == [("x", "y", 2.0)]


def test_columns_that_hold_no_text_are_never_texts(tmp_path: Path):
    content = {"id": [1, 2], "words": [["a"], ["b"]], "title": ["t", "u"]}
    rows = open_rows(parquet(tmp_path, content))
    assert (rows.columns, rows.ignored) == (("title",), ("id", "words"))
    coded = pyarrow.array(["t", "t"]).dictionary_encode()
    rows = open_rows(parquet(tmp_path, {"text": coded}, "b.parquet"))
    assert list(rows.texts()) == [("t",), ("t",)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["txt"], r"unknown column 'txt': did you mean 'text'\? \(allowed: text, title, score\)"),
        (["text", "text"], "columns text, text: give 1 to 3 different text columns"),
        ([], "columns none: give 1 to 3 different text columns"),
        (["score"], "columns score: give 1 to 3"),
    ],
)
def test_wrongly_named_columns_are_refused(tmp_path: Path, columns: list[str], message: str):
    with pytest.raises(DataError, match=message):
        open_rows(write(tmp_path, "a.csv", "text,title,score\na,b,1\n"), columns=columns)
