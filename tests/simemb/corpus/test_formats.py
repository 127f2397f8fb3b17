"""How each file format is read, and one line for everything that can be wrong with a file."""

import gzip
import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from simemb.corpus.rows import open_rows
from simemb.errors import DataError


def write(folder: Path, name: str, content: str | bytes) -> str:
    data = content.encode() if isinstance(content, str) else content
    path = folder / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return str(path)


def parquet(folder: Path, columns: dict[str, object], name: str = "a.parquet") -> str:
    path = folder / name
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return str(path)


def test_only_line_feeds_end_a_line(tmp_path: Path):
    odd = "a\u2028b\x0bc\x85d\x1ce\rf"
    assert list(open_rows(write(tmp_path, "a.txt", f"{odd}\r\n{odd}\n")).texts()) == [(odd,), (odd,)]
    table = open_rows(write(tmp_path, "a.tsv", f"text\n{odd}\n"))
    assert list(table.texts()) == [(odd,)]
    quoted = open_rows(write(tmp_path, "a.csv", f'text,source\n"{odd}\nnext line",x\nlast,y\n'))
    assert list(quoted.texts()) == [(f"{odd}\nnext line",), ("last",)]
    lines = open_rows(write(tmp_path, "a.jsonl", json.dumps({"text": odd}, ensure_ascii=False)))
    assert list(lines.texts()) == [(odd,)]


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.tsv", "a.jsonl"])
def test_a_byte_order_mark_is_dropped(tmp_path: Path, name: str):
    content = '{"text": "ä"}\n' if name == "a.jsonl" else "ä\n" if name == "a.txt" else "text\nä\n"
    rows = open_rows(write(tmp_path, name, b"\xef\xbb\xbf" + content.encode()))
    assert list(rows.texts()) == [("ä",)]


def test_quotes_are_literal_in_tsv_and_empty_texts_are_kept(tmp_path: Path):
    rows = open_rows(write(tmp_path, "a.tsv", 'text1\ttext2\n"open\tsay "hi"\n\t\n'))
    assert list(rows.texts()) == [('"open', 'say "hi"'), ("", "")]
    assert rows.skipped == 0


