"""When quotes around the cells of a .tsv are not text."""

import csv
import logging
from pathlib import Path

import pandas
import pytest

from simemb.corpus.quoting import is_quoted
from simemb.corpus.rows import open_rows
from simemb.errors import DataError

TEXTS = ['He said "no".', "one\n\ntwo", "left\tright", "plain"]


@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
@pytest.mark.parametrize("header", [True, False])
def test_what_pandas_writes_is_read_again(
    quoting: int, header: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.tsv"
    frame = pandas.DataFrame({"id": [1, 2, 3, 4], "text": TEXTS})
    frame.to_csv(path, sep="\t", index=False, header=header, quoting=quoting)  # pyright: ignore[reportArgumentType]
    with caplog.at_level(logging.WARNING, "simemb"):
        rows = open_rows(path, columns=["text" if header else "column2"], header=header)
    assert [text for (text,) in rows.texts()] == TEXTS
    assert "quoted as in RFC 4180" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        'text\tscore\n"Yes"\t1\n"No"\t2\n',  # the header has no quotes
        'text\n"He said ""no""."\nsay "hi"\n',  # a quote within a cell that has none around it
        'text\n"He said ""no""."\n"open\n',  # one that is never closed
        'text\n"it""s closed"\n',  # as in answers-students of STS15
        'text\n"it isn""t on A""s path"\n',
        'text\n""\n""twice""\n',
    ],
)
def test_quotes_that_may_be_text_are(content: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(content)
    rows = [line.split("\t")[0] for line in content.splitlines()[1:]]
    assert [text for (text,) in open_rows(path, columns=["text"]).texts()] == rows


def test_a_quote_that_is_not_closed_under_a_quoted_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('"id"\t"text"\n1\t"one"\n2\t"two\n')
    with pytest.raises(DataError, match=r"a\.tsv, line 3 is not valid CSV"):
        list(open_rows(path).texts())


def test_the_data_sets_of_sts_keep_their_quotes(shared_data: Path) -> None:
    files = sorted((shared_data / "sts").rglob("*.tsv"))
    assert files
    assert not [file for file in files for header in (True, False) if is_quoted(file, file.name, header=header)]


def test_millions_of_blank_lines_are_passed_over(tmp_path: Path) -> None:
    """Each is looked at once; to look at all before it, every time, would take hours."""
    path = tmp_path / "blank.tsv"
    path.write_text("\n" * 2_000_000 + '"a"\t"says ""no"""\n', encoding="utf-8")
    assert is_quoted(path, "blank.tsv", header=False)
