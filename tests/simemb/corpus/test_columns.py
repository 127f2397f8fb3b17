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
    row = "\t".join("a cat" for _ in header.split())
    rows = open_rows(write(tmp_path, "a.tsv", header.replace(" ", "\t") + f"\n{row}\n"))
    assert (rows.columns, rows.score, rows.ignored) == (columns, score, ignored)


def test_the_only_column_of_text_is_taken_with_a_notice(tmp_path: Path, caplog):
    with caplog.at_level(logging.WARNING, "simemb"):
        rows = open_rows(write(tmp_path, "a.csv", ",guid,texte,score\n0,x17,a man eats,1\n1,y18,the dog runs,2\n"))
    assert (rows.columns, rows.score, rows.ignored) == (("texte",), "score", ("", "guid"))
    assert "'texte' is the only one with text" in caplog.text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("left,right\na man eats,he eats it\n", r"left \('a man eats'\), right .*--columns left right; --no-header"),
        ("guid,number\n17,18\n", r"not certain \(it has: guid \('17'\), number \('18'\)\)"),
        ("cat\ndog\nfish\n", "not certain .*--columns cat; --no-header if the first line is data"),
        ("a man eats\na dog\n", r"first line looks like data \('a man eats'\).*--no-header reads it as a row"),
        ("2,a cat\n3,a dog\n", "first line looks like data .'2'.*--no-header"),
        ("sentence1;sentence2\na;b\n", "every line is cut by ';', .*: --delimiter ';' reads"),
        ("a man eats\the eats it\n", "every line is cut by tab, .*: --delimiter tab --no-header reads"),
    ],
)
def test_what_is_not_certain_is_refused_with_the_options_to_type(tmp_path: Path, content: str, message: str):
    with pytest.raises(DataError, match=message) as caught:
        open_rows(write(tmp_path, "a.csv", content))
    assert "\n" not in str(caught.value)


def test_a_table_between_tabs_is_no_text_file(tmp_path: Path):
    path = write(tmp_path, "snli.txt", 'gold_label\tsentence1\tsentence2\nneutral\t"a\tb\n')
    with pytest.raises(DataError, match="--delimiter tab reads them as columns; --columns sentence reads whole lines"):
        open_rows(path)
    assert list(open_rows(path, delimiter="tab").texts()) == [('"a', "b")]
    assert len(list(open_rows(path, columns=["sentence"]).texts())) == 2


def test_the_options_read_what_the_ending_does_not_say(tmp_path: Path):
    path = write(tmp_path, "a.csv", "a man eats;3\na dog;1\n")
    rows = open_rows(path, delimiter=";", header=False)
    assert (rows.columns, rows.ignored, list(rows.texts())) == (
        ("column1",),
        ("column2",),
        [("a man eats",), ("a dog",)],
    )
    for bad in ("", ";;", '"'):
        with pytest.raises(DataError, match="is not one character"):
            open_rows(path, delimiter=bad)
    with pytest.raises(DataError, match="leave out --delimiter and --no-header"):
        open_rows(write(tmp_path, "a.jsonl", '{"text": "a"}'), header=False)


def test_sts_benchmark_is_read_as_it_is_downloaded(tmp_path: Path):
    line = 'main-captions\tMSRvid\t2012test\t0001\t5.000\tA "plane, off.\tA jet.'
    rows = open_rows(write(tmp_path, "sts-dev.csv", f"{line}\n{line}\tlicense\tsource\n"))
    assert list(rows.scored()) == [('A "plane, off.', "A jet.", 5.0)] * 2


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
        (["score"], "column score holds scores or labels by its name, not texts: name a column of texts, or rename"),
    ],
)
def test_wrongly_named_columns_are_refused(tmp_path: Path, columns: list[str], message: str):
    with pytest.raises(DataError, match=message):
        open_rows(write(tmp_path, "a.csv", "text,title,score\na,b,1\n"), columns=columns)