BAD_FILES = [
    ("empty.txt", "", "empty.txt has no rows"),
    ("blank.txt", "\n \n", "blank.txt has no rows"),
    ("empty.csv", "", "empty.csv is empty: it needs a header line and rows"),
    ("header.tsv", "text\n", "header.tsv has no rows"),
    ("empty.jsonl", "\n", "empty.jsonl is empty: it needs one JSON object a line"),
    ("empty.parquet", "", "empty.parquet is not a whole parquet file"),
    (
        "a.docx",
        "text",
        r"a.docx has .docx: allowed are .txt .csv .tsv .jsonl .parquet, and .gz after all but",
    ),
    ("README", "text", "README has no ending: allowed are"),
    ("a.parquet.gz", "text", "a.parquet.gz has .parquet.gz: allowed are"),
    ("a.txt", b"fine\ncaf\xe9\n", "a.txt, line 2, byte 4: 0xe9 is not UTF-8; save the file as UTF-8"),
    ("a.tsv", "text\na\nb\0c\n", "a.tsv, line 3, byte 2: a NUL byte"),
    ("a.csv", "s1,s2\na,b\n\na\n", r"a.csv, line 4 has 1 column, the header has 2 \(s1, s2\)"),
    ("a.tsv", "text\na\tb\n", r"a.tsv, line 2 has 2 columns, the header has 1 \(text\)"),
    ("a.csv", 'text\n"one\ntwo"\n"open\n', "a.csv, line 4 is not valid CSV .*unexpected end of data"),
    ("a.csv", 'text\n"a"b\n', "a.csv, line 2 is not valid CSV .*is a quote not closed or not doubled?"),
    ("a.csv", "text\na\rb\n", "a.csv, line 2 is not valid CSV .*new-line character"),
    ("a.tsv", "text\ttext\na\tb\n", r"a.tsv: column 'text' occurs twice \(text, text\)"),
    ("a.tsv", "text\tquery\na\tb\n", "a.tsv: text, query could each be the anchor: keep one"),
    (
        "a.tsv",
        "sent1\tsent2\na\tb\n",
        r"sent1, sent2 found, but no anchor \(it has: sent1 \('a'\), sent2 \('b'\)\); choose",
    ),
    ("a.tsv", "score\tlabel\ttext\n1\t1\ta\n", "score, label could each be the score: keep one"),
    ("a.tsv", "a\tb\tc\td\n1\t1\t1\t1\n", r"which columns are the texts is not certain \(it has: a \('1'\), b \('1'\)"),
    ("a.jsonl", '{"id": 3}\n', r"which columns are the texts is not certain \(it has: id \(3\)\)"),
    ("a.jsonl", '{"text": "a"}\n{"text": a}\n', "a.jsonl, line 2, column 10: not valid JSON"),
    ("a.jsonl", '{"text": "a"}\n["a"]\n', r"a.jsonl, line 2 is a list, not an object like \{\.\.\.\}"),
    ("a.jsonl", '{"text": "a"}\n7\n', "a.jsonl, line 2 is the number 7, not an object"),
    ("a.jsonl", '{"text": "a"}\n{"txt": "a"}\n', "a.jsonl, line 2, column 'text': nothing where text is needed"),
    ("a.jsonl", '{"text": "a"}\n{"text": null}\n', "line 2, column 'text': null where text is needed"),
    ("a.jsonl", '{"text": "a"}\n{"text": 5}\n', "line 2, column 'text': the number 5 where text is needed"),
    ("a.jsonl", '{"text": "a \\ud83d b"}\n', r"line 1, column 'text': a lone surrogate in 'a \\ud83d b'"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD_FILES)
def test_a_bad_file_is_one_line_that_says_where(tmp_path: Path, name: str, content: str | bytes, message: str):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(DataError, match=message) as caught:
        list(open_rows(path).texts())
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


BAD_GZIP = [
    (gzip.compress(b"sentence\n" * 10_000)[:-20], "in the middle of its gzip data: an interrupted download"),
    (b"plain text\n", "a.txt.gz is not valid gzip .*fetch it again or rename it"),
    (gzip.compress(b"sentence\n", mtime=0)[:-8] + b"checksum", "a.txt.gz is not valid gzip .CRC check failed"),
    (gzip.compress(b"sentence\n", mtime=0)[:10] + b"\xff" * 40, "a.txt.gz is not valid gzip .*invalid block type"),
]


@pytest.mark.parametrize(("content", "message"), BAD_GZIP)
def test_a_bad_gzip_file_is_one_line(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(open_rows(path).texts())


def test_a_parquet_file_cut_short_or_without_rows_is_refused(tmp_path: Path):
    path = Path(parquet(tmp_path, {"text": ["a"] * 1000}))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="is not a whole parquet file"):
        open_rows(path)
    with pytest.raises(DataError, match=r"b.parquet has no rows"):
        open_rows(parquet(tmp_path, {"text": pyarrow.array([], pyarrow.string())}, "b.parquet"))
    with pytest.raises(DataError, match=r"c.parquet, row 2, column 'text': null where text is needed"):
        list(open_rows(parquet(tmp_path, {"text": ["a", None]}, "c.parquet")).texts())


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "\ufeffsep=;"])
def test_the_line_of_excel_that_names_the_delimiter_is_obeyed(tmp_path: Path, first: str):
    rows = open_rows(write(tmp_path, "a.csv", f"{first}\r\nid;text\r\n1;a, b\r\n2;\r\n"))
    assert list(rows.texts()) == [("a, b",), ("",)]
    with pytest.raises(DataError, match=r"a.csv, line 3 has 1 column, the header has 2 \(id, text\)"):
        list(open_rows(write(tmp_path, "a.csv", f"{first}\nid;text\na\n")).texts())


def test_blanks_around_names_of_columns_do_not_count(tmp_path: Path):
    rows = open_rows(write(tmp_path, "a.csv", " Sentence1 , sentence2,Score \na,b,1\n"))
    assert list(rows.scored()) == [("a", "b", 1.0)]
